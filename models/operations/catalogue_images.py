"""Images: how items of a project were before a job changed them, in the table that undoing reads."""

from __future__ import annotations

from collections.abc import Sequence

from models.catalogue.rewinding import Fill
from models.db import Session, driver

KEEP = """
INSERT INTO images (job_id, item_id, member_id, touched_on, image)
SELECT DISTINCT ON (item_id) %s, item_id, member_id, touched_on, image FROM touched WHERE image IS NOT NULL
ORDER BY item_id, touched_on DESC
ON CONFLICT (job_id, item_id) DO UPDATE SET touched_on = excluded.touched_on, image = excluded.image || images.image
"""


def keep(session: Session, job_id: int) -> None:
    """Keep the images of what this transaction has touched. Of an item that the job had touched before, the older one counts."""
    driver(session).execute(KEEP, (job_id,))


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


def coming_back(session: Session, table: str, job_id: int, item_ids: Sequence[int]) -> set[int]:
    """Return which of these deleted items undoing the job brings back: those that it deleted and nobody touched since."""
    rows = driver(session).execute(
        f"SELECT i.item_id FROM images i JOIN {table} r ON r.id = i.item_id AND r.updated_on = i.touched_on "
        "WHERE i.job_id = %s AND i.item_id = ANY(%s) AND i.image->>'status' = 'published'", (job_id, list(item_ids))
    )  # fmt: skip
    return {row[0] for row in rows.fetchall()}
