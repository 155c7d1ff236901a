"""Storing what was made of a schema, telling the feed, and taking records over to changed fields.

The project's row has to be locked, and the draft begun with a schema that was loaded after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from models import ids
from models.catalogue.changes import NOTE
from models.catalogue.content import Content, Form, Forms
from models.catalogue.drafts import Difference, Draft
from models.catalogue.project import Project
from models.catalogue.record_store import KEEP_WORDS
from models.catalogue.schema_items import DEFINITION, LAYOUT, Item, Schema
from models.catalogue.schema_view import PLURALS
from models.catalogue.values import lost_or_changed, take_over
from models.catalogue.words import schema_words
from models.db import Session, driver
from models.errors import InUse
from models.feed.changes import Action, Change, record_changes

BATCH = 5_000  # records that are taken over at a time
NEW_STAMP = "UPDATE projects SET schema_stamp = gen_random_uuid() WHERE id = %s"
DELETE = "DELETE FROM schema_items WHERE project_id = %s AND gid = ANY(%s::uuid[])"
INSERT = """
INSERT INTO schema_items (
    id, gid, project_id, kind, name, original_id, is_new, is_working_copy, is_base, is_extended, body, words,
    created_on, updated_on
)
SELECT coalesce(nullif(made.id, 0), nextval(pg_get_serial_sequence('schema_items', 'id'))), made.gid, %(project_id)s, made.kind,
    made.name, original.id, made.is_new, made.is_working_copy, made.is_base, made.is_extended, made.body, made.words::tsvector,
    %(now)s, %(now)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS made (id bigint, gid uuid, kind text, name text, original uuid, is_new boolean,
    is_working_copy boolean, is_base boolean, is_extended boolean, body jsonb, words text)
LEFT JOIN schema_items original ON original.gid = made.original
"""
UPDATE = """
UPDATE schema_items item SET name = made.name, is_new = made.is_new, is_working_copy = made.is_working_copy,
    is_base = made.is_base, body = made.body, words = made.words::tsvector,
    original_id = (SELECT original.id FROM schema_items original WHERE original.gid = made.original),
    updated_on = greatest(%(now)s, item.updated_on + interval '1 microsecond')
FROM jsonb_to_recordset(%(rows)s::jsonb) AS made (gid uuid, name text, original uuid, is_new boolean, is_working_copy boolean,
    is_base boolean, body jsonb, words text)
WHERE item.gid = made.gid
"""
USED = """
SELECT item.gid::text FROM schema_items item
WHERE item.id = ANY(%s) AND EXISTS (SELECT FROM catalogue_records r WHERE r.definition_id = item.id)
"""
AFFECTED = """
SELECT r.id, r.gid::text, r.content, i.image->'content' FROM catalogue_records r
LEFT JOIN images i ON i.job_id = %(undoes)s AND i.item_id = r.id AND i.touched_on = r.updated_on
WHERE r.definition_id = %(definition_id)s AND r.canonical_id IS NULL AND r.id > %(after)s
    AND (r.content ?| %(gids)s::text[] OR i.item_id IS NOT NULL)
ORDER BY r.id LIMIT %(most)s
"""
# What an undoing itself changes is no change since: its next chunk puts back other fields of the same records.
REWRITE = f"""
WITH made AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS made (id bigint, content jsonb, words text)
), before AS (SELECT r.id, r.content, r.updated_on FROM made JOIN catalogue_records r ON r.id = made.id
), worded AS ({KEEP_WORDS.format(source="made")}), written AS (
    UPDATE catalogue_records r SET content = made.content, updated_on = greatest(%(now)s, r.updated_on + interval '1 microsecond')
    FROM made WHERE r.id = made.id RETURNING r.id, r.gid, r.updated_on, r.definition_id
), followed AS (
    UPDATE images i SET touched_on = w.updated_on FROM written w JOIN before ON before.id = w.id
    WHERE i.job_id = %(undoes)s AND i.item_id = w.id AND i.touched_on = before.updated_on
)
"""
NOTED = f"""
{NOTE} SELECT w.id, w.gid, 'UPDATE', w.updated_on, w.definition_id, jsonb_build_object('content', before.content)
FROM written w JOIN before ON before.id = w.id
"""
UNNOTED = "SELECT FROM written LIMIT 0"


@dataclass(frozen=True, slots=True)
class Past:
    """That a job stores a draft: how records were before is noted. `undoes` is the job whose changes are taken back by it."""

    undoes: int | None = None


def store(session: Session, project: Project, draft: Draft, past: Past | None = None) -> Difference:
    """Store a draft; return what it changed. Raises InUse for a definition that is to go and that records have."""
    found = draft.difference()
    if not found:
        return found
    _refuse_used(session, found.deleted)
    connection, now = driver(session), ids.now()
    connection.execute(NEW_STAMP, (project.id,))
    if found.deleted:
        connection.execute(DELETE, (project.id, [item.gid for item in found.deleted]))
    for sql, items in ((INSERT, found.inserted), (UPDATE, found.updated)):
        if items:
            connection.execute(sql, {"project_id": project.id, "now": now, "rows": _rows(project, items)})
    record_changes(session, project.id, _changes(found))
    if any(item.is_committed for item in found.updated):
        _take_over(session, project, draft, past)
    return found


def _refuse_used(session: Session, deleted: Iterable[Item]) -> None:
    definitions = [item.id for item in deleted if item.kind == DEFINITION and item.id]
    used = driver(session).execute(USED, (definitions,)).fetchone() if definitions else None
    if used:
        raise InUse("There are records of this definition.", gid=used[0])


def _rows(project: Project, items: Iterable[Item]) -> str:
    return msgspec.json.encode([_row(project, item) for item in items]).decode()


def _row(project: Project, item: Item) -> dict[str, Any]:
    states = ("is_new", "is_working_copy", "is_base", "is_extended")
    row = {name: getattr(item, name) for name in ("id", "gid", "kind", "name", "original", "body", *states)}
    return row | {"words": "" if item.kind == LAYOUT else schema_words(project.id, item.name, item.body)}


def _changes(found: Difference) -> list[Change]:
    parts = ((Action.INSERT, found.inserted), (Action.UPDATE, found.updated), (Action.DELETE, found.deleted[::-1]))
    return [Change(action, PLURALS[item.kind], item.gid) for action, items in parts for item in items]


def _take_over(session: Session, project: Project, draft: Draft, past: Past | None) -> None:
    """Let the values of records follow their fields: what a field's new type does not take is lost."""
    old, new = Forms(draft.before, project.id), Forms(draft.schema, project.id)
    for definition in _bearing(draft.before, draft.schema):
        gids = lost_or_changed(old.by_id(definition.id), new.by_id(definition.id))
        if gids:
            _take_records_over(session, project, (old.by_id(definition.id), new.by_id(definition.id), gids), past)


def _bearing(before: Schema, after: Schema) -> list[Item]:
    """Return the definitions that records may have, and had before."""
    return [item for item in before.of_kind(DEFINITION) if not item.is_working_copy and item.gid in after.by_gid]


def _take_records_over(session: Session, project: Project, forms: tuple[Form, Form, Sequence[str]], past: Past | None) -> None:
    old, new, gids = forms
    undoes = past.undoes if past else None
    values = {"definition_id": old.definition.id, "gids": list(gids), "most": BATCH, "undoes": undoes}
    rewrite, after = REWRITE + (UNNOTED if past is None else NOTED), 0
    while found := driver(session).execute(AFFECTED, {**values, "after": after}).fetchall():
        after = found[-1][0]
        contents = [(row[0], _put_back(take_over(row[2], old, new, project.languages), row[3], gids)) for row in found]
        rows = [{"id": record_id, "content": content, "words": new.words(content)} for record_id, content in contents]
        driver(session).execute(rewrite, {"rows": msgspec.json.encode(rows).decode(), "now": ids.now(), "undoes": undoes})
        record_changes(session, project.id, [Change(Action.UPDATE, "records", row[1]) for row in found])


def _put_back(content: Content, former: Content | None, gids: Sequence[str]) -> Content:
    """Return a content with these fields as they were, where that is known and nobody changed them since."""
    if former is None:
        return content
    return {gid: value for gid, value in {**content, **{gid: former.get(gid) for gid in gids}}.items() if value is not None}
