"""What the doors hand to the ledger and get back from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from models import ids
from models.errors import Gone


class JobStatus(StrEnum):
    """queued -> processing -> done, or queued -> rejected; never back."""

    QUEUED = "queued"
    PROCESSING = "processing"
    DONE = "done"
    REJECTED = "rejected"


class JobOutcome(StrEnum):
    """How a done job ended, seen over its items."""

    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({JobStatus.DONE, JobStatus.REJECTED})


Key: TypeAlias = str | int | None
"""What decides an item's lane: a record's name or number, None where it names none that could repeat."""


FASTEST = 1_000_000  # items a second that a pace may say
LONGEST_GROUP = 200
UNFIT = re.compile("[\x00\ud800-\udfff]")


def group_name(value: object) -> str | None:
    """Return the name of a group, which is a text or a whole number; None for what can be none."""
    text = str(value) if type(value) is int and abs(value) < 10**LONGEST_GROUP else value
    fits = isinstance(text, str) and 0 < len(text) <= LONGEST_GROUP and not UNFIT.search(text)
    return str(text) if fits else None


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a bulk body, as it was sent.

    `key` is what decides the item's lane: `"org/lab/record"`, an int rid, or None where the item names no record that could
    repeat (no id, an unreadable one, or a lab alone). `line` counts from 1 in a line-based body, None in others. Items of one
    `group` are all applied or none is.
    """

    index: int
    raw: bytes
    key: str | int | None = None
    ref: str | None = None
    line: int | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A job that a client asks for. `body_digest` is the SHA-256 of the body as received (decompressed).

    `project_id` is the project of a job of the project face, whose members see it; `parent_id` is the job that this one retries
    or undoes. `whole` makes one chunk of it that is never parted. `pace` is in items a second, None as fast as it goes.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    idempotency_key: str | None = None
    body_digest: bytes | None = None
    project_id: int | None = None
    parent_id: int | None = None
    whole: bool = False
    pace: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its owner sees it. `queue_position` counts from 1 among the tenant's jobs that wait for their turn.

    Once it has `paused_on`, nothing of it is worked on; `pause_requested` alone means that a chunk has still to end.
    """

    id: int
    token: UUID
    name: str
    status: JobStatus
    outcome: JobOutcome | None
    total: int
    succeeded: int
    failed: int
    skipped: int
    noop: int
    cancelled: int
    tags: tuple[str, ...]
    info: Mapping[str, Any]
    parent_token: UUID | None
    cancel_requested: bool
    attempts: int  # claims of chunks so far, repeats included
    chunks_total: int
    stalled: bool
    queue_position: int | None
    created_on: datetime
    updated_on: datetime
    started_on: datetime | None
    finished_on: datetime | None
    purged_on: datetime | None
    test: bool = False  # nothing of it is stored but how it ends
    pause_requested: bool = False
    paused_on: datetime | None = None
    pace: int | None = None  # items a second
    replayed: bool = False  # this answer repeats an earlier submission with the same idempotency key

    @property
    def remaining(self) -> int:
        """Items without an outcome yet."""
        return self.total - self.succeeded - self.failed - self.skipped - self.noop - self.cancelled

    @property
    def final(self) -> bool:
        """Say whether nothing can change any more."""
        return self.status in FINAL

    def check_kept(self, what: str) -> None:
        """Raise Gone where what the job holds, such as its items, was purged."""
        if self.purged_on:
            raise Gone(f"The {what} of this job were purged.", purged_on=ids.iso(self.purged_on))


@dataclass(frozen=True, slots=True)
class Result:
    """One item's outcome, with the object a single call would have answered where the item has one."""

    index: int
    status: str
    id: str | None = None
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None  # {"code", "detail", "pointer"}
    line: int | None = None
    ref: str | None = None
