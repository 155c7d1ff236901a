"""Reading the feed: what came after a cursor, in order, as far as the reader may see it; and how long it is kept.

Many readers are served by the same few statements as one. A statement sees one moment of a stream: every change up to some
cursor and none above it. Rights are looked at anew each time: the members of a project see what is for them, a superuser sees
what is for the members of the project that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.db import Session, driver
from models.errors import CursorExpired, Forbidden, InvalidCursor, Refused
from models.settings import settings

COMMON = "cc"
PROJECT = "project"
PURGED_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader stands: in the common stream, and in that of a project."""

    cc: int
    project: int = 0


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: a user, the project whose stream it reads, if any, and whether it may read any."""

    user_id: int
    project_id: int | None = None
    superuser: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A change as it is read. `stream` is COMMON or PROJECT."""

    stream: str
    cursor: int
    action: str
    data_type: str
    data_key: str
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What came after a position: the project's changes first, then the common ones. `more` says that this is not all."""

    entries: tuple[Entry, ...]
    position: Position
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """The readers of one statement, as the columns of a table."""

    values: Mapping[str, Any]

    def rows(self, session: Session, sql: str) -> Iterator[tuple[Any, ...]]:
        return iter(driver(session).execute(ASKED + sql, self.values).fetchall())


ASKED = """
WITH asked AS (
    SELECT * FROM unnest(
        %(users)s::int[], %(projects)s::int[], %(superusers)s::boolean[], %(cc)s::bigint[], %(cursors)s::bigint[]
    ) WITH ORDINALITY AS asked (user_id, project_id, superuser, cc, cursor, place)
), seats AS (
    SELECT asked.place, p.id AS project_id FROM asked
    JOIN project_members m ON m.user_id = asked.user_id AND m.status = 'active' AND cardinality(m.roles) > 0
    JOIN projects p ON p.gid = m.project_gid
    UNION SELECT place, project_id FROM asked WHERE superuser AND project_id IS NOT NULL
)
"""
COMMON_NEWS = """
SELECT asked.place - 1, found.* FROM asked CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT seen.* FROM seats CROSS JOIN LATERAL (
            SELECT cursor, action, data_type, data_key, data FROM cc_changes
            WHERE project_id = seats.project_id AND user_id IS NULL AND cursor > asked.cc ORDER BY cursor LIMIT %(most)s
        ) seen WHERE seats.place = asked.place
        UNION ALL (
            SELECT cursor, action, data_type, data_key, data FROM cc_changes
            WHERE user_id = asked.user_id AND cursor > asked.cc ORDER BY cursor LIMIT %(most)s
        )
        UNION ALL (
            SELECT cursor, action, data_type, data_key, data FROM cc_changes
            WHERE project_id IS NULL AND user_id IS NULL AND cursor > asked.cc ORDER BY cursor LIMIT %(most)s
        )
    ) visible ORDER BY cursor LIMIT %(most)s
) found ORDER BY asked.place, found.cursor
"""
PROJECT_NEWS = """
SELECT asked.place - 1, found.* FROM asked JOIN seats ON seats.place = asked.place AND seats.project_id = asked.project_id
CROSS JOIN LATERAL (
    SELECT cursor, action, data_type, data_key FROM project_changes
    WHERE project_id = asked.project_id AND cursor > asked.cursor ORDER BY cursor LIMIT %(most)s
) found ORDER BY asked.place, found.cursor
"""
STANDING = """
SELECT asked.place - 1,
    asked.project_id IS NULL OR EXISTS (SELECT FROM seats s WHERE s.place = asked.place AND s.project_id = asked.project_id),
    asked.cc > (SELECT cursor FROM cc_head)
        OR asked.cursor > coalesce((SELECT cursor FROM projects WHERE id = asked.project_id), asked.cursor),
    (SELECT max(cursor) FROM feed_purged WHERE audience IN ('all', 'user ' || asked.user_id)
        OR audience IN (SELECT 'members ' || s.project_id FROM seats s WHERE s.place = asked.place)),
    (SELECT cursor FROM feed_purged WHERE audience = 'project ' || asked.project_id)
FROM asked
"""


def read(session: Session, reader: Reader, after: Position) -> News:
    """Return what came after a position, at most a chunk of each stream.

    Raises Forbidden for a project that the reader is no member of, InvalidCursor for a position that the feed has not reached,
    CursorExpired where something is gone since.
    """
    found = read_many(session, [(reader, after)], settings().feed_chunk)[0]
    if isinstance(found, Refused):
        raise found
    return found


def read_many(session: Session, readers: Sequence[tuple[Reader, Position]], chunk: int) -> list[News | Refused]:
    """Return for each reader what `read` does, or why there is nothing for it; at most `chunk` changes of each stream."""
    asked = _Asked(
        {
            "users": [reader.user_id for reader, _ in readers],
            "projects": [reader.project_id for reader, _ in readers],
            "superusers": [reader.superuser for reader, _ in readers],
            "cc": [after.cc for _, after in readers],
            "cursors": [after.project for _, after in readers],
            "most": chunk + 1,
        }
    )
    own: list[list[Entry]] = [[] for _ in readers]
    common: list[list[Entry]] = [[] for _ in readers]
    for place, *change in asked.rows(session, COMMON_NEWS):  # first: what a job's end tells of is in the project's stream by then
        common[place].append(Entry(COMMON, *change))
    if any(reader.project_id for reader, _ in readers):
        for place, *change in asked.rows(session, PROJECT_NEWS):
            own[place].append(Entry(PROJECT, *change))
    # last, so that what was purged meanwhile is not missed in silence
    standing = {row[0]: row[1:] for row in asked.rows(session, STANDING)}
    return [
        _refusal(standing[place], after) or _news(own[place], common[place], after, chunk)
        for place, (_, after) in enumerate(readers)
    ]


def _news(own: Sequence[Entry], common: Sequence[Entry], after: Position, chunk: int) -> News:
    seen = (*own[:chunk], *common[:chunk])
    latest = {entry.stream: entry.cursor for entry in seen}
    reached = Position(latest.get(COMMON, after.cc), latest.get(PROJECT, after.project))
    return News(seen, reached, len(common) > chunk or len(own) > chunk)


def _refusal(standing: tuple[bool, bool, int | None, int | None], after: Position) -> Refused | None:
    seated, ahead, cc_purged, purged = standing
    if not seated:
        return Forbidden("You are no member of this project, or there is none of this gid.")
    if ahead:
        return InvalidCursor("The feed has not come so far: begin again from the latest cursors.")
    for name, gone, cursor in (("cc_cursor", cc_purged, after.cc), ("cursor", purged, after.project)):
        if gone is not None and cursor < gone:
            detail = f"Changes are kept for {settings().feed_days} days; read everything anew and go on from the latest cursors."
            return CursorExpired(detail, cursor=name, kept_after=gone)
    return None


def audiences(session: Session, reader: Reader) -> list[str]:
    """Return the names of those changes that a reader is told of."""
    rows = driver(session).execute(
        "SELECT p.id FROM project_members m JOIN projects p ON p.gid = m.project_gid "
        "WHERE m.user_id = %s AND m.status = 'active'", (reader.user_id,)
    ).fetchall()  # fmt: skip
    own = [] if reader.project_id is None else [f"project {reader.project_id}", f"members {reader.project_id}"]
    return ["all", f"user {reader.user_id}", *own, *(f"members {row[0]}" for row in rows)]


def latest(session: Session, project_id: int | None = None) -> Position:
    """Return the latest positions: nothing that is committed from now on is at or below them."""
    row = driver(session).execute(
        "SELECT (SELECT cursor FROM cc_head), coalesce((SELECT cursor FROM projects WHERE id = %s), 0)", (project_id,)
    ).fetchone()  # fmt: skip
    if row is None:
        raise LookupError("the feed has no head")
    return Position(*row)


PURGE_COMMON = """
WITH gone AS (
    DELETE FROM cc_changes WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM cc_changes WHERE created_on < now() - make_interval(days => %(days)s)
        ORDER BY created_on LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )) RETURNING cursor, project_id, user_id
), noted AS (
    INSERT INTO feed_purged (audience, cursor) SELECT CASE WHEN user_id IS NOT NULL THEN 'user ' || user_id
        WHEN project_id IS NULL THEN 'all' ELSE 'members ' || project_id END, max(cursor) FROM gone GROUP BY 1 ORDER BY 1
    ON CONFLICT (audience) DO UPDATE SET cursor = greatest(feed_purged.cursor, excluded.cursor)
)
SELECT count(*) FROM gone
"""
PURGE_PROJECTS = """
WITH gone AS (
    DELETE FROM project_changes WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM project_changes WHERE created_on < now() - make_interval(days => %(days)s)
        ORDER BY created_on LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )) RETURNING project_id, cursor
), noted AS (
    INSERT INTO feed_purged (audience, cursor) SELECT 'project ' || project_id, max(cursor) FROM gone GROUP BY 1 ORDER BY 1
    ON CONFLICT (audience) DO UPDATE SET cursor = greatest(feed_purged.cursor, excluded.cursor)
)
SELECT count(*) FROM gone
"""


def purge(session: Session) -> bool:
    """Forget some of the oldest changes past their time, and note for whom something is gone; say whether there may be more."""
    values = {"days": settings().feed_days, "most": PURGED_AT_ONCE}
    counts = [driver(session).execute(statement, values).fetchone() for statement in (PURGE_COMMON, PURGE_PROJECTS)]
    return (PURGED_AT_ONCE,) in counts
