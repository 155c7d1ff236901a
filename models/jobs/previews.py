"""Jobs that are one chunk which is never parted: tests whose items' outcomes hang on each other."""

from __future__ import annotations

from collections.abc import Iterable

from models.db import Session, driver
from models.errors import PreviewTooLarge
from models.jobs.values import Item
from models.jobs.writing import store_chunk
from models.settings import settings

UNCUT = "UPDATE chunks SET units = array_fill(0, ARRAY[size]) WHERE job_id = %s"


def check_preview(what: str, actual: int, limit: int) -> None:
    """Raise PreviewTooLarge where a test is of more than can be tried in one go."""
    if actual > limit:
        detail = f"A test of {actual} {what} would be tried in one go, and the limit is {limit}."
        raise PreviewTooLarge(detail, limit=limit, actual=actual)


def store_whole(session: Session, job_id: int, items: Iterable[Item]) -> tuple[int, int, int]:
    """Store all items as one chunk; return the numbers of items, chunks and lanes. Raises PreviewTooLarge."""
    held: list[Item] = []
    size = 0
    for item in items:
        held.append(item)
        size += len(item.raw)
        check_preview("items", len(held), settings().limits.preview_items)
        check_preview("bytes", size, settings().limits.atomic_bytes)
    if held:
        store_chunk(session, (job_id, 0, 0), held)
        driver(session).execute(UNCUT, (job_id,))
    return len(held), min(len(held), 1), 1
