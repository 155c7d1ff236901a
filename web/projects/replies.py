"""The envelope of the project face, and the code table of its failures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Response, g

from models.errors import Refused
from web.answers import AUTHENTICATE, JSON, LONGEST_DETAIL, PAUSES, status_of

OURS = re.compile(r"/(api/(p|users|projects|members)/|api/(init|login|ping|languages/get|signup|reset)$|sync(/|$)|dam/|media/)")
OF_SELECTIONS = 1006
CODES = {
    "invalid_selection": OF_SELECTIONS,
    "selection_too_large": OF_SELECTIONS,
    "too_many_affected": OF_SELECTIONS,
    "invalid_cursor": OF_SELECTIONS,
    "cursor_mismatch": OF_SELECTIONS,
    "cursor_expired": OF_SELECTIONS,
    "invalid_fields": 1001,
    "invalid_search": 1002,
    "not_implemented": 501,
    "plan_changed": 412,  # who sends a plan is no client of the face's first server
}
CANNOT = 422
BY_STATUS = {404: CANNOT, 409: CANNOT, 410: CANNOT, 412: CANNOT}
LOWEST_OWN = 1000  # codes from here on are answered with 422
UNKNOWN_ADDRESS = 404


def speaks(path: str) -> bool:
    """Say whether an address belongs to this face, whatever is wrong with the rest of it."""
    return OURS.match(path) is not None


def code_of(refused: Refused) -> int:
    """Return a refusal's code on this face."""
    status = status_of(refused.code)
    return CODES.get(refused.code) or BY_STATUS.get(status, status)


def success(result: Mapping[str, Any], data: Mapping[str, Any]) -> Response:
    """Return what was asked for, with the token to go on with."""
    return _enveloped({"success": True, "result": result, "data": data}, 200)


def failure(refused: Refused, code: int | None = None) -> Response:
    """Return a refusal. Its own stable code, the place and all it says are in `info`."""
    code = code or code_of(refused)
    said = {name: value for name, value in refused.members.items() if value is not None}
    info = said | {"code": refused.code} | ({"pointer": refused.pointer} if refused.pointer else {})
    message = refused.detail[:LONGEST_DETAIL].encode("utf-8", "replace").decode()
    status = code if code < LOWEST_OWN else CANNOT
    response = _enveloped({"success": False, "result": {"code": code, "message": message, "info": info}, "data": {}}, status)
    if status == 401:
        response.headers.pop("Authorization", None)
        response.headers["WWW-Authenticate"] = AUTHENTICATE
    if status in PAUSES:
        response.headers["Retry-After"] = str(refused.members.get("retry_after", PAUSES[status]))
    return response


def _enveloped(body: Mapping[str, Any], status: int) -> Response:
    response = Response(msgspec.json.encode(body, enc_hook=str), status, content_type=JSON)
    if g.get("token"):
        response.headers["Authorization"] = g.token
    return response
