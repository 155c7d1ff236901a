"""How many may wait, and how often one may ask: what keeps a few clients from taking every thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

PATIENCE = 60.0  # seconds that a client may ask faster than it was told
REMEMBERED = 10_000
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
    """Who asks about what, how fast: in this process's memory, which is enough to slow down a loop without a pause."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # last asked, first of an unbroken hurry

    def too_fast(self, who: Hashable, now: float, pause: float) -> bool:
        """Note that `who` asks now; say whether it has been asking faster than `pause` seconds for a minute."""
        with self._lock:
            last, since = self._seen.pop(who, (now - pause, now))
            since = since if now - last < pause * TOLERANCE else now
            self._seen[who] = (now, since)
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return now - since >= PATIENCE
