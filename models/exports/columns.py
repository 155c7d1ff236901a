"""The evidence columns of a table: those that have data in some row, in the order of the keys, or all that there can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from models.classifications.keys import key_set
from models.exports.format import Column
from models.exports.rows import CELLS, SAID, Row

PARTS = ("value", "note", "explain")
BITS = tuple((1 << at, part, b'"%s"' % part.encode()) for at, part in enumerate(PARTS))
ALL = 2 ** len(PARTS) - 1


def all_columns() -> tuple[Column, ...]:
    """Return a column for each part of each key: the same for every export."""
    return tuple(Column(key.name, part) for key in key_set().all() for part in PARTS)


class Used:
    """The parts of keys that some row has. A key with nothing but a note has a value column too."""

    def __init__(self) -> None:
        self.parts: dict[str, int] = {}

    def add(self, rows: Sequence[Row]) -> None:
        """Look at more rows: at a cell only where its row has a part that was not seen of its key yet."""
        for row in rows:
            there = sum([bit for bit, _, name in BITS if name in row.raw])
            for key, cell in CELLS.decode(row.raw).items():
                known = self.parts.get(key, 0)
                if there & ~known:
                    self._look(key, known, cell)

    def _look(self, key: str, known: int, cell: msgspec.Raw) -> None:
        data = bytes(cell)
        new = [(bit, part) for bit, part, name in BITS if not known & bit and name in data]
        if not new:
            return
        said = SAID.decode(cell)  # since a text may have such a word in it too
        for bit, part in new:
            if getattr(said, part) is not None:
                self.parts[key] = self.parts.get(key, 0) | bit | 1

    def columns(self) -> tuple[Column, ...]:
        """Return the columns in the order of the keys."""
        order = {key.name: key.position for key in key_set().all()}
        keys = sorted(self.parts, key=lambda key: (order.get(key, len(order)), key))
        return tuple(Column(key, part) for key in keys for bit, part, _ in BITS if self.parts[key] & bit)


def used_columns(batches: Iterable[Sequence[Row]]) -> tuple[Column, ...]:
    """Return the columns that have data in some row."""
    used = Used()
    for batch in batches:
        used.add(batch)
    return used.columns()
