"""Pausing and pacing: whether items of a job may begin now, and how many at once. ADR 018.

All of it is decided from the job's row, so that it holds over any number of workers and dispatchers, and over their deaths. A
paced job's items may begin from `next_on`, which each claim moves on by the time that what it takes is worth.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.db import Session, driver
from models.errors import InvalidValue
from models.jobs.announcing import announce_job, ring
from models.jobs.atomic import cut_parts
from models.jobs.values import FASTEST

SLICE = 0.5  # seconds: a claim takes no more than they are worth, so that a chunk is no burst
CREDIT = 1.0  # seconds that a job may be behind its pace and still catch up
GRACE = 2.0  # seconds after which a claim that nobody works on is nobody's

ADMIT = """
SELECT pace FROM jobs
WHERE id = %s AND pace IS NOT NULL AND pause_requested_on IS NULL AND next_on <= clock_timestamp() FOR UPDATE
"""
PAY = """
UPDATE jobs SET next_on = greatest(next_on, clock_timestamp() - make_interval(secs => %(credit)s))
    + make_interval(secs => %(items)s::float8 / %(pace)s) WHERE id = %(job_id)s
"""


def check_pace(pace: int | None) -> None:
    """Raise InvalidValue for a pace that is none."""
    if pace is not None and not (type(pace) is int and 1 <= pace <= FASTEST):
        raise InvalidValue(f"A pace is a whole number of items a second from 1 to {FASTEST}, or null.", pointer="/pace")


def admit(session: Session, job_id: int) -> int | None:
    """Lock a paced job some items of which may begin now, and return its pace. The caller pays for what it takes."""
    row = driver(session).execute(ADMIT, (job_id,)).fetchone()
    return row and int(row[0])


def portion(pace: int, units: Sequence[int] | None, items: tuple[int, int]) -> int:
    """Return how many of a chunk's items one claim takes: from the first of `items` on, below the second, no unit cut."""
    most, taken = max(1, int(pace * SLICE)), 0
    if units is None:
        return min(most, items[1] - items[0])
    for part in cut_parts(units, *items):
        if taken and taken + len(part) > most:
            break
        taken += len(part)
    return taken


SOONEST = """
SELECT extract(epoch FROM min(next_on) - clock_timestamp())::float8 FROM jobs
WHERE pace IS NOT NULL AND status IN ('queued', 'processing') AND pause_requested_on IS NULL AND next_on > clock_timestamp()
"""


def soonest(session: Session) -> float | None:
    """Return in how many seconds the next items of any paced job may begin; None where none waits for its time."""
    row = driver(session).execute(SOONEST).fetchone()
    return row and row[0]


def pay(session: Session, job_id: int, pace: int, items: int) -> None:
    """Move on when the next items may begin."""
    driver(session).execute(PAY, {"job_id": job_id, "pace": pace, "items": items, "credit": CREDIT})


FREE = """
UPDATE chunks c SET status = 'open', fence = fence + 1, dispatched_on = NULL FROM (
    SELECT c.job_id, c.no FROM jobs j JOIN chunks c ON c.job_id = j.id AND c.status = 'claimed'
    WHERE j.pause_requested_on IS NOT NULL AND j.paused_on IS NULL AND j.status IN ('queued', 'processing')
        AND greatest(c.claimed_on, c.dispatched_on) < clock_timestamp() - make_interval(secs => %s)
    ORDER BY c.job_id, c.no FOR UPDATE OF c SKIP LOCKED
) left_alone WHERE c.job_id = left_alone.job_id AND c.no = left_alone.no
"""
REST = """
UPDATE jobs j SET paused_on = clock_timestamp(), updated_on = clock_timestamp()
WHERE pause_requested_on IS NOT NULL AND paused_on IS NULL AND status IN ('queued', 'processing')
    AND NOT EXISTS (SELECT FROM chunks c WHERE c.job_id = j.id AND c.status = 'claimed') RETURNING id
"""


def settle_pauses(session: Session) -> int:
    """Note which jobs that were asked to pause have come to rest; return how many.

    To be a transaction of its own, after the one that asked: whoever began work before that is seen here by its claim.
    """
    connection = driver(session)
    connection.execute(FREE, (GRACE,))
    resting = [row[0] for row in connection.execute(REST).fetchall()]
    for job_id in resting:
        announce_job(session, job_id)
        ring(session, job_id)
    return len(resting)
