"""The members of a job over a selection as they were frozen when it was accepted, and which had changed at their turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from models.classifications.record_id import dump_id
from models.classifications.visibility import visible_records
from models.db import NULL, Session, copy_rows, driver
from models.errors import InvalidRequest
from models.identity.principal import Principal
from models.identity.tables import labs
from models.jobs.payloads import unpack
from models.jobs.values import Job

CHUNKS = """
SELECT indexes, payload, moments FROM chunks WHERE job_id = %s AND indexes[array_upper(indexes, 1)] > %s ORDER BY no LIMIT 1
"""
LOCKED = "SELECT id, updated_on FROM records WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
DRIFTS = """
SELECT index, record_id, change, frozen_on, found_on FROM drifts WHERE job_id = %s AND index > %s ORDER BY index LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A frozen member: the number of its record, or the name of none, and when it had last changed."""

    index: int
    rid: int | None
    name: str | None
    frozen_on: datetime | None


@dataclass(frozen=True, slots=True)
class Drift:
    """A member that was not what was frozen when its turn came: `changed`, `gone`, or `unmatched` by its selection."""

    index: int
    rid: int
    change: str
    frozen_on: datetime | None = None
    found_on: datetime | None = None


def _check(session: Session, job: Job) -> None:
    """Raise Gone where the job's items were purged, InvalidRequest where it is over no selection."""
    job.check_kept("members")
    row = driver(session).execute("SELECT FROM jobs WHERE id = %s AND selection IS NOT NULL", (job.id,)).fetchone()
    if row is None:
        raise InvalidRequest("Only a job over a selection has members; this one has operations.")


def list_members(session: Session, job: Job, after: int, size: int) -> list[Member]:
    """Return a job's members by index, those after `after`. Raises Gone, InvalidRequest."""
    _check(session, job)
    found: list[Member] = []
    while len(found) < size and (row := driver(session).execute(CHUNKS, (job.id, after)).fetchone()):
        indexes, payload, moments = row
        each = zip(indexes, unpack(payload), moments or [None] * len(indexes), strict=True)
        found += [_member(index, raw, moment) for index, raw, moment in each if index > after]
        after = found[-1].index
    return found[:size]


def _member(index: int, raw: bytes, moment: datetime | None) -> Member:
    value = msgspec.json.decode(raw)
    return Member(index, value, None, moment) if isinstance(value, int) else Member(index, None, str(value), moment)


def list_drifts(session: Session, job: Job, after: int, size: int) -> list[Drift]:
    """Return the members that had changed at their turn, by index; while the job runs, of those that had it."""
    _check(session, job)
    return [Drift(*row) for row in driver(session).execute(DRIFTS, (job.id, after, size)).fetchall()]


def name_records(session: Session, principal: Principal, rids: Sequence[int]) -> dict[int, str]:
    """Return the names of those of these classification records that the caller can see now."""
    seen = visible_records(principal, rids)
    asked = sa.select(seen.c.id, labs.c.group_name, seen.c.lab_record_id).join(labs, labs.c.id == seen.c.lab_id)
    return {rid: dump_id(group, name) for rid, group, name in session.execute(asked)}


def find_changes(
    session: Session, members: Sequence[Any], moments: Sequence[datetime | None] | None, current: str = LOCKED
) -> dict[int, Drift]:
    """Return by their ids which of some frozen members have changed since or are gone; `current` is SQL for (id, moment) now.

    `index` is the member's place here. Where the moments were not kept, only what is gone is told.
    """
    rids = [member for member in members if isinstance(member, int)]
    present = dict(driver(session).execute(current, (rids,)).fetchall())
    drifts: dict[int, Drift] = {}
    for place, member in enumerate(members):
        if not isinstance(member, int):
            continue
        frozen, found = moments[place] if moments else None, present.get(member)
        if found is None:
            drifts[member] = Drift(place, member, "gone", frozen)
        elif frozen is not None and found != frozen:
            drifts[member] = Drift(place, member, "changed", frozen, found)
    return drifts


def note_drifts(session: Session, job_id: int, drifts: Sequence[Drift]) -> None:
    """Keep which members of a chunk had changed."""
    if drifts:
        columns = "job_id, index, record_id, change, frozen_on, found_on"
        copy_rows(session, f"drifts ({columns})", [_line(job_id, row) for row in drifts])


def _line(job_id: int, row: Drift) -> bytes:
    frozen, found = (NULL if moment is None else moment.isoformat().encode() for moment in (row.frozen_on, row.found_on))
    return b"%d\t%d\t%d\t%s\t%s\t%s\n" % (job_id, row.index, row.rid, row.change.encode(), frozen, found)
