"""Loading classification records set-based: one query locks and loads a chunk's targets; what happens to them is kept here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from models.classifications.journal import RECORD, moved
from models.classifications.lines import dump, record_line, staged_line
from models.classifications.state import Decision, Lab, Record, Revision, Snapshot, Target
from models.db import Session, driver

LOAD = f"""
SELECT {", ".join("r." + name for name in RECORD.split(", "))} FROM records r WHERE r.id IN (
    SELECT id FROM records WHERE id = ANY(%(rids)s)
    UNION SELECT k.id FROM unnest(%(labs)s::int[], %(names)s::text[]) AS wanted (lab_id, lab_record_id)
        JOIN records k ON k.lab_id = wanted.lab_id AND k.lab_record_id = wanted.lab_record_id
) ORDER BY r.id FOR UPDATE
"""
LABS = """
SELECT l.id, l.group_name, l.name, o.id, o.group_name, o.name, l.external
FROM labs l JOIN organisations o ON o.id = l.organisation_id
"""


class Entry(msgspec.Struct):
    """One record during a chunk: as it was loaded, as it is now, and what happened between."""

    original: Record | None
    current: Record | None
    revisions: list[Revision] = []
    snapshots: dict[int, Snapshot] = {}
    published: dict[int, tuple[int, datetime | None]] = {}  # version -> widest level, when
    changes: list[tuple[Record, Decision]] = []  # those that versions do not tell of, each with the record before it
    written: tuple[Record, bytes] | None = None  # a state of the record, and that state as COPY takes it, without its rid

    def record(self) -> Record:
        """Return the record as it is now. Raises LookupError where it was deleted."""
        if self.current is None:
            raise LookupError("a deleted record has no current state")
        return self.current

    def take(self, decision: Decision) -> None:
        """Carry one decision out, in memory. What is deleted for good takes its history along."""
        if decision.deleted:
            self.revisions, self.snapshots, self.published, self.changes = [], {}, {}, []
        if self.current and decision.record and moved(self.current, decision.record):
            self.changes.append((self.current, decision))
        if decision.revision:
            self.revisions.append(decision.revision)
        if decision.snapshot:
            self.snapshots[decision.snapshot.level] = decision.snapshot
        if decision.published is not None and decision.record:
            version, level = decision.record.version, decision.published
            widest = max(level, self.published.get(version, (0, None))[0])
            self.published[version] = (widest, decision.record.published_on)
            self.snapshots = {key: kept for key, kept in self.snapshots.items() if key > level}
        self.current = decision.record
        if decision.record is not None and decision.record is not self.original:
            self.line()  # at once, while the evidence is in the processor's cache: later it takes more than twice the time

    def line(self) -> bytes:
        """Return the record as COPY takes it, without its rid: whole where it is new, else as it is staged."""
        record = self.record()
        if self.written is None or self.written[0] is not record:
            known = None if record.id is None else self.original
            self.written = record, staged_line(record, known.evidence) if known else record_line(record, dump(record.evidence))
        return self.written[1]


@dataclass(slots=True)
class Loaded:
    """A chunk's targets. Records are found by (lab group name, lab record id) and by rid."""

    labs: dict[str, Lab]
    entries: dict[tuple[str, str], Entry]
    by_rid: dict[int, Entry]

    def find(self, target: Target) -> Entry | None:
        """Return what a target names, or None."""
        if target.rid is not None:
            return self.by_rid.get(target.rid)
        return self.entries.get((target.lab or "", target.lab_record_id or ""))

    def take(self, entry: Entry | None, decision: Decision) -> None:
        """Carry a decision out in memory; the first one about a record that is not stored yet makes its entry."""
        if entry is None and decision.record is not None:
            entry = self.entries[decision.record.key] = Entry(None, None)
        if entry is not None:
            entry.take(decision)

    def all(self) -> list[Entry]:
        """Return every record that was loaded or made."""
        return list(self.entries.values())


def find_labs(session: Session, groups: Iterable[str] = (), lab_ids: Iterable[int] = ()) -> list[Lab]:
    """Return the labs of these group names or ids; unknown ones are left out."""
    with driver(session).cursor() as cursor:
        cursor.execute(LABS + " WHERE l.group_name = ANY(%s) OR l.id = ANY(%s)", (list(groups), list(lab_ids)))
        return [Lab(*row) for row in cursor.fetchall()]


def load(session: Session, targets: Sequence[Target]) -> Loaded:
    """Lock and load all records that the targets name, in one order (by rid), so that two chunks cannot deadlock."""
    labs = {lab.group_name: lab for lab in find_labs(session, {t.lab for t in targets if t.lab})}
    pairs = {(labs[t.lab].id, t.lab_record_id) for t in targets if t.lab in labs and t.lab_record_id}
    wanted = {
        "rids": list({t.rid for t in targets if t.rid is not None and t.rid < 2**63}),
        "labs": [pair[0] for pair in pairs],
        "names": [pair[1] for pair in pairs],
    }
    with driver(session).cursor() as cursor:
        rows = cursor.execute(LOAD, wanted).fetchall()
    by_id = {lab.id: lab for lab in labs.values()}
    missing = {row[1] for row in rows} - by_id.keys()
    by_id.update({lab.id: lab for lab in find_labs(session, lab_ids=missing)} if missing else {})
    entries = [Entry(record, record) for record in (record_of(row, by_id) for row in rows)]
    loaded = Loaded(labs, {}, {})
    for entry in entries:
        if entry.original and entry.original.id is not None:
            loaded.entries[entry.original.key] = loaded.by_rid[entry.original.id] = entry
    return loaded


def record_of(row: Sequence[Any], labs: Mapping[int, Lab]) -> Record:
    """Return a row of RECORD as a value."""
    return Record(
        id=row[0],
        lab=labs[row[1]],
        lab_record_id=row[2],
        owner_id=row[3],
        share_level=row[4],
        live_level=row[5],
        widest_level=row[6],
        withdrawn=row[7],
        version=row[8],
        published_version=row[9],
        created_on=row[10],
        updated_on=row[11],
        published_on=row[12],
        source_id=row[13],
        evidence=row[14],
    )
