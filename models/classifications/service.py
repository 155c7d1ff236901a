"""Applying operations to classification records: read all targets, decide each in order, write once.

The same function serves one operation in a request and five hundred in a chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from msgspec.structs import replace

from models import ids
from models.classifications.decide import decide
from models.classifications.groups import Together, carry_out_grouped
from models.classifications.keys import key_set
from models.classifications.loading import Loaded, load
from models.classifications.scenes import Ask as Ask
from models.classifications.scenes import Live, Rehearsal
from models.classifications.state import Context, Decision, Operation, Record, Status
from models.classifications.store import store
from models.classifications.view import UNREAD, Posted, dump_posted
from models.db import Session
from models.errors import Refused, refusal
from models.identity.principal import Principal
from models.identity.service import find_people

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, when (None: at the moment when the records are locked), and as part of which job."""

    principal: Principal
    now: datetime | None = None
    job_id: int | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """What binds operations beyond their order: a group for each that may have one, and tests in other chunks of the job."""

    together: Together | None = None
    rehearsed: bool = False  # earlier chunks have left what their tests came to
    goes_on: bool = False  # later chunks may build on what tests come to here


ALONE = Company()


def apply(session: Session, origin: Origin, asks: Sequence[Ask], company: Company = ALONE) -> list[Posted]:
    """Apply operations in their order; one outcome each. A refused operation leaves no trace, and stops none but its group."""
    operations = [ask.operation for ask in asks if isinstance(ask.operation, Operation)]
    loaded = load(session, [operation.target for operation in operations])
    people = find_people(session, set(_named_owners(operations)))
    # Not before: whoever reads the records of a moment waits for those who had locked any by then (see past.py).
    context = Context(origin.principal.actor(), None, origin.now or ids.now(), "", people)
    if company.together is None and not company.rehearsed and not any(operation.test for operation in operations):
        scene = Live(loaded, partial(_decide, loaded, context))
        done = [scene.carry_out(ask) for ask in asks]
    else:
        done = _apply_in_company(session, (loaded, context, origin.job_id), asks, company)
    changed = [entry for entry in loaded.all() if entry.current is not entry.original]
    made = store(session, changed, origin.principal.user_id, origin.job_id)
    return [_with_rid(item, made) for item in done]


def _named_owners(operations: Iterable[Operation]) -> Iterable[str]:
    spelled = key_set().spelled
    for operation in operations:
        for spelling, cell in operation.evidence.items():
            key = spelled[spelling]
            if key is None or not key.names_user:
                continue
            value = cell.get("value") if isinstance(cell, dict) else cell
            if isinstance(value, str):
                yield value.strip().lower()


def _apply_in_company(
    session: Session, scenery: tuple[Loaded, Context, int | None], asks: Sequence[Ask], company: Company
) -> list[Posted]:
    """Apply operations of which some are tests, or stand and fall together."""
    loaded, context, job_id = scenery
    scene = Rehearsal(loaded, partial(_decide, loaded, context))
    if company.rehearsed and job_id is not None:
        scene.load(session, job_id, [ask.operation for ask in asks if isinstance(ask.operation, Operation)])
    if company.together is None:
        done = [scene.carry_out(ask) for ask in asks]
    else:
        done = carry_out_grouped(scene, asks, company.together)
    if company.goes_on and job_id is not None:
        scene.store(session, job_id)
    return done


def _decide(loaded: Loaded, context: Context, ask: Ask, before: Record | None) -> Posted:
    """Return what an operation makes of the record that its id names; nothing is kept of it."""
    if isinstance(ask.operation, Refused):
        return Posted(UNREAD, _refusal(ask.operation), None, None)
    try:
        lab = loaded.labs.get(ask.operation.target.lab or "")
        decision = decide(before, ask.operation, replace(context, lab=lab, new_id=ask.new_id))
    except Refused as refused:
        return Posted(ask.operation, _refusal(refused), before, before)
    except MemoryError:  # no bug of a rule: the process ends, and the ledger finds the item (see worker/tasks.py)
        raise
    except Exception:  # a bug in a rule costs its own item and no other; the trace is for us alone
        log.exception("decide_failed")
        detail = "This operation could not be carried out because of an error of ours; nothing of it was stored."
        return Posted(ask.operation, Decision(Status.FAILED, before, code="internal", detail=detail), before, before)
    return Posted(ask.operation, decision, decision.record, before)


def _refusal(refused: Refused) -> Decision:
    return Decision(Status.FAILED, None, code=refused.code, detail=refused.detail, pointer=refused.pointer)


def _with_rid(done: Posted, made: dict[tuple[str, str], int]) -> Posted:
    record = done.record
    if record is None or record.id is not None or record.key not in made or done.operation.test:
        return done
    return replace(done, record=replace(record, id=made[record.key]))


def apply_single(session: Session, principal: Principal, operation: Operation) -> dict[str, Any]:
    """Apply one operation in the caller's transaction and return its answer. Raises Refused."""
    origin = Origin(principal)
    done = apply(session, origin, [Ask(operation, str(ids.new_token()))])[0]
    if done.decision.status is Status.FAILED:
        raise refusal(str(done.decision.code), str(done.decision.detail), done.decision.pointer)
    return dump_posted(done, principal.actor())
