"""Records and assets as the rules of the tree see them: where they hang and whether they are deleted, not what they say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from models.catalogue.changes import ASSETS, RECORDS, Work
from models.catalogue.gids import read_gid
from models.db import Session, driver
from models.errors import NotFound, Refused

Member: TypeAlias = int | str
"""What a change is asked for: an item's id, or the gid of something that there is not."""

PUBLISHED, DELETED = "published", "deleted"
COLUMNS = {
    RECORDS: "id, gid::text, parent_id, status, deleted_with, updated_on, canonical_id, definition_id, channels, positions",
    ASSETS: "id, gid::text, parent_id, status, deleted_with, updated_on, is_file, name",
}


@dataclass(frozen=True, slots=True)
class Node:
    """An item of a tree."""

    id: int
    gid: str
    parent_id: int | None
    status: str
    deleted_with: int | None
    updated_on: datetime

    @property
    def deleted(self) -> bool:
        """Say whether the item is deleted softly."""
        return self.status == DELETED

    @property
    def leaf(self) -> bool:
        """Say whether nothing may hang below it."""
        return False


@dataclass(frozen=True, slots=True)
class RecordNode(Node):
    """A record; a link has a canonical one."""

    canonical_id: int | None
    definition_id: int
    channels: Sequence[str]
    positions: Mapping[str, int]

    @property
    def leaf(self) -> bool:
        """Say whether the record is a link."""
        return self.canonical_id is not None

    @property
    def source_id(self) -> int:
        """Return the record that has the content."""
        return self.id if self.canonical_id is None else self.canonical_id


@dataclass(frozen=True, slots=True)
class AssetNode(Node):
    """A folder or a file."""

    is_file: bool
    name: str

    @property
    def leaf(self) -> bool:
        """Say whether the asset is a file."""
        return self.is_file


def load_records(work: Work, members: Iterable[Member]) -> dict[int, RecordNode]:
    """Return the records of this project among these ids."""
    return {row[0]: RecordNode(*row) for row in _load(work, RECORDS, members)}


def load_assets(work: Work, members: Iterable[Member]) -> dict[int, AssetNode]:
    """Return the assets of this project among these ids."""
    return {row[0]: AssetNode(*row) for row in _load(work, ASSETS, members)}


def load(work: Work, table: str, members: Iterable[Member]) -> dict[int, Any]:
    """Return the items of a table among these ids."""
    return dict(load_records(work, members) if table == RECORDS else load_assets(work, members))


def _load(work: Work, table: str, members: Iterable[Member]) -> list[tuple[Any, ...]]:
    ids = [member for member in members if isinstance(member, int)]
    sql = f"SELECT {COLUMNS[table]} FROM {table} WHERE id = ANY(%(ids)s) AND project_id = %(project)s"
    return work.execute(sql, {"ids": ids}) if ids else []


def find_ids(session: Session, project_id: int, table: str, gids: Collection[str]) -> dict[str, int]:
    """Return the ids of those items of a project that have one of these gids; what is no gid names nothing."""
    known = [gid for gid in gids if read_gid(gid)]
    if not known:
        return {}
    sql = f"SELECT gid::text, id FROM {table} WHERE project_id = %s AND gid = ANY(%s::uuid[])"
    return dict(driver(session).execute(sql, (project_id, known)).fetchall())


def gids_of(session: Session, table: str, members: Iterable[Member]) -> dict[Member, str]:
    """Return the gids of items by id."""
    ids = [member for member in members if isinstance(member, int)]
    sql = f"SELECT id, gid::text FROM {table} WHERE id = ANY(%s)"
    return dict(driver(session).execute(sql, (ids,)).fetchall()) if ids else {}


def missing(table: str) -> Refused:
    """Return the refusal of a gid that names nothing."""
    return NotFound(f"There is no such {'record' if table == RECORDS else 'asset'}.")
