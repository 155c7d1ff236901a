"""The ledger: claim, work, checkpoint, settle. Every change of a chunk's or a job's status is a function here.

A claim is durable before the work begins, so that a death leaves a trace. Effects, outcomes, counters and the chunk's end are
one transaction of the caller's, guarded by the fence: whoever was overtaken meanwhile writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from models.db import NULL, Session, copy_number, copy_rows, copy_text, driver
from models.jobs import pacing
from models.jobs.announcing import DUE, announce_end, announce_job, ring
from models.jobs.atomic import cut_parts
from models.jobs.payloads import unpack
from models.settings import settings


class Overtaken(Exception):
    """Somebody else has claimed the chunk since, or finished it: nothing may be written."""


class Held(Exception):
    """The job was paused since the chunk was claimed: nothing may be written, and the chunk is to be released."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a chunk once, from `next_item` on: to its end, or on `take` items of a paced job."""

    job_id: int
    no: int
    fence: int
    attempts: int
    next_item: int
    careful: bool
    token: UUID | None = None
    take: int | None = None

    def end(self, size: int) -> int:
        """Return the place after the last item of a chunk of this size that the claim is for."""
        return size if self.take is None else min(size, self.next_item + self.take)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A locked chunk with what its job says. `indexes`, `lines` and `refs` go with the raw `items`."""

    claim: Claim
    token: UUID
    name: str
    params: Mapping[str, Any]
    selection: Any
    submitter_id: int
    cancel_requested: bool
    items: Sequence[bytes]
    indexes: Sequence[int]
    lines: Sequence[int | None]
    refs: Sequence[str | None]
    size: int
    project_id: int | None = None  # of a job of the project face
    groups: Sequence[str | None] | None = None  # with items that stand and fall together
    units: Sequence[int] | None = None  # which of these may be tried apart from the others
    moments: Sequence[datetime | None] | None = None  # of frozen members: when each had last changed
    rehearsed: bool = False  # tests of earlier chunks have left what their records would be
    goes_on: bool = False  # its lane has more chunks

    def only(self, places: Sequence[int]) -> Chunk:
        """Return the same chunk with just the items at these places."""
        names = ("items", "indexes", "lines", "refs", "groups", "units", "moments")
        columns = {name: getattr(self, name) for name in names}
        cut: dict[str, Any] = {
            name: [values[place] for place in places] for name, values in columns.items() if values is not None
        }
        return replace(self, **cut)

    def share(self) -> Chunk:
        """Return the same chunk with just the items that its claim is for."""
        start, end = self.claim.next_item, self.claim.end(self.size)
        if (start, end) == (0, self.size):
            return self
        return replace(self.only(range(start, end)), goes_on=self.goes_on or end < self.size)

    def parts(self) -> list[list[int]]:
        """Return the places of the items that the claim is for, in parts that may be tried alone."""
        return cut_parts(self.units, self.claim.next_item, self.claim.end(self.size))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one item ended: a row of the ledger. `info` is what the item's answer is rebuilt from, as JSON."""

    index: int
    status: str
    record_id: int | None = None
    target: str | None = None
    code: str | None = None
    pointer: str | None = None
    detail: str | None = None
    version: int | None = None
    info: bytes | None = None
    line: int | None = None
    ref: str | None = None


CLAIM = """
UPDATE chunks c SET status = 'claimed', attempts = attempts + 1, fence = fence + 1, claimed_on = clock_timestamp(),
    probe_hits = CASE WHEN probing THEN probe_hits + 1 ELSE probe_hits END
FROM (
    SELECT job_id, no FROM chunks WHERE job_id = %(job_id)s AND no = %(no)s AND status <> 'done' FOR UPDATE SKIP LOCKED
) mine JOIN jobs j ON j.id = mine.job_id
WHERE c.job_id = mine.job_id AND c.no = mine.no AND j.pause_requested_on IS NULL AND (j.pace IS NULL OR %(admitted)s)
    AND NOT EXISTS (SELECT FROM chunks e WHERE e.job_id = c.job_id AND e.lane = c.lane AND e.no < c.no AND e.status <> 'done')
RETURNING c.fence, c.attempts, c.next_item, c.probing OR c.attempts - c.slices > %(limit)s, j.token, c.size,
    CASE WHEN %(admitted)s THEN c.units END
"""
# It waits for nobody: whoever has the chunk may wait for the job, which is locked here.
UNSEND = """
UPDATE chunks c SET dispatched_on = NULL FROM (
    SELECT c.job_id, c.no FROM chunks c JOIN jobs j ON j.id = c.job_id
    WHERE c.job_id = %(job_id)s AND c.no = %(no)s AND c.status = 'open' AND c.dispatched_on IS NOT NULL
        AND (j.pace IS NOT NULL OR j.pause_requested_on IS NOT NULL) FOR UPDATE OF c SKIP LOCKED
) unsent WHERE c.job_id = unsent.job_id AND c.no = unsent.no
"""
START = """
UPDATE jobs SET status = 'processing', started_on = clock_timestamp(), updated_on = clock_timestamp()
WHERE id = %s AND status = 'queued'
"""


def claim(session: Session, job_id: int, no: int) -> Claim | None:
    """Claim a chunk, or return None: it is done, another works on it, its lane is not there yet, or its job is to wait."""
    connection = driver(session)
    asked = {"job_id": job_id, "no": no, "limit": settings().attempts_before_careful, "admitted": False}
    row, pace = connection.execute(CLAIM, asked).fetchone(), None
    if row is None and (pace := pacing.admit(session, job_id)):
        row = connection.execute(CLAIM, asked | {"admitted": True}).fetchone()
    if row is None:
        connection.execute(UNSEND, asked)
        return None
    *mine, size, units = row
    claimed = Claim(job_id, no, *mine)
    if connection.execute(START, (job_id,)).rowcount:
        announce_job(session, job_id)
        ring(session, job_id)
    if pace is None:
        return claimed
    take = pacing.portion(pace, units, (claimed.next_item, size))
    pacing.pay(session, job_id, pace, take)
    return replace(claimed, take=take)


OPEN = """
SELECT j.pause_requested_on IS NOT NULL, j.token, j.name, j.params, j.selection, j.submitter_id,
    j.cancel_requested_on IS NOT NULL, c.payload, c.indexes, c.lines, c.refs, c.size, j.project_id, c.groups, c.units, c.moments,
    EXISTS (SELECT FROM rehearsals r WHERE r.job_id = c.job_id),
    EXISTS (SELECT FROM chunks n WHERE n.job_id = c.job_id AND n.lane = c.lane AND n.no > c.no AND n.status <> 'done')
FROM chunks c JOIN jobs j ON j.id = c.job_id
WHERE c.job_id = %s AND c.no = %s AND c.fence = %s AND c.status = 'claimed' FOR UPDATE OF c
"""


def open_chunk(session: Session, mine: Claim) -> Chunk:
    """Lock a claimed chunk and read it. Raises Overtaken where the fence has moved on, Held where its job was paused."""
    row = driver(session).execute(OPEN, (mine.job_id, mine.no, mine.fence), binary=True).fetchone()
    if row is None:
        raise Overtaken
    held, *row = row
    if held:
        raise Held
    token, name, params, selection, submitter_id, cancelled, payload, indexes, lines, refs, size, *more = row
    items = unpack(payload)
    nothing: list[None] = [None] * size
    return Chunk(
        mine, token, name, params, selection, submitter_id, cancelled,
        items, indexes, lines or nothing, refs or nothing, size, *more,
    )  # fmt: skip


Entry: TypeAlias = tuple[int, int, int]
"""What a transaction gave outcomes: the number of a chunk, the place of its first such item, and how many."""
OUTCOME_COLUMNS = "job_id, index, status, record_id, target, code, pointer, detail, version, info, line, ref"


def _line(job_id: int, row: Outcome) -> bytes:
    fields = (
        b"%d\t%d" % (job_id, row.index),
        row.status.encode(),
        copy_number(row.record_id),
        copy_text(row.target),
        copy_text(row.code),
        copy_text(row.pointer),
        copy_text(row.detail),
        copy_number(row.version),
        NULL if row.info is None else row.info.replace(b"\\", b"\\\\"),
        copy_number(row.line),
        copy_text(row.ref) + b"\n",
    )
    return b"\t".join(fields)


COUNT = f"""
WITH counted AS (
    UPDATE jobs SET succeeded = succeeded + %(succeeded)s, noop = noop + %(noop)s, failed = failed + %(failed)s,
        skipped = skipped + %(skipped)s, cancelled = cancelled + %(cancelled)s, chunks_done = chunks_done + %(chunks)s,
        updated_on = clock_timestamp()
    WHERE id = %(job_id)s
    RETURNING chunks_done = chunks_total AS ended, {DUE} AS due, succeeded + noop + failed + skipped + cancelled AS seq
), entered AS (
    INSERT INTO entries (job_id, seq, no, place, items)
    SELECT %(job_id)s, seq - sum(added.items) OVER () + sum(added.items) OVER (ORDER BY added.no), added.* FROM counted,
        unnest(%(nos)s::int[], %(places)s::int[], %(items)s::int[]) AS added (no, place, items)
)
SELECT ended, due FROM counted
"""
SETTLE = """
UPDATE jobs SET status = 'done', finished_on = clock_timestamp(), updated_on = clock_timestamp(),
    pause_requested_on = NULL, paused_on = NULL,
    outcome = CASE WHEN cancelled > 0 THEN 'cancelled' WHEN failed = 0 THEN 'succeeded'
        WHEN succeeded + noop = 0 THEN 'failed' ELSE 'partial' END
WHERE id = %s AND status = 'processing'
"""


def store_outcomes(session: Session, job_id: int, outcomes: Sequence[Outcome]) -> None:
    """Add outcomes to a job's; `count_outcomes` is to follow in the same transaction."""
    if outcomes:
        copy_rows(session, f"outcomes ({OUTCOME_COLUMNS})", [_line(job_id, row) for row in outcomes])


def count_outcomes(session: Session, job_id: int, tally: Mapping[str, int], entries: Sequence[Entry], chunks: int) -> None:
    """Move the job's counters and number what was added: the last statement but the commit, since the job's row is everybody's.

    Who holds that row is the next to commit, so that numbers become visible in their order and without gaps.
    """
    names = ("succeeded", "noop", "failed", "skipped", "cancelled")
    values: dict[str, Any] = {name: tally.get(name, 0) for name in names} | {"chunks": chunks, "job_id": job_id}
    nos, places, items = zip(*entries, strict=True)
    connection = driver(session)
    row = connection.execute(COUNT, values | {"nos": list(nos), "places": list(places), "items": list(items)}).fetchone()
    ended, due = row or (False, False)
    if ended:
        connection.execute(SETTLE, (job_id,))
        announce_end(session, job_id)
    elif due:
        announce_job(session, job_id)
    ring(session, job_id)


END = """
UPDATE chunks SET probing = false, next_item = next_item + %(items)s, slices = slices + 1,
    status = CASE WHEN next_item + %(items)s = size THEN 'done' ELSE 'open' END,
    dispatched_on = CASE WHEN next_item + %(items)s = size THEN dispatched_on END
WHERE job_id = %(job_id)s AND no = %(no)s AND fence = %(fence)s AND next_item = %(next_item)s AND status = 'claimed'
RETURNING status = 'done'
"""


def finish(session: Session, chunk: Chunk, outcomes: Sequence[Outcome]) -> None:
    """End a chunk, or the share of it that was claimed: outcomes, status, its job's counters, and with the last one the job."""
    mine = chunk.claim
    store_outcomes(session, mine.job_id, outcomes)
    values = {"items": len(outcomes), "job_id": mine.job_id, "no": mine.no, "fence": mine.fence, "next_item": mine.next_item}
    ended = driver(session).execute(END, values).fetchone()
    if ended is None:
        raise Overtaken
    entry = (mine.no, mine.next_item, len(outcomes))
    count_outcomes(session, mine.job_id, Counter(row.status for row in outcomes), [entry], int(ended[0]))


def release(session: Session, mine: Claim) -> None:
    """Give a claimed chunk back that is not to be worked on further now; it counts as no attempt that failed."""
    driver(session).execute(
        "UPDATE chunks SET status = 'open', dispatched_on = NULL, probing = false, slices = slices + 1 "
        "WHERE job_id = %s AND no = %s AND fence = %s AND status = 'claimed'",
        (mine.job_id, mine.no, mine.fence),
    )


def postpone(session: Session, mine: Claim, *, careful: bool) -> None:
    """Give a chunk back after an error of the database: later each time; `careful` makes the next attempt item by item."""
    limit = settings().attempts_before_careful
    driver(session).execute(
        "UPDATE chunks SET status = 'open', dispatched_on = NULL, probing = false, "
        "attempts = CASE WHEN %s THEN greatest(attempts, %s) ELSE attempts END, "
        "not_before = clock_timestamp() + make_interval(secs => least(0.1 * power(2, least(attempts, 10)), 60)) "
        "WHERE job_id = %s AND no = %s AND fence = %s AND status = 'claimed'",
        (careful, limit, mine.job_id, mine.no, mine.fence),
    )
