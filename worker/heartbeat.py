"""A thread of the worker's main process that says every two seconds that the worker lives."""

from __future__ import annotations

import threading

import structlog
from celery.signals import worker_ready, worker_shutting_down

from models import parts
from models.db import DATABASE_ERRORS, transaction
from models.settings import settings
from worker.counts import counts

BEAT_SECONDS = 2.0
log = structlog.get_logger()
_stopping = threading.Event()


@worker_ready.connect
def begin(**_: object) -> None:
    """Start beating once the worker consumes."""
    part = parts.new_part("worker", slots=settings().slots)
    threading.Thread(target=_beat, args=(part,), name="heartbeat", daemon=True).start()


@worker_shutting_down.connect
def end(**_: object) -> None:
    """Stop beating: a worker that takes no more chunks is not ready."""
    _stopping.set()


def _beat(part: parts.Part) -> None:
    _say(part)
    while not _stopping.wait(BEAT_SECONDS):
        _say(part)


def _say(part: parts.Part) -> None:
    try:
        with transaction() as session:
            parts.beat(session, part, counts=counts.total())
    except DATABASE_ERRORS as error:  # the database is away; the next beat tells when it is back
        log.warning("heartbeat_failed", error=type(error).__name__)
