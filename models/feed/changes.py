"""Writing the feed. Numbers become visible in their order: who has seen one has seen all below it, and there are no gaps.

A project's changes are counted under the lock of the project's row, which every writer of its catalogue holds anyway until its
commit. The common stream has writers everywhere, and one lock for all of them would let a single frozen one stop everybody. So
they only put their changes down, and whoever reads next numbers what is committed, under the lock of the stream's head, in a
transaction that does nothing else. What two transactions of one job say stays in order, since they take turns at the job's row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from models.db import Session, driver

CHANNEL = "waybill_feed"


class Action(StrEnum):
    """What became of a thing. Deleting softly is an UPDATE: it can still be read."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a project's thing: `data_type` is `records`, `assets`, `definitions` and so on, `data_key` its gid."""

    action: Action
    data_type: str
    data_key: str


@dataclass(frozen=True, slots=True)
class CcChange:
    """A change on the common stream: for one user, for the members of a project, or, without either, for everybody."""

    action: Action
    data_type: str
    data_key: str
    project_id: int | None = None
    user_id: int | None = None
    data: Mapping[str, Any] | None = None


RECORD = """
WITH head AS (
    UPDATE projects SET cursor = cursor + %(count)s WHERE id = %(project_id)s RETURNING cursor - %(count)s AS start
), told AS (SELECT pg_notify(%(channel)s, 'project ' || %(project_id)s::text))
INSERT INTO project_changes (project_id, cursor, action, data_type, data_key)
SELECT %(project_id)s, head.start + change.place, change.action, change.data_type, change.data_key FROM told, head, unnest(
    %(actions)s::text[], %(types)s::text[], %(keys)s::text[]
) WITH ORDINALITY AS change (action, data_type, data_key, place)
"""
RECORD_SELECTED = """
WITH named AS MATERIALIZED (SELECT gid::text AS gid, row_number() OVER () AS place FROM ({gids}) AS selected (gid)),
counted AS (SELECT count(*) AS count FROM named),
head AS (
    UPDATE projects SET cursor = cursor + counted.count FROM counted
    WHERE id = %(project_id)s AND counted.count > 0 RETURNING cursor - counted.count AS start
), told AS (SELECT pg_notify(%(channel)s, 'project ' || %(project_id)s::text))
INSERT INTO project_changes (project_id, cursor, action, data_type, data_key)
SELECT %(project_id)s, head.start + named.place, %(action)s, %(data_type)s, named.gid FROM told, head, named
"""
ANNOUNCE = """
WITH told AS (SELECT pg_notify(%(channel)s, 'waiting'))
INSERT INTO cc_waiting (action, data_type, data_key, project_id, user_id, data)
SELECT change.action, change.data_type, change.data_key, change.project_id, change.user_id, change.data::jsonb FROM told, unnest(
    %(actions)s::text[], %(types)s::text[], %(keys)s::text[], %(projects)s::int[], %(users)s::int[], %(data)s::text[]
) WITH ORDINALITY AS change (action, data_type, data_key, project_id, user_id, data, place) ORDER BY place
"""
ANNOUNCE_ROW = """
WITH told AS (SELECT pg_notify(%(channel)s, 'waiting')), change AS ({row})
INSERT INTO cc_waiting (action, data_type, data_key, project_id, user_id, data)
SELECT %(action)s, %(data_type)s, data_key, project_id, user_id, data FROM told, change
"""
NUMBER = """
WITH free AS (SELECT cursor FROM cc_head FOR UPDATE SKIP LOCKED),
taken AS (DELETE FROM cc_waiting WHERE EXISTS (SELECT FROM free) RETURNING *),
head AS (
    UPDATE cc_head SET cursor = cursor + counted.count FROM (SELECT count(*) AS count FROM taken) counted
    WHERE counted.count > 0 RETURNING cursor - counted.count AS start
), told AS (
    SELECT count(pg_notify(%(channel)s, audience)) AS number FROM (SELECT DISTINCT CASE
        WHEN user_id IS NOT NULL THEN 'user ' || user_id WHEN project_id IS NULL THEN 'all' ELSE 'members ' || project_id
    END AS audience FROM taken) audiences
)
INSERT INTO cc_changes (cursor, action, data_type, data_key, project_id, user_id, data)
SELECT head.start + row_number() OVER (ORDER BY taken.id), taken.action, taken.data_type, taken.data_key, taken.project_id,
    taken.user_id, taken.data FROM told, head, taken
"""


def record_changes(session: Session, project_id: int, changes: Sequence[Change]) -> None:
    """Add changes to a project's stream, in their order. The caller holds the project's row, or takes it herewith."""
    if not changes:
        return
    columns = {
        "actions": [change.action for change in changes],
        "types": [change.data_type for change in changes],
        "keys": [change.data_key for change in changes],
    }
    values = {"count": len(changes), "project_id": project_id, "channel": CHANNEL}
    driver(session).execute(RECORD, values | columns)


def record_selected(
    session: Session, project_id: int, change: tuple[Action, str], gids: str, values: Mapping[str, Any] | None = None
) -> int:
    """Add the same change, (action, data_type), for each gid that a SELECT of one column gives; return how many there were.

    `gids` is SQL of ours with `%(name)s` places for `values`, which must not be called as those of the statement around it are:
    `project_id` is there to be used, `channel`, `action` and `data_type` are taken.
    """
    own = {"project_id": project_id, "channel": CHANNEL, "action": change[0], "data_type": change[1]}
    return driver(session).execute(RECORD_SELECTED.replace("{gids}", gids), {**(values or {}), **own}).rowcount


def announce(session: Session, *changes: CcChange) -> None:
    """Add changes to the common stream, in their order. They are read as soon as they are committed."""
    if not changes:
        return
    columns = {
        "actions": [change.action for change in changes],
        "types": [change.data_type for change in changes],
        "keys": [change.data_key for change in changes],
        "projects": [change.project_id for change in changes],
        "users": [change.user_id for change in changes],
        "data": [None if change.data is None else msgspec.json.encode(change.data).decode() for change in changes],
    }
    driver(session).execute(ANNOUNCE, {"channel": CHANNEL} | columns)


def announce_row(session: Session, change: tuple[Action, str], row: str, values: Mapping[str, Any]) -> None:
    """Add one change, (action, data_type), that a statement of ours gives as (data_key, project_id, user_id, data jsonb).

    As `announce`, but in one statement with what is told. `channel`, `action` and `data_type` are taken as names of values.
    """
    own = {"channel": CHANNEL, "action": change[0], "data_type": change[1]}
    driver(session).execute(ANNOUNCE_ROW.replace("{row}", row), {**values, **own})


def number(session: Session) -> int:
    """Give the common stream's waiting changes their numbers; return how many. To be a transaction of its own.

    Whoever reads does this first. Where another is at it, nothing is done: it will be over at the next look.
    """
    return driver(session).execute(NUMBER, {"channel": CHANNEL}).rowcount
