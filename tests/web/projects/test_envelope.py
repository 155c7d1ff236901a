"""Every error of this face is in its envelope, whatever is wrong."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models.settings import settings
from tests.factories import PROJECT
from tests.web.projects.conftest import Member, refusal

INIT = f"/api/p/{PROJECT}/init"


def send(member: Member, data: bytes, kind: str | None = "application/json", **headers: str) -> TestResponse:
    known = {"Authorization": f"Bearer {member.key}", **headers}
    return member.client.post(INIT, data=data, content_type=kind, headers=known)


@pytest.mark.parametrize("path", ["/api/p/x", f"/api/p/{PROJECT}/nothing", f"/api/p/{PROJECT}/", "/sync/nothing", "/api/users/x"])
def test_an_unknown_address_is_a_404_in_the_envelope(editor: Member, path: str) -> None:
    assert refusal(editor.post(path)) == (404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_an_unknown_method_is_a_405_in_the_envelope(editor: Member, method: str) -> None:
    answer = editor.client.open(INIT, method=method)
    assert refusal(answer) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "invalid_json"),
        (b"[]", "invalid_request"),
        (b"null", "invalid_request"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": NaN}', "invalid_number"),
        (b'{"a": "\\ud800"}', "invalid_text"),
        (b'{"a": "\xff"}', "invalid_encoding"),
        (b"[" * 5_000, "too_deep"),
        (b'{"a": ' + b"[" * 30 + b"]" * 30 + b"}", "too_deep"),
    ],
)
def test_a_body_is_read_strictly(editor: Member, data: bytes, code: str) -> None:
    assert refusal(send(editor, data)) == (400, code)


def test_no_body_stands_for_no_parameters(editor: Member) -> None:
    expected = send(editor, b"{}").json
    assert send(editor, b"", None).json == expected
    assert send(editor, b"").json == expected
    assert send(editor, gzip.compress(b"{}"), **{"Content-Encoding": "gzip"}).json == expected


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/x-ndjson", None])
def test_another_content_type_is_a_415(editor: Member, kind: str | None) -> None:
    assert refusal(send(editor, b"{}", kind)) == (415, "unsupported_media_type")


def test_too_large_a_body_is_a_413(editor: Member) -> None:
    body = b'{"a": "' + b"x" * settings().limits.item_bytes + b'"}'
    assert refusal(send(editor, body)) == (413, "body_too_large")


def test_a_bug_is_a_500_that_tells_nothing(editor: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ValueError("a secret of ours")

    monkeypatch.setattr("web.projects.session.latest", broken)
    answer = send(editor, b"{}")
    assert refusal(answer) == (500, "internal")
    assert "secret" not in answer.text


def test_other_faces_answer_with_problem_documents(web: FlaskClient) -> None:
    for path in ("/nothing", "/api/nothing", "/api/jobs", "/classification/api/nothing"):
        assert web.get(path).content_type == "application/problem+json"


def test_parameters_that_nobody_reads_are_ignored(editor: Member) -> None:
    assert editor.call("init", language="xx", more={"a": 1})["project"] == PROJECT
