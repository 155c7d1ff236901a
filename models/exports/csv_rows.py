"""Rows as lines of CSV at once: to the byte what `Table.row` and the library's writer make of them, in a fraction of the time.

A row has some forty cells and up to a thousand columns. Each cell that there is goes to its place among empty ones, guarded and
quoted where it must be, and all are joined; nothing is done for one that is not there. A test compares the two ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from models.classifications.criteria import Met, is_met
from models.classifications.keys import Key, key_set
from models.classifications.references import articles
from models.exports.format import Context
from models.exports.rows import Row, Said
from models.exports.table import FIXED, Facts, Table
from models.exports.texts import guard, number, option_labels, value_text

STATED: msgspec.json.Decoder[dict[str, Said]] = msgspec.json.Decoder(dict[str, Said])
PARTS = ("value", "note", "explain")


# Where the value, the note and the explanation of a key go, behind all columns where they have none; then, for those keys that
# have any, the labels of options that are asked for, and the key if it is a criterion. Plain tuples are taken apart fastest.
Rest: TypeAlias = tuple[Mapping[str, str], Key | None]
Place: TypeAlias = tuple[int, int, int, Rest | None]


class Quick(Facts):
    """What the fixed columns are made of, gathered while the cells were placed."""

    __slots__ = ("cells", "found", "texts")

    def __init__(self, row: Row, context: Context, cells: dict[str, Said]) -> None:
        super().__init__(row, context)
        self.cells = cells
        self.found: list[tuple[Key, str]] = []
        self.texts: list[str] = []

    def value(self, key: str) -> str:
        said = self.cells.get(key)
        return "" if said is None else value_text(said.value, key)

    def met(self) -> Met:
        return sorted(self.found, key=_position) if self.found else ()

    def citations(self) -> str:
        return ", ".join(articles(self.texts))


def _position(met: tuple[Key, str]) -> int:
    return met[0].position


class CsvRows:
    """Writes the rows of one table."""

    def __init__(self, table: Table) -> None:
        self.context = table.context
        self.guarded = table.context.shape.guard
        self.fixed = [FIXED[name] for name in table.fixed]
        self.nowhere = len(table.empty)
        self.empty = [*table.empty, ""]
        self.places = {key: self._place(key, dict(parts)) for key, parts in table.places.items()}
        self.unplaced = {key.name: self._place(key.name, {}) for key in key_set().all() if key.name not in self.places}

    def _place(self, key: str, parts: Mapping[str, int]) -> Place:
        known = key_set().get(key)
        labels = option_labels(key) if self.context.shape.labels else {}
        criterion = known if known is not None and known.value_type == "C" else None
        value, note, explain = (parts.get(part, self.nowhere) for part in PARTS)
        return value, note, explain, (labels, criterion) if labels or criterion else None

    def dump(self, rows: Sequence[Row]) -> bytes:
        """Return rows as text."""
        return "".join([self._line(row) for row in rows]).encode()

    def _line(self, row: Row) -> str:
        """Return one row. What is asked of each cell is written out here: a call for it would cost more than all that it does."""
        line, raw = self.empty.copy(), row.raw
        known = Quick(row, self.context, STATED.decode(raw))
        escaped = b"\\" in raw  # or no text has a quotation mark or a line break in it
        find, gather, field = self.places.get, known.texts.append, self._field
        for key, cell in known.cells.items():
            at, note_at, explain_at, rest = find(key) or self._unplaced(key)
            text = cell.value
            if type(text) is str:
                gather(text)
                if rest is not None:
                    text = self._rest(known, text, rest)
                elif escaped or "," in text or not text[:1].isalnum():
                    text = field(text)
                line[at] = text
            elif text is not None:
                line[at] = self._other(text, key)
            text = cell.note
            if type(text) is str:
                gather(text)
                line[note_at] = field(text) if escaped or "," in text or not text[:1].isalnum() else text
            elif text:
                line[note_at] = self._other(text, key)
            if cell.explain:
                line[explain_at] = self._other(cell.explain, key)
        line.pop()
        for at, made in enumerate(self.fixed):
            text = made(known)
            line[at] = field(text) if type(text) is str else str(text)
        return ",".join(line) + "\r\n"

    def _rest(self, known: Quick, text: str, rest: Rest) -> str:
        """Return the value of a key that is a criterion, or whose options have labels, as a field."""
        labels, criterion = rest
        if criterion is not None and is_met(text):
            known.found.append((criterion, text))
        return self._field(labels.get(text, text))

    def _unplaced(self, key: str) -> Place:
        return self.unplaced.get(key) or self._place(key, {})

    def _field(self, text: str) -> str:
        """Return a text as a field."""
        if self.guarded:
            text = guard(text)
        if '"' in text:
            return '"' + text.replace('"', '""') + '"'
        return f'"{text}"' if "," in text or "\n" in text or "\r" in text else text

    def _other(self, value: Any, key: str) -> str:
        """Return any value of a cell as a field: a number as it is, all else as its text."""
        if isinstance(value, str):
            return self._field(value)
        if number(value):
            return str(value)
        return self._field(value_text(value, key, labels=self.context.shape.labels))
