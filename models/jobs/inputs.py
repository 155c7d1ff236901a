"""What a client sent: the items of a job as they came in, by their index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from models.db import Session, driver
from models.jobs.payloads import unpack
from models.jobs.values import Job

CHUNKS = "SELECT payload, indexes, lines, refs FROM chunks WHERE job_id = %s AND indexes && %s::integer[] ORDER BY no"


@dataclass(frozen=True, slots=True)
class Input:
    """One item as it was sent; of a job over a selection, what names the item."""

    index: int
    text: str
    line: int | None
    ref: str | None


def list_inputs(session: Session, job: Job, indexes: Sequence[int]) -> list[Input]:
    """Return those of these items that the job has, by index. Raises Gone where they were purged."""
    job.check_kept("items")
    wanted = set(indexes)
    chunks = driver(session).execute(CHUNKS, (job.id, list(wanted)))
    found = (one for payload, *columns in chunks for one in _of_chunk(payload, columns, wanted))
    return sorted(found, key=lambda one: one.index)


def _of_chunk(payload: bytes, columns: Sequence[Sequence[Any] | None], wanted: set[int]) -> Iterator[Input]:
    raws = unpack(payload)
    indexes, lines, refs = (column or [None] * len(raws) for column in columns)
    for raw, index, line, ref in zip(raws, indexes, lines, refs, strict=True):
        if index in wanted:
            yield Input(index, raw.decode("utf-8", "replace"), line, ref)
