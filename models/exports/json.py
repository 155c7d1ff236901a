"""JSON: an object with `records`, inside a zip an array. Its end, with `count` and `complete`, shows that all is there."""

from __future__ import annotations

from collections.abc import Sequence

from models.exports.format import Context, Format
from models.exports.record import RecordText
from models.exports.rows import Gone, Row


class JsonWriter:
    """One object a line, so that a person can look at a large file too."""

    def __init__(self, context: Context) -> None:
        self.record = RecordText(context)
        self.array = context.array
        self.count = 0

    def begin(self) -> bytes:
        return b"[\n" if self.array else b'{"records":[\n'

    def write(self, rows: Sequence[Row]) -> bytes:
        return self._listed([self.record.dump(row) for row in rows])

    def write_gone(self, rows: Sequence[Gone]) -> bytes:
        return self._listed([self.record.dump_gone(row) for row in rows])

    def _listed(self, objects: list[bytes]) -> bytes:
        if not objects:
            return b""
        before = b",\n" if self.count else b""
        self.count += len(objects)
        return before + b",\n".join(objects)

    def end(self) -> bytes:
        return b"\n]\n" if self.array else b'\n],"count":%d,"complete":true}\n' % self.count


FORMAT = Format("json", "json", "application/json", JsonWriter)
