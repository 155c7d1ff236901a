"""What goes out: JSON, the faces' envelopes, and problem documents (RFC 9457). The only place that knows a code's status."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Response, g, request

from models.errors import Refused
from models.jobs.values import Job

JSON = "application/json"
PROBLEM = "application/problem+json"
LONGEST_DETAIL = 1_000
MOST_ERRORS = 100
SAID_BELOW = ("index", "line", "errors")  # members of a refusal that are told under `errors`
CLASSIFICATION_FACE = ("/classification/", "/variantclassification/")
AUTHENTICATE = 'Bearer realm="waybill"'
REGISTRY = "https://iana.org/assignments/http-problem-types#"
TYPES = {  # registered, or to be by a draft that is followed; others are ours
    "quota_exceeded": f"{REGISTRY}quota-exceeded",
    "mismatching_upload_offset": f"{REGISTRY}mismatching-upload-offset",
    "inconsistent_upload_length": f"{REGISTRY}inconsistent-upload-length",
}
PAUSES = {429: 1, 503: 2}  # seconds to stay away where nothing better is known

STATUSES = {
    "refused": 400,
    "invalid_json": 400,
    "invalid_encoding": 400,
    "duplicate_key": 400,
    "duplicate_ref": 400,
    "too_deep": 400,
    "too_many_keys": 400,
    "text_too_long": 400,
    "invalid_text": 400,
    "invalid_number": 400,
    "invalid_type": 400,
    "invalid_value": 400,
    "invalid_date": 400,
    "invalid_request": 400,
    "empty": 400,
    "unknown_field": 400,
    "invalid_record": 400,
    "invalid_id": 400,
    "ambiguous_id": 400,
    "ambiguous_operation": 400,
    "invalid_operation": 400,
    "invalid_publish": 400,
    "invalid_source": 400,
    "read_only_version": 400,
    "invalid_selection": 400,
    "invalid_page_size": 400,
    "invalid_cursor": 400,
    "cursor_mismatch": 400,
    "invalid_plan": 400,
    "invalid_target": 400,
    "invalid_idempotency_key": 400,
    "inconsistent_upload_length": 400,
    "digest_mismatch": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "unknown_lab": 404,
    "method_not_allowed": 405,
    "already_exists": 409,
    "not_finished": 409,
    "not_undoable": 409,
    "idempotency_key_in_flight": 409,
    "mismatching_upload_offset": 409,
    "upload_in_flight": 409,
    "gone": 410,
    "cursor_expired": 410,
    "version_conflict": 412,
    "plan_changed": 412,
    "body_too_large": 413,
    "too_many_items": 413,
    "selection_too_large": 413,
    "group_too_large": 413,
    "preview_too_large": 413,
    "uri_too_long": 414,
    "unsupported_media_type": 415,
    "unsupported_content_encoding": 415,
    "range_not_satisfiable": 416,
    "too_many_affected": 422,
    "subtree_too_large": 422,
    "unworkable": 422,
    "invalid_state": 422,
    "in_use": 422,
    "deleted": 422,
    "not_deleted": 422,
    "parent_deleted": 422,
    "root_fixed": 422,
    "no_parent": 422,
    "cycle": 422,
    "no_sibling": 422,
    "name_taken": 422,
    "invalid_field": 422,
    "invalid_file": 422,
    "idempotency_key_reused": 422,
    "quota_exceeded": 429,
    "internal": 500,
    "not_implemented": 501,
    "unavailable": 503,
}


class MethodNotAllowed(Refused):
    """The address is known, but not for this method."""

    code = "method_not_allowed"


class UriTooLong(Refused):
    """An address that is longer than any of ours."""

    code = "uri_too_long"


class Internal(Refused):
    """A bug of ours; the request id leads to what the log knows."""

    code = "internal"


def status_of(code: str) -> int:
    """Return a code's HTTP status. A code that only items have is a mistake of the request where it answers a request."""
    return STATUSES.get(code, 400)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as a JSON answer."""
    return Response(msgspec.json.encode(value), status, headers, content_type=JSON)


def unless_known(response: Response) -> Response:
    """Return an answer with its digest as `ETag`; 304 to a client that has it already."""
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]


def accepted(job: Job, more: Mapping[str, Any] | None = None) -> Response:
    """Say that a job is stored, where it is and what its token is: 202, in the shape of the project face."""
    body = {"success": True, "result": {"job.token": str(job.token), **(more or {})}, "data": {}}
    return answer(body, 202, {"Location": job_address(job), "Retry-After": str(pause(job))})


def job_address(job: Job) -> str:
    """Return where a job is read."""
    return f"/api/jobs/{job.token}"


def pause(job: Job) -> int:
    """Return how many seconds to wait before asking again: longer for longer jobs."""
    return 1 if job.remaining <= 5_000 else 2 if job.remaining <= 50_000 else 5


def found(result: Mapping[str, Any], data: Mapping[str, Any]) -> Response:
    """Return the envelope of the project face: `result` says what and how much, `data` holds the objects by their key."""
    return answer({"success": True, "result": result, "data": data})


def problem(refused: Refused, more: Mapping[str, Any] | None = None) -> Response:
    """Return a refusal as a problem document, with all it says: where, how much was allowed, when to come again."""
    status = status_of(refused.code)
    response = Response(msgspec.json.encode(_document(refused, status) | dict(more or {})), status, content_type=PROBLEM)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = AUTHENTICATE
    if status in PAUSES:
        response.headers["Retry-After"] = str(refused.members.get("retry_after", PAUSES[status]))
    return response


def _document(refused: Refused, status: int) -> dict[str, Any]:
    members = {name: value for name, value in refused.members.items() if value is not None and name not in SAID_BELOW}
    detail = _clean(refused.detail)
    document = members | {
        "type": TYPES.get(refused.code, f"urn:waybill:error:{refused.code}"),
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": refused.code,
        "detail": detail,
        "instance": f"urn:waybill:request:{g.request_id}",
        "errors": _errors(refused, detail),
    }
    if request.path.startswith(CLASSIFICATION_FACE):
        document["internal_error"] = detail  # what clients of the reference look for
    return document


def _errors(refused: Refused, detail: str) -> list[dict[str, Any]]:
    several = refused.members.get("errors")
    if several:
        return list(several)[:MOST_ERRORS]
    place = {name: refused.members.get(name) for name in ("index", "line")} | {"pointer": _pointer(refused.pointer)}
    known = {name: value for name, value in place.items() if value is not None}
    return [known | {"code": refused.code, "detail": detail}] if known else []


def _pointer(pointer: str | None) -> str | None:
    return None if pointer is None else _clean(pointer)


def _clean(text: str) -> str:
    """Return a text that can be sent: no half surrogate pairs, which come in by JSON escapes, and not at any length."""
    return text[:LONGEST_DETAIL].encode("utf-8", "replace").decode()


def failed_item(identity: str | None, status: str, error: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of an item that has no record to show: why, and the same text where old clients look for it."""
    text = error.get("detail") or error.get("code") or status
    return {"id": identity, "status": status, "error": error, "internal_error": text}


MINIMAL = ("id", "rid", "status", "deleted", "withdrawn", "error", "internal_error")


def minimal(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `Prefer: return=minimal` leaves of an operation's answer."""
    return {name: entry[name] for name in MINIMAL if name in entry}
