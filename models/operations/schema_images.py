"""Images of schema items, and of what records said before the schema changed: a job's draft is stored with them kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from models.catalogue import changes
from models.catalogue.changes import Work
from models.catalogue.drafts import Draft
from models.catalogue.schema_rewinding import Image, Present
from models.catalogue.schema_store import Past, store
from models.db import Session, driver
from models.jobs.ledger import Chunk
from models.operations import catalogue_images

ROWS = "SELECT id, gid::text, updated_on, to_jsonb(i) FROM schema_items i WHERE project_id = %s AND gid = ANY(%s::uuid[])"
KEEP = """
INSERT INTO schema_images (job_id, item_id, member_id, touched_on, image)
SELECT %(job_id)s, kept.item_id, kept.member_id, kept.touched_on, jsonb_build_object('row', kept.row, 'gone', kept.gone)
FROM jsonb_to_recordset(%(rows)s::jsonb)
    AS kept (item_id bigint, member_id bigint, touched_on timestamptz, row jsonb, gone boolean)
ON CONFLICT (job_id, item_id) DO UPDATE SET touched_on = excluded.touched_on,
    image = schema_images.image || jsonb_build_object('gone', excluded.image->'gone')
"""
OF_MEMBERS = """
SELECT item_id, member_id, touched_on, nullif(image->'row', 'null'), (image->>'gone')::boolean FROM schema_images
WHERE job_id = %s AND member_id = ANY(%s)
"""
# A row that comes back is as old as it was.
BORN = """
UPDATE schema_items item SET created_on = (i.image->'row'->>'created_on')::timestamptz
FROM schema_images i WHERE i.job_id = %s AND i.item_id = item.id AND item.id = ANY(%s) AND i.image->>'row' IS NOT NULL
"""
PRESENT = "SELECT id, gid::text, updated_on FROM schema_items WHERE id = ANY(%s)"
USERS = "SELECT d.id FROM unnest(%s::bigint[]) d (id) WHERE EXISTS (SELECT FROM catalogue_records r WHERE r.definition_id = d.id)"
KEPT = """
SELECT r.gid::text FROM images i JOIN catalogue_records r ON r.id = i.item_id
WHERE i.job_id = %s AND r.updated_on <> i.touched_on ORDER BY r.id LIMIT %s
"""
MOST_KEPT = 100


def keep_and_store(work: Work, chunk: Chunk, draft: Draft, members: Mapping[str, int], undoes: int | None = None) -> None:
    """Store a chunk's draft, and images of all that it changes; `members` says by gid which member each change belongs to."""
    found = draft.difference()
    gids = [item.gid for item in (*found.inserted, *found.updated, *found.deleted)]
    changes.begin(work.session)
    before = _rows(work, gids)
    store(work.session, work.project, draft, Past(undoes))
    if undoes is not None:
        driver(work.session).execute(BORN, (undoes, [item.id for item in found.inserted]))
    after = _rows(work, gids)
    rows = [_kept(work, (before.get(gid), after.get(gid)), members[gid]) for gid in gids]
    values = {"job_id": chunk.claim.job_id, "rows": msgspec.json.encode(rows).decode()}
    driver(work.session).execute(KEEP, values)
    catalogue_images.keep(work.session, chunk)


def _rows(work: Work, gids: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    return {row[1]: row for row in driver(work.session).execute(ROWS, (work.project.id, list(gids))).fetchall()}


def _kept(work: Work, rows: tuple[tuple[Any, ...] | None, tuple[Any, ...] | None], member: int) -> dict[str, Any]:
    before, after = rows
    here = after or before or ()
    moment = after[2] if after else work.moment
    row = before[3] if before else None
    return {"item_id": here[0], "member_id": member, "touched_on": moment, "row": row, "gone": after is None}


def of_members(session: Session, job_id: int, members: Sequence[int]) -> list[Image]:
    """Return what a job changed for each of these items of its own."""
    return [Image(*row) for row in driver(session).execute(OF_MEMBERS, (job_id, list(members))).fetchall()]


def present(session: Session, images: Sequence[Image]) -> Present:
    """Return what there is of imaged items now."""
    rows = driver(session).execute(PRESENT, ([image.item_id for image in images],)).fetchall()
    return Present({row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows})


def users(session: Session, definition_ids: Sequence[int]) -> list[int]:
    """Return which of these definitions records have."""
    return [row[0] for row in driver(session).execute(USERS, (list(definition_ids),)).fetchall()]


def kept_records(session: Session, job_id: int) -> list[str]:
    """Return records that a job's changes of the schema changed too and that were changed again since, at most a hundred."""
    return [row[0] for row in driver(session).execute(KEPT, (job_id, MOST_KEPT)).fetchall()]
