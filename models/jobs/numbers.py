"""What an operator watches, over all tenants: how much is open and how old it is, and what was done in the last hours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models import ids
from models.db import Session, driver

OPEN_JOBS = """
SELECT queue, status, count(*), coalesce(sum(total - succeeded - failed - skipped - noop - cancelled), 0),
    coalesce(max(extract(epoch FROM clock_timestamp() - updated_on)) FILTER (WHERE pause_requested_on IS NULL), 0)::float8,
    max(extract(epoch FROM clock_timestamp() - created_on))::float8
FROM jobs WHERE status IN ('queued', 'processing') GROUP BY queue, status
"""
OPEN_CHUNKS = """
SELECT j.queue, c.status, count(*), coalesce(sum(c.attempts), 0), coalesce(sum(c.dispatches), 0),
    coalesce(max(c.attempts - c.slices), 0),
    greatest(0, max(extract(epoch FROM clock_timestamp() - greatest(coalesce(c.claimed_on, j.created_on),
        CASE WHEN j.pace IS NOT NULL THEN j.next_on END))) FILTER (WHERE j.pause_requested_on IS NULL))::float8
FROM chunks c JOIN jobs j ON j.id = c.job_id
WHERE j.status IN ('queued', 'processing') AND c.status <> 'done' GROUP BY j.queue, c.status
"""
ENDED_SECONDS = 300
ENDED = """
SELECT coalesce(outcome, status), count(*) FROM jobs
WHERE finished_on > now() - make_interval(secs => %s) AND purged_on IS NULL GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Numbers:
    """`jobs` and `items` by (queue, status), `chunks`, `attempts` and `dispatches` by chunk status; ages in seconds."""

    jobs: Mapping[tuple[str, str], int]
    items: Mapping[tuple[str, str], int]
    longest_silence: float  # since any open job that is not paused last moved
    chunks: Mapping[str, int]
    attempts: Mapping[str, int]
    dispatches: Mapping[str, int]
    oldest_chunk: float  # since the last claim of an open chunk, or since its job could begin
    queues: Mapping[tuple[str, str], int]  # open chunks by (queue, status)
    ages: Mapping[tuple[str, str], float]  # of the oldest open job, by (queue, status)
    most_attempts: int  # at one open chunk, those that ended well left out


def count_open(session: Session) -> Numbers:
    """Count what is open now."""
    jobs = driver(session).execute(OPEN_JOBS).fetchall()
    chunks = driver(session).execute(OPEN_CHUNKS).fetchall()
    return Numbers(
        jobs={(row[0], row[1]): row[2] for row in jobs},
        items={(row[0], row[1]): int(row[3]) for row in jobs},
        longest_silence=max((row[4] for row in jobs), default=0.0),
        chunks=_by_status((row[1], row[2]) for row in chunks),
        attempts=_by_status((row[1], row[3]) for row in chunks),
        dispatches=_by_status((row[1], row[4]) for row in chunks),
        oldest_chunk=max((row[6] for row in chunks), default=0.0),
        queues={(row[0], row[1]): row[2] for row in chunks},
        ages={(row[0], row[1]): row[5] for row in jobs},
        most_attempts=max((row[5] for row in chunks), default=0),
    )


def _by_status(counted: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for status, number in counted:
        found[status] += int(number)
    return dict(found)


def count_ended(session: Session) -> Mapping[str, int]:
    """Count the jobs that ended in the last five minutes, by outcome; a rejected one counts as that."""
    return dict(driver(session).execute(ENDED, (ENDED_SECONDS,)).fetchall())


LONGEST = 26 * 3_600  # seconds that a look back may span
STEPS = 60
PAST = """
WITH near AS (
    SELECT extract(epoch FROM created_on)::float8 AS made, extract(epoch FROM started_on)::float8 AS began,
        extract(epoch FROM coalesce(finished_on, clock_timestamp()))::float8 AS ended, finished_on IS NOT NULL AS final,
        succeeded + failed + skipped + noop + cancelled AS items, failed
    FROM jobs WHERE (finished_on > to_timestamp(%(since)s) AND purged_on IS NULL OR status IN ('queued', 'processing'))
        AND (%(user_id)s::integer IS NULL OR submitter_id = %(user_id)s)
), slots AS (
    SELECT near.*, slot, %(since)s + slot * %(step)s AS opens, %(since)s + (slot + 1) * %(step)s AS closes
    FROM near CROSS JOIN LATERAL generate_series(
        greatest(0, floor((made - %(since)s) / %(step)s)::integer),
        least(%(steps)s - 1, floor((ended - %(since)s) / %(step)s)::integer)
    ) AS slot
), shares AS (
    SELECT *, CASE WHEN began IS NULL THEN 0 WHEN ended - began < 0.001 THEN (ended >= opens AND ended < closes)::integer
        ELSE greatest(0, least(ended, closes) - greatest(began, opens)) / (ended - began) END AS share
    FROM slots
)
SELECT slot, sum(items * share), sum(failed * share), count(*) FILTER (WHERE final AND ended >= opens AND ended < closes),
    count(*) FILTER (WHERE coalesce(began, ended) >= closes)
FROM shares GROUP BY slot
"""


@dataclass(frozen=True, slots=True)
class Past:
    """What became of items in equal steps of time since `since`, UNIX seconds. A job's items count evenly over its run.

    `items` and `failed` are per second, `finished` counts jobs that ended in a step, `waiting` those not begun at its end.
    """

    since: float
    step: float
    items: list[float]
    failed: list[float]
    finished: list[int]
    waiting: list[int]


def look_back(session: Session, seconds: int, user_id: int | None = None) -> Past:
    """Return what was done in the last seconds, by all or by one user's jobs. Jobs whose items were purged do not count."""
    step = min(seconds, LONGEST) / STEPS
    since = ids.now().timestamp() - step * STEPS
    asked = {"since": since, "step": step, "steps": STEPS, "user_id": user_id}
    found = {row[0]: row[1:] for row in driver(session).execute(PAST, asked).fetchall()}
    rows = [found.get(slot, (0, 0, 0, 0)) for slot in range(STEPS)]
    return Past(
        since,
        step,
        items=[round(float(row[0]) / step, 3) for row in rows],
        failed=[round(float(row[1]) / step, 3) for row in rows],
        finished=[row[2] for row in rows],
        waiting=[row[3] for row in rows],
    )
