"""Face 1 over HTTP: one operation, one record, the evidence keys."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import BULK, GOOD, RECORD, Caller, code_of, count, make

PREFIXES = ("/classification/api/classifications", "/variantclassification/api/classifications")
NAME = "north/one/r0"


def test_one_operation_is_carried_out_at_once_and_answered_with_the_record(ann: Caller) -> None:
    response = ann.post(RECORD, {"id": NAME, "upsert": GOOD, "publish": "institution", "return_data": "flat"})
    assert response.status_code == 200
    record = response.json
    assert (record["id"], record["publish"]) == (NAME, "institution")
    assert record["data"]["clinical_significance"] == "VUS"
    assert [message["code"] for message in record["patch_messages"]] == ["patched", "shared"]
    assert count("jobs") == 0


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(("version", "flat"), [("", True), ("/v1", True), ("/v2", False), ("/v3", False)])
def test_every_published_address_answers_in_its_layout(ann: Caller, prefix: str, version: str, flat: bool) -> None:
    address = f"{prefix}{version}/record/"
    [rid] = make(ann, 1)
    for response in (ann.post(address, {"id": NAME, "upsert": GOOD}), ann.get(address + NAME), ann.get(f"{address}{rid}")):
        assert response.status_code == 200
        record = response.json
        assert record["id"] == (rid if flat else NAME)
        assert ("meta" in record) is not flat
        assert record["publish_level" if flat else "publish"] == "lab"


def test_a_slash_less_is_no_other_address(ann: Caller) -> None:
    assert ann.post(RECORD.rstrip("/"), {"id": NAME, "create": {}}).status_code == 200


def test_the_id_may_be_in_the_address(ann: Caller) -> None:
    [rid] = make(ann, 1)
    for name in (NAME, rid):
        assert ann.post(f"{RECORD}{name}", {"patch": {"age": 7}}).json["id"] == NAME
    assert code_of(ann.post(f"{RECORD}{rid}", {"id": NAME, "patch": {}})) == (400, "ambiguous_id")


@pytest.mark.parametrize(
    ("operation", "status", "code"),
    [
        ({"id": NAME, "create": {}}, 409, "already_exists"),
        ({"id": "north/one/none", "patch": {}}, 404, "not_found"),
        ({"id": NAME, "patch": {}, "upsert": {}}, 400, "ambiguous_operation"),
        ({"id": "north/two/a", "create": {}}, 403, "forbidden"),
        ({"id": "no/lab/a", "create": {}}, 404, "unknown_lab"),
        ({"id": NAME, "publish": "world"}, 400, "invalid_publish"),
        ({"id": NAME, "patch": {}, "source": "variantgrid"}, 400, "invalid_source"),
        ({"id": NAME + ".1557189685.485863", "patch": {}}, 400, "read_only_version"),
        ({"id": NAME, "patch": {}, "if_version": 1.5}, 412, "version_conflict"),
        ({"upsert": {}}, 400, "invalid_id"),
        ({"id": None}, 400, "invalid_id"),
        ({"id": True, "patch": {}}, 400, "invalid_id"),
        ({"id": NAME, "patch": []}, 400, "invalid_operation"),
    ],
)
def test_a_rule_violation_is_a_problem_with_its_code(ann: Caller, operation: dict[str, Any], status: int, code: str) -> None:
    make(ann, 1)
    assert code_of(ann.post(RECORD, operation)) == (status, code)


def test_a_refusal_points_to_its_place(ann: Caller) -> None:
    make(ann, 1)
    response = ann.post(RECORD, {"id": NAME, "publish": "world"})
    assert response.json["errors"][0]["pointer"] == "/publish"


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "application/json", 400, "invalid_json"),
        (b"{", "application/json", 400, "invalid_json"),
        (b"null", "application/json", 400, "invalid_request"),
        (b"7", "application/json", 400, "invalid_request"),
        (b'{"id":1,"id":2}', "application/json", 400, "duplicate_key"),
        (b'{"id":"a\\u0000/b/c"}', "application/json", 400, "invalid_text"),
        (b'{"id":1,"patch":{"age":1e400}}', "application/json", 400, "invalid_number"),
        (b'{"records":null}', "application/json", 400, "invalid_request"),
        (b'{"records":[],"recrods":1}', "application/json", 400, "unknown_field"),
        (b'{"records":[],"status":"begun"}', "application/json", 400, "invalid_value"),
        (b'{"records":[{}],"tags":[""]}', "application/json", 400, "invalid_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", None, 415, "unsupported_media_type"),
        (b"id=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b'{"id":1}\n{"id":', "application/x-ndjson", 400, "invalid_json"),
    ],
)
def test_a_body_that_cannot_be_read_stores_nothing(ann: Caller, body: bytes, kind: str | None, status: int, code: str) -> None:
    response = ann.open(RECORD, method="POST", data=body, content_type=kind)
    assert code_of(response) == (status, code)
    assert count("jobs") == count("records") == 0


def test_minimal_answers_are_short(ann: Caller) -> None:
    response = ann.post(RECORD, {"id": NAME, "upsert": GOOD}, prefer="return=minimal")
    assert set(response.json) <= {"id", "status", "withdrawn"}
    assert response.headers["Preference-Applied"] == "return=minimal"


def test_reading_shows_nobody_what_is_not_theirs(ann: Caller, cat: Caller) -> None:
    rids = make(ann, 2)
    unknown = cat.get(f"{RECORD}{rids[1] + 1_000}")
    hidden = cat.get(f"{RECORD}{rids[0]}")
    assert (unknown.status_code, hidden.status_code) == (404, 404)
    assert unknown.json["detail"] == hidden.json["detail"]
    assert cat.post(BULK + "get", {"selection": rids}).json["result"]["records.size"] == 0
    ann.post(RECORD, {"id": rids[0], "publish": "logged_in_users"})
    assert cat.get(f"{RECORD}{rids[0]}").json["meta"]["can_write"] is False
    assert code_of(cat.post(RECORD, {"id": rids[0], "patch": {}})) == (403, "forbidden")


def test_a_version_is_read_as_it_was_and_never_written(ann: Caller) -> None:
    first = ann.post(RECORD, {"id": NAME, "create": {"age": 20}}).json
    ann.post(RECORD, {"id": NAME, "patch": {"age": 40}})
    title = f"{NAME}.{first['meta']['version']:.6f}"
    shown = ann.get(RECORD + title).json
    assert shown["data"]["age"]["value"] == "20-29"
    assert (shown["meta"]["title"], shown["meta"]["can_write"]) == (title, False)
    assert code_of(ann.post(RECORD + title, {"patch": {}})) == (400, "read_only_version")
    assert ann.get(RECORD + f"{NAME}.1.5").status_code == 404


@pytest.mark.parametrize(("data", "shape"), [("true", dict), ("flat", str), ("false", type(None))])
def test_evidence_comes_nested_flat_or_not_at_all(ann: Caller, data: str, shape: type) -> None:
    make(ann, 1)
    shown = ann.get(f"{RECORD}{NAME}?data={data}").json
    assert isinstance((shown.get("data") or {}).get("zygosity"), shape)
    assert ("data" in shown) is (data != "false")


@pytest.mark.parametrize("query", ["data=all", "config=yes", "x=1"])
def test_a_wrong_question_about_a_record_is_refused(ann: Caller, query: str) -> None:
    assert ann.get(f"{RECORD}1?{query}").status_code == 400


@pytest.mark.parametrize(
    "name", ["0", "-1", "99999999999999999999", "x", "a/b", "٣", "1.", "1.x", "a/b/c.d", "'", "north/one/'; --", "%2e"]
)
def test_an_id_of_nothing_is_refused_or_not_found(ann: Caller, name: str) -> None:
    assert ann.get(RECORD + name).status_code in (400, 404)


def test_any_record_id_that_is_stored_can_be_read_by_the_id_answered(ann: Caller) -> None:
    for name in ("../../etc/passwd", "a.b", "a/b", "100%", "%2E", "ü b", "=1+1", "'"):
        made = ann.post(RECORD, {"id": {"lab_id": "north/one", "lab_record_id": name}, "create": {}}).json
        assert made["meta"]["lab_record_id"] == name
        shown = ann.open(RECORD + made["id"].replace("%", "%25"))
        assert (shown.status_code, shown.json["meta"]["lab_record_id"]) == (200, name)


def test_the_evidence_keys_are_open_and_cacheable(client: FlaskClient) -> None:
    for prefix in ("/classification/api", "/variantclassification/api"):
        response = client.get(f"{prefix}/evidence_keys")
        assert (response.status_code, len(response.json)) == (200, 330)
        assert "public" in response.headers["Cache-Control"]
        again = client.get(f"{prefix}/evidence_keys", headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
