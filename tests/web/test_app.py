"""What holds for every answer: problems and no pages, safe headers, one log line, nothing secret."""

from __future__ import annotations

import inspect
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

import web.jobs
from models import errors
from models.settings import settings
from tests.web.conftest import BULK, RECORD, Caller
from web import answers, limits

CODES = [member.code for _, member in inspect.getmembers(errors, inspect.isclass) if issubclass(member, errors.Refused)]


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = response.json
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:waybill:error:{code}")
    assert body["instance"] == f"urn:waybill:request:{response.headers['X-Request-Id']}"
    return body


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_status(code: str) -> None:
    assert code in answers.STATUSES


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/jobz", "/classification/api/classifications/v9/record/1", "/api//jobs"]
)
def test_an_unknown_address_is_a_problem(client: FlaskClient, path: str) -> None:
    assert_problem(client.get(path), 404, "not_found")


def test_a_wrong_method_says_which_are_allowed(client: FlaskClient) -> None:
    response = client.put("/api/jobs")
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        (b"/api/jobs/a\x00b", "", 400, "invalid_text"),
        (b"/api/jobs/a\xff", "", 400, "invalid_encoding"),
        (b"/api/jobs/\xc0\xaf", "", 400, "invalid_encoding"),
        (b"/api/jobs/" + b"x" * 20_000, "", 414, "uri_too_long"),
        (b"/api/jobs", "tag=a%00b", 400, "invalid_text"),
        (b"/api/jobs", "tag=%ff", 400, "invalid_encoding"),
        (b"/api/jobs/../../etc/passwd", "", 404, "not_found"),
    ],
)
def test_an_address_that_no_store_could_take_is_refused_before_it_gets_there(
    client: FlaskClient, path: bytes, query: str, status: int, code: str
) -> None:
    environ = {"PATH_INFO": path.decode("latin-1"), "QUERY_STRING": query}
    headers = {"Authorization": "Bearer key-for-tests-ann"}
    assert_problem(client.get("/", environ_overrides=environ, headers=headers), status, code)


def test_answers_carry_safe_headers(client: FlaskClient) -> None:
    for path in ("/api/limits", "/nothing", "/api/jobs"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_a_client_may_name_its_request_but_not_write_the_log(client: FlaskClient) -> None:
    assert client.get("/api/limits", headers={"X-Request-Id": "mine-1"}).headers["X-Request-Id"] == "mine-1"
    assert client.get("/api/limits", headers={"X-Request-Id": "a b<script>"}).headers["X-Request-Id"] != "a b<script>"


def test_a_request_is_one_log_line_without_address_or_key(ann: Caller) -> None:
    with capture_logs() as lines:
        ann.get("/api/jobs/0b9bb9b8-6f7b-4ff8-8d52-3f3c9c6c2a11?token=key-for-tests-ann")
    assert len(lines) == 1
    assert lines[0]["event"] == "request_answered"
    assert (lines[0]["status"], lines[0]["route"]) == (400, "/api/jobs/<token>")
    assert lines[0]["token"] == "0b9bb9b8-6f7b-4ff8-8d52-3f3c9c6c2a11"
    assert "key-for-tests-ann" not in str(lines)


def test_what_stands_where_a_token_should_is_not_logged(ann: Caller) -> None:
    with capture_logs() as lines:
        ann.get("/api/jobs/key-for-tests-ann")
    assert "key-for-tests-ann" not in str(lines)


def _fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(web.jobs.jobs, "list_jobs", fail)


def test_a_bug_is_logged_with_the_request_and_tells_nothing(ann: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_with(ZeroDivisionError("SELECT secret FROM /etc/passwd"), monkeypatch)
    with capture_logs() as lines:
        response = ann.get("/api/jobs")
    assert_problem(response, 500, "internal")
    assert "secret" not in response.text
    assert "passwd" not in response.text
    failed = next(line for line in lines if line["event"] == "request_failed")
    assert failed["request_id"] == response.headers["X-Request-Id"]
    assert failed["error"] == "ZeroDivisionError"
    assert "secret" not in str(lines)


def _refused(state: str) -> Exception:
    original = psycopg.errors.lookup(state)("SELECT secret")
    return sa.exc.OperationalError("SELECT secret", {}, original)


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("connection lost"),
        sa.exc.OperationalError("SELECT 1", {}, psycopg.OperationalError("connection lost")),
        sa.exc.TimeoutError("QueuePool limit"),
        psycopg.errors.LockNotAvailable("lock timeout"),
        psycopg.errors.QueryCanceled("statement timeout"),
        _refused("57P01"),
        _refused("53300"),
    ],
)
def test_a_database_that_is_away_or_busy_is_503(ann: Caller, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    _fail_with(error, monkeypatch)
    response = ann.get("/api/jobs")
    assert_problem(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "error", [psycopg.DataError("a NUL"), sa.exc.DataError("x", {}, psycopg.DataError("x")), _refused("42P01")]
)
def test_a_statement_that_the_database_refuses_is_a_bug(ann: Caller, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    _fail_with(error, monkeypatch)
    assert_problem(ann.get("/api/jobs"), 500, "internal")


def test_a_database_that_does_not_answer_is_told_from_a_bad_key(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_connection() -> None:
        raise sa.exc.OperationalError("connect", {}, psycopg.OperationalError("refused"))

    monkeypatch.setattr("models.db.engine", no_connection)
    response = app.test_client().get("/api/jobs", headers={"Authorization": "Bearer key-for-tests-ann"})
    assert_problem(response, 503, "unavailable")


def test_a_body_over_the_limit_is_refused_unread(ann: Caller) -> None:
    class Unread:
        def read(self, *_: int) -> bytes:
            raise AssertionError("the body was read")

    length = settings().limits.body_bytes + 1
    environ = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(length), "CONTENT_TYPE": "application/json"}
    body = assert_problem(ann.open(RECORD, method="POST", environ_overrides=environ), 413, "body_too_large")
    assert body["limit"] == settings().limits.body_bytes


def test_half_a_surrogate_pair_in_a_refusal_can_be_sent(ann: Caller) -> None:
    body = b'{"selection": [{"search": {"filter": ["\\ud800", "is", 1]}}]}'
    response = ann.open(BULK + "delete", method="POST", data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"


def test_the_limits_are_those_of_the_settings(client: FlaskClient) -> None:
    shown = client.get("/api/limits").json
    assert shown["operations"] == settings().limits.operations
    assert shown["body_bytes"] == settings().limits.body_bytes
    assert limits.get_limits.__doc__
