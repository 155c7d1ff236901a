"""Refusals: values with a stable code. The doors turn codes into statuses; nothing here knows HTTP.

A refusal of a whole request is raised; a refusal of one item is kept as that item's outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """Something a client asked for is not done. `pointer` is an RFC 6901 JSON pointer to the place, where there is one."""

    code = "refused"

    def __init__(self, detail: str, *, pointer: str | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.members: Mapping[str, Any] = members


def pointer_to(*path: str | int) -> str:
    """Return the JSON pointer of a path: `pointer_to("patch", "a/b")` is `/patch/a~1b`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def refusal(code: str, detail: str, pointer: str | None = None) -> Refused:
    """Return the refusal that an item's outcome tells of."""
    refused = Refused(detail, pointer=pointer)
    refused.code = code
    return refused


class InvalidJson(Refused):
    """The body is not JSON, or not as many documents as were meant. `line` and `column` count from 1."""

    code = "invalid_json"


class InvalidEncoding(Refused):
    """The body is not UTF-8, or not the compression it says."""

    code = "invalid_encoding"


class UnsupportedMediaType(Refused):
    """No reader for this content type."""

    code = "unsupported_media_type"


class UnsupportedContentEncoding(Refused):
    """No reader for this content encoding."""

    code = "unsupported_content_encoding"


class BodyTooLarge(Refused):
    """More bytes than the limit; `limit` names it."""

    code = "body_too_large"


class TooManyItems(Refused):
    """More items than the limit; `limit` and `actual` say so."""

    code = "too_many_items"


class DuplicateKey(Refused):
    """An object names one member twice."""

    code = "duplicate_key"


class DuplicateRef(Refused):
    """Two items of one submission carry the same `ref`."""

    code = "duplicate_ref"


class TooDeep(Refused):
    """Nested more deeply than the limit."""

    code = "too_deep"


class TooManyKeys(Refused):
    """An object with more members than the limit."""

    code = "too_many_keys"


class TextTooLong(Refused):
    """A text longer than the limit."""

    code = "text_too_long"


class InvalidText(Refused):
    """A text with NUL or half a surrogate pair, which no store can keep."""

    code = "invalid_text"


class InvalidNumber(Refused):
    """A number that cannot be kept exactly."""

    code = "invalid_number"


class InvalidType(Refused):
    """A member of another type than its contract says."""

    code = "invalid_type"


class InvalidValue(Refused):
    """A member outside its allowed values."""

    code = "invalid_value"


class InvalidDate(Refused):
    """Not a time."""

    code = "invalid_date"


class InvalidRequest(Refused):
    """The request as a whole has not the shape it needs."""

    code = "invalid_request"


class Empty(Refused):
    """Nothing to do was sent."""

    code = "empty"


class UnknownField(Refused):
    """A member nobody reads."""

    code = "unknown_field"


class InvalidRecord(Refused):
    """An item that is no operation at all."""

    code = "invalid_record"


class InvalidId(Refused):
    """An id that names nothing in any form."""

    code = "invalid_id"


class AmbiguousId(Refused):
    """Two ids for one thing."""

    code = "ambiguous_id"


class UnknownLab(Refused):
    """No such lab."""

    code = "unknown_lab"


class Forbidden(Refused):
    """Known, and not yours to do this with."""

    code = "forbidden"


class Unauthorized(Refused):
    """No credentials, or none we accept."""

    code = "unauthorized"


class NotFound(Refused):
    """No such thing, or none that you may know of."""

    code = "not_found"


class Gone(Refused):
    """It was here; its time is over."""

    code = "gone"


class AlreadyExists(Refused):
    """`create` of a record that is there."""

    code = "already_exists"


class AmbiguousOperation(Refused):
    """More than one of create, patch, patch-empty, overwrite, upsert and data."""

    code = "ambiguous_operation"


class InvalidOperation(Refused):
    """An operation that cannot be read."""

    code = "invalid_operation"


class InvalidPublish(Refused):
    """No such share level."""

    code = "invalid_publish"


class InvalidSource(Refused):
    """No such source of a change."""

    code = "invalid_source"


class ReadOnlyVersion(Refused):
    """Versions are not written to."""

    code = "read_only_version"


class VersionConflict(Refused):
    """`if_version` names another version than the present one."""

    code = "version_conflict"


class InvalidSelection(Refused):
    """The selection cannot be read; the pointer says where."""

    code = "invalid_selection"


class SelectionTooLarge(Refused):
    """The selection has more members than the limit."""

    code = "selection_too_large"


class TooManyAffected(Refused):
    """More members than `max_affected`."""

    code = "too_many_affected"


class InvalidPageSize(Refused):
    """Not a page size."""

    code = "invalid_page_size"


class InvalidCursor(Refused):
    """Not a cursor of ours, or not of yours."""

    code = "invalid_cursor"


class CursorMismatch(Refused):
    """A cursor of another query."""

    code = "cursor_mismatch"


class CursorExpired(Refused):
    """A cursor whose time is over."""

    code = "cursor_expired"


class InvalidIdempotencyKey(Refused):
    """An idempotency key that cannot be one."""

    code = "invalid_idempotency_key"


class IdempotencyKeyReused(Refused):
    """The key was used with another body."""

    code = "idempotency_key_reused"


class IdempotencyKeyInFlight(Refused):
    """The key's first request is still being stored."""

    code = "idempotency_key_in_flight"


class QuotaExceeded(Refused):
    """Too much at once; `retry_after` says when to come back."""

    code = "quota_exceeded"


class Unavailable(Refused):
    """The database does not answer; nothing was stored unless a repeat with the same key says so."""

    code = "unavailable"
