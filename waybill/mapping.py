"""Rows of a table as operations: which column is the record's id, which are evidence, which say how to go about it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

IDS = ("id", "lab_record_id", "record_id")
BESIDE = ("ref", "publish", "if_version")  # columns that are members of the operation
PARTS = ("note", "explain")
NOT_IN_NAMES = re.compile(r"[^\w\s:]")

Read = Callable[[Sequence[str], int], bytes]


@dataclass(frozen=True, slots=True)
class Mapped:
    """How a table is read. `columns` maps a column to an evidence key, or to "" to leave it out; `keys` are the known ones."""

    verb: str = "upsert"
    lab: str | None = None
    id_column: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    keys: Callable[[], Sequence[str]] = tuple
    ignore_unknown: bool = False
    delimiter: str = ","

    def reader(self, header: Sequence[str]) -> Read:
        """Return what makes an operation of a row, as JSON. Raises click's errors for columns that nobody knows."""
        names = [name.strip() for name in header]
        id_at = self._id_at(names)
        places = self._places(names, id_at)
        wanted = len(names)

        def read(row: Sequence[str], line: int) -> bytes:
            if not any(cell.strip() for cell in row):
                return b""
            if len(row) != wanted:
                raise click.ClickException(f"line {line} has {len(row)} columns, the first line {wanted}")
            return json.dumps(self._operation(row, id_at, places), ensure_ascii=False, separators=(",", ":")).encode()

        return read

    def _id_at(self, names: Sequence[str]) -> int:
        asked = [self.id_column] if self.id_column else IDS
        for name in asked:
            if name in names:
                return names.index(name)
        raise click.UsageError(f"no column {' or '.join(map(str, asked))} for the records' ids; name it with --id-column")

    def _places(self, names: Sequence[str], id_at: int) -> list[tuple[int, str, str | None]]:
        """Return for each column that counts its place, its key or member, and which part of a cell it is."""
        known = {_tail(key): key for key in self.keys()} | {key: key for key in self.keys()}
        unknown: list[str] = []
        places: list[tuple[int, str, str | None]] = []
        for at, name in enumerate(names):
            target = self.columns.get(name, name)
            if at == id_at or not target:
                continue
            if target in BESIDE:
                places.append((at, target, None))
                continue
            key, part = _parted(target)
            found = known.get(_canonical(key))
            places += [(at, found, part)] if found else []
            unknown += [] if found else [name]
        if unknown and not self.ignore_unknown:
            raise click.UsageError(self._about(unknown, list(known)))
        return places

    @staticmethod
    def _about(unknown: Sequence[str], known: Sequence[str]) -> str:
        lines = []
        for name in unknown:
            near = difflib.get_close_matches(_canonical(name), known, 1)
            lines.append(f"  {name}" + (f"   (did you mean {near[0]}?)" if near else ""))
        remedy = "Map them with --map COLUMN=KEY, leave one out with --map COLUMN=, or all of them with --ignore-unknown."
        return "no evidence key has the name of these columns:\n" + "\n".join(lines) + f"\n{remedy}"

    def _operation(self, row: Sequence[str], id_at: int, places: Sequence[tuple[int, str, str | None]]) -> dict[str, Any]:
        name = row[id_at].strip()
        made: dict[str, Any] = {"id": f"{self.lab}/{name}" if self.lab and "/" not in name else name}
        evidence: dict[str, Any] = {}
        for at, target, part in places:
            text = row[at].strip()
            if not text:
                continue
            if target in BESIDE:
                made[target] = float(text) if target == "if_version" and _is_number(text) else text
            else:
                evidence.setdefault(target, {})[part or "value"] = text
        made[self.verb] = {key: cell["value"] if set(cell) == {"value"} else cell for key, cell in evidence.items()}
        return made


def _parted(target: str) -> tuple[str, str | None]:
    key, _, part = target.rpartition(".")
    return (key, part) if part in PARTS else (target, None)


def _canonical(name: str) -> str:
    return "_".join(NOT_IN_NAMES.sub(" ", name.lower()).split())


def _tail(key: str) -> str:
    return key.rpartition(":")[2]


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) is not None
