"""What undoing a job makes of one record: values in, a plan out. Pure.

A record goes back to before the job's first change of it, if nobody else changed it from then on. Going back is a change of its
own, with a version of its own: what was published of the old version is published of the new one, which says the same. Versions
that the job made are no longer published to anybody but the lab.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from models import ids
from models.classifications.state import Cell, Evidence, Level, Record

Held: TypeAlias = dict[int, tuple[int, datetime | None]]
"""A record's snapshots: level -> version, when it was published."""

Levels: TypeAlias = list[tuple[int, int, int | None]]
"""Rows of `versions` as they were: version, level, when it was published last (microseconds)."""

TURNED = ("owner_id", "share_level", "live_level", "widest_level", "withdrawn", "published_version", "source_id")


class Fate(StrEnum):
    """What becomes of a record: the first three change nothing."""

    UNCHANGED = "unchanged"
    TOUCHED = "touched_since"
    PURGED = "purged"
    REMOVED = "removed"
    RESTORED = "restored"
    RECOVERED = "recovered"


class Edit(msgspec.Struct, frozen=True):
    """A version since the job's first change. `before` is None where it is a record's first."""

    version: int
    job_id: int | None
    before: Mapping[str, Cell | None] | None
    level: int
    published_on: datetime | None


class Turn(msgspec.Struct, frozen=True):
    """A change of state since the job's first change: the facts until then. A `version` of None: there was no such record."""

    moment: int
    job_id: int | None
    version: int | None
    owner_id: int
    share_level: int
    live_level: int
    widest_level: int
    withdrawn: bool
    published_version: int | None
    published_on: datetime | None
    source_id: str | None
    held: Held
    levels: Levels


class Grave(msgspec.Struct, frozen=True):
    """A record that was deleted for good; None where its time is over."""

    record: Record | None
    moment: int
    user_id: int
    job_id: int | None
    held: Held


class Course(msgspec.Struct, frozen=True):
    """What happened to a record from a job's first change on, newest first, and its version before; nothing without a change."""

    edits: tuple[Edit, ...] = ()
    turns: tuple[Turn, ...] = ()
    previous: int | None = None

    def only(self, job_id: int) -> bool:
        """Say whether nobody else had a part in it."""
        return all(edit.job_id == job_id for edit in self.edits) and all(turn.job_id == job_id for turn in self.turns)

    @property
    def made(self) -> bool:
        """Say whether there was no such record before."""
        return any(edit.before is None for edit in self.edits) or any(turn.version is None for turn in self.turns)


class Ask(msgspec.Struct, frozen=True):
    """Which job is undone, and when: later than the record's last change."""

    job_id: int
    now: datetime


class Plan(msgspec.Struct, frozen=True):
    """What to do: the record after it, the cells that change, its snapshots (None: as they are), how versions are published."""

    fate: Fate
    record: Record | None = None
    changes: Mapping[str, Cell | None] = {}
    held: Held | None = None
    published: Mapping[int, tuple[int, datetime | None]] = {}


def plan(record: Record | None, grave: Grave | None, course: Course, held: Held, ask: Ask) -> Plan:
    """Return what undoing a job makes of a record: as it is, with its snapshots, or as it was when it was deleted."""
    deleted = record is None and grave is not None and grave.job_id == ask.job_id
    if not course.edits and not course.turns and not deleted:
        return Plan(Fate.UNCHANGED if record else Fate.TOUCHED)
    if not course.only(ask.job_id) or (record is None and not deleted):
        return Plan(Fate.TOUCHED)
    if course.made:
        return Plan(Fate.REMOVED, record) if record else Plan(Fate.UNCHANGED)
    if record:
        return _taken_back(record, course, held, ask.now)
    if grave is None or grave.record is None:
        return Plan(Fate.PURGED)
    return _recovered(grave.record, course, grave.held, ask.now)


def _recovered(record: Record, course: Course, held: Held, now: datetime) -> Plan:
    """Return a deleted record as it was before the job, its snapshots to be made anew."""
    back = _taken_back(record, course, held, now)
    if back.record is None:
        shown = replace(record, updated_on=now, published_on=now)
        return Plan(Fate.RECOVERED, shown, held={level: (version, now) for level, (version, _) in held.items()})
    kept = held if back.held is None else back.held
    return Plan(Fate.RECOVERED, back.record, back.changes, kept, back.published)


def _taken_back(record: Record, course: Course, held: Held, now: datetime) -> Plan:
    evidence = record.evidence
    for edit in course.edits:
        evidence = taken_back(evidence, edit.before or {})
    same = evidence == record.evidence
    turn = min(course.turns, key=lambda turn: turn.moment, default=None)
    version = record.version if same else ids.next_version(ids.stamp(now), record.version)
    after = _described(record, turn, now)
    after = replace(after, evidence=record.evidence if same else evidence, version=version)
    earlier = course.previous or record.version
    if after.published_version == earlier:
        after = replace(after, published_version=version)
    held_after = None if turn is None or _versions(turn.held) == _versions(held) else _renewed(turn.held, held, now)
    shown = _shown(record) != _shown(after)
    if shown or held_after is not None:
        after = replace(after, published_on=now)
    published = _published(course, turn, (record.version, earlier), after)
    if shown or after.version in published:
        lately = after.published_on if after.published_version == version else None
        published[version] = (after.live_level, lately)
    if same and _facts(record) == _facts(after) and held_after is None and not published:
        return Plan(Fate.UNCHANGED)
    return Plan(Fate.RESTORED, after, {} if same else difference(record.evidence, evidence), held_after, published)


def _versions(held: Held) -> dict[int, int]:
    return {level: version for level, (version, _) in held.items()}


def _renewed(wanted: Held, held: Held, now: datetime) -> Held:
    """Return snapshots to have; what their readers do not see yet is shared to them now."""
    seen = _versions(held)
    return {level: held[level] if seen.get(level) == version else (version, now) for level, (version, _) in wanted.items()}


def _described(record: Record, turn: Turn | None, now: datetime) -> Record:
    if turn is None:
        return replace(record, updated_on=now)
    facts = {name: getattr(turn, name) for name in TURNED}
    return replace(record, **facts, updated_on=now)


def _facts(record: Record) -> Record:
    return replace(record, updated_on=None, published_on=None)


def _shown(record: Record) -> tuple[int | None, ...]:
    return record.share_level, record.live_level, record.published_version


def _published(
    course: Course, turn: Turn | None, versions: tuple[int, int], after: Record
) -> dict[int, tuple[int, datetime | None]]:
    """Return how older versions are to be published, where the job or its undoing made that another; `versions`: now, earlier."""
    present, earlier = versions
    wanted: dict[int, tuple[int, datetime | None]] = {
        edit.version: (int(Level.LAB), None) for edit in course.edits if edit.level > Level.LAB or edit.published_on
    }
    if turn and turn.version == earlier and after.version != present:
        wanted[earlier] = (turn.live_level, turn.published_on if turn.published_version == earlier else None)
    for change in course.turns:
        wanted.update({version: (level, ids.moment(when) if when else None) for version, level, when in change.levels})
    return wanted


def taken_back(evidence: Evidence, before: Mapping[str, Cell | None]) -> Evidence:
    """Return the evidence as it was before a revision."""
    past = {**evidence, **before}
    return {key: cell for key, cell in past.items() if cell is not None}


def difference(old: Evidence, new: Evidence) -> dict[str, Cell | None]:
    """Return the cells of `new` that differ from those of `old`, None for one that is gone."""
    keys = [*new, *(key for key in old if key not in new)]
    return {key: new.get(key) for key in keys if new.get(key) != old.get(key)}
