"""Trying a job of a project: its chunks one after the other, as the run would have them, and then all of it is rolled back.

What an item comes to may hang on what became of items long before it: one deletion takes along others. So such a test is one
chunk, and is cut here as the run's would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from models.catalogue import changes
from models.db import Session, driver
from models.errors import PreviewTooLarge
from models.jobs.frozen import Drift, note_drifts
from models.jobs.ledger import Chunk, Outcome
from models.jobs.submit import cut
from models.settings import settings

Run: TypeAlias = Callable[[Session, Chunk], list[Outcome]]
DRIFTS = "SELECT index, record_id, change, frozen_on, found_on FROM drifts WHERE job_id = %s AND index = ANY(%s)"
REFS = """
INSERT INTO outcomes (job_id, index, status, record_id, ref)
SELECT %s, * FROM unnest(%s::int[], %s::text[], %s::bigint[], %s::text[])
"""


def rehearse(session: Session, chunk: Chunk, run: Run) -> list[Outcome]:
    """Return what would become of a chunk's items. Nothing stays but the notice of what had changed since it was frozen."""
    with session.begin_nested() as tried:
        rows = [row for piece in _tried(session, chunk, run) for row in piece]
        drifts = driver(session).execute(DRIFTS, (chunk.claim.job_id, list(chunk.indexes))).fetchall()
        tried.rollback()
    note_drifts(session, chunk.claim.job_id, [Drift(*row) for row in drifts])
    return rows


def _tried(session: Session, chunk: Chunk, run: Run) -> Iterator[list[Outcome]]:
    """Try one piece after the other, as far as the project may be locked for it; what is left is refused."""
    changed, most = 0, settings().limits.subtree
    for places in cut(range(len(chunk.items)), lambda place: len(chunk.items[place])):
        done = 0
        while done < len(places):  # a run may stop before the end, to be called again
            piece = replace(chunk.only(places[done:]), goes_on=True)
            rows = _untried(piece, most) if changed > most else run(session, piece)
            changed += changes.forget(session)
            _note_refs(session, piece, rows)
            done += len(rows)
            yield rows


def _untried(piece: Chunk, most: int) -> list[Outcome]:
    refused = PreviewTooLarge(f"The test ended before this item: more than {most} items would have changed by then.")
    each = zip(piece.indexes, piece.lines, piece.refs, strict=True)
    return [Outcome(at, "failed", code=refused.code, detail=refused.detail, line=line, ref=ref) for at, line, ref in each]


def _note_refs(session: Session, piece: Chunk, rows: Sequence[Outcome]) -> None:
    """Note the refs of records that were made: items of later pieces may name them as their parents."""
    named = [row for row in rows if row.ref is not None]
    if named:
        columns = zip(*((row.index, row.status, row.record_id, row.ref) for row in named), strict=True)
        driver(session).execute(REFS, (piece.claim.job_id, *map(list, columns)))
