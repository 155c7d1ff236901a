"""Images: how items of a project were before a job changed them, in the table that undoing reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from models.catalogue.rewinding import Fill
from models.db import Session, driver
from models.jobs.ledger import Chunk

# Of an item that was changed in several ways, what was first is put over what was later. It belongs to itself if it is a member.
KEEP = """
INSERT INTO images (job_id, item_id, member_id, touched_on, image)
SELECT %s, item_id, coalesce(max(member_id) FILTER (WHERE member_id = item_id), (array_agg(member_id ORDER BY touched_on))[1]),
    max(touched_on), CASE WHEN count(*) = 1 THEN (array_agg(image))[1] ELSE (
        SELECT jsonb_object_agg(part.key, part.value ORDER BY place)
        FROM unnest(array_agg(image ORDER BY touched_on DESC)) WITH ORDINALITY AS older (image, place)
        CROSS JOIN LATERAL jsonb_each(older.image) AS part
    ) END
FROM touched WHERE image IS NOT NULL GROUP BY item_id
ON CONFLICT (job_id, item_id) DO UPDATE SET touched_on = excluded.touched_on, image = excluded.image || images.image,
    member_id = CASE WHEN excluded.member_id = images.item_id THEN excluded.member_id ELSE images.member_id END
"""
# What is removed for good has no image. That the job did it itself is kept for the chunks that follow.
KEEP_REMOVED = """
INSERT INTO images (job_id, item_id, member_id, touched_on, image)
SELECT DISTINCT %s::bigint, item_id, item_id, now(), '{"removed": true}'::jsonb FROM touched
WHERE image IS NULL AND action = 'DELETE'
ON CONFLICT (job_id, item_id) DO NOTHING
"""
HELD = {"schema_items": "schema_images"}  # the images of other tables' items are in `images`


def keep(session: Session, chunk: Chunk) -> None:
    """Keep the images of what this transaction has touched. Of an item that the job had touched before, the older one counts."""
    driver(session).execute(KEEP, (chunk.claim.job_id,))
    if chunk.goes_on:
        driver(session).execute(KEEP_REMOVED, (chunk.claim.job_id,))


def own_touches(session: Session, job_id: int, table: str, item_ids: Sequence[int]) -> dict[int, datetime]:
    """Return when the job itself touched items of its own last, of those that it did."""
    if not item_ids:
        return {}
    found = f"SELECT item_id, touched_on FROM {HELD.get(table, 'images')} WHERE job_id = %s AND item_id = ANY(%s)"
    return dict(driver(session).execute(found, (job_id, list(item_ids))).fetchall())


def already_touched(session: Session, job_id: int, item_ids: Sequence[int]) -> set[int]:
    """Return those items that an earlier chunk of the same job changed."""
    if not item_ids:
        return set()
    found = "SELECT item_id FROM images WHERE job_id = %s AND item_id = ANY(%s)"
    return {row[0] for row in driver(session).execute(found, (job_id, list(item_ids))).fetchall()}


def of_members(job_id: int, members: Sequence[int]) -> Fill:
    """Return what gives what a job changed for each of these items of its own."""
    rows = "SELECT item_id, member_id, touched_on, image FROM images WHERE job_id = %(job_id)s AND member_id = ANY(%(members)s)"
    return Fill(rows, {"job_id": job_id, "members": list(members)})


def weigh(session: Session, job_id: int, members: Sequence[int]) -> list[int]:
    """Return how many items a job changed for each of these of its own."""
    counted = "SELECT member_id, count(*) FROM images WHERE job_id = %s AND member_id = ANY(%s) GROUP BY member_id"
    found = dict(driver(session).execute(counted, (job_id, list(members))).fetchall())
    return [found.get(member, 0) for member in members]


def coming_back(session: Session, table: str, job_id: int, item_ids: Sequence[int]) -> set[int]:
    """Return which of these deleted items undoing the job brings back: those that it deleted and nobody touched since."""
    rows = driver(session).execute(
        f"SELECT i.item_id FROM images i JOIN {table} r ON r.id = i.item_id AND r.updated_on = i.touched_on "
        "WHERE i.job_id = %s AND i.item_id = ANY(%s) AND i.image->>'status' = 'published'", (job_id, list(item_ids))
    )  # fmt: skip
    return {row[0] for row in rows.fetchall()}
