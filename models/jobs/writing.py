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
AHEAD = 2  # chunks that wait at most, so that memory stays that of a few

Place = tuple[int, int, int]
"""Job id, number and lane of a chunk."""


def store_chunk(session: Session, place: Place, items: Sequence[Item]) -> None:
    """Store one chunk."""
    lines = [item.line for item in items] if items[0].line is not None else None
    refs = [item.ref for item in items] if any(item.ref is not None for item in items) else None
    payload = pack([item.raw for item in items])
    values = (*place, len(items), [item.index for item in items], lines, refs, payload)
    driver(session).execute(INSERT_CHUNK, values)


class ChunkWriter:
    """Stores chunks one after the other in a thread of its own. The driver lets threads take turns on a connection."""

    def __init__(self, session: Session, thread: ThreadPoolExecutor) -> None:
        self._session = session
        self._thread = thread
        self._waiting: deque[Future[None]] = deque()

    def store(self, place: Place, items: Sequence[Item]) -> None:
        """Store a chunk soon; raise what storing an earlier one raised."""
        while len(self._waiting) >= AHEAD:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(store_chunk, self._session, place, items))

    def finish(self) -> None:
        """Wait until all is stored."""
        while self._waiting:
            self._waiting.popleft().result()


@contextmanager
def chunk_writer(session: Session) -> Iterator[ChunkWriter]:
    """Give a writer; all is stored at the end. After an error nothing more is, and the connection is free again."""
    thread = ThreadPoolExecutor(1)
    try:
        writer = ChunkWriter(session, thread)
        yield writer
        writer.finish()
    finally:
        thread.shutdown(cancel_futures=True)
