"""CSV by RFC 4180: a header, one row a record, CR LF, UTF-8. Texts that a spreadsheet would run are guarded unless asked not to.

With `terminator` a last row `#end,<rows>` shows in a stored file that all is there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from models.exports.csv_rows import CsvRows
from models.exports.format import Context, Format
from models.exports.rows import Gone, Row
from models.exports.table import Table
from models.exports.texts import guard


class Lines:
    """Rows of cells as CSV."""

    def __init__(self, *, guarded: bool) -> None:
        self.guarded = guarded
        self.buffer = io.StringIO(newline="")
        self.writer = csv.writer(self.buffer, lineterminator="\r\n")

    def dump(self, rows: Iterable[Sequence[Any]]) -> bytes:
        """Return rows as text."""
        self.writer.writerows(map(_guarded, rows) if self.guarded else rows)
        text = self.buffer.getvalue()
        self.buffer.seek(0)
        self.buffer.truncate()
        return text.encode()


def _guarded(row: Sequence[Any]) -> list[Any]:
    return [guard(cell) if cell and type(cell) is str else cell for cell in row]


class CsvWriter:
    """The header first, then rows as they come."""

    def __init__(self, context: Context) -> None:
        self.table = Table(context)
        self.lines = Lines(guarded=context.shape.guard)
        self.rows = CsvRows(self.table)
        self.terminated = context.shape.terminator
        self.count = 0

    def begin(self) -> bytes:
        return self.lines.dump([self.table.header()])

    def write(self, rows: Sequence[Row]) -> bytes:
        self.count += len(rows)
        return self.rows.dump(rows)

    def write_gone(self, rows: Sequence[Gone]) -> bytes:
        self.count += len(rows)
        return self.lines.dump([self.table.gone(row) for row in rows])

    def end(self) -> bytes:
        return b"#end,%d\r\n" % self.count if self.terminated else b""


FORMAT = Format("csv", "csv", "text/csv; charset=utf-8", CsvWriter, tabular=True)
