"""What came of a job since somebody last looked: how it stands, and its outcomes in the order in which they were committed.

An outcome's number is how many its job had with it. It is taken under the lock of the job's row, right before the commit, so that
whoever has seen a number has seen all below it, and there are no gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from models.db import Session, driver
from models.errors import InvalidCursor
from models.jobs.ledger import OUTCOME_COLUMNS, Outcome
from models.jobs.reads import as_outcome, find_jobs
from models.jobs.values import Job

TOLD = OUTCOME_COLUMNS.removeprefix("job_id, ").replace("info", "NULL")  # what a record's answer is made of is left out
ENTRIES = f"""
WITH near AS (
    SELECT no, place, items, seq - items AS before FROM entries WHERE job_id = %(job_id)s AND seq > %(after)s
    ORDER BY seq LIMIT %(most)s
), numbered AS (
    SELECT near.before + greatest(%(after)s - near.before, 0) + item.n AS seq, item.index FROM near
    JOIN chunks c ON c.job_id = %(job_id)s AND c.no = near.no CROSS JOIN LATERAL unnest(c.indexes[
        near.place + greatest(%(after)s - near.before, 0) + 1 : near.place + least(near.items, %(after)s + %(most)s - near.before)
    ]) WITH ORDINALITY AS item (index, n)
    WHERE near.before < %(after)s + %(most)s
)
SELECT numbered.seq, {", ".join("NULL" if name == "NULL" else f"o.{name}" for name in TOLD.split(", "))}
FROM numbered JOIN outcomes o ON o.job_id = %(job_id)s AND o.index = numbered.index ORDER BY numbered.seq
"""
LAST = "SELECT coalesce(max(seq), 0) FROM entries WHERE job_id = %s"


@dataclass(frozen=True, slots=True)
class Numbered:
    """An outcome with its number in its job's ledger, from 1."""

    seq: int
    outcome: Outcome


def list_entries(session: Session, job: Job, after: int, most: int) -> list[Numbered]:
    """Return a job's outcomes behind number `after`, in the order of their commits, at most so many.

    Raises Gone where they were purged, InvalidCursor where the job has not come so far.
    """
    job.check_kept("outcomes")
    found = _read(session, job.id, after, most)
    if not found and after > last_number(session, job):
        raise InvalidCursor("The job's ledger has not come so far.", pointer="/after")
    return found


def _read(session: Session, job_id: int, after: int, most: int) -> list[Numbered]:
    rows = driver(session).execute(ENTRIES, {"job_id": job_id, "after": after, "most": most}).fetchall()
    return [Numbered(int(seq), as_outcome(row)) for seq, *row in rows]


def last_number(session: Session, job: Job) -> int:
    """Return the number of a job's last outcome so far; a job that never ran has none."""
    row = driver(session).execute(LAST, (job.id,)).fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Place:
    """What a follower of a job has: its outcomes up to number `after` (None: it wants none), and the moment of the state told."""

    after: int | None = None
    stamp: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """What is new to a follower. `more`: there are more outcomes already. `over`: the job has ended, and this is the last."""

    job: Job
    outcomes: Sequence[Numbered] = field(default=())
    more: bool = False
    over: bool = False


def hear(session: Session, asked: Sequence[tuple[int, Place]], most: int) -> list[Word | None]:
    """Return for each job id and place what is to be told, None where the job is gone; at most so many outcomes each.

    The state is read first: whatever a job that has ended then has come to is there to be read after it.
    """
    known = find_jobs(session, {job_id for job_id, _ in asked})
    return [_word(session, known[job_id], place, most) if job_id in known else None for job_id, place in asked]


def _word(session: Session, job: Job, place: Place, most: int) -> Word:
    outcomes = [] if place.after is None or job.purged_on else _read(session, job.id, place.after, most)
    more = len(outcomes) == most
    return Word(job, outcomes, more, job.final and not more)
