"""Submitting: one transaction stores a job with all its chunks; the broker has no part in it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any
from uuid import UUID

import msgspec
import psycopg.errors

from models import ids
from models.db import Session, driver
from models.errors import IdempotencyKeyInFlight, IdempotencyKeyReused, Refused, SelectionTooLarge, TooManyAffected
from models.identity.principal import Principal
from models.jobs.ledger import CHANNEL, SETTLE, START
from models.jobs.reads import get_job
from models.jobs.values import Item, Job, Submission
from models.selection import resolve
from models.selection.grammar import Selection, dump_selection
from models.settings import settings

INSERT_JOB = """
INSERT INTO jobs (token, tenant, submitter_id, name, queue, params, selection, tags, status, info, parent_id,
    idempotency_key, body_digest)
VALUES (%(token)s, %(tenant)s, %(submitter_id)s, %(name)s, 'bulk', %(params)s, %(selection)s, %(tags)s, %(status)s, %(info)s,
    %(parent_id)s, %(idempotency_key)s, %(body_digest)s)
ON CONFLICT (submitter_id, idempotency_key) DO NOTHING RETURNING id
"""
INSERT_CHUNK = """
INSERT INTO chunks (job_id, no, lane, size, indexes, lines, refs, payload) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
FROZEN_CHUNKS = """
INSERT INTO chunks (job_id, no, lane, size, indexes, payload)
SELECT %(job_id)s, part, part %% %(lanes)s, count(*), array_agg(seq ORDER BY seq),
    convert_to(json_agg(coalesce(to_json(record_id), to_json(target)) ORDER BY seq)::text, 'UTF8')
FROM (SELECT seq, record_id, target, seq / %(items)s AS part FROM members) parts GROUP BY part
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

    Raises what reading the items raises, IdempotencyKeyReused for another body, IdempotencyKeyInFlight while the first
    request with this key is still being stored.
    """
    job_id, token, earlier = new_job(session, principal, submission, {})
    if earlier:
        return earlier
    batches = _batches(items)
    begun = list(islice(batches, 2))
    lanes = 1 if len(begun) < 2 else settings().lanes
    total, chunks = _store_chunks(session, job_id, chain(begun, batches), lanes)
    set_totals(session, job_id, {"total": total, "chunks": chunks, "lanes": lanes})
    return get_job(session, principal, str(token))


def new_job(
    session: Session, principal: Principal, submission: Submission, more: Mapping[str, Any]
) -> tuple[int, UUID, Job | None]:
    """Insert a job without chunks yet; `more` overrides columns. Returns its id and token, or the job that has the key."""
    token = ids.new_token()
    fingerprint = _fingerprint(submission)
    values: dict[str, Any] = {
        "token": token, "tenant": principal.tenant, "submitter_id": principal.user_id, "name": submission.name,
        "params": _json(submission.params), "selection": None, "tags": list(submission.tags), "status": "queued",
        "info": "{}", "parent_id": None, "idempotency_key": submission.idempotency_key, "body_digest": fingerprint,
    }  # fmt: skip
    try:
        row = driver(session).execute(INSERT_JOB, values | dict(more)).fetchone()
    except psycopg.errors.LockNotAvailable as error:
        raise IdempotencyKeyInFlight("The first request with this Idempotency-Key is still being stored.") from error
    if row is None:
        return 0, token, _earlier(session, principal, submission.idempotency_key, fingerprint)
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


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut the stream into pieces small enough to hold, by number and by bytes."""
    batch: list[Item] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item.raw)
        if len(batch) >= settings().chunk_items or size >= settings().chunk_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _store_chunks(session: Session, job_id: int, batches: Iterable[list[Item]], lanes: int) -> tuple[int, int]:
    open_lanes = [_Lane() for _ in range(lanes)]
    total = chunks = 0
    for batch in batches:
        names = _names_of_rids(session, batch) if lanes > 1 else {}
        total += len(batch)
        for item in batch:
            number = _lane_of(names.get(item.key, item.key), lanes)
            lane = open_lanes[number]
            lane.items.append(item)
            lane.size += len(item.raw)
            if len(lane.items) >= settings().chunk_items or lane.size >= settings().chunk_bytes:
                _store_chunk(session, (job_id, chunks, number), lane)
                open_lanes[number] = _Lane()
                chunks += 1
    for number, lane in enumerate(open_lanes):
        if lane.items:
            _store_chunk(session, (job_id, chunks, number), lane)
            chunks += 1
    return total, chunks


def _names_of_rids(session: Session, batch: list[Item]) -> dict[str | int | None, str | int | None]:
    """Return what records the rids of a batch name, so that both spellings of a record share a lane."""
    rids = [item.key for item in batch if isinstance(item.key, int) and 0 <= item.key < 2**63]
    if not rids:
        return {}
    return {row[0]: row[1] for row in driver(session).execute(KEYS, (rids,)).fetchall()}


def _lane_of(key: str | int | None, lanes: int) -> int:
    return zlib.crc32(str(key).encode("utf-8", "surrogatepass")) % lanes if lanes > 1 and key is not None else 0


def _store_chunk(session: Session, place: tuple[int, int, int], lane: _Lane) -> None:
    items = lane.items
    lines = [item.line for item in items] if items[0].line is not None else None
    refs = [item.ref for item in items] if any(item.ref is not None for item in items) else None
    payload = b"[" + b",".join([item.raw for item in items]) + b"]"
    values = (*place, len(items), [item.index for item in items], lines, refs, payload)
    driver(session).execute(INSERT_CHUNK, values)


def set_totals(session: Session, job_id: int, totals: Mapping[str, int]) -> None:
    """Say how much there is to do, and wake the dispatcher. A job without items is done at once."""
    connection = driver(session)
    connection.execute(TOTALS, {**totals, "job_id": job_id, "small": settings().small_items})
    if totals["chunks"] == 0:
        connection.execute(START, (job_id,))
        connection.execute(SETTLE, (job_id,))
    connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def submit_selection(session: Session, principal: Principal, submission: Submission, selection: Selection) -> Job:
    """Resolve and freeze a selection, and store a job over its members; each record once, unknown ids as items of their own.

    A selection that is too large, or larger than `max_affected`, ends as a rejected job.
    """
    job_id, token, earlier = new_job(session, principal, submission, {"selection": _json(dump_selection(selection))})
    if earlier:
        return earlier
    try:
        total = _freeze(session, principal, submission, selection)
    except (SelectionTooLarge, TooManyAffected) as refused:
        _reject(session, job_id, refused)
        return get_job(session, principal, str(token))
    lanes = 1 if total <= settings().chunk_items else settings().lanes
    frozen = {"job_id": job_id, "lanes": lanes, "items": settings().chunk_items}
    chunks = driver(session).execute(FROZEN_CHUNKS, frozen).rowcount
    set_totals(session, job_id, {"total": total, "chunks": chunks, "lanes": lanes})
    return get_job(session, principal, str(token))


def _freeze(session: Session, principal: Principal, submission: Submission, selection: Selection) -> int:
    members = resolve.members(session, principal, selection)
    total: int = session.exec_driver_sql(f"SELECT count(*) FROM {members}").scalar_one()
    most = submission.params.get("max_affected")
    if most is not None and total > most:
        raise TooManyAffected(f"The selection has {total} members, more than max_affected.", limit=most, actual=total)
    return total


def _reject(session: Session, job_id: int, refused: Refused) -> None:
    error = {"error": {"code": refused.code, "detail": refused.detail, "pointer": refused.pointer, **refused.members}}
    driver(session).execute(
        "UPDATE jobs SET status = 'rejected', info = %s, finished_on = now(), updated_on = now() "
        "WHERE id = %s AND status = 'queued'",
        (_json(error), job_id),
    )


def reject(session: Session, principal: Principal, submission: Submission, refused: Refused) -> Job:
    """Store a job that cannot start, with the reason under `info.error`."""
    job_id, token, earlier = new_job(session, principal, submission, {})
    if earlier:
        return earlier
    _reject(session, job_id, refused)
    return get_job(session, principal, str(token))
