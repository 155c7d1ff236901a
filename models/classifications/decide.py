"""What one operation does to one record (contract sections 3.3, 4, 5 and 11 to 14). Values in, a Decision out; nothing is stored.

The order is the contract's: write access, version, precondition, delete or withdraw, evidence, publish, and the return of a
withdrawn record. An operation that changes nothing at all is a noop and hands back the record it was given.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from models.classifications import checks, evidence, sharing
from models.classifications.state import (
    Context,
    Decision,
    Lab,
    Level,
    Message,
    Operation,
    Record,
    Revision,
    Snapshot,
    Status,
)
from models.errors import (
    AlreadyExists,
    Forbidden,
    InvalidId,
    NotFound,
    ReadOnlyVersion,
    Refused,
    UnknownLab,
    VersionConflict,
    pointer_to,
)
from models.ids import next_version, stamp

CREATING = frozenset(("create", "upsert", "overwrite"))
MICROSECOND = timedelta(microseconds=1)
TEST_MODE = Message("test_mode")
SHARED = Message("shared")
SHARE_FAILURE = Message("share_failure")


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A decision in the making: the record so far, and what it takes to get there."""

    record: Record
    messages: tuple[Message, ...] = ()
    revision: Revision | None = None
    snapshot: Snapshot | None = None
    published: int | None = None


def decide(record: Record | None, operation: Operation, context: Context) -> Decision:
    """Return what the operation does to the record that its id names, None where there is none. A refusal is a failed decision.

    Under `test` the decision is the one that would be taken; not to carry it out is the caller's part.
    """
    if record and record.updated_on and record.updated_on >= context.now:
        context = replace(context, now=record.updated_on + MICROSECOND)  # each change of a record has a moment of its own
    try:
        _check_access(record, operation, context)
        _check_version(record, operation)
        if operation.delete is True or operation.delete == "withdraw":
            return _delete(record, operation, context)
        draft = _publish(_evidence(record, operation, context), record, operation, context)
        return _finish(record, operation, draft, context)
    except Refused as refused:
        return Decision(Status.FAILED, record, code=refused.code, detail=refused.detail, pointer=refused.pointer)


def _check_access(record: Record | None, operation: Operation, context: Context) -> None:
    lab = record.lab if record else context.lab
    if lab is None:
        if operation.target.lab is not None:
            raise UnknownLab(f"There is no lab {operation.target.lab!r}.", pointer="/id")
        return
    if context.actor.writes(lab):
        return
    if record and operation.target.rid is not None and not sharing.known(record, context.actor):
        raise _not_found(operation)
    raise Forbidden(f"Only members of {lab.group_name} may write its records.", pointer="/id")


def _check_version(record: Record | None, operation: Operation) -> None:
    if operation.target.version is not None:
        raise ReadOnlyVersion("Versions are read-only; leave the version out of the id.", pointer="/id")
    if record and operation.if_version is not None and operation.if_version != record.version:
        raise VersionConflict("The record has another version by now.", pointer="/if_version")


def _names_none(operation: Operation) -> bool:
    return operation.target.rid is None and operation.target.lab_record_id is None


def _not_found(operation: Operation) -> Refused:
    if _names_none(operation):
        return InvalidId("Without a lab_record_id this id names no record; only a creation may leave it out.", pointer="/id")
    return NotFound("There is no such record.", pointer="/id")


def _delete(record: Record | None, operation: Operation, context: Context) -> Decision:
    """Delete for good what was never shared, withdraw what was; evidence and publish are not looked at (13)."""
    messages = _reported((), operation)
    if record is None:
        if operation.delete is not True or _names_none(operation):
            raise _not_found(operation)
        return Decision(Status.SUCCEEDED, None, messages, deleted=True)
    if operation.delete is True and sharing.deletable(record):
        return Decision(Status.SUCCEEDED, None, messages, deleted=True)
    if record.withdrawn:
        return Decision(Status.NOOP, record, messages)
    withdrawn = replace(record, withdrawn=True, updated_on=context.now)
    return Decision(Status.SUCCEEDED, withdrawn, messages, withdrew=True)


def _evidence(record: Record | None, operation: Operation, context: Context) -> Draft:
    if record is None:
        return _create(_creatable(operation, context), operation, context)
    if operation.verb is None:
        return Draft(record)
    if operation.verb == "create":
        raise AlreadyExists("The record exists already.", pointer=pointer_to(str(operation.member)))
    return _change(record, operation, context)


def _creatable(operation: Operation, context: Context) -> Lab:
    if operation.verb not in CREATING or operation.target.lab is None or context.lab is None:
        raise _not_found(operation)
    if operation.if_version is not None:
        raise VersionConflict("There is no record that could have this version.", pointer="/if_version")
    return context.lab


def _rules(operation: Operation, context: Context, lab: Lab, creating: bool) -> evidence.Rules:
    return evidence.Rules(
        verb=str(operation.verb),
        source=operation.source,
        editable=operation.editable,
        creating=creating,
        external=lab.external,
        lab_id=lab.id,
        people=context.people,
        default_owner=context.actor.username,
        member=str(operation.member),
    )


def _create(lab: Lab, operation: Operation, context: Context) -> Draft:
    merged = evidence.merge({}, operation.evidence, _rules(operation, context, lab, True))
    record = Record(
        id=None,
        lab=lab,
        lab_record_id=operation.target.lab_record_id or context.new_id,
        owner_id=_owner_id(merged, lab) or context.actor.user_id,
        version=next_version(stamp(context.now), 0),
        evidence=merged.evidence,
        created_on=context.now,
        updated_on=context.now,
        source_id=merged.extras.get("source_id"),
    )
    revision = Revision(record.version, merged.before, merged.after, operation.source)
    return Draft(record, tuple(merged.messages), revision)


def _change(record: Record, operation: Operation, context: Context) -> Draft:
    merged = evidence.merge(record.evidence, operation.evidence, _rules(operation, context, record.lab, False))
    messages = tuple(merged.messages)
    described = _described(record, merged, context)
    if not merged.after:
        return Draft(described, messages)
    version = next_version(stamp(context.now), record.version)
    edited, snapshot = sharing.edit(described, merged.evidence, version, context.now)
    return Draft(edited, messages, Revision(version, merged.before, merged.after, operation.source), snapshot)


def _owner_id(merged: evidence.Merge, lab: Lab) -> int | None:
    """Return the user whom the evidence makes the owner: only somebody of the lab (9.6)."""
    return merged.owner.id if merged.owner and lab.id in merged.owner.lab_ids else None


def _described(record: Record, merged: evidence.Merge, context: Context) -> Record:
    """Return the record with what evidence says about the record itself: its owner and its `source_id` are not versioned."""
    changes: dict[str, Any] = {}
    owner_id = _owner_id(merged, record.lab)
    if owner_id is not None and owner_id != record.owner_id:
        changes["owner_id"] = owner_id
    if "source_id" in merged.extras and merged.extras["source_id"] != record.source_id:
        changes["source_id"] = merged.extras["source_id"]
    return replace(record, updated_on=context.now, **changes) if changes else record


def _publish(draft: Draft, before: Record | None, operation: Operation, context: Context) -> Draft:
    """Publish as asked; what cannot be published stays as the evidence left it, a new record at its lab (5, 12)."""
    level, message = operation.publish, SHARED
    if level is not None and checks.blocks_publishing(draft.record.evidence):
        level, message = None, SHARE_FAILURE
    messages = (*draft.messages, message) if operation.publish is not None else draft.messages
    if level is None and before is None:
        level = int(Level.LAB)
    if level is None or sharing.published_so(draft.record, level):
        return replace(draft, messages=messages)
    record, snapshot = sharing.publish(draft.record, level, context.now, draft.snapshot)
    return Draft(record, messages, draft.revision, snapshot, level)


def _finish(before: Record | None, operation: Operation, draft: Draft, context: Context) -> Decision:
    """Bring a withdrawn record back, as any submission without a delete does (13), and say what came of it all."""
    record = draft.record
    if record.withdrawn:
        record = replace(record, withdrawn=False, updated_on=context.now)
    status = Status.NOOP if record is before else Status.SUCCEEDED
    return Decision(status, record, _reported(draft.messages, operation), draft.revision, draft.snapshot, draft.published)


def _reported(messages: tuple[Message, ...], operation: Operation) -> tuple[Message, ...]:
    """Put the notes about the envelope around the messages. A test shares nothing and so does not say that it did (14)."""
    if operation.unexpected:
        messages = (Message("unexpected_parameters", keys=operation.unexpected), *messages)
    if operation.test:
        messages = (*(message for message in messages if message is not SHARED), TEST_MODE)
    return messages
