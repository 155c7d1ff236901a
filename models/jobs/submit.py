"""Submitting: one transaction stores a job with all its chunks; the broker has no part in it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import psycopg.errors

from models import ids, tracing
from models.db import Session, driver
from models.errors import (
    GroupTooLarge,
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    PreviewTooLarge,
    Refused,
    SelectionTooLarge,
    TooManyAffected,
)
from models.identity.principal import Principal
from models.jobs.announcing import announce_end, announce_job, ring
from models.jobs.atomic import WHOLE, Grouped, store_grouped
from models.jobs.ledger import SETTLE, START
from models.jobs.pacing import check_pace
from models.jobs.plans import check_plan, offer_plan, open_plan
from models.jobs.previews import check_preview, store_whole
from models.jobs.quota import check_open_jobs
from models.jobs.reads import get_job
from models.jobs.values import Item, Job, Key, Submission
from models.jobs.writing import chunk_writer, store_chunk
from models.selection import resolve
from models.selection.grammar import Selection, dump_selection
from models.selection.spaces import RECORDS, Space
from models.settings import settings

INSERT_JOB = """
INSERT INTO jobs (token, tenant, submitter_id, name, queue, params, selection, tags, status, info, parent_id,
    idempotency_key, body_digest, project_id, pace, trace)
VALUES (%(token)s, %(tenant)s, %(submitter_id)s, %(name)s, 'bulk', %(params)s, %(selection)s, %(tags)s, %(status)s, %(info)s,
    %(parent_id)s, %(idempotency_key)s, %(body_digest)s, %(project_id)s, %(pace)s, %(trace)s)
ON CONFLICT (submitter_id, idempotency_key) DO NOTHING RETURNING id
"""
T = TypeVar("T")
DROP_CHUNKS = "DELETE FROM chunks WHERE job_id = %s"
FROZEN_CHUNKS = """
INSERT INTO chunks (job_id, no, lane, size, indexes, groups, units, moments, payload)
SELECT %(job_id)s, part, part %% %(lanes)s, count(*), array_agg(seq ORDER BY seq),
    CASE WHEN %(atomic)s THEN array_fill(''::text, ARRAY[count(*)::int]) END,
    CASE WHEN %(uncut)s THEN array_fill(0, ARRAY[count(*)::int]) END, array_agg(r.updated_on ORDER BY seq),
    convert_to(json_agg(coalesce(to_json(record_id), to_json(target)) ORDER BY seq)::text, 'UTF8')
FROM (SELECT seq, record_id, target, seq / %(items)s AS part FROM members) parts
LEFT JOIN {moments} r ON r.id = parts.record_id GROUP BY part
"""
TOTALS = """
UPDATE jobs SET total = %(total)s, chunks_total = %(chunks)s, lanes = %(lanes)s,
    queue = CASE WHEN %(total)s <= %(small)s THEN 'small' ELSE 'bulk' END
WHERE id = %(job_id)s
"""
KEYS = """
SELECT r.id, l.group_name || '/' || r.lab_record_id FROM records r JOIN labs l ON l.id = r.lab_id WHERE r.id = ANY(%s)
"""


@dataclass(slots=True)
class _Lane:
    items: list[Item] = field(default_factory=list)
    size: int = 0


def submit(session: Session, principal: Principal, submission: Submission, items: Iterable[Item]) -> Job:
    """Store a job of operations as they were sent. A repeat with the same idempotency key answers with the first job.

    `items` is read again from its beginning where one of them proves to have a group.

    Raises what reading the items raises, GroupTooLarge, IdempotencyKeyReused for another body, IdempotencyKeyInFlight while the
    first request with this key is still being stored.
    """
    job_id, token, earlier = new_job(session, principal, submission, {})
    if earlier:
        return earlier
    try:
        total, chunks, lanes = _store_items(session, job_id, submission, items)
    except Grouped:
        driver(session).execute(DROP_CHUNKS, (job_id,))
        total, chunks, lanes = store_grouped(session, job_id, cut(items, _size), _names_of_rids)
    set_totals(session, job_id, {"total": total, "chunks": chunks, "lanes": lanes})
    return get_job(session, principal, str(token))


def _store_items(session: Session, job_id: int, submission: Submission, items: Iterable[Item]) -> tuple[int, int, int]:
    """Store the items as they come; return the numbers of items, chunks and lanes. Raises Grouped where one has a group."""
    if submission.whole:
        return store_whole(session, job_id, items)
    if submission.params.get("atomic"):
        whole = (replace(item, group=WHOLE) for item in items)
        return store_grouped(session, job_id, cut(whole, _size), _names_of_rids)
    batches = cut(items, _size)
    begun = list(islice(batches, 2))
    lanes = 1 if len(begun) < 2 else settings().lanes
    total, chunks = _store_chunks(session, job_id, chain(begun, batches), lanes)
    return total, chunks, lanes


def new_job(
    session: Session, principal: Principal, submission: Submission, more: Mapping[str, Any]
) -> tuple[int, UUID, Job | None]:
    """Insert a job without chunks yet; `more` overrides columns. Returns its id and token, or the job that has the key."""
    check_pace(submission.pace)
    token = ids.new_token()
    fingerprint = _fingerprint(submission)
    values: dict[str, Any] = {
        "token": token, "tenant": principal.tenant, "submitter_id": principal.user_id, "name": submission.name,
        "params": _json(submission.params), "selection": None, "tags": list(submission.tags), "status": "queued",
        "info": "{}", "parent_id": submission.parent_id, "idempotency_key": submission.idempotency_key,
        "body_digest": fingerprint, "project_id": submission.project_id, "pace": submission.pace,
        "trace": tracing.current(),
    }  # fmt: skip
    try:
        row = driver(session).execute(INSERT_JOB, values | dict(more)).fetchone()
    except psycopg.errors.LockNotAvailable as error:
        raise IdempotencyKeyInFlight("The first request with this Idempotency-Key is still being stored.") from error
    if row is None:
        return 0, token, _earlier(session, principal, submission.idempotency_key, fingerprint)
    check_open_jobs(session, principal)
    return row[0], token, None


def _fingerprint(submission: Submission) -> bytes:
    return ids.digest(submission.name.encode() + _json(submission.params).encode() + (submission.body_digest or b""))


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _earlier(session: Session, principal: Principal, key: str | None, fingerprint: bytes) -> Job:
    found = driver(session).execute(
        "SELECT token, body_digest FROM jobs WHERE submitter_id = %s AND idempotency_key = %s", (principal.user_id, key)
    ).fetchone()  # fmt: skip
    if found is None:
        raise IdempotencyKeyInFlight("The first request with this Idempotency-Key is still being stored.")
    if bytes(found[1]) != fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key was used with another request.")
    return get_job(session, principal, str(found[0]), replayed=True)


def cut(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Cut a stream into pieces small enough to hold, as chunks are: by number, and by bytes as `size` tells them."""
    piece: list[T] = []
    total = 0
    for item in items:
        piece.append(item)
        total += size(item)
        if len(piece) >= settings().chunk_items or total >= settings().chunk_bytes:
            yield piece
            piece, total = [], 0
    if piece:
        yield piece


def _size(item: Item) -> int:
    return len(item.raw)


def _store_chunks(session: Session, job_id: int, batches: Iterable[list[Item]], lanes: int) -> tuple[int, int]:
    if lanes == 1:
        return _store_one_lane(session, job_id, batches)
    open_lanes = [_Lane() for _ in range(lanes)]
    total = chunks = 0
    with chunk_writer(session) as writer:
        for batch in batches:
            names = _names_of_rids(session, batch)
            total += len(batch)
            for item in batch:
                if item.group is not None:
                    raise Grouped
                number = _lane_of(names.get(item.key, item.key), lanes)
                lane = open_lanes[number]
                lane.items.append(item)
                lane.size += len(item.raw)
                if len(lane.items) >= settings().chunk_items or lane.size >= settings().chunk_bytes:
                    writer.store((job_id, chunks, number), lane.items)
                    open_lanes[number] = _Lane()
                    chunks += 1
        for number, lane in enumerate(open_lanes):
            if lane.items:
                writer.store((job_id, chunks, number), lane.items)
                chunks += 1
    return total, chunks


def _store_one_lane(session: Session, job_id: int, batches: Iterable[list[Item]]) -> tuple[int, int]:
    total = chunks = 0
    for batch in batches:
        if any(item.group is not None for item in batch):
            raise Grouped
        store_chunk(session, (job_id, chunks, 0), batch)
        total, chunks = total + len(batch), chunks + 1
    return total, chunks


def _names_of_rids(session: Session, batch: list[Item]) -> dict[Key, Key]:
    """Return what records the rids of a batch name, so that both spellings of a record share a lane."""
    rids = [item.key for item in batch if isinstance(item.key, int) and 0 <= item.key < 2**63]
    if not rids:
        return {}
    return {row[0]: row[1] for row in driver(session).execute(KEYS, (rids,)).fetchall()}


def _lane_of(key: str | int | None, lanes: int) -> int:
    return 0 if key is None else zlib.crc32(str(key).encode("utf-8", "surrogatepass")) % lanes


def set_totals(session: Session, job_id: int, totals: Mapping[str, int]) -> None:
    """Say how much there is to do, and wake the dispatcher. A job without items is done at once."""
    connection = driver(session)
    connection.execute(TOTALS, {**totals, "job_id": job_id, "small": settings().small_items})
    if totals["chunks"] == 0:
        connection.execute(START, (job_id,))
        connection.execute(SETTLE, (job_id,))
        announce_end(session, job_id)
    else:
        announce_job(session, job_id)
    ring(session, job_id)


def submit_selection(
    session: Session, principal: Principal, submission: Submission, selection: Selection, space: Space | None = None
) -> Job:
    """Resolve and freeze a selection, and store a job over its members; each item once, unknown ids as items of their own.

    A selection that is too large, or larger than `max_affected`, ends as a rejected job. A test gives a plan; with its token
    nothing is stored unless the members are what they were. Raises InvalidPlan, PlanChanged.
    """
    job_id, token, earlier = new_job(session, principal, submission, {"selection": _json(dump_selection(selection))})
    if earlier:
        return earlier
    try:
        total = _freeze(session, principal, submission, (selection, space))
    except (SelectionTooLarge, TooManyAffected, GroupTooLarge, PreviewTooLarge) as refused:
        _reject(session, job_id, refused)
        return get_job(session, principal, str(token))
    most = (space and space.lanes) or settings().lanes
    atomic = bool(submission.params.get("atomic"))
    uncut = atomic or submission.whole
    items = max(total, 1) if uncut else settings().chunk_items
    lanes = 1 if total <= items else most
    frozen = {"job_id": job_id, "lanes": lanes, "items": items, "atomic": atomic, "uncut": uncut}
    chunks = driver(session).execute(FROZEN_CHUNKS.format(moments=space.moments if space else RECORDS), frozen).rowcount
    set_totals(session, job_id, {"total": total, "chunks": chunks, "lanes": lanes})
    if submission.params.get("test"):
        offer_plan(session, principal, (job_id, token), (submission.name, dump_selection(selection), submission.params))
    return get_job(session, principal, str(token))


def _freeze(session: Session, principal: Principal, submission: Submission, within: tuple[Selection, Space | None]) -> int:
    members = resolve.members(session, principal, *within)
    if submission.params.get("plan_token") is not None:
        asked = submission.name, dump_selection(within[0]), submission.params
        check_plan(session, open_plan(session, principal, asked), within[1])
    total: int = session.exec_driver_sql(f"SELECT count(*) FROM {members}").scalar_one()
    most = submission.params.get("max_affected")
    if most is not None and total > most:
        raise TooManyAffected(f"The selection has {total} members, more than max_affected.", limit=most, actual=total)
    limit = settings().limits.atomic_operations
    if submission.params.get("atomic") and total > limit:
        raise GroupTooLarge(f"{total} members stand and fall together, and the limit is {limit}.", limit=limit, actual=total)
    if submission.whole:
        check_preview("items", total, settings().limits.preview_items)
    return total


def _reject(session: Session, job_id: int, refused: Refused) -> None:
    error = {"error": {"code": refused.code, "detail": refused.detail, "pointer": refused.pointer, **refused.members}}
    driver(session).execute(
        "UPDATE jobs SET status = 'rejected', info = %s, finished_on = now(), updated_on = now() "
        "WHERE id = %s AND status = 'queued'",
        (_json(error), job_id),
    )
    announce_end(session, job_id)


def reject(session: Session, principal: Principal, submission: Submission, refused: Refused) -> Job:
    """Store a job that cannot start, with the reason under `info.error`."""
    job_id, token, earlier = new_job(session, principal, submission, {})
    if earlier:
        return earlier
    _reject(session, job_id, refused)
    return get_job(session, principal, str(token))
