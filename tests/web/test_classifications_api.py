"""Face 1 over HTTP: one operation, many, a selection's; reading; preferences; repeats."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.db import driver, transaction
from models.settings import settings
from tests.web.conftest import BULK, GOOD, RECORD, Caller, upserts
from web import waiting
from web.idempotency import parse_key
from web.pace import Places
from web.waiting import Preferences

Work = Callable[[], None]
PREFIXES = ("/classification/api/classifications", "/variantclassification/api/classifications")
NAME = "north/one/r0"


def count(table: str) -> int:
    with transaction() as session:
        row = driver(session).execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(row[0]) if row else 0


def make(caller: Caller, number: int) -> list[int]:
    """Make records `north/one/r0` and so on; return their rids."""
    answers = [caller.post(RECORD, operation) for operation in upserts(number)]
    assert {response.status_code for response in answers} == {200}
    return [response.json["meta"]["id"] for response in answers]


def code_of(response: Any) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    assert response.json["internal_error"] == response.json["detail"]
    return response.status_code, response.json["code"]


# One operation


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


# Many operations


def test_few_operations_are_waited_for_and_answered_in_order(ann: Caller, worker: None) -> None:
    more = [{"id": "north/one/none", "patch": {"ps1": "NM"}}, {"id": NAME, "patch": {"age": 5}, "return_data": "changes"}]
    response = ann.post(RECORD, {"records": [*upserts(2), *more]})
    assert response.status_code == 200
    first, second, third, fourth = response.json["results"]
    assert (first["id"], second["id"]) == (NAME, "north/one/r1")
    assert (third["id"], third["status"], third["error"]["code"]) == ("north/one/none", "failed", "not_found")
    assert third["internal_error"] == third["error"]["detail"]
    assert set(fourth["data"]) == {"age"}
    assert ann.job(response.json["job.token"])["outcome"] == "partial"


def test_a_bare_array_is_a_list_of_operations(ann: Caller, worker: None) -> None:
    response = ann.post(RECORD, upserts(2))
    assert [entry["id"] for entry in response.json["results"]] == [NAME, "north/one/r1"]


def test_elements_follow_the_layout_of_the_address(ann: Caller, worker: None) -> None:
    response = ann.post(RECORD.replace("v2", "v1"), upserts(1))
    assert isinstance(response.json["results"][0]["id"], int)
    assert "meta" not in response.json["results"][0]


@pytest.mark.parametrize("body", [[], {"records": []}])
def test_an_empty_list_is_no_job(ann: Caller, body: Any) -> None:
    response = ann.post(RECORD, body)
    assert (response.status_code, response.json) == (200, {"results": []})
    assert count("jobs") == 0


def test_a_job_that_is_not_done_in_time_is_answered_with_its_token(ann: Caller) -> None:
    response = ann.post(RECORD, upserts(2), prefer="wait=1")
    assert response.status_code == 202
    token = response.json["result"]["job.token"]
    assert response.json == {"success": True, "result": {"job.token": token}, "data": {}}
    assert response.headers["Location"] == f"/api/jobs/{token}"
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["Preference-Applied"] == "wait=1"
    assert ann.job(token)["status"] == "queued"


def test_many_operations_are_answered_before_any_is_looked_at(ann: Caller) -> None:
    body = "\n".join(json.dumps(operation) for operation in upserts(500)).encode()
    response = ann.open(RECORD, method="POST", data=body, content_type="application/x-ndjson")
    assert response.status_code == 202
    assert ann.get(response.headers["Location"]).json["remaining"] == 500


def test_more_operations_are_waited_for_when_asked(ann: Caller, worker: None) -> None:
    response = ann.post(RECORD, upserts(30), prefer="wait=20, return=minimal")
    assert response.status_code == 200
    assert len(response.json["results"]) == 30
    assert response.headers["Preference-Applied"] == "wait=20, return=minimal"


def test_who_does_not_want_to_wait_does_not(ann: Caller, worker: None) -> None:
    response = ann.post(RECORD, upserts(1), prefer="respond-async")
    assert (response.status_code, response.headers["Preference-Applied"]) == (202, "respond-async")


def test_a_wait_finds_no_place_when_too_many_wait(app: Flask, ann: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places(1)
    assert places.take()
    monkeypatch.setitem(app.extensions, waiting.WAITERS, places)
    assert ann.post(RECORD, upserts(1)).status_code == 202


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Preferences()),
        ("wait=5", Preferences(5)),
        ("respond-async, wait=5; x=1, return=minimal", Preferences(5, asynchronous=True, minimal=True)),
        ('WAIT="7"', Preferences(7)),
        ("wait=-1", Preferences()),
        ("wait=٣", Preferences()),
        ("wait=²", Preferences()),
        ("wait=99999999999", Preferences()),
        ("wait=3, wait=9", Preferences(3)),
        ("return=representation, handling=strict", Preferences()),
    ],
)
def test_preferences_are_read_and_what_is_none_is_ignored(app: Flask, header: str, expected: Preferences) -> None:
    with app.test_request_context(environ_overrides={"HTTP_PREFER": header}):
        assert waiting.preferences() == expected


def test_no_wait_is_longer_than_the_limit() -> None:
    assert Preferences(1_000).seconds(1) == settings().limits.wait_seconds


# Repeats


def test_a_repeat_with_the_same_key_is_answered_with_the_same_job(ann: Caller) -> None:
    first = ann.post(RECORD, upserts(2), prefer="respond-async", idempotency_key='"k-1"')
    again = ann.post(RECORD, upserts(2), prefer="respond-async", idempotency_key="k-1")
    assert first.json == again.json
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert count("jobs") == 1


def test_a_key_used_with_another_body_is_refused(ann: Caller) -> None:
    ann.post(RECORD, upserts(2), prefer="respond-async", idempotency_key="k-1")
    assert code_of(ann.post(RECORD, upserts(3), idempotency_key="k-1")) == (422, "idempotency_key_reused")
    assert count("jobs") == 1


def test_a_key_counts_for_one_user_and_one_address(ann: Caller, cat: Caller) -> None:
    ann.post(RECORD, upserts(2), prefer="respond-async", idempotency_key="k-1")
    cat.post(RECORD, upserts(2), prefer="respond-async", idempotency_key="k-1")
    ann.post(RECORD.replace("v2", "v3"), upserts(3), prefer="respond-async", idempotency_key="k-1")
    assert count("jobs") == 3


def test_many_at_once_with_one_key_make_one_job(app: Flask, ann: Caller) -> None:
    answers: list[tuple[int, Any]] = []

    def submit() -> None:
        response = Caller(app.test_client(), "ann").post(RECORD, upserts(2), prefer="respond-async", idempotency_key="k-1")
        answers.append((response.status_code, response.json.get("result")))

    threads = [threading.Thread(target=submit) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count("jobs") == 1
    assert {status for status, _ in answers} <= {202, 409}
    assert len({result["job.token"] for status, result in answers if status == 202}) == 1


@pytest.mark.parametrize("key", ["", " ", '""', "x" * 300, '"a', 'a"b', "a\tb", "é", "a b", '"\x7f"', "a,b", '"a\\x"', ";"])
@pytest.mark.parametrize("body", [upserts(1), upserts(1)[0]])
def test_what_is_no_idempotency_key_is_refused(ann: Caller, key: str, body: Any) -> None:
    environ = {"HTTP_IDEMPOTENCY_KEY": key}
    response = ann.open(RECORD, method="POST", json=body, environ_overrides=environ)
    assert code_of(response) == (400, "invalid_idempotency_key")
    assert count("jobs") == count("records") == 0


def test_quoted_and_bare_keys_are_the_same() -> None:
    key = str(uuid.uuid4())
    assert parse_key(f'"{key}"') == parse_key(key) == key
    assert parse_key('"a \\"b\\" \\\\"') == 'a "b" \\'


# Selections


def test_an_operation_over_a_selection_is_a_job(ann: Caller, work_all: Work) -> None:
    rids = make(ann, 3)
    body = {"selection": [NAME, rids[1], NAME, "north/one/none"], "patch": {"age": 40}, "tags": ["s"]}
    response = ann.post(BULK + "patch", body)
    assert response.status_code == 202
    token = response.json["result"]["job.token"]
    work_all()
    job = ann.job(token)
    assert (job["job"], job["total"], job["succeeded"], job["failed"]) == ("bulk_patch_classifications", 3, 2, 1)
    assert ann.get(RECORD + NAME).json["data"]["age"]["value"] == "40-49"


def test_a_selection_job_may_be_waited_for(ann: Caller, worker: None) -> None:
    body = {"selection": make(ann, 2), "publish": "institution"}
    response = ann.post(BULK + "publish", body, prefer="wait=10")
    assert response.status_code == 200
    assert [entry["publish"] for entry in response.json["results"]] == ["institution", "institution"]


def test_a_search_selects_and_a_deletion_deletes(ann: Caller, work_all: Work) -> None:
    rids = make(ann, 3)
    search = {"search": {"filter": ["zygosity", "is", "hemizygous"]}, "exclude": [NAME]}
    ann.post(BULK + "delete", {"selection": [search]})
    work_all()
    assert [ann.get(f"{RECORD}{rid}").status_code for rid in rids] == [200, 404, 404]


@pytest.mark.parametrize(
    "selection", [None, {}, "x", 7, [], [True], [None], [{}], [{"children": 1}], [{"search": []}], [{"search": {}, "x": 1}],
                  [{"search": {"filter": ["nokey", "is", 1]}}], [{"search": {"filter": ["age"]}}], ["a"], ["1.5"]],
)  # fmt: skip
def test_a_malformed_selection_is_stored_as_a_rejected_job(ann: Caller, selection: Any) -> None:
    response = ann.post(BULK + "delete", {"selection": selection})
    assert code_of(response) == (400, "invalid_selection")
    token = response.json["job.token"]
    job = ann.job(token)
    assert (job["status"], job["total"], job["info"]["error"]["code"]) == ("rejected", 0, "invalid_selection")
    assert ann.get(f"/api/jobs/{token}/results").json["results"] == []


def test_more_members_than_expected_reject_the_job_before_the_first_write(ann: Caller) -> None:
    response = ann.post(BULK + "delete", {"selection": make(ann, 3), "max_affected": 2})
    assert code_of(response) == (422, "too_many_affected")
    assert (response.json["limit"], response.json["actual"]) == (2, 3)
    assert ann.job(response.json["job.token"])["status"] == "rejected"
    assert count("records") == 3


def test_a_repeat_of_a_rejected_submission_is_answered_alike(ann: Caller) -> None:
    body = {"selection": make(ann, 3), "max_affected": 2}
    answers = [ann.post(BULK + "delete", body, idempotency_key="k").json for _ in range(2)]
    assert answers[0]["job.token"] == answers[1]["job.token"]
    assert answers[0]["code"] == answers[1]["code"] == "too_many_affected"


@pytest.mark.parametrize(
    ("verb", "more", "code"),
    [
        ("delete", {"recrods": 1}, "unknown_field"),
        ("delete", {"max_affected": "2"}, "invalid_value"),
        ("delete", {"max_affected": -1}, "invalid_value"),
        ("delete", {"on_drift": "explode"}, "invalid_value"),
        ("delete", {"test": "yes"}, "invalid_value"),
        ("delete", {"tags": "night"}, "invalid_type"),
        ("publish", {}, "invalid_request"),
        ("publish", {"publish": "world"}, "invalid_value"),
        ("patch", {"patch": []}, "invalid_value"),
    ],
)
def test_wrong_parameters_of_a_selection_job_are_refused(ann: Caller, verb: str, more: dict[str, Any], code: str) -> None:
    assert code_of(ann.post(f"{BULK}{verb}", {"selection": [1], **more})) == (400, code)
    assert count("jobs") == 0


def test_an_unknown_operation_is_not_found(ann: Caller) -> None:
    assert code_of(ann.post(BULK + "explode", {"selection": [1]})) == (404, "not_found")


# Reading


def test_a_selection_is_read_page_by_page(ann: Caller) -> None:
    make(ann, 7)
    body: dict[str, Any] = {"selection": [{"search": {"filter": ["zygosity", "is", "hemizygous"]}}], "page.size": 3}
    pages = [ann.post(BULK + "get", body).json]
    while cursor := pages[-1]["result"]["page.cursor"]:
        pages.append(ann.post(BULK + "get", body | {"page.cursor": cursor}).json)
    assert [len(page["result"]["records"]) for page in pages] == [3, 3, 1]
    assert {page["result"]["records.size"] for page in pages} == {7}
    assert all(page["success"] for page in pages)
    names = [name for page in pages for name in page["result"]["records"]]
    assert sorted(names) == sorted(set(names)) == [f"north/one/r{at}" for at in range(7)]
    assert pages[0]["data"]["records"][names[0]]["data"]["zygosity"]["value"] == "hemizygous"


def test_a_page_cursor_belongs_to_its_selection_and_user(ann: Caller, cat: Caller) -> None:
    rids = make(ann, 3)
    body: dict[str, Any] = {"selection": rids, "page.size": 1}
    cursor = ann.post(BULK + "get", body).json["result"]["page.cursor"]
    other = {"selection": rids[:2], "page.cursor": cursor}
    assert code_of(ann.post(BULK + "get", other)) == (400, "cursor_mismatch")
    assert code_of(cat.post(BULK + "get", body | {"page.cursor": cursor})) == (400, "invalid_cursor")
    larger = ann.post(BULK + "get", body | {"page.cursor": cursor, "page.size": 10}).json
    assert larger["result"]["records"] == ["north/one/r1", "north/one/r2"]


@pytest.mark.parametrize("size", [0, -1, 1.5, "10", 10**20, True, [1]])
def test_what_is_no_page_size_is_refused_in_a_body_too(ann: Caller, size: Any) -> None:
    body = json.dumps({"selection": [1], "page.size": size})
    response = ann.open(BULK + "get", method="POST", data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.json["code"] in ("invalid_page_size", "invalid_number")


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


# Evidence keys


def test_the_evidence_keys_are_open_and_cacheable(client: FlaskClient) -> None:
    for prefix in ("/classification/api", "/variantclassification/api"):
        response = client.get(f"{prefix}/evidence_keys")
        assert (response.status_code, len(response.json)) == (200, 330)
        assert "public" in response.headers["Cache-Control"]
        again = client.get(f"{prefix}/evidence_keys", headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
