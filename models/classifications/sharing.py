"""Publishing, and who may read which version (contract sections 11 to 12.2, goal P05).

A version once published at a level can be read by that level's audience until a newer one reaches it. The working copy carries
the widest level it is published at (`live_level`). An edit makes a new version, published to nobody but the lab; if the old one
was published wider it is kept as a snapshot, unless the same operation publishes the new one at least as wide. So snapshots are
rare, they are all wider than the working copy, and of two the wider one is the older.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from models.classifications.state import Actor, Evidence, Lab, Level, Record, Snapshot
from models.errors import InvalidPublish

SPELLINGS: Mapping[str, int] = {
    "user": Level.USER,
    "lab": Level.LAB,
    "institution": Level.ORGANISATION,
    "organisation": Level.ORGANISATION,
    "logged_in_users": Level.LOGGED_IN_USERS,
    "public": Level.PUBLIC,
    "global": Level.PUBLIC,
} | {str(level.value): level for level in Level}

PAGE_NAMES = ("user", "lab", "institution", "logged_in_users", "public")
REFERENCE_NAMES = ("user", "lab", "organisation", "logged_in_users", "public")


def parse_level(value: Any, pointer: str = "/publish") -> int | None:
    """Return the level of a publish request, None for `user`, which asks for nothing. Raises InvalidPublish."""
    text = str(int(value)) if type(value) in (int, float) and 0 <= value <= 4 and value == int(value) else value
    level = SPELLINGS.get(text) if isinstance(text, str) else None
    if level is None:
        raise InvalidPublish(f"A share level is one of {', '.join(PAGE_NAMES)}, or 0 to 4.", pointer=pointer)
    return int(level) or None


def level_name(level: int, style: str = "page") -> str:
    """Return a level's name: as the published page has it, or (`reference`) as the reference implementation has it today."""
    return (REFERENCE_NAMES if style == "reference" else PAGE_NAMES)[level]


def edit(record: Record, evidence: Evidence, version: int, now: datetime) -> tuple[Record, Snapshot | None]:
    """Return the record with new evidence, and the old version as a snapshot if somebody outside the lab could read it."""
    edited = replace(record, evidence=evidence, version=version, live_level=int(Level.LAB), updated_on=now)
    if record.live_level <= Level.LAB:
        return edited, None
    return edited, Snapshot(record.live_level, record.version, record.evidence, record.published_on)


def publish(record: Record, level: int, now: datetime, snapshot: Snapshot | None = None) -> tuple[Record, Snapshot | None]:
    """Return the record published at a level, and what is left of the snapshot that the same operation's edit made.

    A level below that of an earlier publish narrows only who sees the new version (section 12, as the page has it).
    """
    published = replace(
        record,
        share_level=level,
        live_level=max(level, record.live_level),
        widest_level=max(level, record.widest_level),
        published_version=record.version,
        published_on=now,
        updated_on=now,
    )
    return published, snapshot if snapshot and snapshot.level > published.live_level else None


def published_so(record: Record, level: int) -> bool:
    """Say whether the working copy is what was published last, and at this level."""
    return record.published_version == record.version and record.share_level == level


def deletable(record: Record) -> bool:
    """Say whether a delete removes the record for good; once shared with all logged-in users it can only be withdrawn (13)."""
    return record.widest_level < Level.LOGGED_IN_USERS


def relation(lab: Lab, actor: Actor) -> Level:
    """Return how a reader stands to a lab's records: LAB for those who may write them, and so see the working copy."""
    if actor.writes(lab):
        return Level.LAB
    return Level.ORGANISATION if lab.organisation_id in actor.organisation_ids else Level.LOGGED_IN_USERS


def ceiling(record: Record, actor: Actor) -> Level:
    """Return the relation that hides evidence keys (12.1): USER, from whom nothing is hidden, for superusers and the owner."""
    if actor.superuser or record.owner_id == actor.user_id:
        return Level.USER
    return relation(record.lab, actor)


def known(record: Record, actor: Actor) -> bool:
    """Say whether the actor can read any version of the record, and so may learn that it exists."""
    return relation(record.lab, actor) <= max(record.widest_level, Level.LAB)


def visible(record: Record, snapshots: Iterable[Snapshot], reader: Level) -> Record | None:
    """Return the record as a relation sees it: the newest version it may read, or None where it may read none."""
    if reader <= max(record.live_level, Level.LAB):
        return record
    readable = [snapshot for snapshot in snapshots if snapshot.level >= reader]
    return as_of(record, min(readable, key=lambda snapshot: snapshot.level)) if readable else None


def as_of(record: Record, snapshot: Snapshot) -> Record:
    """Return the record as a snapshot's audience sees it, to whom nothing newer exists."""
    return replace(
        record,
        evidence=snapshot.evidence,
        version=snapshot.version,
        share_level=snapshot.level,
        live_level=snapshot.level,
        published_version=snapshot.version,
        published_on=snapshot.published_on,
    )
