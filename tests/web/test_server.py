"""What the server refuses before the application sees it is a problem document as well."""

from __future__ import annotations

import json

import pytest
from gunicorn.http.errors import InvalidRequestLine, InvalidResponseHeader, LimitRequestHeaders, LimitRequestLine

from web.server import refusal


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (LimitRequestLine(9000, 8190), 414, "uri_too_long"),
        (LimitRequestHeaders("too many"), 431, "headers_too_large"),
        (InvalidRequestLine("nonsense <script>"), 400, "invalid_request"),
    ],
)
def test_a_request_that_cannot_be_read_is_answered_with_a_problem(error: Exception, status: int, code: str) -> None:
    head, _, body = (refusal(error) or b"").partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/problem+json" in head
    assert f"Content-Length: {len(body)}".encode() in head
    assert (json.loads(body)["code"], json.loads(body)["status"]) == (code, status)
    assert b"script" not in body


@pytest.mark.parametrize("error", [ValueError("ours"), InvalidResponseHeader("ours")])
def test_our_own_errors_are_none_of_these(error: Exception) -> None:
    assert refusal(error) is None
