"""How many may wait, and how often one may ask: what keeps a few clients from taking every thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from models.settings import settings
from web.tallies import Tallies

TOLERANCE = 0.9  # a client that keeps the pause may be early by its timer's error


class Places:
    """A fixed number of places that threads may hold for long. `taken()` never waits: it says whether there was one."""

    def __init__(self, number: int) -> None:
        self._free = threading.BoundedSemaphore(max(number, 1))

    def take(self) -> bool:
        """Take a place; say whether there was one."""
        return self._free.acquire(blocking=False)

    def leave(self) -> None:
        """Give a place back."""
        self._free.release()

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Hold a place, if there is one, for the length of a block."""
        place = self.take()
        try:
            yield place
        finally:
            if place:
                self.leave()


class Pace:
    """Who asks about what, how fast, over all web processes of a machine."""

    def __init__(self, tallies: Tallies | None = None) -> None:
        self._tallies = tallies or Tallies()

    def too_fast(self, who: str, now: float, pause: float) -> bool:
        """Note that `who` asks now; say whether it has been asking faster than `pause` seconds for too long."""
        last, since = self._tallies.get(f"pace {who}") or (now - pause, now)
        since = since if now - last < pause * TOLERANCE else now
        self._tallies.put(f"pace {who}", now, since)
        return now - since >= settings().poll_patience
