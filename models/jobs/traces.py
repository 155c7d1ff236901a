"""What traces need to know of jobs: the context that each was stored with, and when one was ended by the transaction at hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models.db import Session, driver

CONTEXTS = "SELECT id, trace FROM jobs WHERE id = ANY(%s) AND trace IS NOT NULL"
CLAIMED = """
SELECT j.trace, c.attempts - c.slices FROM chunks c JOIN jobs j ON j.id = c.job_id
WHERE c.job_id = %s AND c.no = %s AND j.trace IS NOT NULL
"""
ENDED = """
SELECT trace, token, name, outcome, created_on, finished_on, total, chunks_total FROM jobs
WHERE id = %s AND trace IS NOT NULL AND status = 'done'
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that is done, as its span tells of it."""

    trace: str
    token: UUID
    name: str
    outcome: str
    created_on: datetime
    finished_on: datetime
    total: int
    chunks: int


def contexts(session: Session, job_ids: Iterable[int]) -> dict[int, str]:
    """Return the contexts of those jobs that have one."""
    return dict(driver(session).execute(CONTEXTS, (list(set(job_ids)),)).fetchall())


def claimed(session: Session, job_id: int, no: int) -> tuple[str, int] | None:
    """Return the context of a claimed chunk's job, and which attempt this is; claims of a part that ended well do not count."""
    row = driver(session).execute(CLAIMED, (job_id, no)).fetchone()
    return (str(row[0]), int(row[1])) if row else None


def ended(session: Session, job_id: int) -> Ended | None:
    """Return a job if it is done. Asked in the transaction that ends a chunk, this is so for the one that ended the job alone."""
    row = driver(session).execute(ENDED, (job_id,)).fetchone()
    return Ended(*row) if row else None
