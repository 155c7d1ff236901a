"""What versions do not tell: how a record was shared, withdrawn and owned until each change, and what was deleted for good.

Written with the change, read by undo and by reads of a past moment. See docs/adr/010-undo.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from models import ids
from models.classifications.state import Decision, Record
from models.classifications.takeback import Held, Levels
from models.db import NULL, Session, copy_number, copy_rows, copy_text, driver
from models.settings import settings

Author: TypeAlias = tuple[int, int | None]
"""Who changes something: a user, and the job it is part of."""

STATE_COLUMNS = (
    "record_id, moment, job_id, user_id, version, owner_id, share_level, live_level, widest_level, withdrawn, "
    "published_version, published_on, source_id, snapshots, levels"
)
RECORD = (
    "id, lab_id, lab_record_id, owner_id, share_level, live_level, widest_level, withdrawn, version, published_version, "
    "created_on, updated_on, published_on, source_id, evidence"
)
MICROS = "(extract(epoch FROM {time}) * 1000000)::bigint"
SNAPSHOTS = "SELECT record_id, level, version, published_on FROM snapshots WHERE record_id = ANY(%s)"
BURY = f"""
WITH gone AS (DELETE FROM records WHERE id = ANY(%(rids)s) RETURNING {RECORD}),
held AS (DELETE FROM snapshots WHERE record_id = ANY(%(rids)s) RETURNING record_id, level, version, published_on),
listed AS (
    SELECT record_id, jsonb_agg(jsonb_build_array(level, version, {MICROS.format(time="published_on")})) AS snapshots
    FROM held GROUP BY record_id
)
INSERT INTO deleted_records ({RECORD}, snapshots, moment, job_id, user_id, keep_until)
SELECT {", ".join("gone." + name for name in RECORD.split(", "))}, listed.snapshots,
    greatest(%(moment)s, {MICROS.format(time="gone.updated_on")} + 1), %(job_id)s, %(user_id)s, %(keep_until)s
FROM gone LEFT JOIN listed ON listed.record_id = gone.id
"""


class State(msgspec.Struct, frozen=True):
    """One row of `record_states`: what a record was until a moment; None where there was no such record."""

    record_id: int
    moment: int
    author: Author
    before: Record | None
    after: Record  # whose facts fill the row where there was no record
    held: Held
    levels: Levels = []


def moved(before: Record, after: Record) -> bool:
    """Say whether anything changed that versions do not tell of."""
    return (
        before.published_on != after.published_on
        or before.live_level != after.live_level
        or before.withdrawn != after.withdrawn
        or before.owner_id != after.owner_id
        or before.source_id != after.source_id
        or before.share_level != after.share_level
        or before.widest_level != after.widest_level
        or before.published_version != after.published_version
    )


def note_changes(session: Session, changes: Mapping[int, Sequence[tuple[Record, Decision]]], author: Author) -> None:
    """Store what records were before each of these decisions, taken in this order. To be called before snapshots are stored."""
    if not changes:
        return
    first = {rid: done[0][0] for rid, done in changes.items()}
    held = read_held(session, [rid for rid, record in first.items() if record.widest_level > record.live_level])
    write_states(session, [state for rid, done in changes.items() for state in _states(rid, done, held.get(rid, {}), author)])


def _states(rid: int, done: Sequence[tuple[Record, Decision]], held: Held, author: Author) -> Iterable[State]:
    for before, decision in done:
        after = decision.record
        if after is None or after.updated_on is None:
            raise LookupError("a change of state leaves a record, and a time")
        yield State(rid, ids.stamp(after.updated_on), author, before, after, dict(held))
        if decision.snapshot:
            held[decision.snapshot.level] = (decision.snapshot.version, decision.snapshot.published_on)
        if decision.published is not None:
            held = {level: kept for level, kept in held.items() if level > decision.published}


def read_held(session: Session, rids: Sequence[int]) -> dict[int, Held]:
    """Return which snapshots these records have, without their evidence."""
    found: dict[int, Held] = {}
    if rids:
        for rid, level, version, published_on in driver(session).execute(SNAPSHOTS, (list(rids),)).fetchall():
            found.setdefault(rid, {})[level] = (version, published_on)
    return found


def write_states(session: Session, states: Iterable[State]) -> None:
    """Store rows of `record_states`, by one COPY."""
    lines = [_line(state) for state in states]
    if lines:
        copy_rows(session, f"record_states ({STATE_COLUMNS})", lines)


def _line(state: State) -> bytes:
    facts = state.before or state.after
    user_id, job_id = state.author
    held = [(level, version, _micros(when)) for level, (version, when) in sorted(state.held.items())]
    fields = (
        b"%d\t%d" % (state.record_id, state.moment),
        copy_number(job_id),
        b"%d" % user_id,
        copy_number(state.before.version if state.before else None),
        b"%d\t%d\t%d\t%d" % (facts.owner_id, facts.share_level, facts.live_level, facts.widest_level),
        b"t" if facts.withdrawn else b"f",
        copy_number(facts.published_version),
        NULL if facts.published_on is None else facts.published_on.isoformat().encode(),
        copy_text(facts.source_id),
        msgspec.json.encode(held) if held else NULL,
        (msgspec.json.encode(state.levels) if state.levels else NULL) + b"\n",
    )
    return b"\t".join(fields)


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else ids.stamp(moment)


def bury(session: Session, rids: Sequence[int], author: Author) -> None:
    """Delete records for good. For a time they are kept where only undo and reads of a past moment find them, history and all."""
    now = ids.now()
    values = {
        "rids": list(rids),
        "moment": ids.stamp(now),
        "user_id": author[0],
        "job_id": author[1],
        "keep_until": now + timedelta(days=settings().results_days),
    }
    driver(session).execute(BURY, values)
