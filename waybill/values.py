"""What the server says, as values. Members that are not named here stay in `raw`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FINAL = ("done", "rejected")


class Problem(Exception):
    """A request that was refused. `code` is stable; `body` is the whole problem document."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.body = body
        self.code = str(body.get("code", "unknown"))
        self.detail = str(body.get("detail", ""))
        super().__init__(f"{status} {self.code}: {self.detail}".rstrip(": "))


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its owner reads it. `raw` is the whole answer, `pause` the seconds to wait before asking again."""

    token: str
    status: str
    outcome: str | None
    total: int
    remaining: int
    succeeded: int
    failed: int
    skipped: int
    noop: int
    cancelled: int
    raw: Mapping[str, Any]
    pause: float = 1.0

    @property
    def final(self) -> bool:
        """Say whether nothing can change any more."""
        return self.status in FINAL

    @property
    def finished(self) -> int:
        """Items that have an outcome."""
        return self.total - self.remaining

    @classmethod
    def parse(cls, body: Mapping[str, Any], pause: float = 1.0) -> Job:
        """Return a job from the answer of `GET /api/jobs/<token>`."""
        counts = {name: int(body[name]) for name in COUNTS}
        return cls(str(body["token"]), str(body["status"]), body["outcome"], raw=body, pause=pause, **counts)


COUNTS = ("total", "remaining", "succeeded", "failed", "skipped", "noop", "cancelled")


@dataclass(frozen=True, slots=True)
class Result:
    """One item's outcome. `error` has code, detail and pointer; `result` is the record as a single call would have answered."""

    index: int
    status: str
    id: str | None
    line: int | None
    ref: str | None
    result: Mapping[str, Any] | None
    error: Mapping[str, Any] | None

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Result:
        """Return an outcome from an entry of `GET /api/jobs/<token>/results`."""
        members: dict[str, Any] = {name: body.get(name) for name in cls.__slots__}
        return cls(**members)

    @property
    def word(self) -> str:
        """What happened, in one word: `created`, `updated`, `unchanged` and the like, else the outcome's status."""
        return str((self.result or {}).get("status", self.status))
