"""A row as the cells of a table: some fixed columns, then evidence (contract section 18.2). What CSV and Parquet share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from models import ids
from models.classifications.criteria import Met, met_of, summary_of, weights_of
from models.classifications.keys import key_set
from models.classifications.record_id import ADDRESS
from models.classifications.sharing import level_name
from models.classifications.state import Cell, Evidence
from models.classifications.variants import normalise_build
from models.exports.format import Column, Context
from models.exports.rows import Gone, Row
from models.exports.texts import citations, number, part_text, terms

NOT_MAPPED = "The record is on {build}; nothing is mapped to another build here."
ACTIVE = "active discordance"  # as the reference says it


class Facts(ABC):
    """What fixed columns are made of; how it is found out is for those who know the evidence."""

    __slots__ = ("context", "row")

    def __init__(self, row: Row, context: Context) -> None:
        self.row = row
        self.context = context

    @abstractmethod
    def value(self, key: str) -> str:
        """Return a key's value as text."""

    @abstractmethod
    def met(self) -> Met:
        """Return the criteria that are met, in the order of the keys."""

    @abstractmethod
    def citations(self) -> str:
        """Return the publications that are named."""

    @property
    def discordant(self) -> bool:
        """Say whether the record is in a discordance."""
        return self.row.id in self.context.discordant

    @property
    def mapped(self) -> bool:
        """Say whether the record is on the build that was asked for."""
        build = self.context.shape.build
        return build is None or normalise_build(self.value("genome_build")) == build

    def target(self, key: str) -> str:
        """Return a key's value where it is on the build that was asked for."""
        return self.value(key) if self.mapped else ""

    def liftover_error(self) -> str:
        """Return why the record has no place on the build that was asked for."""
        return "" if self.mapped else NOT_MAPPED.format(build=self.value("genome_build") or "no known build")


class Known(Facts):
    """What is found in evidence as cells."""

    __slots__ = ("evidence",)

    def __init__(self, row: Row, context: Context, evidence: Evidence) -> None:
        super().__init__(row, context)
        self.evidence = evidence

    def value(self, key: str) -> str:
        return part_text(self.evidence.get(key), key, "value")

    def met(self) -> Met:
        return met_of(self.evidence)

    def citations(self) -> str:
        return citations(self.evidence)


FIXED: Mapping[str, Callable[[Facts], Any]] = {
    "url": lambda known: ADDRESS.format(known.row.id),
    "id": lambda known: known.row.id,
    "lab": lambda known: known.row.lab.group_name,
    "lab_record_id": lambda known: known.row.lab_record_id,
    "server_created_date (UTC)": lambda known: known.row.created_on.decode() if known.row.created_on else "",
    "share_level": lambda known: level_name(known.row.share_level),
    "version": lambda known: version_text(known.row),
    "liftover_error": lambda known: known.liftover_error(),
    "internal_allele_id": lambda _: "",
    "resolved_clingen_allele_id": lambda known: known.value("clingen_allele_id"),
    "target_genome_build": lambda known: known.context.shape.build or known.value("genome_build"),
    "target_c_hgvs": lambda known: known.target("c_hgvs"),
    "target_variant_coordinate": lambda known: known.target("variant_coordinate"),
    "resolved_condition": lambda known: terms(known.value("condition")),
    "criteria": lambda known: summary_of(known.met()),
    "acmg_criteria": lambda known: summary_of(known.met()),
    "evidence_weights": lambda known: weights_of(known.met()),
    "citations": lambda known: known.citations(),
    "discordance_status": lambda known: ACTIVE if known.discordant else "",
    "in_discordance": lambda known: "TRUE" if known.discordant else "FALSE",
}
FACES = {
    "bulk": (
        "id", "lab", "lab_record_id", "share_level", "version", "liftover_error", "target_genome_build", "target_c_hgvs",
        "acmg_criteria", "evidence_weights", "citations", "in_discordance",
    ),
    "export": (
        "url", "id", "lab", "lab_record_id", "server_created_date (UTC)", "share_level", "version", "liftover_error",
        "internal_allele_id", "resolved_clingen_allele_id", "target_genome_build", "target_c_hgvs", "target_variant_coordinate",
        "resolved_condition", "criteria", "evidence_weights", "citations", "discordance_status",
    ),
}  # fmt: skip
DELETE = "delete"  # the column that tells tombstones, in exports of changes


class Table:
    """The header of one export, and its rows as cells below it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.fixed = FACES[context.shape.face]
        self.columns = context.columns
        self.first = len(self.fixed) + context.with_gone
        self.places: dict[str, list[tuple[str, int]]] = {}
        for at, column in enumerate(self.columns, self.first):
            self.places.setdefault(column.key, []).append((column.part, at))
        self.empty = [""] * (self.first + len(self.columns))

    def header(self) -> list[str]:
        """Return the names of the columns."""
        return [*self.fixed, *([DELETE] if self.context.with_gone else []), *map(self._name, self.columns)]

    def _name(self, column: Column) -> str:
        if self.context.shape.labels:
            label = key_labels().get(column.key, column.key)
            return label if column.part == "value" else f"{label} {column.part}"
        return column.key if column.part == "value" else f"{column.key}.{column.part}"

    def row(self, row: Row, evidence: Evidence) -> list[Any]:
        """Return a record's cells: its rid as a number, all else as text or the number that is stored."""
        labels = self.context.shape.labels
        known = Known(row, self.context, evidence)
        cells: list[Any] = self.empty.copy()
        cells[: len(self.fixed)] = [FIXED[name](known) for name in self.fixed]
        for key, cell in evidence.items():
            for part, at in self.places.get(key, ()):
                if part in cell:
                    cells[at] = _cell(cell, key, part, labels=labels)
        return cells

    def gone(self, gone: Gone) -> list[Any]:
        """Return a tombstone's cells."""
        known = {"id": gone.id, "lab": gone.lab.group_name, "lab_record_id": gone.lab_record_id}
        return [*(known.get(name, "") for name in self.fixed), "TRUE", *[""] * len(self.columns)]


@lru_cache(maxsize=1)
def key_labels() -> Mapping[str, str]:
    """Return key -> label; keys of one label are told apart by their names."""
    named = Counter(key.label for key in key_set().all())
    return {key.name: key.label if named[key.label] == 1 else f"{key.label} ({key.name})" for key in key_set().all()}


def version_text(row: Row) -> str:
    """Return the version that a row shows, in seconds with six decimals."""
    return f"{row.version // ids.MICRO}.{row.version % ids.MICRO:06d}"


def _cell(cell: Cell, key: str, part: str, *, labels: bool) -> Any:
    value = cell[part]
    return value if number(value) else part_text(cell, key, part, labels=labels)


def cells_of(rows: Sequence[Row]) -> list[tuple[Row, Evidence]]:
    """Return rows with their evidence taken apart."""
    return [(row, row.evidence()) for row in rows]
