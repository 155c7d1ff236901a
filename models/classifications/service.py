"""Applying operations to classification records: read all targets, decide each in order, write once.

The same function serves one operation in a request and five hundred in a chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from models import ids
from models.classifications.decide import decide
from models.classifications.state import Context, Decision, Operation, Person, Status
from models.classifications.store import Loaded, load, store
from models.classifications.view import UNREAD, Posted, dump_posted
from models.db import Session
from models.errors import Refused, refusal
from models.identity.principal import Principal
from models.identity.service import find_people

log = structlog.get_logger()


class Ask(msgspec.Struct, frozen=True, gc=False):
    """One operation to apply, or the refusal that reading it ended in. `new_id` names a created record that has no name."""

    operation: Operation | Refused
    new_id: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, when, and as part of which job."""

    principal: Principal
    now: datetime
    job_id: int | None = None


def apply(session: Session, origin: Origin, asks: Sequence[Ask]) -> list[Posted]:
    """Apply operations in their order; one outcome each. A refused operation leaves no trace and stops no other."""
    operations = [ask.operation for ask in asks if isinstance(ask.operation, Operation)]
    loaded = load(session, [operation.target for operation in operations])
    people = find_people(session, set(_named_owners(operations)))
    done = [_apply_one(loaded, ask, origin, people) for ask in asks]
    changed = [entry for entry in loaded.all() if entry.current is not entry.original]
    made = store(session, changed, origin.principal.user_id, origin.job_id)
    return [_with_rid(item, made) for item in done]


def _named_owners(operations: Iterable[Operation]) -> Iterable[str]:
    for operation in operations:
        for spelling, cell in operation.evidence.items():
            if len(spelling) > 12 or "owner" not in spelling.lower():
                continue
            value = cell.get("value") if isinstance(cell, dict) else cell
            if isinstance(value, str):
                yield value.strip().lower()


def _apply_one(loaded: Loaded, ask: Ask, origin: Origin, people: dict[str, Person]) -> Posted:
    if isinstance(ask.operation, Refused):
        return Posted(UNREAD, _refusal(ask.operation), None, None)
    entry = loaded.find(ask.operation.target)
    before = entry.current if entry else None
    try:
        decision = decide(before, ask.operation, _context(loaded, ask, origin, people))
    except Refused as refused:
        return Posted(ask.operation, _refusal(refused), before, before)
    except Exception:  # a bug in a rule costs its own item and no other; the trace is for us alone
        log.exception("decide_failed", job_id=origin.job_id)
        detail = "This operation could not be carried out because of an error of ours; nothing of it was stored."
        return Posted(ask.operation, Decision(Status.FAILED, before, code="internal", detail=detail), before, before)
    if not ask.operation.test:
        loaded.take(entry, decision)
    return Posted(ask.operation, decision, decision.record, before)


def _context(loaded: Loaded, ask: Ask, origin: Origin, people: dict[str, Person]) -> Context:
    operation = ask.operation
    lab = loaded.labs.get(operation.target.lab or "") if isinstance(operation, Operation) else None
    return Context(origin.principal.actor(), lab, origin.now, ask.new_id, people)


def _refusal(refused: Refused) -> Decision:
    return Decision(Status.FAILED, None, code=refused.code, detail=refused.detail, pointer=refused.pointer)


def _with_rid(done: Posted, made: dict[tuple[str, str], int]) -> Posted:
    record = done.record
    if record is None or record.id is not None or record.key not in made or done.operation.test:
        return done
    return replace(done, record=replace(record, id=made[record.key]))


def apply_single(session: Session, principal: Principal, operation: Operation) -> dict[str, Any]:
    """Apply one operation in the caller's transaction and return its answer. Raises Refused."""
    origin = Origin(principal, ids.now())
    done = apply(session, origin, [Ask(operation, str(ids.new_token()))])[0]
    if done.decision.status is Status.FAILED:
        raise refusal(str(done.decision.code), str(done.decision.detail), done.decision.pointer)
    return dump_posted(done, principal.actor())
