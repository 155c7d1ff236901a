"""The values that the rules of classification records take and give. Pure: no session, no clock, no wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

import msgspec

from models.identity.people import Actor as Actor
from models.identity.people import Lab as Lab
from models.identity.people import Person as Person

Cell: TypeAlias = dict[str, Any]
"""One evidence cell: any of value, note, explain, immutable ("api" | "variantgrid"), validation."""

Evidence: TypeAlias = dict[str, Cell]
"""Full evidence key -> cell. Treated as immutable: a change makes a new dict, unchanged cells are shared."""


class Level(IntEnum):
    """Share levels (contract section 12). Each includes those below it."""

    USER = 0
    LAB = 1
    ORGANISATION = 2
    LOGGED_IN_USERS = 3
    PUBLIC = 4


class Source(StrEnum):
    """Where a change comes from (contract section 1)."""

    API = "api"
    FORM = "form"
    CONSENSUS = "consensus"


class Status(StrEnum):
    """How one item ended. `rolled_back` and `drifted` are codes, not statuses."""

    SUCCEEDED = "succeeded"
    NOOP = "noop"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Record(msgspec.Struct, frozen=True, gc=False):
    """One classification record at one moment: the working copy, or a version of it."""

    id: int | None  # rid; None until stored
    lab: Lab
    lab_record_id: str
    owner_id: int
    version: int  # of `evidence`, microseconds since 1970
    evidence: Evidence
    share_level: int = Level.LAB  # of the latest publish
    live_level: int = Level.LAB  # widest level at which `version` itself is published
    widest_level: int = Level.LAB  # widest level at which any version ever was: decides delete or withdraw
    withdrawn: bool = False
    published_version: int | None = None  # the version published last
    published_on: datetime | None = None
    created_on: datetime | None = None
    updated_on: datetime | None = None  # last change of anything, publishing and withdrawing included
    source_id: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What names the record for ever: (lab group name, lab record id)."""
        return (self.lab.group_name, self.lab_record_id)


class Target(msgspec.Struct, frozen=True, gc=False):
    """What an id names. Either `rid`, or `lab` with or without `lab_record_id` (None: one is assigned at creation)."""

    rid: int | None = None
    lab: str | None = None
    lab_record_id: str | None = None
    version: int | None = None


class Operation(msgspec.Struct, frozen=True, gc=False):
    """One parsed operation (contract section 4). `verb` is create, patch, patch-empty, upsert, overwrite or None."""

    target: Target
    verb: str | None = None
    member: str | None = None  # the name the evidence was sent under, for pointers: "data" for an upsert sent so
    evidence: Mapping[str, Any] = msgspec.field(default_factory=dict)
    publish: int | None = None  # a Level, or None
    delete: bool | str | None = None  # True, False, "withdraw", None
    delete_reason: str | None = None
    test: bool = False
    editable: bool = False
    return_data: str | None = None  # "full", "flat", "changes" or None
    source: Source = Source.API
    if_version: int | None = None
    config: bool = False
    ref: str | None = None
    unexpected: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True, gc=False):
    """A patch message (contract section 8.2): `key` for those about one cell, `keys` for `patched`."""

    code: str
    key: str | None = None
    keys: tuple[str, ...] = ()


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """An older version kept readable for a wider audience than the working copy has."""

    level: int
    version: int
    evidence: Evidence
    published_on: datetime | None


class Revision(msgspec.Struct, frozen=True, gc=False):
    """One new version: the cells it changed, as they were and as they are; an absent cell is None."""

    version: int
    before: Mapping[str, Cell | None]
    after: Mapping[str, Cell | None]
    source: Source


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What one operation does to one record. The record after it is None where it is hard-deleted or never was."""

    status: Status
    record: Record | None
    messages: tuple[Message, ...] = ()
    revision: Revision | None = None  # a version to store
    snapshot: Snapshot | None = None  # the state before, to be kept for the audience that may not see the new one
    published: int | None = None  # the level now published at: snapshots at or below it go, and the version carries it
    deleted: bool = False  # hard delete, or a delete of what was not there
    withdrew: bool = False
    code: str | None = None  # for failed and skipped
    detail: str | None = None
    pointer: str | None = None


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a decision needs beside the record and the operation. `people` maps lower-case username and e-mail to user."""

    actor: Actor
    lab: Lab | None  # the lab that the target names or belongs to; None where there is no such lab
    now: datetime
    new_id: str  # the lab_record_id to give a created record that names none
    people: Mapping[str, Person] = msgspec.field(default_factory=dict)
