"""What a transaction changes in a project: one line an item, kept in a temporary table until the feed and the undo have read it.

A line with an image is a change of the item itself, and the image holds the columns as they were (`{"absent": true}` for an item
that was made); `member_id` is the item of a chunk that it belongs to. A line without an image says that the item shows something
else now, such as another number of children.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models import ids
from models.catalogue.content import Forms
from models.catalogue.project import Project
from models.catalogue.schema_items import Schema
from models.db import Session, driver
from models.errors import Refused
from models.feed.changes import Action, record_selected

OPEN = """
CREATE TEMP TABLE IF NOT EXISTS touched (
    item_id bigint NOT NULL, gid uuid NOT NULL, action text NOT NULL, touched_on timestamptz, member_id bigint, image jsonb
) ON COMMIT DROP
"""
RECORDS, ASSETS = "catalogue_records", "assets"
NOTE = "INSERT INTO touched (item_id, gid, action, touched_on, member_id, image)"
SHOWN = "INSERT INTO touched (item_id, gid, action)"
ABSENT = '{"absent": true}'
STAMP = "greatest(%(now)s, r.updated_on + interval '1 microsecond')"  # a clock may step back, an item's time may not


@dataclass(frozen=True, slots=True)
class Work:
    """Writing in a project: its row is locked, and everything written has one moment."""

    session: Session
    project: Project
    schema: Schema
    moment: datetime
    forms: Forms

    @classmethod
    def on(cls, session: Session, project: Project, schema: Schema) -> Work:
        """Return what is needed to write in a project whose row is locked."""
        return cls(session, project, schema, ids.now(), Forms(schema, project.id))

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement that may use `project`, `now` and the given values; return its rows, if it has any.

        It is planned for these values each time: a plan for any number of items walks whole tables for a few.
        """
        known = {"project": self.project.id, "now": self.moment, **(values or {})}
        cursor = driver(self.session).execute(sql, known, prepare=False)
        return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one item. `made` is the gid of what was made of it; `facts` is what else an outcome says."""

    gid: str
    item_id: int | None = None
    refused: Refused | None = None
    noop: bool = False
    made: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Return the word for it."""
        return "failed" if self.refused else "noop" if self.noop else "succeeded"


def begin(session: Session) -> None:
    """Start taking notes; those of an earlier part of the transaction are kept."""
    driver(session).execute(OPEN)


def forget(session: Session) -> int:
    """Drop the notes that were taken so far: what follows is to be as in a transaction of its own. Returns how many they were."""
    begin(session)
    count = driver(session).execute("SELECT count(*) FROM touched").fetchall()
    driver(session).execute("TRUNCATE touched")
    return int(count[0][0])


PARENTS = """
{shown} SELECT DISTINCT p.id, p.gid, 'UPDATE'
FROM touched t JOIN {table} r ON r.id = t.item_id CROSS JOIN LATERAL (VALUES {ups}) AS up (id) JOIN {table} p ON p.id = up.id
WHERE t.image IS NOT NULL AND NOT EXISTS (SELECT FROM touched x WHERE x.item_id = p.id)
"""
CONDITIONS = {
    Action.DELETE: "action = 'DELETE'",
    Action.INSERT: "action = 'INSERT' AND gid NOT IN (SELECT gid FROM touched WHERE action = 'DELETE')",
    Action.UPDATE: "action = 'UPDATE' AND gid NOT IN (SELECT gid FROM touched WHERE action <> 'UPDATE')",
}


def note_parents(work: Work, table: str) -> None:
    """Say that the parents of what was touched show something else now, and so do the originals of links."""
    ups = "(r.parent_id), (r.canonical_id)" if table == RECORDS else "(r.parent_id)"
    work.execute(PARENTS.format(shown=SHOWN, table=table, ups=ups))


def publish(work: Work, data_type: str) -> None:
    """Tell the project's feed of everything that was touched, each item once."""
    for action, condition in CONDITIONS.items():
        gids = f"SELECT DISTINCT gid FROM touched WHERE {condition}"
        record_selected(work.session, work.project.id, (action, data_type), gids)
