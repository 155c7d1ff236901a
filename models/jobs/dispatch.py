"""Which chunks to wake next. One statement is outbox and reaper in one: it finds what was never sent and what was forgotten.

Of each lane only the first open chunk is eligible. A tenant's turn counts what it already has in flight, and within a tenant
each job's turn does too, so that whoever has the least running comes first. A paused job has no turn, and of a paced one no more
is woken than may begin now; while it waits for its time it takes no place among its tenant's jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from models.db import Session, driver
from models.jobs.pacing import SLICE
from models.settings import settings


@dataclass(frozen=True, slots=True)
class Wake:
    """A chunk to wake a worker for, the queue to do it through, and whether it was woken before."""

    job_id: int
    no: int
    queue: str
    again: bool = field(default=False, compare=False)
    token: UUID | None = field(default=None, compare=False)


PICK = """
WITH live AS (
    SELECT id, tenant, queue, lanes, pace, next_on FROM (
        SELECT id, tenant, queue, lanes, pace, next_on,
            count(*) FILTER (WHERE pace IS NULL OR next_on <= clock_timestamp()) OVER earlier AS place
        FROM jobs WHERE status IN ('queued', 'processing') AND cancel_requested_on IS NULL AND pause_requested_on IS NULL
        WINDOW earlier AS (PARTITION BY tenant, queue ORDER BY id)
    ) ranked WHERE queue = 'small' OR place <= %(tenant_jobs)s
), heads AS (
    SELECT live.id AS job_id, live.tenant, live.queue, head.no, head.not_before, head.dispatched_on,
        head.dispatched_on IS NOT NULL AND head.dispatched_on > clock_timestamp() - make_interval(secs => %(again)s) AS flying,
        CASE WHEN live.pace IS NOT NULL THEN live.next_on END AS begins,
        CASE WHEN head.status = 'open' THEN least(head.items, greatest(1, live.pace * %(slice)s)) / live.pace::float8 END AS cost
    FROM live CROSS JOIN LATERAL generate_series(0, live.lanes - 1) AS lanes (lane)
    CROSS JOIN LATERAL (
        SELECT no, not_before, dispatched_on, status, size - next_item AS items FROM chunks
        WHERE job_id = live.id AND chunks.lane = lanes.lane AND status <> 'done' ORDER BY no LIMIT 1
    ) head
), turns AS (
    SELECT heads.*, count(*) FILTER (WHERE flying) OVER (PARTITION BY job_id)
            + row_number() OVER (PARTITION BY job_id, flying ORDER BY no) AS job_turn,
        coalesce(sum(cost) FILTER (WHERE flying) OVER (PARTITION BY job_id), 0)
            + coalesce(sum(cost) OVER (PARTITION BY job_id, flying ORDER BY no), 0) - coalesce(cost, 0) AS owed,
        count(*) FILTER (WHERE flying) OVER (PARTITION BY tenant, queue) AS tenant_flying,
        count(*) FILTER (WHERE flying) OVER (PARTITION BY queue) AS queue_flying
    FROM heads
), due AS (
    SELECT job_id, no, queue, queue_flying,
        tenant_flying + row_number() OVER (PARTITION BY tenant, queue ORDER BY job_turn, job_id) AS turn
    FROM turns WHERE NOT flying AND not_before <= clock_timestamp()
        AND (begins IS NULL OR begins + make_interval(secs => owed) <= clock_timestamp())
), picked AS (
    SELECT job_id, no, queue FROM (
        SELECT job_id, no, queue, queue_flying, row_number() OVER (PARTITION BY queue ORDER BY turn, job_id, no) AS place FROM due
    ) ordered WHERE place <= %(window)s - queue_flying
), locked AS (
    SELECT c.job_id, c.no, picked.queue FROM chunks c JOIN picked ON picked.job_id = c.job_id AND picked.no = c.no
    WHERE c.status <> 'done' FOR UPDATE OF c SKIP LOCKED
)
UPDATE chunks c SET dispatched_on = clock_timestamp(), dispatches = dispatches + 1
FROM locked WHERE c.job_id = locked.job_id AND c.no = locked.no
RETURNING c.job_id, c.no, locked.queue, c.dispatches > 1, (SELECT j.token FROM jobs j WHERE j.id = c.job_id)
"""


def pick(session: Session) -> list[Wake]:
    """Choose the chunks to wake now and mark them as sent."""
    now = settings()
    values = {"tenant_jobs": now.tenant_jobs, "again": now.redispatch_after, "window": now.dispatch_window, "slice": SLICE}
    return [Wake(*row) for row in driver(session).execute(PICK, values).fetchall()]


def take_back(session: Session, wakes: Sequence[Wake]) -> None:
    """Unmark chunks whose message could not be sent, so that the next tick tries again."""
    driver(session).execute(
        "UPDATE chunks c SET dispatched_on = NULL FROM unnest(%s::bigint[], %s::int[]) AS unsent (job_id, no) "
        "WHERE c.job_id = unsent.job_id AND c.no = unsent.no",
        ([wake.job_id for wake in wakes], [wake.no for wake in wakes]),
    )


def cancelling(session: Session) -> list[int]:
    """Return the jobs that were asked to stop and have not yet."""
    rows = driver(session).execute(
        "SELECT id FROM jobs WHERE status IN ('queued', 'processing') AND cancel_requested_on IS NOT NULL"
    )
    return [row[0] for row in rows.fetchall()]
