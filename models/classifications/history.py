"""Records as they were: the working copy, taken back revision by revision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from msgspec.structs import replace

from models.classifications.journal import RECORD
from models.classifications.loading import find_labs, record_of
from models.classifications.state import Cell, Evidence, Record
from models.classifications.takeback import taken_back
from models.db import Session, driver

Cells: TypeAlias = dict[str, Cell | None]

LATER = """
SELECT v.record_id, v.version, v.before FROM unnest(%s::bigint[], %s::bigint[]) AS since (record_id, version)
JOIN versions v ON v.record_id = since.record_id AND v.version > since.version ORDER BY v.record_id, v.version DESC
"""
CHANGED = """
SELECT v.record_id, v.version, v.after FROM unnest(%s::bigint[], %s::bigint[]) AS named (record_id, version)
JOIN versions v ON v.record_id = named.record_id AND v.version = named.version
"""
SINCE = "SELECT version, before FROM versions WHERE record_id = %s AND version > %s ORDER BY version DESC"


@dataclass(frozen=True, slots=True)
class Moment:
    """A record at one of its versions, and the cells that this version changed (None: removed)."""

    record: Record
    changes: Mapping[str, Cell | None]


def moments(session: Session, named: Collection[tuple[int, int]]) -> dict[tuple[int, int], Moment]:
    """Return the records at these (rid, version), three queries in all; what is gone since is left out."""
    current = _current(session, {rid for rid, _ in named})
    pairs = [(rid, version) for rid, version in named if rid in current]
    if not pairs:
        return {}
    columns = [list(column) for column in zip(*pairs, strict=True)]
    later: dict[int, list[tuple[int, Cells]]] = defaultdict(list)
    for rid, version, before in driver(session).execute(LATER, columns).fetchall():
        later[rid].append((version, before or {}))
    changed = {(rid, version): after for rid, version, after in driver(session).execute(CHANGED, columns).fetchall()}
    return {
        (rid, version): Moment(_taken_back(current[rid], version, later[rid]), changed.get((rid, version), {}))
        for rid, version in pairs
    }


def working_copy(session: Session, rid: int) -> Record | None:
    """Return a record as its lab works on it, None where there is none."""
    return _current(session, [rid]).get(rid)


def _current(session: Session, rids: Collection[int]) -> dict[int, Record]:
    rows = driver(session).execute(f"SELECT {RECORD} FROM records WHERE id = ANY(%s)", (list(rids),)).fetchall()
    labs = {lab.id: lab for lab in find_labs(session, lab_ids={row[1] for row in rows})}
    return {row[0]: record_of(row, labs) for row in rows}


def _taken_back(record: Record, version: int, later: list[tuple[int, Cells]]) -> Record:
    evidence = record.evidence
    for revised, before in later:
        if revised > version:
            evidence = taken_back(evidence, before)
    return replace(record, evidence=evidence, version=version)


def evidence_at(session: Session, record: Record, versions: Collection[int]) -> dict[int, Evidence]:
    """Return a record's evidence at each of these versions, taken back from its working copy in one walk."""
    wanted = sorted(versions, reverse=True)
    if not wanted:
        return {}
    rows = driver(session).execute(SINCE, (record.id, wanted[-1])).fetchall()
    found: dict[int, Evidence] = {}
    evidence = record.evidence
    for version, before in [*rows, (0, None)]:
        while wanted and version <= wanted[0]:
            found[wanted.pop(0)] = evidence
        evidence = taken_back(evidence, before or {})
    return found
