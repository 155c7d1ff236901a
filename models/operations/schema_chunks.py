"""How a chunk of schema items is changed: one draft, gone through item by item, stored at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from models.catalogue.changes import Work
from models.catalogue.drafts import Draft
from models.catalogue.rows import Member
from models.catalogue.states import Change, Ended, each
from models.db import Session
from models.errors import Refused
from models.identity.people import Actor
from models.identity.service import principal_of
from models.jobs.ledger import Chunk, Outcome
from models.jobs.reads import as_result
from models.jobs.values import Result
from models.operations import schema_images as images
from models.operations.catalogue_chunks import Item, open_work, skipped
from models.operations.catalogue_drift import find_drifted
from models.selection.catalogue_operands import SCHEMA


def run_over_schema(change: Change) -> Callable[[Session, Chunk], list[Outcome]]:
    """Return a runner of an operation over definitions, classes and fields."""

    def run(session: Session, chunk: Chunk) -> list[Outcome]:
        members: list[Member] = [msgspec.json.decode(raw) for raw in chunk.items]
        items = [Item(*place) for place in zip(chunk.indexes, members, chunk.lines, chunk.refs, strict=True)]
        try:
            with session.begin_nested():
                return _change(session, chunk, items, change)
        except Refused as refused:
            return [_outcome(item, Ended(str(item.member), refused=refused)) for item in items]

    return run


def _change(session: Session, chunk: Chunk, items: Sequence[Item], change: Change) -> list[Outcome]:
    work = open_work(session, principal_of(session, chunk.submitter_id), chunk)
    drifted = find_drifted(work, chunk, SCHEMA, [item.member for item in items])
    staying = [item for item in items if item.member not in drifted]
    draft = Draft(work.schema)
    ended = each(draft, [_gid(work, item.member) for item in staying], change)
    members: dict[str, int] = {}
    for item, one in zip(reversed(staying), reversed(ended), strict=True):  # what several touched belongs to the first of them
        if isinstance(item.member, int):
            members |= dict.fromkeys(one.touched, item.member)
    images.keep_and_store(work, chunk, draft, members)
    names: dict[Member, str] = {member: _gid(work, member) for member in drifted}
    away = [skipped(item, drifted[item.member], names) for item in items if item.member in drifted]
    done = [_outcome(item, one) for item, one in zip(staying, ended, strict=True)]
    return sorted(away + done, key=lambda row: row.index)


def _gid(work: Work, member: Member) -> str:
    """Return a member's gid; one that is gone since names nothing any more."""
    if isinstance(member, str):
        return member
    item = work.schema.by_id.get(member)
    return item.gid if item else str(member)


def _outcome(item: Item, ended: Ended) -> Outcome:
    record_id = item.member if isinstance(item.member, int) else None
    if ended.refused:
        refused = ended.refused
        return Outcome(item.index, "failed", record_id, ended.gid, refused.code, refused.pointer, refused.detail)
    info = {"type": ended.item.kind, "item": ended.item.gid} if ended.item else {}
    return Outcome(item.index, "noop" if ended.noop else "succeeded", record_id, ended.gid, info=msgspec.json.encode(info))


def results(_session: Session, _actor: Actor, found: Sequence[Outcome]) -> list[Result]:
    """Return outcomes as answers: the item that came out, or why not."""
    return [as_result(row) for row in found]
