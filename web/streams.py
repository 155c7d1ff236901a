"""A job's state as server-sent events. A stream holds a thread, so it ends by itself and only some may run at a time.

`id` is the moment of the job's last change, in microseconds; `Last-Event-ID` resumes after it. Once a client has seen the end
of a job it is answered 204, which tells it not to come again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from flask import Response, current_app, request

from models import ids
from models.db import transaction
from models.errors import NotFound, Unavailable
from models.identity.principal import Principal
from models.jobs.service import get_job
from models.jobs.values import Job
from web.pace import Places

STREAMERS = "waybill.streamers"
LENGTH = 25.0  # seconds, below the patience of proxies and of a stopping server
HEARTBEAT = 1.0  # also how soon the place of a client that has gone is free again: only a write finds out
RETRY = 1_000  # milliseconds until a client whose stream ended comes again
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 1.0


@dataclass
class Stream:
    """One client's view of one job."""

    job: Job
    principal: Principal
    dump: Callable[[Job], dict[str, Any]]
    seen: int  # id of the last event the client has

    def events(self) -> Iterator[bytes]:
        """Give the events until the job or the stream ends."""
        yield b"retry: %d\n\n" % RETRY
        yield from self._changes(ids.monotonic() + LENGTH)

    def _changes(self, end: float) -> Iterator[bytes]:
        pause, spoken = FIRST_PAUSE, ids.monotonic()
        while True:
            if _number(self.job) > self.seen:
                self.seen, pause, spoken = _number(self.job), FIRST_PAUSE, ids.monotonic()
                yield _event(self.job, self.dump)
            if self.job.final or ids.monotonic() > end:
                return
            if ids.monotonic() - spoken > HEARTBEAT:
                spoken = ids.monotonic()
                yield b": still here\n\n"
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
            if not self._look():
                return

    def _look(self) -> bool:
        """Read the job anew; False where it is gone."""
        try:
            with transaction() as session:
                self.job = get_job(session, self.principal, str(self.job.token))
        except NotFound:
            return False
        return True


def stream(job: Job, principal: Principal, dump: Callable[[Job], dict[str, Any]]) -> Response:
    """Answer with a stream of a job's changes. Raises Unavailable where all places for streams are taken."""
    seen = _last_seen(request.headers.get("Last-Event-ID", ""))
    if job.final and _number(job) <= seen:
        return Response(status=204)
    places = cast(Places, current_app.extensions[STREAMERS])
    if not places.take():
        raise Unavailable("Too many streams are open; poll the job instead.", retry_after=5)
    headers = {"X-Accel-Buffering": "no"}
    response = Response(Stream(job, principal, dump, seen).events(), headers=headers, content_type="text/event-stream")
    response.call_on_close(places.leave)  # also where nobody began to read
    return response


def _last_seen(header: str) -> int:
    return int(header) if header.isascii() and header.isdigit() and len(header) < 19 else 0


def _number(job: Job) -> int:
    return ids.stamp(job.updated_on)


def _event(job: Job, dump: Callable[[Job], dict[str, Any]]) -> bytes:
    return b"id: %d\nevent: job\ndata: %s\n\n" % (_number(job), msgspec.json.encode(dump(job)))
