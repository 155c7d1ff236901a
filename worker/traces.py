"""Spans of the worker's and the dispatcher's: a wake-up, each claim of a chunk, and a job as a whole when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import structlog
from celery.signals import worker_process_init, worker_process_shutdown

from models import tracing
from models.db import DATABASE_ERRORS, Session, transaction
from models.jobs import traces
from models.jobs.dispatch import Wake
from models.jobs.ledger import Claim
from models.jobs.traces import Ended
from models.tracing import Value

T = TypeVar("T")
log = structlog.get_logger()
REDELIVERED = "redelivered"  # it was claimed before: by a worker that died, or was slow, or gave it back
CAREFUL = "careful"  # its items are tried one by one


@worker_process_init.connect
def begin(**_: object) -> None:
    """Send the spans of this process of the pool."""
    tracing.begin("worker")


@worker_process_shutdown.connect
def end(**_: object) -> None:
    """Send what is left before this process ends."""
    tracing.end()


@contextmanager
def claimed(mine: Claim) -> Iterator[None]:
    """Make a span of what is done with a claim."""
    if not tracing.on():
        yield
        return
    kept, attempt = _claimed(mine) or (None, 1)
    with tracing.span("chunk", kept, "consumer", job__token=str(mine.token), chunk=mine.no, attempt=attempt):
        if attempt > 1:
            tracing.event(REDELIVERED, attempt=attempt)
        if mine.careful:
            tracing.event(CAREFUL, first=mine.next_item)
        yield


def count(outcomes: dict[str, int]) -> None:
    """Say in the claim's span how many items ended how."""
    tracing.count("items", sum(outcomes.values()))
    for status, number in outcomes.items():
        tracing.count(f"outcome.{status}", number)


@contextmanager
def ending(job_id: int) -> Iterator[Callable[[Session], None]]:
    """Around a transaction that may end a job: gives what looks, as its last act, whether it did; tells of it once committed."""
    found: list[Ended | None] = []

    def look(session: Session) -> None:
        if tracing.on():
            found.append(traces.ended(session, job_id))

    yield look
    for job in found:
        if job is not None:
            said: dict[str, Value] = {"outcome": job.outcome, "items": job.total, "chunks": job.chunks}
            times = job.created_on, job.finished_on
            tracing.record(f"job {job.name}", job.trace, times, job__token=str(job.token), **said)


def waking(wake: Wake, kept: str | None) -> AbstractContextManager[None]:
    """Make a span of a wake-up."""
    said: dict[str, Value] = {"chunk": wake.no, "queue": wake.queue, "again": wake.again}
    return tracing.span("wake", kept, "producer", job__token=str(wake.token), **said)


def contexts(wakes: Sequence[Wake]) -> dict[int, str]:
    """Return what the spans of wake-ups hang below, by job."""
    if not wakes or not tracing.on():
        return {}
    return _read(lambda session: traces.contexts(session, [wake.job_id for wake in wakes])) or {}


def _claimed(mine: Claim) -> tuple[str, int] | None:
    return _read(lambda session: traces.claimed(session, mine.job_id, mine.no))


def _read(look: Callable[[Session], T]) -> T | None:
    """Return what is found; None where the database fails just now, as the work itself is to be told of that."""
    try:
        with transaction() as session:
            return look(session)
    except DATABASE_ERRORS as error:
        log.warning("traces_not_read", error=type(error).__name__)
        return None
