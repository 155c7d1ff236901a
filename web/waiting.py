"""Waiting for a job within a request, and what the client prefers about it (RFC 7240).

A wait holds a thread but never a connection: it asks in short transactions of their own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import cast

from flask import Response, current_app, request

from models import ids
from models.db import transaction
from models.jobs.service import get_job
from models.jobs.values import Job
from models.settings import settings
from web.auth import principal
from web.pace import Places

WAITERS = "waybill.waiters"
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.2
GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a client would like: seconds to wait for the end, not to wait, a short answer. Others are left unread."""

    wait: int | None = None
    asynchronous: bool = False
    minimal: bool = False

    def seconds(self, operations: int) -> float:
        """Return how long to wait for a job: few operations are waited for without being asked, others only on request."""
        if self.wait is not None:
            return min(self.wait, settings().limits.wait_seconds)
        waits = not self.asynchronous and operations <= settings().limits.wait_operations
        return settings().default_wait if waits else 0.0

    def note(self, response: Response, *, waited: bool = True) -> Response:
        """Say on an answer which preferences were followed."""
        followed = [f"wait={min(self.wait, settings().limits.wait_seconds)}"] if self.wait is not None and waited else []
        if self.asynchronous and response.status_code == 202:
            followed.append("respond-async")
        if self.minimal:
            followed.append("return=minimal")
        if followed:
            response.headers["Preference-Applied"] = ", ".join(followed)
        return response


def preferences() -> Preferences:
    """Read the request's `Prefer`. What is unknown or cannot be read is as if it had not been sent; of two the first counts."""
    asked: dict[str, str] = {}
    for part in request.headers.get("Prefer", "").split(","):
        name, _, value = part.partition(";")[0].partition("=")
        asked.setdefault(name.strip().lower(), value.strip().strip('"').lower())
    wait = asked.get("wait", "")
    seconds = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 7 else None
    return Preferences(seconds, "respond-async" in asked, asked.get("return") == "minimal")


def wait_for_end(job: Job, seconds: float) -> Job:
    """Return the job as it is at its end, or after `seconds`; at once where all places for waiting are taken."""
    if job.final or seconds <= 0:
        return job
    with cast(Places, current_app.extensions[WAITERS]).taken() as place:
        return _poll(job, ids.monotonic() + seconds) if place else job


def _poll(job: Job, end: float) -> Job:
    pause = FIRST_PAUSE
    while not job.final and (left := end - ids.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * GROWTH, LONGEST_PAUSE)
        with transaction() as session:
            job = get_job(session, principal(), str(job.token))
    return job
