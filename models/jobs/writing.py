"""Storing chunks beside the reading of the next ones: compressing and the database's own work need no interpreter lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from models.db import Session, driver
from models.jobs.payloads import pack
from models.jobs.values import Item

INSERT_CHUNK = """
INSERT INTO chunks (job_id, no, lane, size, indexes, lines, refs, payload) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
PACKERS = 2  # threads that compress
AHEAD = 3  # chunks that wait at most, so that memory stays that of a few

Place = tuple[int, int, int]
"""Job id, number and lane of a chunk."""


def store_chunk(session: Session, place: Place, items: Sequence[Item]) -> None:
    """Store one chunk."""
    _insert(session, place, items, pack([item.raw for item in items]))


def _insert(session: Session, place: Place, items: Sequence[Item], payload: bytes) -> None:
    lines = [item.line for item in items] if items[0].line is not None else None
    refs = [item.ref for item in items] if any(item.ref is not None for item in items) else None
    values = (*place, len(items), [item.index for item in items], lines, refs, payload)
    driver(session).execute(INSERT_CHUNK, values)


class ChunkWriter:
    """Stores chunks one after the other in a thread of its own, while others compress the next.

    The driver lets threads take turns on a connection.
    """

    def __init__(self, session: Session, packing: ThreadPoolExecutor, storing: ThreadPoolExecutor) -> None:
        self._session = session
        self._packing = packing
        self._storing = storing
        self._waiting: deque[Future[None]] = deque()

    def store(self, place: Place, items: Sequence[Item]) -> None:
        """Store a chunk soon; raise what storing an earlier one raised."""
        while len(self._waiting) >= AHEAD:
            self._waiting.popleft().result()
        payload = self._packing.submit(pack, [item.raw for item in items])
        self._waiting.append(self._storing.submit(self._store, place, items, payload))

    def _store(self, place: Place, items: Sequence[Item], payload: Future[bytes]) -> None:
        _insert(self._session, place, items, payload.result())

    def finish(self) -> None:
        """Wait until all is stored."""
        while self._waiting:
            self._waiting.popleft().result()


@contextmanager
def chunk_writer(session: Session) -> Iterator[ChunkWriter]:
    """Give a writer; all is stored at the end. After an error nothing more is, and the connection is free again."""
    packing, storing = ThreadPoolExecutor(PACKERS), ThreadPoolExecutor(1)
    try:
        writer = ChunkWriter(session, packing, storing)
        yield writer
        writer.finish()
    finally:
        storing.shutdown(cancel_futures=True)
        packing.shutdown(cancel_futures=True)
