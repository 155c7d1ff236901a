"""Cancelling: what is left of a job gets its outcomes."""

from __future__ import annotations

from collections.abc import Sequence

from models.db import Session, driver
from models.jobs.ledger import START, Chunk, Outcome, count_outcomes, store_outcomes

CANCELLABLE = """
SELECT no, next_item, indexes[next_item + 1 :], lines[next_item + 1 :], refs[next_item + 1 :]
FROM chunks WHERE job_id = %s AND status <> 'done' ORDER BY no LIMIT 200 FOR UPDATE SKIP LOCKED
"""


def cancel_open(session: Session, job_id: int) -> int:
    """End up to 200 chunks of a cancelled job that nobody works on: each item left gets the outcome `cancelled`."""
    connection = driver(session)
    rows = connection.execute(CANCELLABLE, (job_id,)).fetchall()
    if not rows:
        return 0
    outcomes = [row for _, _, indexes, lines, refs in rows for row in _cancelled(indexes, lines, refs)]
    store_outcomes(session, job_id, outcomes)
    connection.execute(
        "UPDATE chunks SET status = 'done', fence = fence + 1, next_item = size, probing = false "
        "WHERE job_id = %s AND no = ANY(%s)",
        (job_id, [row[0] for row in rows]),
    )
    connection.execute(START, (job_id,))
    entries = [(no, place, len(indexes)) for no, place, indexes, *_ in rows]
    count_outcomes(session, job_id, {"cancelled": len(outcomes)}, entries, len(rows))
    return len(rows)


def _cancelled(indexes: Sequence[int], lines: Sequence[int | None] | None, refs: Sequence[str | None] | None) -> list[Outcome]:
    return [
        Outcome(index, "cancelled", code="cancelled", line=lines[at] if lines else None, ref=refs[at] if refs else None)
        for at, index in enumerate(indexes)
    ]


def cancelled(chunk: Chunk) -> list[Outcome]:
    """Return the outcomes of a chunk whose job was asked to stop before it began."""
    return _cancelled(chunk.indexes, chunk.lines, chunk.refs)
