"""What a format is: it writes rows that it is given, in their order, a little at a time. It never queries and never zips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from models.classifications.state import Actor
from models.exports.ask import Shape
from models.exports.rows import Gone, Row


@dataclass(frozen=True, slots=True)
class Column:
    """One member of one evidence key: `part` is value, note or explain. `place` counts a row's records, for REDCap alone."""

    key: str
    part: str
    place: int = 1


@dataclass(frozen=True, slots=True)
class Context:
    """What a writer knows beside its rows. `columns` is for tables alone; `array` says that it writes an entry of a zip.

    `discordant` has the records in a discordance, for those shapes that tell (see `tells_discordances`).
    """

    shape: Shape
    actor: Actor
    columns: tuple[Column, ...] = ()
    with_gone: bool = False
    array: bool = False
    discordant: frozenset[int] = frozenset()


class Writer(Protocol):
    """Writes one file, from its first byte to its last."""

    def begin(self) -> bytes:
        """Return what comes before the first row."""

    def write(self, rows: Sequence[Row]) -> bytes:
        """Return more rows. A writer may keep some back until it has enough of them."""

    def write_gone(self, rows: Sequence[Gone]) -> bytes:
        """Return tombstones, which come after all rows."""

    def end(self) -> bytes:
        """Return what is left and what shows that nothing is missing."""


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write records. A `tabular` one needs its columns first; one that is `packed` gains nothing from compression."""

    name: str
    suffix: str
    media_type: str
    open: Callable[[Context], Writer]
    tabular: bool = False
    packed: bool = False

    def tells_discordances(self, shape: Shape) -> bool:
        """Say whether a record is written otherwise where it is in a discordance: in tables, and at the export endpoint."""
        return self.name != "redcap" and (self.tabular or shape.face == "export")
