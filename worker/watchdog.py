"""Looks whether this worker still takes what there is to do. One that does not ends itself; whoever started it starts another.

A worker whose slots were all busy while the broker restarted may never consume again: it lives, beats and logs nothing. What
tells is that messages wait, a slot is free, and nothing has come for long.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

import structlog
from celery.signals import task_received, worker_ready, worker_shutting_down
from celery.worker import state

from models import ids
from models.settings import settings
from worker.app import QUEUES, app

LOOK_SECONDS = 2.0
EXIT_CODE = 70
log = structlog.get_logger()
_stopping = threading.Event()


@dataclass
class Watch:
    """Since when messages have been waiting for a worker that could take them and has not."""

    patience: float
    since: float | None = None

    def stuck(self, now: float, *, idle: bool) -> bool:
        """Note what was seen now: `idle` says that messages wait, a slot is free and nothing has come since the last look."""
        if not idle:
            self.since = None
            return False
        self.since = now if self.since is None else self.since
        return now - self.since >= self.patience


class Seen:
    """How many messages this worker has been given so far."""

    received = 0


@task_received.connect
def note(**_: object) -> None:
    """Count a message that came."""
    Seen.received += 1


@worker_ready.connect
def begin(**_: object) -> None:
    """Start looking once the worker consumes."""
    threading.Thread(target=_look, name="watchdog", daemon=True).start()


@worker_shutting_down.connect
def end(**_: object) -> None:
    """Stop looking: a worker that is told to stop takes nothing more."""
    _stopping.set()


def _look() -> None:
    watch = Watch(settings().watchdog_after)
    received = Seen.received
    while not _stopping.wait(min(LOOK_SECONDS, watch.patience / 4)):
        came, received = Seen.received != received, Seen.received
        free = len(state.reserved_requests) < settings().slots
        if watch.stuck(ids.monotonic(), idle=not came and free and waiting() > 0):
            give_up(watch.patience)
            return


def waiting() -> int:
    """Return how many messages wait in the broker; none where it cannot be asked."""
    with app.connection_for_read() as connection:
        try:
            channel = connection.channel()
            return sum(_count(channel, name) for name in QUEUES)
        except (OSError, *connection.connection_errors, *connection.channel_errors) as error:
            log.warning("broker_away", error=type(error).__name__)
            return 0


def _count(channel: Any, queue: str) -> int:
    """Declare a queue as it is and return what the broker says of it: asking passively misses keys with a prefix."""
    return int(channel.queue_declare(queue=queue, durable=True, auto_delete=False).message_count)


def give_up(seconds: float) -> None:
    """End this worker at once; its pool ends with what it works on, and finds nobody to ask for more."""
    log.error("worker_stuck", seconds=seconds)
    os._exit(EXIT_CODE)
