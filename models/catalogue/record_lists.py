"""Lists of records: the children of one, the tree as far as it is unfolded. Deleted records are in none unless asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.catalogue.project import Project
from models.catalogue.project_settings import ALL_CHANNEL
from models.catalogue.rows import DELETED, PUBLISHED
from models.db import Session, driver
from models.errors import InvalidValue

STATES = {PUBLISHED: (PUBLISHED,), DELETED: (DELETED,), "all": (PUBLISHED, DELETED)}


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list: ids, and how many the whole list has."""

    ids: list[int]
    total: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which children, in which order, and which of them."""

    channel: str | None = None
    ordering: str | None = None
    top: int = 0
    size: int = 100
    status: str = PUBLISHED


CHILDREN = """
SELECT id, count(*) OVER () FROM catalogue_records
WHERE project_id = %(project)s AND parent_id = %(parent)s AND status = ANY(%(states)s) {channel}
ORDER BY {order} OFFSET %(top)s LIMIT %(size)s
"""
COUNT = """
SELECT count(*) FROM catalogue_records
WHERE project_id = %(project)s AND parent_id = %(parent)s AND status = ANY(%(states)s) {channel}
"""
IN_CHANNEL = "AND %(channel)s = ANY(channels)"
BY_PLACE = "(positions->>%(ordering)s)::int NULLS LAST, id"
TREE = """
WITH RECURSIVE seen (id, place) AS (
    SELECT id, ARRAY[]::bigint[] FROM catalogue_records WHERE project_id = %(project)s AND parent_id IS NULL
    UNION ALL
    SELECT r.id, seen.place || coalesce((r.positions->>%(ordering)s)::bigint, 2147483647) || r.id
    FROM seen JOIN catalogue_records r ON r.parent_id = seen.id AND r.status = 'published' AND seen.id = ANY(%(expanded)s)
), counted AS (SELECT count(*) AS total FROM seen)
SELECT seen.id, counted.total FROM seen, counted ORDER BY place
OFFSET (SELECT least(%(top)s, greatest(total - %(size)s, 0)) FROM counted) LIMIT %(size)s
"""


def check_channel(project: Project, channel: str | None) -> str | None:
    """Return a channel's key, None for all. Raises InvalidValue."""
    if channel is None or channel == ALL_CHANNEL:
        return None
    if channel not in project.channels:
        raise InvalidValue("There is no such channel in this project.", pointer="/channel")
    return channel


def check_state(status: str | None) -> str:
    """Return which children are wanted: published, deleted or all. Raises InvalidValue."""
    if status is not None and status not in STATES:
        raise InvalidValue(f"`status` is one of {', '.join(STATES)}.", pointer="/status")
    return status or PUBLISHED


def children(session: Session, project: Project, parent_id: int, wanted: Wanted) -> Page:
    """Return a page of a record's children."""
    values = {
        "project": project.id, "parent": parent_id, "states": list(STATES[wanted.status]), "channel": wanted.channel,
        "ordering": wanted.ordering, "top": wanted.top, "size": wanted.size,
    }  # fmt: skip
    channel = IN_CHANNEL if wanted.channel else ""
    order = BY_PLACE if wanted.ordering else "id"
    rows = driver(session).execute(CHILDREN.format(channel=channel, order=order), values).fetchall()
    if rows or not wanted.top:
        return Page([row[0] for row in rows], rows[0][1] if rows else 0)
    counted = driver(session).execute(COUNT.format(channel=channel), values).fetchone()
    return Page([], counted[0] if counted else 0)


def tree(session: Session, project: Project, expanded: Sequence[int], wanted: Wanted) -> Page:
    """Return a page of the tree, with the children of expanded records only; the last page is kept full."""
    values = {
        "project": project.id, "expanded": list(expanded), "ordering": wanted.ordering or "", "top": wanted.top,
        "size": wanted.size,
    }  # fmt: skip
    rows = driver(session).execute(TREE, values).fetchall()
    return Page([row[0] for row in rows], rows[0][1] if rows else 0)


def path(session: Session, record_id: int) -> list[int]:
    """Return a record's path, the root first."""
    rows = driver(session).execute(
        "WITH RECURSIVE up (id, parent_id, level) AS (SELECT id, parent_id, 0 FROM catalogue_records WHERE id = %s UNION ALL "
        "SELECT p.id, p.parent_id, level + 1 FROM up JOIN catalogue_records p ON p.id = up.parent_id) "
        "SELECT id FROM up ORDER BY level DESC", (record_id,)
    ).fetchall()  # fmt: skip
    return [row[0] for row in rows]


def root_id(session: Session, project: Project) -> int:
    """Return the root record of a project."""
    row = driver(session).execute(
        "SELECT id FROM catalogue_records WHERE project_id = %s AND parent_id IS NULL", (project.id,)
    ).fetchone()  # fmt: skip
    if row is None:
        raise LookupError("a project has a root record from the start")
    return int(row[0])
