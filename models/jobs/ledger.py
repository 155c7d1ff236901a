"""The ledger: claim, work, checkpoint, settle. Every change of a chunk's or a job's status is a function here.

A claim is durable before the work begins, so that a death leaves a trace. Effects, outcomes, counters and the chunk's end are
one transaction of the caller's, guarded by the fence: whoever was overtaken meanwhile writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from models.db import NULL, Session, copy_rows, copy_text, driver
from models.jobs.announcing import DUE, announce_end, announce_job
from models.jobs.atomic import cut_parts
from models.jobs.payloads import unpack
from models.settings import settings

CHANNEL = "waybill_chunks"


class Overtaken(Exception):
    """Somebody else has claimed the chunk since, or finished it: nothing may be written."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a chunk once. `next_item` is where careful work goes on."""

    job_id: int
    no: int
    fence: int
    attempts: int
    next_item: int
    careful: bool
    token: UUID | None = None


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

    def parts(self) -> list[list[int]]:
        """Return the places of the items that are left, in parts that may be tried alone."""
        return cut_parts(self.units, self.claim.next_item, self.size)


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
FROM (SELECT job_id, no FROM chunks WHERE job_id = %s AND no = %s AND status <> 'done' FOR UPDATE SKIP LOCKED) mine
WHERE c.job_id = mine.job_id AND c.no = mine.no
    AND NOT EXISTS (SELECT FROM chunks e WHERE e.job_id = c.job_id AND e.lane = c.lane AND e.no < c.no AND e.status <> 'done')
RETURNING c.fence, c.attempts, c.next_item, c.next_item > 0 OR c.probing OR c.attempts > %s,
    (SELECT j.token FROM jobs j WHERE j.id = c.job_id)
"""
START = """
UPDATE jobs SET status = 'processing', started_on = clock_timestamp(), updated_on = clock_timestamp()
WHERE id = %s AND status = 'queued'
"""


def claim(session: Session, job_id: int, no: int) -> Claim | None:
    """Claim a chunk, or return None: it is done, another works on it, or its lane is not there yet."""
    connection = driver(session)
    row = connection.execute(CLAIM, (job_id, no, settings().attempts_before_careful)).fetchone()
    if row is None:
        return None
    if connection.execute(START, (job_id,)).rowcount:
        announce_job(session, job_id)
    return Claim(job_id, no, *row)


OPEN = """
SELECT j.token, j.name, j.params, j.selection, j.submitter_id, j.cancel_requested_on IS NOT NULL,
    c.payload, c.indexes, c.lines, c.refs, c.size, j.project_id, c.groups, c.units, c.moments,
    EXISTS (SELECT FROM rehearsals r WHERE r.job_id = c.job_id),
    EXISTS (SELECT FROM chunks n WHERE n.job_id = c.job_id AND n.lane = c.lane AND n.no > c.no AND n.status <> 'done')
FROM chunks c JOIN jobs j ON j.id = c.job_id
WHERE c.job_id = %s AND c.no = %s AND c.fence = %s AND c.status = 'claimed' FOR UPDATE OF c
"""


def open_chunk(session: Session, mine: Claim) -> Chunk:
    """Lock a claimed chunk and read it. Raises Overtaken where the fence has moved on."""
    row = driver(session).execute(OPEN, (mine.job_id, mine.no, mine.fence), binary=True).fetchone()
    if row is None:
        raise Overtaken
    token, name, params, selection, submitter_id, cancelled, payload, indexes, lines, refs, size, *more = row
    items = unpack(payload)
    nothing: list[None] = [None] * size
    return Chunk(
        mine, token, name, params, selection, submitter_id, cancelled,
        items, indexes, lines or nothing, refs or nothing, size, *more,
    )  # fmt: skip


OUTCOME_COLUMNS = "job_id, index, status, record_id, target, code, pointer, detail, version, info, line, ref"


def _text(value: str | None) -> bytes:
    return NULL if value is None else copy_text(value)


def _int(value: int | None) -> bytes:
    return NULL if value is None else b"%d" % value


def _line(job_id: int, row: Outcome) -> bytes:
    fields = (
        b"%d\t%d" % (job_id, row.index),
        row.status.encode(),
        _int(row.record_id),
        _text(row.target),
        _text(row.code),
        _text(row.pointer),
        _text(row.detail),
        _int(row.version),
        NULL if row.info is None else row.info.replace(b"\\", b"\\\\"),
        _int(row.line),
        _text(row.ref) + b"\n",
    )
    return b"\t".join(fields)


COUNT = f"""
UPDATE jobs SET succeeded = succeeded + %(succeeded)s, noop = noop + %(noop)s, failed = failed + %(failed)s,
    skipped = skipped + %(skipped)s, cancelled = cancelled + %(cancelled)s, chunks_done = chunks_done + %(chunks)s,
    updated_on = clock_timestamp()
WHERE id = %(job_id)s RETURNING chunks_done = chunks_total, {DUE}
"""
SETTLE = """
UPDATE jobs SET status = 'done', finished_on = clock_timestamp(), updated_on = clock_timestamp(),
    outcome = CASE WHEN cancelled > 0 THEN 'cancelled' WHEN failed = 0 THEN 'succeeded'
        WHEN succeeded + noop = 0 THEN 'failed' ELSE 'partial' END
WHERE id = %s AND status = 'processing'
"""


def _store_outcomes(session: Session, job_id: int, outcomes: Sequence[Outcome]) -> None:
    if outcomes:
        copy_rows(session, f"outcomes ({OUTCOME_COLUMNS})", [_line(job_id, row) for row in outcomes])


def _count(session: Session, job_id: int, tally: Mapping[str, int], chunks: int) -> None:
    """Move the job's counters: the last statement but the commit, since the job's row is everybody's."""
    names = ("succeeded", "noop", "failed", "skipped", "cancelled")
    values = {name: tally.get(name, 0) for name in names} | {"chunks": chunks, "job_id": job_id}
    connection = driver(session)
    row = connection.execute(COUNT, values).fetchone()
    ended, due = row or (False, False)
    if ended:
        connection.execute(SETTLE, (job_id,))
        announce_end(session, job_id)
    elif due:
        announce_job(session, job_id)
    connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def finish(session: Session, chunk: Chunk, outcomes: Sequence[Outcome]) -> None:
    """End a chunk: its outcomes, its status, its job's counters, and with the last chunk the job."""
    mine = chunk.claim
    _store_outcomes(session, mine.job_id, outcomes)
    ended = driver(session).execute(
        "UPDATE chunks SET status = 'done', probing = false, next_item = size "
        "WHERE job_id = %s AND no = %s AND fence = %s AND status = 'claimed'",
        (mine.job_id, mine.no, mine.fence),
    )
    if ended.rowcount != 1:
        raise Overtaken
    _count(session, mine.job_id, Counter(row.status for row in outcomes), 1)


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
    _store_outcomes(session, mine.job_id, outcomes)
    moved = driver(session).execute(
        "UPDATE chunks SET next_item = next_item + %(items)s, probing = false, probe_hits = 0, "
        "dispatched_on = clock_timestamp(), "
        "status = CASE WHEN next_item + %(items)s = size THEN 'done' ELSE status END "
        "WHERE job_id = %(job_id)s AND no = %(no)s AND fence = %(fence)s AND status = 'claimed' RETURNING status = 'done'",
        {"items": len(outcomes), "job_id": mine.job_id, "no": mine.no, "fence": mine.fence},
    ).fetchone()  # fmt: skip
    if moved is None:
        raise Overtaken
    _count(session, mine.job_id, Counter(row.status for row in outcomes), int(moved[0]))


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


CANCELLABLE = """
SELECT no, indexes[next_item + 1 :], lines[next_item + 1 :], refs[next_item + 1 :]
FROM chunks WHERE job_id = %s AND status <> 'done' ORDER BY no LIMIT 200 FOR UPDATE SKIP LOCKED
"""


def cancel_open(session: Session, job_id: int) -> int:
    """End up to 200 chunks of a cancelled job that nobody works on: each item left gets the outcome `cancelled`."""
    connection = driver(session)
    rows = connection.execute(CANCELLABLE, (job_id,)).fetchall()
    if not rows:
        return 0
    outcomes = [row for no, indexes, lines, refs in rows for row in _cancelled(indexes, lines, refs)]
    _store_outcomes(session, job_id, outcomes)
    connection.execute(
        "UPDATE chunks SET status = 'done', fence = fence + 1, next_item = size, probing = false "
        "WHERE job_id = %s AND no = ANY(%s)",
        (job_id, [row[0] for row in rows]),
    )
    connection.execute(START, (job_id,))
    _count(session, job_id, {"cancelled": len(outcomes)}, len(rows))
    return len(rows)


def _cancelled(indexes: Sequence[int], lines: Sequence[int | None] | None, refs: Sequence[str | None] | None) -> list[Outcome]:
    return [
        Outcome(index, "cancelled", code="cancelled", line=lines[at] if lines else None, ref=refs[at] if refs else None)
        for at, index in enumerate(indexes)
    ]


def cancelled(chunk: Chunk) -> list[Outcome]:
    """Return the outcomes of a chunk whose job was asked to stop before it began."""
    return _cancelled(chunk.indexes, chunk.lines, chunk.refs)
