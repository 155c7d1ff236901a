"""Many operations in one request: waiting, preferences, repeats with a key."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest
from flask import Flask

from models.settings import settings
from tests.web.conftest import RECORD, Caller, code_of, count, upserts
from web import waiting
from web.idempotency import parse_key
from web.pace import Places
from web.waiting import Preferences

NAME = "north/one/r0"


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
