"""Reading classification records as a caller may see them. Evidence stays raw; the view hides cells by the caller's relation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from models.classifications.history import moments
from models.classifications.journal import RECORD
from models.classifications.loading import find_labs, record_of
from models.classifications.past import as_of
from models.classifications.private import private_discordances
from models.classifications.state import Level, Record, Target
from models.classifications.view import PastVersion, View, dump_record
from models.classifications.visibility import records, visible_records
from models.db import Session
from models.errors import NotFound
from models.identity.principal import Principal
from models.identity.tables import labs

versions = sa.table(
    "versions",
    sa.column("record_id", sa.BigInteger),
    sa.column("version", sa.BigInteger),
    sa.column("level", sa.SmallInteger),
    sa.column("published_on", sa.DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class SeenRecord:
    """A record as one caller sees it. `relation` is how the caller stands to it; `past` is set where a version was named."""

    record: Record
    relation: Level
    past: PastVersion | None = None


def show(session: Session, principal: Principal, target: Target, ask: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a single GET answers. Raises NotFound, for what the caller may not know of too."""
    seen = find_visible(session, principal, target)
    if seen is None:
        raise NotFound("There is no such record.")
    shown = dump_seen(seen, principal, ask)
    if seen.past is None:
        shown["messages"] = [*shown["messages"], *private_discordances(session, principal, seen.record)]
    return shown


def dump_seen(seen: SeenRecord, principal: Principal, ask: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as the caller is shown it. `ask` may hold `data` ("true", "flat", "false") and `config`."""
    data = {"true": "full", "flat": "flat", "false": None}[ask.get("data", "true")]
    view = View(principal.actor(), data, config=bool(ask.get("config")), version=seen.past)
    return dump_record(seen.record, view)


def load_visible(
    session: Session, principal: Principal, record_ids: Sequence[int], at: int | None = None
) -> dict[int, SeenRecord]:
    """Return those of these records that the caller can see, withdrawn ones too; as they are, or as they were `at` a moment."""
    seen = visible_records(principal, record_ids)
    asked = sa.select(*(seen.c[name] for name in RECORD.split(", ")), seen.c.relation)
    rows = session.execute(asked if at is None else as_of(asked, at, record_ids)).all()
    known = {lab.id: lab for lab in find_labs(session, lab_ids={row.lab_id for row in rows})} if rows else {}
    return {row.id: SeenRecord(record_of(row, known), Level(row.relation)) for row in rows}


def find_visible(session: Session, principal: Principal, target: Target) -> SeenRecord | None:
    """Return what an id names, at the version it names; None where there is none that the caller may read."""
    record_id = _record_id(session, target)
    if record_id is None:
        return None
    seen = load_visible(session, principal, [record_id]).get(record_id)
    if seen is None or target.version is None:
        return seen
    return _at_version(session, seen, record_id, target.version)


def _record_id(session: Session, target: Target) -> int | None:
    if target.rid is not None:
        return target.rid
    named = sa.select(records.c.id).join(labs, labs.c.id == records.c.lab_id)
    named = named.where(labs.c.group_name == target.lab, records.c.lab_record_id == target.lab_record_id)
    return session.scalar(named)


def _at_version(session: Session, seen: SeenRecord, record_id: int, version: int) -> SeenRecord | None:
    """Return the record as it was; only to those whom that very version was published to."""
    asked = sa.select(versions.c.level, versions.c.published_on).where(
        versions.c.record_id == record_id, versions.c.version == version
    )
    row: Any = session.execute(asked).one_or_none()
    if row is None or seen.relation > max(row.level, Level.LAB):
        return None
    then = moments(session, {(record_id, version)}).get((record_id, version))
    if then is None:
        return None
    past = PastVersion(row.level, row.published_on is not None, seen.record.version)
    return SeenRecord(replace(seen.record, version=version, evidence=then.record.evidence), seen.relation, past)
