"""What an export was asked for: which records, and how they are written. Pure values, kept with a job as JSON."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class Share(StrEnum):
    """Which state of which records: one's own working copies, all that one can read, or what an audience sees."""

    EDITABLE = "editable"
    READABLE = "readable"
    PUBLISHED = "published"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which records. Times are versions (microseconds since 1970); labs and organisations are group names, unknown ones count
    for nothing. `audience` is a Level, for PUBLISHED alone.
    """

    share: Share = Share.PUBLISHED
    audience: int | None = None
    labs: tuple[str, ...] | None = None
    labs_excluded: tuple[str, ...] = ()
    organisations_excluded: tuple[str, ...] = ()
    published_after: int | None = None
    since: int | None = None
    origin: str | None = None  # "germline", "somatic" or "other"
    limit: int | None = None
    as_of: int | None = None


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How they are written. `face` names the published page whose columns are used: "bulk" (S0) or "export" (section 18.3)."""

    output: str = "json"
    face: str = "bulk"
    layout: str = "v2"
    group_by: str | None = None  # "all", "none", "variant" or the full name of an evidence key
    rows_per_file: int | None = None
    all_columns: bool = False
    labels: bool = False
    guard: bool = True
    short_keys: bool = False
    full_detail: bool = False
    terminator: bool = False
    build: str | None = None
    repeats: int = 10


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """An export as a whole. `moment` is when it was asked for; names and zip entries carry it, or `as_of`."""

    scope: Scope
    shape: Shape
    moment: int


def dump_ask(ask: Ask) -> dict[str, Any]:
    """Return an ask as JSON values."""
    dumped: dict[str, Any] = msgspec.to_builtins(ask)
    return dumped


def parse_ask(value: Any) -> Ask:
    """Return what `dump_ask` made JSON of."""
    return msgspec.convert(value, Ask)
