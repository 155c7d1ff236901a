"""Section 2: addresses, authentication, requests, statuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.hands import V2, A, make, refused, send
from tests.web.conftest import GOOD, Caller

CALLS = ("record/", "v1/record/", "v2/record/", "v3/record/")


@pytest.mark.parametrize("prefix", ["/classification", "/variantclassification"])
@pytest.mark.parametrize("path", CALLS)
def test_2_the_record_call_is_served_under_both_prefixes_and_all_versions(ann: Caller, prefix: str, path: str) -> None:
    address = f"{prefix}/api/classifications/{path}"
    made = ann.post(address, {"id": A, "upsert": GOOD})
    by_url = ann.post(f"{address}{A}", {"patch": {}})
    shown = ann.get(f"{address}{A}")

    assert [answer.status_code for answer in (made, by_url, shown)] == [200, 200, 200]
    nested = path[:2] in ("v2", "v3")
    assert [("meta" in answer.json) for answer in (made, by_url, shown)] == [nested] * 3


def test_2_the_evidence_key_list_is_served(ann: Caller) -> None:
    assert len(ann.get("/classification/api/evidence_keys").json) == 330


@pytest.mark.parametrize("name", ["{rid}", "{rid}.{version}", A, A + ".{version}"])
def test_2_a_url_id_may_have_the_labs_path_and_a_version(ann: Caller, name: str) -> None:
    meta = make(ann)["meta"]
    answer = ann.get(V2 + "record/" + name.format(rid=meta["id"], version=f"{meta['version']:.6f}"))
    assert (answer.status_code, answer.json["meta"]["id"]) == (200, meta["id"])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_2_1_a_login_is_needed_but_for_the_key_list(ann: Caller, method: str) -> None:
    assert ann.client.open(f"{V2}record/{A}", method=method).status_code == 401
    assert ann.client.open("/classification/api/evidence_keys").status_code == 200


def test_2_1_the_authenticated_user_owns_what_the_api_makes(ann: Caller) -> None:
    assert make(ann, return_data=True)["data"]["owner"]["value"] == "ann"


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b'"text"', b"7"])
def test_2_2_a_body_that_is_no_json_object_or_list_is_400(ann: Caller, body: bytes) -> None:
    answer = ann.open(V2 + "record/", method="POST", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json["internal_error"]


@pytest.mark.parametrize(
    "operation",
    [
        {"create": GOOD},
        {"upsert": GOOD},
        {"patch": {}},
        {"delete": True},
        {"delete": "withdraw"},
        {"patch": {"zygosity": None}, "publish": "logged_in_users"},
    ],
)
def test_2_3_what_is_done_is_200_a_refused_publish_too(ann: Caller, operation: dict[str, Any]) -> None:
    if "create" not in operation:
        make(ann)
    send(ann, operation)


@pytest.mark.parametrize(
    ("operation", "name", "found"),
    [
        ({"create": GOOD}, A, (409, "already_exists")),
        ({"patch": {}}, "north/one/none", (404, "not_found")),
        ({"patch": {}}, 987654321, (404, "not_found")),
        ({"patch": {}}, "south/one/A", (403, "forbidden")),
        ({"patch": {}}, "no/lab/A", (404, "unknown_lab")),
        ({"patch": {}}, None, (400, "invalid_id")),
        ({"patch": {}}, A + ".1557189685.485863", (400, "read_only_version")),
        ({"patch": {}, "upsert": {}}, A, (400, "ambiguous_operation")),
        ({"publish": "everybody"}, A, (400, "invalid_publish")),
        ({"source": "variantgrid"}, A, (400, "invalid_source")),
        ({"patch": 7}, A, (400, "invalid_operation")),
    ],
)
def test_2_3_a_rule_violation_is_4xx_with_a_text(ann: Caller, operation: dict[str, Any], name: Any, found: Any) -> None:
    make(ann)
    sent = operation if name is None else {"id": name, **operation}
    assert refused(ann, sent, None) == found


@pytest.mark.usefixtures("worker")
def test_2_3_a_list_is_200_with_any_mixture_of_outcomes(ann: Caller) -> None:
    body = [{"id": A, "create": GOOD}, {"id": A, "create": GOOD}, {"id": "south/one/x", "create": GOOD}]
    for sent in (body, {"records": body}):
        assert ann.post(V2 + "record/", sent).status_code == 200


@pytest.mark.parametrize(
    ("name", "status"),
    [("987654321", 404), ("north/one/none", 404), ("no/lab/A", 404), (A + ".1.5", 404), ("south/one/secret", 404)],
)
def test_2_3_what_there_is_not_for_the_reader_is_404(ann: Caller, cat: Caller, name: str, status: int) -> None:
    """What may not be read looks as if it were not there: 403 would tell that it is."""
    make(ann)
    make(cat, name="south/one/secret")
    assert ann.get(f"{V2}record/{name}").status_code == status
