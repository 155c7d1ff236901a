"""NDJSON: one object a line. With `terminator` a last line `{"end": {"records": n}}` shows in a stored file that all is there."""

from __future__ import annotations

from collections.abc import Sequence

from models.exports.format import Context, Format
from models.exports.record import RecordText
from models.exports.rows import Gone, Row


class NdjsonWriter:
    """Lines."""

    def __init__(self, context: Context) -> None:
        self.record = RecordText(context)
        self.terminated = context.shape.terminator
        self.count = 0

    def begin(self) -> bytes:
        return b""

    def write(self, rows: Sequence[Row]) -> bytes:
        return self._lines([self.record.dump(row) for row in rows])

    def write_gone(self, rows: Sequence[Gone]) -> bytes:
        return self._lines([self.record.dump_gone(row) for row in rows])

    def _lines(self, objects: list[bytes]) -> bytes:
        self.count += len(objects)
        return b"".join([line + b"\n" for line in objects])

    def end(self) -> bytes:
        return b'{"end":{"records":%d}}\n' % self.count if self.terminated else b""


FORMAT = Format("ndjson", "ndjson", "application/x-ndjson", NdjsonWriter)
