"""How a chunk of classification operations is applied: raw items to operations, applied together, to outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from marshmallow import Schema, ValidationError, fields, validate

from models import ids
from models.classifications.envelope import parse_operation
from models.classifications.service import Ask, Origin, apply
from models.classifications.state import Operation
from models.db import Session
from models.errors import NotFound, Refused
from models.identity.principal import Principal
from models.identity.service import principal_of
from models.jobs.ledger import Chunk, Outcome
from models.operations import classification_outcomes as outcomes
from models.selection import resolve
from models.selection.grammar import parse_selection
from models.selection.search import FACE
from models.settings import settings
from models.strictness import decode_strict


def _count(value: object) -> None:
    if type(value) is not int or value < 0:
        raise ValidationError("Not a whole number from 0 on.")


class SelectionParams(Schema):
    """What every operation over a selection takes beside the selection itself."""

    test = fields.Boolean(truthy={True}, falsy={False})
    max_affected = fields.Raw(validate=_count)
    on_drift = fields.String(validate=validate.OneOf(("apply", "skip")))
    allow_all = fields.Boolean(truthy={True}, falsy={False})
    return_data = fields.Raw(validate=validate.OneOf((True, False, "flat", "changes")))


def run_sent(session: Session, chunk: Chunk) -> list[Outcome]:
    """Apply operations as a client sent them."""
    return _apply(session, chunk, principal_of(session, chunk.submitter_id), [_sent(raw) for raw in chunk.items])


def _sent(raw: bytes) -> Operation | Refused:
    try:
        return parse_operation(decode_strict(raw, settings().limits))
    except Refused as refused:
        return refused


def run_template(template: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Session, Chunk], list[Outcome]]:
    """Return a runner that does the same to each member of a selection: `template(params)` beside the member's id.

    Under `on_drift: skip` a member that the selection would not name any more is skipped.
    """

    def run(session: Session, chunk: Chunk) -> list[Outcome]:
        principal = principal_of(session, chunk.submitter_id)
        members = [msgspec.json.decode(raw) for raw in chunk.items]
        drifted = _drifted(session, chunk, principal, members)
        stay = [at for at, member in enumerate(members) if member not in drifted]
        shared = template(dict(chunk.params)) | {name: chunk.params.get(name) for name in ("test", "return_data")}
        applied = _apply(session, chunk.only(stay), principal, [_member(members[at], shared) for at in stay])
        skipped = [outcomes.drifted(chunk, at) for at, member in enumerate(members) if member in drifted]
        return sorted(applied + skipped, key=lambda row: row.index)

    return run


def _drifted(session: Session, chunk: Chunk, principal: Principal, members: Sequence[Any]) -> frozenset[int]:
    if chunk.params.get("on_drift") != "skip":
        return frozenset()
    rids = [member for member in members if isinstance(member, int)]
    selection = parse_selection(chunk.selection, FACE, allow_all=True)
    return frozenset(rids) - resolve.matching(session, principal, selection, rids)


def _member(member: int | str, shared: dict[str, Any]) -> Operation | Refused:
    if isinstance(member, str):
        return NotFound("There is no such record.", pointer="/id")
    return parse_operation({"id": member, **shared})


def _apply(session: Session, chunk: Chunk, principal: Principal, asked: Sequence[Operation | Refused]) -> list[Outcome]:
    asks = [Ask(operation, ids.derived_id(chunk.token, index)) for operation, index in zip(asked, chunk.indexes, strict=True)]
    done = apply(session, Origin(principal, ids.now(), chunk.claim.job_id), asks)
    return outcomes.rows(chunk, done)
