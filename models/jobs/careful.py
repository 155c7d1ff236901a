"""Working item by item: what is about to be tried is noted first, so that what kills its worker is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from models.db import Session, driver
from models.jobs.ledger import Claim, Outcome, Overtaken, count_outcomes, store_outcomes


def probe(session: Session, mine: Claim, item: int) -> int:
    """Say that item `item` is about to be tried alone; return how often it has killed its worker."""
    row = driver(session).execute(
        "UPDATE chunks SET probing = true WHERE job_id = %s AND no = %s AND fence = %s AND next_item = %s AND status = 'claimed' "
        "RETURNING probe_hits",
        (mine.job_id, mine.no, mine.fence, item),
    ).fetchone()  # fmt: skip
    if row is None:
        raise Overtaken
    return int(row[0])


def advance(session: Session, mine: Claim, outcomes: Sequence[Outcome]) -> None:
    """Note that items tried alone, or as a part that cannot be parted, have their outcomes. The chunk ends with its last item."""
    store_outcomes(session, mine.job_id, outcomes)
    moved = driver(session).execute(
        "UPDATE chunks SET next_item = next_item + %(items)s, probing = false, probe_hits = 0, "
        "dispatched_on = clock_timestamp(), "
        "status = CASE WHEN next_item + %(items)s = size THEN 'done' ELSE status END "
        "WHERE job_id = %(job_id)s AND no = %(no)s AND fence = %(fence)s AND status = 'claimed' "
        "RETURNING status = 'done', next_item - %(items)s",
        {"items": len(outcomes), "job_id": mine.job_id, "no": mine.no, "fence": mine.fence},
    ).fetchone()  # fmt: skip
    if moved is None:
        raise Overtaken
    entry = (mine.no, moved[1], len(outcomes))
    count_outcomes(session, mine.job_id, Counter(row.status for row in outcomes), [entry], int(moved[0]))
