"""Receipts: what a job was given and what became of it, as two digests that anybody can compute again, under a signature.

The input's digest is the SHA-256 of the items as they were sent, without blanks around them, in their order, a line feed behind
each: for lines, that of the file itself. The ledger's is the SHA-256 of the lines that `ledger_lines` gives. Neither depends on
how a job was cut into chunks.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from models import ids
from models.db import Session, driver
from models.errors import Gone, NotFinished
from models.jobs.payloads import unpack
from models.jobs.signing import sign
from models.jobs.values import Job
from models.strictness import BLANKS

PAGE = 5_000  # rows of the ledger that are read at once
ROWS = """
SELECT index, line, ref, status, target, record_id, version, code, detail, pointer,
    encode(sha256(convert_to(info::text, 'UTF8')), 'hex')
FROM outcomes WHERE job_id = %s AND index > %s ORDER BY index LIMIT %s
"""
CHUNKS = "SELECT no, (SELECT min(at) FROM unnest(indexes) AS every (at)) AS first FROM chunks WHERE job_id = %s ORDER BY first"
CHUNK = "SELECT indexes, payload FROM chunks WHERE job_id = %s AND no = %s"
FACTS = """
SELECT j.params, j.selection, u.username FROM jobs j LEFT JOIN users u ON u.id = j.submitter_id
WHERE j.id = %s AND j.purged_on IS NULL FOR SHARE OF j
"""
KEEP = "INSERT INTO receipts (job_id, jws) VALUES (%s, %s) ON CONFLICT (job_id) DO NOTHING"
PURGED = "The items and outcomes of this job were purged, so that no receipt can be made of them any more."


class Error(msgspec.Struct):
    """Why an item was not done."""

    code: str
    detail: str | None
    pointer: str | None


class Line(msgspec.Struct):
    """A row of the ledger as it is written down. `answer` is the digest of what the item's answer is made of."""

    index: int
    line: int | None
    ref: str | None
    status: str
    id: str | None
    rid: int | None
    version: float | None
    error: Error | None
    answer: str | None


class Facts(msgspec.Struct):
    """What a receipt says, in this order."""

    receipt: int
    token: UUID
    job: str
    submitter: str | None
    params: Any
    selection: Any
    parent: UUID | None
    status: str
    outcome: str | None
    counts: dict[str, int]
    created_on: datetime
    started_on: datetime | None
    finished_on: datetime | None
    input: dict[str, Any]
    ledger: dict[str, Any]
    issued_on: datetime


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest and how many things it is of."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Place:
    """A chunk and the first index in it."""

    no: int
    first: int


def digest_of(pieces: Iterable[bytes]) -> Digest:
    """Return the digest of pieces, each with its line feed."""
    seal, count = hashlib.sha256(), 0
    for piece in pieces:
        seal.update(piece)
        count += 1
    return Digest(count, seal.hexdigest())


def ledger_lines(session: Session, job: Job, after: int) -> tuple[int, list[bytes]]:
    """Return the ledger's lines behind an index, and the index of the last; none are left where none come.

    Raises Gone where they were purged, NotFinished while more may come.
    """
    if not job.final:
        raise NotFinished("The ledger of a job is closed when the job has ended.")
    job.check_kept("outcomes")
    rows = driver(session).execute(ROWS, (job.id, after, PAGE)).fetchall()
    return (rows[-1][0] if rows else after), [_line(*row) for row in rows]


def _line(*row: Any) -> bytes:
    index, line, ref, status, target, rid, version, code, detail, pointer, answer = row
    moment = None if version is None else ids.version_number(version)
    error = Error(code, detail, pointer) if code else None
    return msgspec.json.encode(Line(index, line, ref, status, target, rid, moment, error, answer)) + b"\n"


def list_chunks(session: Session, job: Job) -> list[Place]:
    """Return a job's chunks by the first index in each."""
    return [Place(no, first) for no, first in driver(session).execute(CHUNKS, (job.id,)).fetchall()]


def read_chunk(session: Session, job: Job, no: int) -> list[tuple[int, bytes]]:
    """Return a chunk's items with their indexes. Raises Gone where it was purged meanwhile."""
    row = driver(session).execute(CHUNK, (job.id, no)).fetchone()
    if row is None:
        raise Gone(PURGED)
    return sorted(zip(row[0], unpack(row[1]), strict=True))


def in_order(chunks: Sequence[Place], read: Callable[[int], list[tuple[int, bytes]]]) -> Iterator[bytes]:
    """Yield the items of all chunks by their index, each as a line. Only chunks that overlap are held at the same time."""
    held: list[tuple[int, int, bytes, Iterator[tuple[int, bytes]]]] = []
    waiting = iter(chunks)
    following = next(waiting, None)
    while held or following:
        while following and (not held or following.first < held[0][0]):
            _push(held, following.no, iter(read(following.no)))
            following = next(waiting, None)
        _, no, raw, rest = heapq.heappop(held)
        yield raw.strip(BLANKS) + b"\n"
        _push(held, no, rest)


def _push(held: list[tuple[int, int, bytes, Iterator[tuple[int, bytes]]]], no: int, rest: Iterator[tuple[int, bytes]]) -> None:
    found = next(rest, None)
    if found is not None:
        heapq.heappush(held, (found[0], no, found[1], rest))


def find_receipt(session: Session, job: Job) -> str | None:
    """Return the receipt that was issued for a job."""
    row = driver(session).execute("SELECT jws FROM receipts WHERE job_id = %s", (job.id,)).fetchone()
    return str(row[0]) if row else None


def issue(session: Session, job: Job, given: Digest, ledger: Digest) -> str:
    """Sign and keep a job's receipt; return the one that was kept first. Raises Gone where the job was purged meanwhile."""
    row = driver(session).execute(FACTS, (job.id,)).fetchone()
    if row is None:
        raise Gone(PURGED)
    params, selection, submitter = row
    names = ("total", "succeeded", "failed", "skipped", "noop", "cancelled")
    facts = Facts(
        1, job.token, job.name, submitter, params, selection, job.parent_token, job.status, job.outcome,
        {name: getattr(job, name) for name in names}, job.created_on, job.started_on, job.finished_on,
        {"kind": "operations" if selection is None else "members", "items": given.count, "sha256": given.sha256},
        {"rows": ledger.count, "sha256": ledger.sha256}, ids.now(),
    )  # fmt: skip
    driver(session).execute(KEEP, (job.id, sign(session, msgspec.json.encode(facts))))
    return find_receipt(session, job) or ""
