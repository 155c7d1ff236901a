"""Storing classification records set-based: one write a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from models.classifications.journal import Author, bury, note_changes
from models.classifications.lines import SNAPSHOT_COLUMNS, STORED_COLUMNS, dump, moment, record_line, snapshot_line
from models.classifications.loading import Entry
from models.classifications.state import Level, Record, Snapshot
from models.db import NULL, Session, copy_number, copy_rows, driver

# Of a record's evidence the cells that are other or new are staged, and the names of those that are gone; NULL where none is.
STAGED = f"""
CREATE TEMP TABLE staged_records ON COMMIT DELETE ROWS AS
    SELECT {STORED_COLUMNS}, NULL::text[] AS removed FROM records WITH NO DATA;
ALTER TABLE staged_records ALTER COLUMN evidence SET STORAGE EXTERNAL
"""
STAGED_COLUMNS = f"{STORED_COLUMNS}, removed"
UPDATE = """
UPDATE records r SET owner_id = s.owner_id, share_level = s.share_level, live_level = s.live_level,
    widest_level = s.widest_level, withdrawn = s.withdrawn, version = s.version, published_version = s.published_version,
    updated_on = s.updated_on, published_on = s.published_on, source_id = s.source_id,
    evidence = CASE WHEN s.evidence IS NULL THEN r.evidence ELSE (r.evidence - s.removed) || s.evidence END,
    variant = CASE WHEN s.evidence IS NULL THEN r.variant ELSE s.variant END,
    significance = CASE WHEN s.evidence IS NULL THEN r.significance ELSE s.significance END
FROM staged_records s WHERE r.id = s.id
"""


def store(session: Session, entries: Iterable[Entry], user_id: int, job_id: int | None) -> dict[tuple[str, str], int]:
    """Write what changed, one statement a table; return the rids of the records made here."""
    changed = [entry for entry in entries if entry.current is not entry.original]
    created = sorted((e for e in changed if e.current and e.current.id is None), key=lambda e: e.record().key)
    updated = [e for e in changed if e.current and e.current.id is not None]
    author = (user_id, job_id)
    _delete(session, [_rid(e.original) for e in changed if e.original and (e.current is None or e.current.id is None)], author)
    made = _create(session, created)
    note_changes(session, {_made(e.record(), made): e.changes for e in created + updated if e.changes}, author)
    _store_snapshots(session, created + updated, made)
    _update(session, updated)
    _store_versions(session, created + updated, made, author)
    return made


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
    made = {entry.record().key: int(row[0]) for entry, row in zip(entries, drawn, strict=True)}
    lines = [part for entry, row in zip(entries, drawn, strict=True) for part in (b"%d\t" % row[0], entry.line())]
    copy_rows(session, f"records ({STORED_COLUMNS})", lines)
    return made


def _update(session: Session, entries: list[Entry]) -> None:
    if not entries:
        return
    lines = [part for entry in entries for part in (b"%d\t" % _rid(entry.record()), entry.line())]
    connection = driver(session)
    if connection.execute("SELECT to_regclass('pg_temp.staged_records') IS NULL").fetchone() == (True,):
        connection.execute(STAGED)
    copy_rows(session, f"staged_records ({STAGED_COLUMNS})", lines)
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
    who = b"%s\t%d" % (copy_number(author[1]), author[0])
    for entry in entries:
        record = entry.record()
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


# Most snapshots are what a record says before the change: they are taken from it, which the database has parsed already.
KEPT = f"""
INSERT INTO snapshots ({SNAPSHOT_COLUMNS})
SELECT r.id, k.level, k.version, k.published_on, r.evidence, r.variant, r.significance, r.lab_id
FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::timestamptz[]) AS k (record_id, level, version, published_on)
JOIN records r ON r.id = k.record_id
"""
OVER = """
DELETE FROM snapshots s USING unnest(%s::bigint[], %s::int[]) AS o (record_id, level)
WHERE s.record_id = o.record_id AND s.level <= o.level
"""


def _store_snapshots(session: Session, entries: list[Entry], made: Mapping[tuple[str, str], int]) -> None:
    """Remove the snapshots that are over and store the new ones. To be called before the records are updated."""
    over: list[tuple[int, int]] = []
    kept: list[tuple[int, int, int, datetime | None]] = []
    lines: list[bytes] = []
    for entry in entries:
        record = entry.record()
        rid = made[record.key] if record.id is None else record.id
        if entry.published and record.id is not None:
            over.append((rid, max(level for level, _ in entry.published.values())))
        for snapshot in entry.snapshots.values():
            if record.id is not None and entry.original and snapshot.evidence is entry.original.evidence:
                kept.append((rid, snapshot.level, snapshot.version, snapshot.published_on))
            else:
                lines.append(snapshot_line(rid, record.lab.id, snapshot))
    for statement, rows in ((OVER, over), (KEPT, kept)):
        if rows:
            driver(session).execute(statement, [list(column) for column in zip(*rows, strict=True)])
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
