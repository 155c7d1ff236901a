"""What this part has done since it started, in memory that a worker's pool shares with the process that beats.

Each process writes a row of its own, so that nothing is lost and nobody waits. Who is killed between a commit and its count loses
that count alone: what became of items is in the ledger.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping

from celery.signals import worker_process_init

from models.settings import settings

NUMBER = struct.Struct("<Q")
NAMES = (
    "claims", "chunks_applied", "chunks_postponed", "chunks_overtaken",
    "succeeded", "noop", "failed", "skipped", "cancelled",
    "wakes", "wakes_again", "wakes_unsent",
)  # fmt: skip


class Counts:
    """Numbers by name; the first row is the main process's."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._row = 0
        self._memory = mmap.mmap(-1, rows * len(NAMES) * NUMBER.size)

    def write_to(self, row: int) -> None:
        """Choose this process's row."""
        self._row = row % self._rows

    def add(self, name: str, number: int = 1) -> None:
        """Count something that was done."""
        at = self._place(self._row, name)
        NUMBER.pack_into(self._memory, at, NUMBER.unpack_from(self._memory, at)[0] + number)

    def total(self) -> Mapping[str, int]:
        """Return the sums over all processes."""
        rows = range(self._rows)
        return {name: sum(NUMBER.unpack_from(self._memory, self._place(row, name))[0] for row in rows) for name in NAMES}

    def _place(self, row: int, name: str) -> int:
        return (row * len(NAMES) + NAMES.index(name)) * NUMBER.size


counts = Counts(settings().slots + 1)


@worker_process_init.connect
def begin(**_: object) -> None:
    """Write to a row that no other process of the pool has; a process that takes another's place goes on in its row."""
    from billiard.process import current_process

    counts.write_to(current_process().index + 1)
