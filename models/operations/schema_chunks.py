"""How a chunk of schema items is changed: one draft, gone through item by item, stored at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from models.catalogue.changes import Work
from models.catalogue.drafts import Draft
from models.catalogue.rows import Member
from models.catalogue.schema_store import store
from models.catalogue.states import Change, Ended, each
from models.db import Session
from models.errors import Refused
from models.identity.people import Actor
from models.identity.service import principal_of
from models.jobs.ledger import Chunk, Outcome
from models.jobs.values import Result
from models.operations.catalogue_chunks import Item, open_work


def run_over_schema(change: Change) -> Callable[[Session, Chunk], list[Outcome]]:
    """Return a runner of an operation over definitions, classes and fields."""

    def run(session: Session, chunk: Chunk) -> list[Outcome]:
        members = [msgspec.json.decode(raw) for raw in chunk.items]
        items = [Item(*place) for place in zip(chunk.indexes, members, chunk.lines, chunk.refs, strict=True)]
        try:
            work = open_work(session, principal_of(session, chunk.submitter_id), chunk)
            ended = _change(work, members, change, test=bool(chunk.params.get("test")))
        except Refused as refused:
            return [_outcome(item, Ended(str(item.member), refused=refused)) for item in items]
        return [_outcome(item, one) for item, one in zip(items, ended, strict=True)]

    return run


def _change(work: Work, members: Sequence[Member], change: Change, *, test: bool) -> list[Ended]:
    draft = Draft(work.schema)
    ended = each(draft, [_gid(work, member) for member in members], change)
    if not test:
        store(work.session, work.project, draft)
    return ended


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
    return [_result(row) for row in found]


def _result(row: Outcome) -> Result:
    info: Mapping[str, Any] | None = msgspec.json.decode(row.info) if row.info else None
    error = {"code": row.code, "detail": row.detail, "pointer": row.pointer} if row.code else None
    return Result(row.index, row.status, row.target, info, error, row.line, row.ref)
