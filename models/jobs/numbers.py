"""What an operator watches, over all tenants: how much is open and how old it is. Looks at open jobs only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.db import Session, driver

OPEN_JOBS = """
SELECT queue, status, count(*), coalesce(sum(total - succeeded - failed - skipped - noop - cancelled), 0),
    coalesce(max(extract(epoch FROM clock_timestamp() - updated_on)), 0)::float8
FROM jobs WHERE status IN ('queued', 'processing') GROUP BY queue, status
"""
OPEN_CHUNKS = """
SELECT c.status, count(*), coalesce(sum(c.attempts), 0), coalesce(sum(c.dispatches), 0),
    coalesce(max(extract(epoch FROM clock_timestamp() - coalesce(c.claimed_on, j.created_on))), 0)::float8
FROM chunks c JOIN jobs j ON j.id = c.job_id
WHERE j.status IN ('queued', 'processing') AND c.status <> 'done' GROUP BY c.status
"""


@dataclass(frozen=True, slots=True)
class Numbers:
    """`jobs` and `items` by (queue, status), `chunks`, `attempts` and `dispatches` by chunk status; ages in seconds."""

    jobs: Mapping[tuple[str, str], int]
    items: Mapping[tuple[str, str], int]
    longest_silence: float  # since any open job last moved
    chunks: Mapping[str, int]
    attempts: Mapping[str, int]
    dispatches: Mapping[str, int]
    oldest_chunk: float  # since the last claim of an open chunk, or its job's submission


def count_open(session: Session) -> Numbers:
    """Count what is open now."""
    jobs = driver(session).execute(OPEN_JOBS).fetchall()
    chunks = driver(session).execute(OPEN_CHUNKS).fetchall()
    return Numbers(
        jobs={(row[0], row[1]): row[2] for row in jobs},
        items={(row[0], row[1]): int(row[3]) for row in jobs},
        longest_silence=max((row[4] for row in jobs), default=0.0),
        chunks={row[0]: row[1] for row in chunks},
        attempts={row[0]: int(row[2]) for row in chunks},
        dispatches={row[0]: int(row[3]) for row in chunks},
        oldest_chunk=max((row[4] for row in chunks), default=0.0),
    )
