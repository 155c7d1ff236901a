"""Undoing what a job did to classification records, set-based: what happened since is read, planned by `takeback`, written once.

Removals come first and recoveries next, so that a name which the job gave to another record is free again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models import ids
from models.classifications.history import moments
from models.classifications.journal import Author, State, read_held, write_states
from models.classifications.loading import Entry, load
from models.classifications.past_rows import read_courses, read_graves
from models.classifications.state import Record, Revision, Snapshot, Source, Target
from models.classifications.store import put_back, put_snapshots, store
from models.classifications.takeback import Ask, Course, Fate, Grave, Held, Levels, Plan, plan
from models.db import Session, driver
from models.identity.principal import Principal

TAKEN = """
SELECT k.lab_id, k.lab_record_id, k.id FROM unnest(%s::int[], %s::text[]) AS wanted (lab_id, lab_record_id)
JOIN records k ON k.lab_id = wanted.lab_id AND k.lab_record_id = wanted.lab_record_id
"""
LEVELS = """
SELECT v.record_id, v.version, v.level, v.published_on FROM unnest(%s::bigint[], %s::bigint[]) AS named (record_id, version)
JOIN versions v ON v.record_id = named.record_id AND v.version = named.version
"""
SET_LEVELS = """
UPDATE versions v SET level = p.level, published_on = p.published_on
FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::timestamptz[]) AS p (record_id, version, level, published_on)
WHERE v.record_id = p.record_id AND v.version = p.version
"""
MICROSECOND = timedelta(microseconds=1)
CHANGING = frozenset((Fate.REMOVED, Fate.RESTORED, Fate.RECOVERED))


@dataclass(frozen=True, slots=True)
class Undoing:
    """Who undoes which job, as which job; under `test` nothing is written."""

    principal: Principal
    undone: int
    job_id: int
    test: bool = False

    @property
    def author(self) -> Author:
        """Return whom the changes are noted of."""
        return self.principal.user_id, self.job_id


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of one record: its fate, and the record after it, or as it was where it was removed."""

    fate: Fate
    record: Record | None
    plan: Plan
    forbidden: bool = False


def undo(session: Session, undoing: Undoing, rids: Sequence[int]) -> list[Undone]:
    """Take back what a job did to these records, each that nobody else changed since; one answer each."""
    found = _find(session, rids, undoing.undone)
    planned = {rid: _plan(found, undoing, rid) for rid in rids}
    _keep_names_unique(session, planned)
    if not undoing.test:
        _write(session, undoing, {rid: done for rid, done in planned.items() if done.fate in CHANGING}, found)
    return [planned[rid] for rid in rids]


@dataclass(frozen=True, slots=True)
class _Found:
    """All that is known of a chunk's records, and the moment at which they were locked."""

    present: Mapping[int, Entry]
    graves: Mapping[int, Grave]
    courses: Mapping[int, Course]
    held: Mapping[int, Held]
    now: datetime

    def original(self, rid: int) -> Record:
        """Return a record as it is, or as it was when it was deleted."""
        entry = self.present.get(rid)
        record = entry.original if entry else self.graves[rid].record
        if record is None:
            raise LookupError("what goes back was there")
        return record


def _find(session: Session, rids: Sequence[int], job_id: int) -> _Found:
    present = load(session, [Target(rid=rid) for rid in rids]).by_rid
    graves = read_graves(session, [rid for rid in rids if rid not in present])
    courses = read_courses(session, rids, job_id)
    return _Found(present, graves, courses, read_held(session, list(present)), ids.now())


def _plan(found: _Found, undoing: Undoing, rid: int) -> Undone:
    entry, grave = found.present.get(rid), found.graves.get(rid)
    record = entry.current if entry else None
    latest = record.updated_on if record else grave and ids.moment(grave.moment)
    now = max(found.now, latest + MICROSECOND) if latest else found.now
    made = plan(record, grave, found.courses.get(rid, Course()), found.held.get(rid, {}), Ask(undoing.undone, now))
    seen = made.record or record or (grave.record if grave else None)
    if seen and not undoing.principal.actor().writes(seen.lab):
        return Undone(Fate.UNCHANGED, seen, Plan(Fate.UNCHANGED), forbidden=True)
    return Undone(made.fate, seen, made)


def _keep_names_unique(session: Session, planned: dict[int, Undone]) -> None:
    """Leave deleted what has had its name given to another record since, unless that one goes with it."""
    coming: dict[tuple[int, str], int] = {}
    for rid in sorted(planned):
        done = planned[rid]
        if done.fate is Fate.RECOVERED and done.record:
            earlier = coming.setdefault((done.record.lab.id, done.record.lab_record_id), rid)
            if earlier != rid:
                planned[rid] = _touched(done)
    if not coming:
        return
    columns = [list(column) for column in zip(*coming, strict=True)]
    for lab_id, name, holder in driver(session).execute(TAKEN, columns).fetchall():
        if holder not in planned or planned[holder].fate is not Fate.REMOVED:
            planned[coming[lab_id, name]] = _touched(planned[coming[lab_id, name]])


def _touched(done: Undone) -> Undone:
    return Undone(Fate.TOUCHED, done.record, Plan(Fate.TOUCHED))


def _write(session: Session, undoing: Undoing, changes: Mapping[int, Undone], found: _Found) -> None:
    gone = [found.present[rid] for rid, done in changes.items() if done.fate is Fate.REMOVED]
    for entry in gone:
        entry.current = None
    store(session, gone, *undoing.author)
    put_back(session, [found.original(rid) for rid, done in changes.items() if done.fate is Fate.RECOVERED])
    back = {rid: done.plan for rid, done in changes.items() if done.fate is not Fate.REMOVED}
    _note(session, undoing, back, found)
    store(session, [_entry(found.original(rid), _record(made), made) for rid, made in back.items()], *undoing.author)
    _publish(session, back)
    _store_snapshots(session, back)


def _record(made: Plan) -> Record:
    if made.record is None:
        raise LookupError("what goes back is there afterwards")
    return made.record


def _entry(original: Record, after: Record, made: Plan) -> Entry:
    entry = Entry(original, after)
    if after.version != original.version:
        before = {key: original.evidence.get(key) for key in made.changes}
        entry.revisions.append(Revision(after.version, before, made.changes, Source.API))
    return entry


def _note(session: Session, undoing: Undoing, back: Mapping[int, Plan], found: _Found) -> None:
    """Keep what the records were until now: present as they are, or there until they were deleted and absent from then on."""
    levels = _levels(session, back)
    states: list[State] = []
    for rid, made in back.items():
        after, original, grave = _record(made), found.original(rid), found.graves.get(rid)
        if after.updated_on is None:
            raise LookupError("a change has its time")
        moment = ids.stamp(after.updated_on)
        if grave:
            states.append(State(rid, grave.moment, (grave.user_id, grave.job_id), original, original, grave.held))
        held = {} if grave else found.held.get(rid, {})
        states.append(State(rid, moment, undoing.author, None if grave else original, after, held, levels[rid]))
    write_states(session, states)


def _levels(session: Session, back: Mapping[int, Plan]) -> dict[int, Levels]:
    """Return how those versions are published now that are going to be published otherwise."""
    named = [(rid, version) for rid, made in back.items() for version in made.published]
    found: dict[int, Levels] = defaultdict(list)
    if named:
        rows = driver(session).execute(LEVELS, [list(column) for column in zip(*named, strict=True)]).fetchall()
        for rid, version, level, published_on in rows:
            found[rid].append((version, level, published_on and ids.stamp(published_on)))
    return found


def _publish(session: Session, back: Mapping[int, Plan]) -> None:
    rows = [(rid, version, *how) for rid, made in back.items() for version, how in made.published.items()]
    if rows:
        driver(session).execute(SET_LEVELS, [list(column) for column in zip(*rows, strict=True)])


def _store_snapshots(session: Session, back: Mapping[int, Plan]) -> None:
    """Give each record the snapshots that it had, with the evidence of their versions."""
    wanted = {rid: made.held for rid, made in back.items() if made.held is not None}
    past = moments(session, {(rid, version) for rid, held in wanted.items() for version, _ in held.values()})
    rows: list[tuple[int, int, Snapshot]] = []
    for rid, held in wanted.items():
        for level, (version, when) in held.items():
            record = past[rid, version].record
            rows.append((rid, record.lab.id, Snapshot(level, version, record.evidence, when)))
    if wanted:
        put_snapshots(session, list(wanted), rows)
