"""What is stored of the past of records, as values: what happened to them since a job's first change, and who lies buried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from models import ids
from models.classifications.journal import RECORD
from models.classifications.loading import find_labs, record_of
from models.classifications.takeback import Course, Edit, Grave, Held, Turn
from models.db import Session, driver

FIRSTS = """
SELECT record_id, min(moment) FROM (
    SELECT record_id, version AS moment FROM versions WHERE record_id = ANY(%(rids)s) AND job_id = %(job_id)s
    UNION ALL SELECT record_id, moment FROM record_states WHERE record_id = ANY(%(rids)s) AND job_id = %(job_id)s
) events GROUP BY record_id
"""
EDITS = """
SELECT v.record_id, v.version, v.job_id, v.before, v.level, v.published_on
FROM unnest(%s::bigint[], %s::bigint[]) AS since (record_id, moment)
JOIN versions v ON v.record_id = since.record_id AND v.version >= since.moment ORDER BY v.record_id, v.version DESC
"""
PREVIOUS = """
SELECT v.record_id, max(v.version) FROM unnest(%s::bigint[], %s::bigint[]) AS since (record_id, moment)
JOIN versions v ON v.record_id = since.record_id AND v.version < since.moment GROUP BY v.record_id
"""
TURNS = """
SELECT s.record_id, s.moment, s.job_id, s.version, s.owner_id, s.share_level, s.live_level, s.widest_level, s.withdrawn,
    s.published_version, s.published_on, s.source_id, s.snapshots, s.levels
FROM unnest(%s::bigint[], %s::bigint[]) AS since (record_id, moment)
JOIN record_states s ON s.record_id = since.record_id AND s.moment >= since.moment ORDER BY s.record_id, s.moment DESC
"""
GRAVES = f"SELECT {RECORD}, snapshots, moment, user_id, job_id FROM deleted_records WHERE id = ANY(%s) ORDER BY id FOR UPDATE"


def read_courses(session: Session, rids: Sequence[int], job_id: int) -> dict[int, Course]:
    """Return what happened to these records from a job's first change on; those that it never changed are left out."""
    connection = driver(session)
    firsts = connection.execute(FIRSTS, {"rids": list(rids), "job_id": job_id}).fetchall()
    if not firsts:
        return {}
    since = [list(column) for column in zip(*firsts, strict=True)]
    edits: dict[int, list[Edit]] = defaultdict(list)
    for rid, *edit in connection.execute(EDITS, since).fetchall():
        edits[rid].append(Edit(*edit))
    turns: dict[int, list[Turn]] = defaultdict(list)
    for rid, *turn in connection.execute(TURNS, since).fetchall():
        turns[rid].append(_turn(turn))
    previous = dict(connection.execute(PREVIOUS, since).fetchall())
    return {rid: Course(tuple(edits[rid]), tuple(turns[rid]), previous.get(rid)) for rid, _ in firsts}


def _turn(row: Sequence[Any]) -> Turn:
    *facts, snapshots, levels = row
    return Turn(*[*facts, _held(snapshots), [tuple(level) for level in levels or ()]])


def read_graves(session: Session, rids: Sequence[int]) -> dict[int, Grave]:
    """Lock and return those of these records that were deleted for good."""
    rows = driver(session).execute(GRAVES, (list(rids),)).fetchall() if rids else []
    labs = {lab.id: lab for lab in find_labs(session, lab_ids={row[1] for row in rows})} if rows else {}
    return {row[0]: _grave(row, labs) for row in rows}


def _grave(row: Sequence[Any], labs: dict[int, Any]) -> Grave:
    *columns, snapshots, moment, user_id, job_id = row
    record = None if columns[-1] is None else record_of(columns, labs)
    return Grave(record, moment, user_id, job_id, _held(snapshots))


def _held(snapshots: list[list[Any]] | None) -> Held:
    return {level: (version, when and ids.moment(when)) for level, version, when in snapshots or ()}
