"""Loading and storing classification records set-based: one query locks and loads a chunk's targets, one write a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from models.classifications.journal import RECORD, Author, bury, moved, note_changes
from models.classifications.lines import SNAPSHOT_COLUMNS, STORED_COLUMNS, dump, moment, number, record_line, snapshot_line
from models.classifications.state import Decision, Lab, Level, Record, Revision, Snapshot, Target
from models.db import NULL, Session, copy_rows, driver

STAGED = f"""
CREATE TEMP TABLE staged_records ON COMMIT DELETE ROWS AS SELECT {STORED_COLUMNS} FROM records WITH NO DATA;
ALTER TABLE staged_records ALTER COLUMN evidence SET STORAGE EXTERNAL
"""
UPDATE = """
UPDATE records r SET owner_id = s.owner_id, share_level = s.share_level, live_level = s.live_level,
    widest_level = s.widest_level, withdrawn = s.withdrawn, version = s.version, published_version = s.published_version,
    updated_on = s.updated_on, published_on = s.published_on, source_id = s.source_id,
    evidence = coalesce(s.evidence, r.evidence),
    variant = CASE WHEN s.evidence IS NULL THEN r.variant ELSE s.variant END,
    significance = CASE WHEN s.evidence IS NULL THEN r.significance ELSE s.significance END
FROM staged_records s WHERE r.id = s.id
"""
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
    written: tuple[Record, bytes] | None = None  # a state of the record, and that state as COPY takes it

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
        """Return the record as COPY takes it, without its rid."""
        record = _current(self)
        if self.written is None or self.written[0] is not record:
            same = self.original is not None and record.evidence is self.original.evidence
            self.written = record, record_line(record, NULL if same else dump(record.evidence))
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


def store(session: Session, entries: Iterable[Entry], user_id: int, job_id: int | None) -> dict[tuple[str, str], int]:
    """Write what changed, one statement a table; return the rids of the records made here."""
    changed = [entry for entry in entries if entry.current is not entry.original]
    created = sorted((e for e in changed if e.current and e.current.id is None), key=lambda e: _current(e).key)
    updated = [e for e in changed if e.current and e.current.id is not None]
    author = (user_id, job_id)
    _delete(session, [_rid(e.original) for e in changed if e.original and (e.current is None or e.current.id is None)], author)
    made = _create(session, created)
    _update(session, updated)
    note_changes(session, {_made(_current(e), made): e.changes for e in created + updated if e.changes}, author)
    _store_versions(session, created + updated, made, author)
    _store_snapshots(session, created + updated, made)
    return made


def _current(entry: Entry) -> Record:
    if entry.current is None:
        raise LookupError("a deleted record has no current state")
    return entry.current


def _rid(record: Record) -> int:
    if record.id is None:
        raise LookupError("the record was never stored")
    return record.id


def _made(record: Record, made: Mapping[tuple[str, str], int]) -> int:
    return made[record.key] if record.id is None else record.id


def _delete(session: Session, rids: list[int], author: Author) -> None:
    if rids:
        bury(session, rids, author)


def _create(session: Session, entries: list[Entry]) -> dict[tuple[str, str], int]:
    if not entries:
        return {}
    with driver(session).cursor() as cursor:
        drawn = cursor.execute("SELECT nextval('records_id_seq') FROM generate_series(1, %s)", (len(entries),)).fetchall()
    made = {_current(entry).key: int(row[0]) for entry, row in zip(entries, drawn, strict=True)}
    lines = [part for entry, row in zip(entries, drawn, strict=True) for part in (b"%d\t" % row[0], entry.line())]
    copy_rows(session, f"records ({STORED_COLUMNS})", lines)
    return made


def _update(session: Session, entries: list[Entry]) -> None:
    if not entries:
        return
    lines = [part for entry in entries for part in (b"%d\t" % _rid(_current(entry)), entry.line())]
    connection = driver(session)
    if connection.execute("SELECT to_regclass('pg_temp.staged_records') IS NULL").fetchone() == (True,):
        connection.execute(STAGED)
    copy_rows(session, f"staged_records ({STORED_COLUMNS})", lines)
    connection.execute("ANALYZE staged_records (id)")
    connection.execute(UPDATE, prepare=False)
    connection.execute("DELETE FROM staged_records")


VERSION_COLUMNS = "record_id, version, job_id, user_id, level, published_on, source, before, after"
# What a first revision changed is all there is: it is taken from the record, which the database has read and parsed already.
FIRST_VERSIONS = f"""
INSERT INTO versions ({VERSION_COLUMNS})
SELECT r.id, r.version, %s, %s, %s, CASE WHEN %s THEN r.published_on END, %s, NULL, r.evidence
FROM records r WHERE r.id = ANY(%s::bigint[])
"""
PUBLISHED = """
UPDATE versions v SET level = greatest(v.level, p.level), published_on = p.published_on
FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::timestamptz[]) AS p (record_id, version, level, published_on)
WHERE v.record_id = p.record_id AND v.version = p.version
"""


def _store_versions(
    session: Session, entries: list[Entry], made: Mapping[tuple[str, str], int], author: tuple[int, int | None]
) -> None:
    lines: list[bytes] = []
    whole: dict[tuple[int, bool, str], list[int]] = {}  # by what the versions say beside their records
    late: list[tuple[int, int, int, datetime | None]] = []
    who = b"%s\t%d" % (number(author[1]), author[0])
    for entry in entries:
        record = _current(entry)
        rid = made[record.key] if record.id is None else record.id
        if record.id is None and len(entry.revisions) == 1 and len(entry.revisions[0].after) == len(record.evidence):
            first = entry.revisions[0]
            level, published_on = entry.published.get(first.version, (Level.LAB, None))
            whole.setdefault((int(level), published_on is not None, first.source.value), []).append(rid)
            continue
        fresh: set[int] = set()
        for revision in entry.revisions:
            before = NULL if record.id is None and not fresh else dump(revision.before)
            level, published_on = entry.published.get(revision.version, (Level.LAB, None))
            facts = b"%s\t%d\t%s\t%s" % (who, level, moment(published_on), revision.source.encode())
            lines.append(b"\t".join((b"%d\t%d" % (rid, revision.version), facts, before, dump(revision.after) + b"\n")))
            fresh.add(revision.version)
        late.extend((rid, v, level, when) for v, (level, when) in entry.published.items() if v not in fresh)
    for facts_of_all, rids in whole.items():
        driver(session).execute(FIRST_VERSIONS, (author[1], author[0], *facts_of_all, f"{{{','.join(map(str, rids))}}}"))
    if lines:
        copy_rows(session, f"versions ({VERSION_COLUMNS})", lines)
    if late:
        driver(session).execute(PUBLISHED, [list(column) for column in zip(*late, strict=True)])


def _store_snapshots(session: Session, entries: list[Entry], made: Mapping[tuple[str, str], int]) -> None:
    over: list[tuple[int, int]] = []
    lines: list[bytes] = []
    for entry in entries:
        record = _current(entry)
        rid = made[record.key] if record.id is None else record.id
        if entry.published and record.id is not None:
            over.append((rid, max(level for level, _ in entry.published.values())))
        lines.extend(snapshot_line(rid, record.lab.id, kept) for kept in entry.snapshots.values())
    if over:
        driver(session).execute(
            "DELETE FROM snapshots s USING unnest(%s::bigint[], %s::int[]) AS o (record_id, level) "
            "WHERE s.record_id = o.record_id AND s.level <= o.level",
            [list(column) for column in zip(*over, strict=True)],
        )
    if lines:
        copy_rows(session, f"snapshots ({SNAPSHOT_COLUMNS})", lines)


def put_back(session: Session, records: Sequence[Record]) -> None:
    """Store records that were deleted for good, with the rids that they had."""
    if records:
        lines = [b"%d\t" % _rid(record) + record_line(record, dump(record.evidence)) for record in records]
        copy_rows(session, f"records ({STORED_COLUMNS})", lines)
        driver(session).execute("DELETE FROM deleted_records WHERE id = ANY(%s)", ([record.id for record in records],))


def put_snapshots(session: Session, rids: Sequence[int], snapshots: Iterable[tuple[int, int, Snapshot]]) -> None:
    """Give these records other snapshots than they have: (rid, lab id, snapshot)."""
    driver(session).execute("DELETE FROM snapshots WHERE record_id = ANY(%s)", (list(rids),))
    copy_rows(session, f"snapshots ({SNAPSHOT_COLUMNS})", [snapshot_line(*row) for row in snapshots])
