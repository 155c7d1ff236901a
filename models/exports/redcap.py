"""REDCap's CSV: a row for each value of `redcap_record_id`, with all its records side by side (contract section 18.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.classifications.criteria import evidence_weights
from models.classifications.keys import key_set
from models.classifications.state import Cell, Evidence
from models.exports.csv import Lines
from models.exports.format import Column, Context, Format
from models.exports.redcap_fields import REPEATED, field_name, field_text
from models.exports.rows import Gone, Row
from models.exports.table import version_text
from models.exports.texts import citations, value_text

KEY = "redcap_record_id"


def redcap_id(evidence: Evidence) -> str | None:
    """Return the REDCap record that a record belongs to, None for none."""
    cell = evidence.get(KEY)
    if cell is None or cell.get("hidden"):
        return None
    return value_text(cell.get("value"), KEY) or None


def redcap_columns(numbered: Iterable[tuple[int, Row]]) -> tuple[Column, ...]:
    """Return the columns for rows, each with its place among those of its REDCap record."""
    used: set[Column] = set()
    for place, row in numbered:
        for key, cell in row.evidence().items():
            value, note = _texts(cell, key)
            used.update(Column(key, part, place) for part, text in (("value", value or note), ("note", note)) if text)
    order = {key.name: key.position for key in key_set().all()}
    return tuple(sorted(used, key=lambda column: (column.place, order.get(column.key, len(order)), column.part != "value")))


def _texts(cell: Cell, key: str) -> tuple[str, str]:
    value, rest = field_text(cell, key)
    note = cell.get("note") or ""
    return value, f"{note} [{rest}]".strip() if rest else note


class RedcapWriter:
    """Takes rows of one REDCap record after the other; a row is written when its last record is known."""

    def __init__(self, context: Context) -> None:
        self.lines = Lines(guarded=context.shape.guard)
        self.columns: dict[int, list[Column]] = {}
        for column in context.columns:
            self.columns.setdefault(column.place, []).append(column)
        self.held: list[tuple[Row, Evidence]] = []
        self.held_id: str | None = None

    def begin(self) -> bytes:
        header = ["vc_record_id", "vc_count"]
        for place, columns in sorted(self.columns.items()):
            header += [f"vc_{name}_{place}" for name in REPEATED] + list(map(field_name, columns))
        return self.lines.dump([header])

    def write(self, rows: Sequence[Row]) -> bytes:
        done = []
        for row in rows:
            evidence = row.evidence()
            record_id = redcap_id(evidence)
            if record_id != self.held_id:
                done.append(self._taken())
                self.held_id = record_id
            self.held.append((row, evidence))
        return b"".join(done)

    def write_gone(self, rows: Sequence[Gone]) -> bytes:
        return b""  # REDCap's import has no word for a record that is gone

    def end(self) -> bytes:
        return self._taken()

    def _taken(self) -> bytes:
        if not self.held or self.held_id is None:
            self.held = []
            return b""
        line: list[object] = [self.held_id, len(self.held)]
        for place, columns in sorted(self.columns.items()):
            line += self._record(place, columns)
        self.held = []
        return self.lines.dump([line])

    def _record(self, place: int, columns: Sequence[Column]) -> list[object]:
        if place > len(self.held):
            return [""] * (len(REPEATED) + len(columns))
        row, evidence = self.held[place - 1]
        head = [row.id, row.lab.group_name, row.lab_record_id, version_text(row), evidence_weights(evidence), citations(evidence)]
        return [*head, *(_cell(evidence, column) for column in columns)]


def _cell(evidence: Evidence, column: Column) -> str:
    cell = evidence.get(column.key)
    return _texts(cell, column.key)[column.part == "note"] if cell else ""


FORMAT = Format("redcap", "csv", "text/csv; charset=utf-8", RedcapWriter, tabular=True)
