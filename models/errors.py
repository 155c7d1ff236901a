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


class RangeNotSatisfiable(Refused):
    """Bytes that a file has not; `actual` says how many it has."""

    code = "range_not_satisfiable"


class MismatchingOffset(Refused):
    """An upload does not go on at this byte; `expected-offset` is where it does."""

    code = "mismatching_upload_offset"


class InconsistentLength(Refused):
    """An upload has another length than was said, or is complete already; `length` is the one that counts."""

    code = "inconsistent_upload_length"


class InvalidDigest(Refused):
    """What was received is not what the client has: its digest differs."""

    code = "digest_mismatch"


class UploadInFlight(Refused):
    """A complete upload is just being stored by another request; ask again later."""

    code = "upload_in_flight"


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


class SubtreeTooLarge(Refused):
    """More hangs on one item than a change of it may take along at once."""

    code = "subtree_too_large"


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


class GroupTooLarge(Refused):
    """More items stand and fall together than the limit; `limit` and `actual` say so."""

    code = "group_too_large"


class PreviewTooLarge(Refused):
    """A test that has to be tried in one go is of more items than the limit; `limit` and `actual` say so."""

    code = "preview_too_large"


class InvalidPlan(Refused):
    """No plan token of ours, not of yours, or of another request."""

    code = "invalid_plan"


class PlanChanged(Refused):
    """What was planned is not there any more as it was; `changes` names the records."""

    code = "plan_changed"


class QuotaExceeded(Refused):
    """Too much at once; `retry_after` says when to come back."""

    code = "quota_exceeded"


class Unavailable(Refused):
    """The database, or the store of files, does not answer; nothing was stored unless a repeat with the same key says so."""

    code = "unavailable"


class Unworkable(Refused):
    """The item is there, but this cannot be done with it as it is."""

    code = "unworkable"


class ItemDeleted(Unworkable):
    """The item is deleted."""

    code = "deleted"


class NotDeleted(Unworkable):
    """The item is not deleted."""

    code = "not_deleted"


class ParentDeleted(Unworkable):
    """What the item hangs below is deleted."""

    code = "parent_deleted"


class RootFixed(Unworkable):
    """The root of a tree stays where it is."""

    code = "root_fixed"


class NoParent(Unworkable):
    """Nothing can hang below this: a link, or a file."""

    code = "no_parent"


class Cycle(Unworkable):
    """An item cannot hang below itself."""

    code = "cycle"


class NoSibling(Unworkable):
    """What the item was to stand before does not hang below the same parent."""

    code = "no_sibling"


class NameTaken(Unworkable):
    """Another item in the same place has this name."""

    code = "name_taken"


class InvalidField(Unworkable):
    """No value of those that were sent fits its field; the report says why."""

    code = "invalid_field"


class InvalidFile(Unworkable):
    """A file that cannot be kept."""

    code = "invalid_file"


class NotFinished(Refused):
    """The job still runs, or never ran."""

    code = "not_finished"


class NotUndoable(Refused):
    """A job of a kind that changes nothing which could be taken back."""

    code = "not_undoable"


class InvalidTarget(Refused):
    """The address of a webhook is none, or not on the public internet."""

    code = "invalid_target"


class InvalidState(Unworkable):
    """Not possible in the state that a thing is in."""

    code = "invalid_state"


class InUse(Unworkable):
    """Others refer to it, so it stays."""

    code = "in_use"


class NotOffered(Refused):
    """A call of the contract that is not part of this product."""

    code = "not_implemented"
