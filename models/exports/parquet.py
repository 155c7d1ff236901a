"""Parquet: the columns of CSV as texts, and the whole evidence as JSON in `data`, which loses nothing. Needs pyarrow.

A group of rows is written when it is full, so memory does not grow; the footer comes last, and without it nothing can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.errors import InvalidValue
from models.exports.format import Context, Format
from models.exports.rows import Gone, Row
from models.exports.table import Table, cells_of

GROUP = 2_000


class Pipe:
    """What pyarrow writes into: bytes that are taken away as they come."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.at = 0

    def write(self, data: Any) -> int:
        part = bytes(data)
        self.parts.append(part)
        self.at += len(part)
        return len(part)

    def tell(self) -> int:
        return self.at

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nobody needs to know."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self.parts)
        self.parts.clear()
        return taken


class ParquetWriter:
    """Row groups of some thousand records."""

    def __init__(self, context: Context) -> None:
        try:
            import pyarrow as pa
            from pyarrow.parquet import ParquetWriter as Columnar
        except ImportError:
            raise InvalidValue("Parquet is not installed on this server; ask for csv or ndjson.") from None
        self.arrow = pa
        self.table = Table(context)
        names = self.table.header()
        fields = [pa.field(name, pa.int64() if name == "id" else pa.string()) for name in names]
        self.schema = pa.schema([*fields, pa.field("data", pa.string())])
        self.pipe = Pipe()
        packing = "none" if context.array else "zstd"  # a zip packs its entries itself, and many of them are small
        self.writer = Columnar(self.pipe, self.schema, compression=packing)
        self.held: list[list[Any]] = []

    def begin(self) -> bytes:
        return self.pipe.take()

    def write(self, rows: Sequence[Row]) -> bytes:
        self.held += [[*self.table.row(row, evidence), row.raw.decode()] for row, evidence in cells_of(rows)]
        return self._write_group() if len(self.held) >= GROUP else b""

    def write_gone(self, rows: Sequence[Gone]) -> bytes:
        self.held += [[*self.table.gone(row), None] for row in rows]
        return self._write_group() if len(self.held) >= GROUP else b""

    def _write_group(self) -> bytes:
        columns = zip(*self.held, strict=True)
        arrays = [
            self.arrow.array(values if field.name == "id" else list(map(_text, values)), field.type)
            for values, field in zip(columns, self.schema, strict=True)
        ]
        self.held = []
        self.writer.write_table(self.arrow.Table.from_arrays(arrays, schema=self.schema))
        return self.pipe.take()

    def end(self) -> bytes:
        last = self._write_group() if self.held else b""
        self.writer.close()
        return last + self.pipe.take()


def _text(value: Any) -> str | None:
    return None if value in ("", None) else str(value)


FORMAT = Format("parquet", "parquet", "application/vnd.apache.parquet", ParquetWriter, tabular=True, packed=True)
