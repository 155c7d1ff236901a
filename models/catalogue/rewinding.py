"""Putting items back to how an image has them: columns that were changed, items that were made, items that were removed.

The images stand in a temporary table, and everything is decided and done there: much may hang on one item. What was touched since
stays as it is. Each restoring leaves images of its own, so that it can be taken back as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.catalogue.changes import ASSETS, NOTE, RECORDS, SHOWN, STAMP, Done, Work, note_parents
from models.catalogue.record_store import KEEP_WORDS, UNWORDED
from models.catalogue.words import asset_words
from models.db import Session, driver
from models.errors import NameTaken, Refused, Unworkable, VersionConflict

OPEN = """
CREATE TEMP TABLE IF NOT EXISTS restoring (
    item_id bigint PRIMARY KEY, member_id bigint NOT NULL, touched_on timestamptz NOT NULL, image jsonb NOT NULL, refusal text
) ON COMMIT DROP
"""
EMPTY = "TRUNCATE restoring"
ANALYSE = "ANALYZE restoring"  # a planner that does not know how many there are walks the whole table for each
REFUSALS: Mapping[str, Refused] = {
    "removed": VersionConflict("It was removed since."),
    "changed": VersionConflict("It was changed since."),
    "used": VersionConflict("There is something below it, or linked to it, since."),
    "again": VersionConflict("There is an item of this id again."),
    "name": NameTaken("Something in the same folder has the name meanwhile."),
    "hidden": Unworkable("What it hung below is deleted."),
}
TOUCHED = """
UPDATE restoring w SET refusal = found.refusal
FROM (
    SELECT o.item_id, CASE
        WHEN o.image ? 'gid' THEN CASE WHEN r.id IS NOT NULL THEN 'again' END
        WHEN r.id IS NULL THEN 'removed'
        WHEN r.updated_on <> o.touched_on THEN 'changed'
        WHEN o.image ? 'absent' AND EXISTS (
            SELECT FROM {table} k WHERE (k.parent_id = r.id {linked})
                AND NOT EXISTS (SELECT FROM restoring x WHERE x.item_id = k.id)
        ) THEN 'used'
    END AS refusal
    FROM restoring o LEFT JOIN {table} r ON r.id = o.item_id AND r.project_id = %(project)s
) found WHERE found.item_id = w.item_id AND found.refusal IS NOT NULL
"""
CLASHING = """
UPDATE restoring w SET refusal = 'name' FROM restoring i LEFT JOIN assets r ON r.id = i.item_id, assets o
WHERE i.item_id = w.item_id AND w.refusal IS NULL AND w.image ?| ARRAY['status', 'parent_id', 'name']
    AND o.parent_id = coalesce((w.image->>'parent_id')::bigint, r.parent_id) AND o.name = coalesce(w.image->>'name', r.name)
    AND o.status = 'published' AND NOT EXISTS (SELECT FROM restoring x WHERE x.item_id = o.id)
"""
HIDDEN = """
SELECT DISTINCT p.id FROM restoring w LEFT JOIN {table} r ON r.id = w.item_id
JOIN {table} p ON p.id = coalesce((w.image->>'parent_id')::bigint, r.parent_id)
WHERE w.refusal IS NULL AND p.status = 'deleted' AND (w.image->>'status' = 'published' OR w.image ? 'parent_id')
    AND NOT EXISTS (SELECT FROM restoring b WHERE b.item_id = p.id AND b.refusal IS NULL AND b.image->>'status' = 'published')
"""
HIDE = """
WITH RECURSIVE hidden (item_id) AS (
    SELECT w.item_id FROM restoring w LEFT JOIN {table} r ON r.id = w.item_id
    WHERE (w.image->>'status' = 'published' OR w.image ? 'parent_id')
        AND coalesce((w.image->>'parent_id')::bigint, r.parent_id) = ANY(%(parents)s)
    UNION
    SELECT w.item_id FROM hidden h JOIN {table} r ON r.parent_id = h.item_id JOIN restoring w ON w.item_id = r.id
    WHERE w.image->>'status' = 'published'
) UPDATE restoring w SET refusal = 'hidden' FROM hidden WHERE w.item_id = hidden.item_id AND w.refusal IS NULL
"""
PUT_BACK = """
WITH wanted AS (
    SELECT item_id AS id, image, member_id FROM restoring WHERE refusal IS NULL AND NOT image ?| ARRAY['absent', 'gid']
), before AS (
    SELECT r.id, r.parent_id AS left_id, (
        SELECT jsonb_object_agg(key, to_jsonb(r)->key) FROM jsonb_object_keys(w.image) AS key
    ) AS image FROM wanted w JOIN {table} r ON r.id = w.id
), back AS (
    UPDATE {table} r SET {columns}, updated_on = {stamp} FROM wanted w CROSS JOIN LATERAL
        jsonb_populate_record(NULL::{table}, w.image) AS old
    WHERE r.id = w.id RETURNING r.id, r.gid, r.updated_on, w.member_id
), leaving AS (
    {shown} SELECT DISTINCT p.id, p.gid, 'UPDATE'
    FROM before b JOIN {table} p ON p.id = b.left_id WHERE b.image ? 'parent_id'
)
{note} SELECT b.id, b.gid, 'UPDATE', b.updated_on, b.member_id, before.image FROM back b JOIN before ON before.id = b.id
"""
BARE = """
WITH wanted AS (SELECT item_id AS id, image, member_id FROM restoring WHERE refusal IS NULL),
before AS (SELECT r.id, r.status, r.deleted_with FROM wanted w JOIN {table} r ON r.id = w.id),
back AS (
    UPDATE {table} r SET status = w.image->>'status', deleted_with = (w.image->>'deleted_with')::bigint, updated_on = {stamp}
    FROM wanted w WHERE r.id = w.id RETURNING r.id, r.gid, r.updated_on, w.member_id
)
{note} SELECT b.id, b.gid, 'UPDATE', b.updated_on, b.member_id,
    jsonb_build_object('status', before.status, 'deleted_with', before.deleted_with) FROM back b JOIN before ON before.id = b.id
"""
COLUMNS = {
    RECORDS: ("status", "deleted_with", "parent_id", "channels", "positions", "definition_id", "content"),
    ASSETS: ("status", "deleted_with", "parent_id", "name", "type", "version", "body"),
}
TAKE_AWAY = """
WITH wanted AS (SELECT item_id AS id, member_id FROM restoring WHERE refusal IS NULL AND image ? 'absent'), leaving AS (
    {shown} SELECT DISTINCT p.id, p.gid, 'UPDATE' FROM wanted w JOIN {table} r ON r.id = w.id JOIN {table} p ON p.id = r.parent_id
    WHERE p.id NOT IN (SELECT id FROM wanted)
), gone AS (DELETE FROM {table} r USING wanted w WHERE r.id = w.id RETURNING r.id, r.gid, w.member_id, to_jsonb(r) AS image)
{unworded}{note} SELECT id, gid, 'DELETE', %(now)s, member_id, image FROM gone
"""
BRING_BACK = """
WITH wanted AS (SELECT item_id AS id, image, member_id FROM restoring WHERE refusal IS NULL AND image ? 'gid'), made AS (
    INSERT INTO {table} SELECT old.* FROM wanted w CROSS JOIN LATERAL jsonb_populate_record(
        NULL::{table}, w.image || jsonb_build_object('updated_on', %(now)s::timestamptz)
    ) AS old RETURNING id, gid, updated_on
)
{note} SELECT made.id, gid, 'INSERT', updated_on, member_id, '{{"absent": true}}' FROM made JOIN wanted USING (id)
"""
KINDS = """
SELECT count(*) FILTER (WHERE image ?| ARRAY['absent', 'gid']), count(*) FILTER (WHERE NOT image ?| ARRAY['absent', 'gid']),
    bool_and((SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(image) AS key) = ARRAY['deleted_with', 'status'])
FROM restoring WHERE refusal IS NULL
"""
SAID = (
    "SELECT item_id FROM restoring WHERE refusal IS NULL AND NOT image ? 'absent' AND image ?| ARRAY['content', 'name', 'body']"
)
ENDED = """
SELECT w.member_id, count(*), count(w.refusal), min(w.refusal), min(w.refusal) FILTER (WHERE w.item_id = w.member_id),
    (array_agg(coalesce(r.gid::text, w.image->>'gid', w.item_id::text)) FILTER (WHERE w.refusal IS NOT NULL))[1:100],
    min(coalesce(r.gid::text, w.image->>'gid')) FILTER (WHERE w.item_id = w.member_id)
FROM restoring w LEFT JOIN {table} r ON r.id = w.item_id GROUP BY w.member_id
"""
Coming = Callable[[Sequence[int]], Collection[int]]
"""Tells which of some deleted items the same undoing will bring back to life."""


@dataclass(frozen=True, slots=True)
class Fill:
    """SQL that gives (item_id, member_id, touched_on, image) of what belongs to the members of a chunk, with its values."""

    rows: str
    values: Mapping[str, Any]


def rewind(work: Work, table: str, fill: Fill, coming: Coming) -> dict[int, Done]:
    """Put items back as they were; return what became of each member with all that belongs to it.

    Something live never comes to hang below something deleted, unless that is `coming` too.
    """
    _open(work.session, fill)
    linked = "OR k.canonical_id = r.id" if table == RECORDS else ""
    work.execute(TOUCHED.format(table=table, linked=linked))
    if table == ASSETS:
        work.execute(CLASHING)
    _hide(work, table, coming)
    bare = _restore(work, table)
    ended = {row[0]: _ended(row) for row in work.execute(ENDED.format(table=table))}
    if not bare:
        _reword(work, table, [row[0] for row in work.execute(SAID)])
    note_parents(work, table)
    return ended


def _open(session: Session, fill: Fill) -> None:
    connection = driver(session)
    for statement in (OPEN, EMPTY):
        connection.execute(statement)
    connection.execute(f"INSERT INTO restoring (item_id, member_id, touched_on, image) {fill.rows}", fill.values)
    connection.execute(ANALYSE)


def _hide(work: Work, table: str, coming: Coming) -> None:
    """Refuse what would be live below something deleted."""
    parents = [row[0] for row in work.execute(HIDDEN.format(table=table))]
    soon = coming(parents) if parents else ()
    deaf = [parent for parent in parents if parent not in soon]
    if deaf:
        work.execute(HIDE.format(table=table), {"parents": deaf})


def _restore(work: Work, table: str) -> bool:
    """Put everything back; say whether nothing but deletions was to be taken back."""
    whole, changed, bare = work.execute(KINDS)[0]
    texts = {"table": table, "stamp": STAMP, "note": NOTE, "shown": SHOWN}
    if bare:
        work.execute(BARE.format(**texts))
        return True
    if changed:
        columns = ", ".join(f"{name} = CASE WHEN w.image ? '{name}' THEN old.{name} ELSE r.{name} END" for name in COLUMNS[table])
        work.execute(PUT_BACK.format(columns=columns, **texts))
    if whole:
        work.execute(TAKE_AWAY.format(**texts, unworded=UNWORDED.format(gone="wanted") if table == RECORDS else ""))
        work.execute(BRING_BACK.format(**texts))
    return False


def _ended(row: tuple[Any, ...]) -> Done:
    """Return what became of a member: of itself, or where it was not touched itself, of all that belongs to it."""
    member, parts, refused, any_reason, own_reason, kept, gid = row
    facts = {"kept": kept, "kept.size": refused} if refused else {}
    reason = own_reason or (any_reason if refused == parts else None)
    return Done(gid or str(member), member, REFUSALS[reason] if reason else None, facts=facts)


def _reword(work: Work, table: str, ids: Sequence[int]) -> None:
    """Make the words anew of items that say something else now."""
    if not ids:
        return
    columns = "definition_id, content" if table == RECORDS else "name, body"
    link = "AND canonical_id IS NULL" if table == RECORDS else ""
    rows = work.execute(f"SELECT id, {columns} FROM {table} WHERE id = ANY(%(ids)s) {link}", {"ids": list(ids)})
    source = "unnest(%(ids)s::bigint[], %(words)s::text[]) AS w (id, words)"
    update = f"UPDATE {table} r SET words = w.words::tsvector FROM {source} WHERE r.id = w.id"
    sql = KEEP_WORDS.format(source=source) if table == RECORDS else update
    work.execute(sql, {"ids": [row[0] for row in rows], "words": [_words(work, table, row) for row in rows]})


def _words(work: Work, table: str, row: tuple[Any, ...]) -> str:
    return work.forms.by_id(row[1]).words(row[2]) if table == RECORDS else asset_words(work.project.id, row[1], row[2])
