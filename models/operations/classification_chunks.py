"""How a chunk of classification operations is applied: raw items to operations, applied together, to outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from marshmallow import fields, validate
from msgspec.structs import replace

from models import ids
from models.classifications.envelope import parse_operation
from models.classifications.groups import Together
from models.classifications.service import Ask, Company, Origin, apply
from models.classifications.state import Operation
from models.db import Session
from models.errors import NotFound, Refused
from models.identity.principal import Principal
from models.identity.service import principal_of
from models.jobs.ledger import Chunk, Outcome
from models.operations import classification_outcomes as outcomes
from models.operations.classification_drift import find_drifted
from models.operations.classification_runs import count_run
from models.operations.verb import SelectionParams
from models.settings import settings
from models.strictness import decode_strict


class RecordParams(SelectionParams):
    """What every operation over a selection of records takes beside the selection itself."""

    atomic = fields.Boolean(truthy={True}, falsy={False})
    return_data = fields.Raw(validate=validate.OneOf((True, False, "flat", "changes")))


def run_sent(session: Session, chunk: Chunk) -> list[Outcome]:
    """Apply operations as a client sent them."""
    rows = _apply(session, chunk, principal_of(session, chunk.submitter_id), [_sent(raw) for raw in chunk.items])
    if "import_id" in chunk.params:
        count_run(session, chunk, rows)
    return rows


def run_tried(session: Session, chunk: Chunk) -> list[Outcome]:
    """Try operations as a client sent them; nothing of them is stored but how they end."""
    asked = [_sent(raw) for raw in chunk.items]
    tried = [item if isinstance(item, Refused) else replace(item, test=True, return_data=outcomes.NOTHING) for item in asked]
    return _apply(session, chunk, principal_of(session, chunk.submitter_id), tried)


def _sent(raw: bytes) -> Operation | Refused:
    try:
        return parse_operation(decode_strict(raw, settings().limits))
    except Refused as refused:
        return refused


def run_template(template: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Session, Chunk], list[Outcome]]:
    """Return a runner that does the same to each member of a selection: `template(params)` beside the member's id.

    A member that has changed since the selection was frozen is noted, and skipped where that was asked for.
    """

    def run(session: Session, chunk: Chunk) -> list[Outcome]:
        principal = principal_of(session, chunk.submitter_id)
        members = [msgspec.json.decode(raw) for raw in chunk.items]
        drifted = find_drifted(session, chunk, principal, members)
        stay = [at for at, member in enumerate(members) if member not in drifted]
        shared = template(dict(chunk.params)) | {name: chunk.params.get(name) for name in ("test", "return_data")}
        applied = _apply(session, chunk.only(stay), principal, [_member(members[at], shared) for at in stay])
        skipped = [outcomes.drifted(chunk, at, drifted[member]) for at, member in enumerate(members) if member in drifted]
        return sorted(applied + skipped, key=lambda row: row.index)

    return run


def _member(member: int | str, shared: dict[str, Any]) -> Operation | Refused:
    if isinstance(member, str):
        return NotFound("There is no such record.", pointer="/id")
    return parse_operation({"id": member, **shared})


def _new_id(chunk: Chunk, operation: Operation | Refused, index: int) -> str:
    """Return the name of a record that the operation may create without naming it."""
    named = isinstance(operation, Refused) or operation.target.lab_record_id is not None
    return "" if named else ids.derived_id(chunk.token, index)


def _apply(session: Session, chunk: Chunk, principal: Principal, asked: Sequence[Operation | Refused]) -> list[Outcome]:
    asks = [Ask(operation, _new_id(chunk, operation, index)) for operation, index in zip(asked, chunk.indexes, strict=True)]
    together = None if chunk.groups is None else Together(chunk.groups, chunk.indexes)
    company = Company(together, chunk.rehearsed, chunk.goes_on and not chunk.selection)
    done = apply(session, Origin(principal, job_id=chunk.claim.job_id), asks, company)
    return outcomes.rows(chunk, done)
