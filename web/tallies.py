"""Counters that all web processes of a machine share: a table in memory which they inherit from the process that started them.

It never grows. Two names that fall on the same place push each other out, and two processes that write at once may lose a count:
both make a limit more lenient for a moment, never stricter. On several machines each counts for itself.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import threading

PLACES = 16_384
ENTRY = struct.Struct("<Qdd")


class Tallies:
    """Two numbers by name."""

    def __init__(self, places: int = PLACES) -> None:
        self._places = places
        self._memory = mmap.mmap(-1, places * ENTRY.size)  # shared with processes that are forked from this one
        self._lock = threading.Lock()

    def get(self, name: str) -> tuple[float, float] | None:
        """Return the numbers of a name, None where it has none."""
        mark, at = self._place(name)
        found, first, second = ENTRY.unpack_from(self._memory, at)
        return (first, second) if found == mark else None

    def put(self, name: str, first: float, second: float) -> None:
        """Keep two numbers for a name."""
        mark, at = self._place(name)
        with self._lock:
            ENTRY.pack_into(self._memory, at, mark, first, second)

    def _place(self, name: str) -> tuple[int, int]:
        mark = int.from_bytes(hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest(), "little") or 1
        return mark, mark % self._places * ENTRY.size


class Window:
    """How much of something each name has used in the present stretch of time, which begins with its first use."""

    def __init__(self, tallies: Tallies, kind: str, seconds: float) -> None:
        self._tallies = tallies
        self._kind = kind
        self._seconds = seconds

    def used(self, name: str, now: float) -> tuple[float, float]:
        """Return how much was used, and the seconds until that is forgotten."""
        begun, used = self._tallies.get(f"{self._kind} {name}") or (now, 0.0)
        left = begun + self._seconds - now
        return (used, left) if 0 < left <= self._seconds else (0.0, self._seconds)

    def use(self, name: str, amount: float, now: float) -> None:
        """Note that so much was used now."""
        used, left = self.used(name, now)
        self._tallies.put(f"{self._kind} {name}", now + left - self._seconds, used + amount)


shared = Tallies()
