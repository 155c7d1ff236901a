"""What the server says, as values. Members that are not named here stay in `raw`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

FINAL = ("done", "rejected")
COUNTS = ("total", "remaining", "succeeded", "failed", "skipped", "noop", "cancelled")
OUTCOMES = ("succeeded", "noop", "failed", "skipped", "cancelled")


@dataclass(frozen=True, slots=True)
class JobState:
    """How a job stands. `raw` is the whole answer, `pause` the seconds to wait before asking again."""

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

    def pause_after(self, looks: int) -> float:
        """Return how long to wait after so many looks: small jobs are over soon, of others the server says."""
        return min(self.pause, 0.1 * 2.0 ** min(looks, 10))

    @property
    def finished(self) -> int:
        """Items that have an outcome."""
        return self.total - self.remaining

    @property
    def error(self) -> Mapping[str, Any] | None:
        """Why the job was rejected."""
        found: Mapping[str, Any] | None = (self.raw.get("info") or {}).get("error")
        return found

    @property
    def paused(self) -> bool:
        """Say whether it was asked to pause and nothing of it is worked on any more."""
        left = [body for body in self._bodies() if body["status"] not in FINAL]
        return bool(left) and all(body.get("paused") for body in left)

    @property
    def pausing(self) -> bool:
        """Say whether it was asked to pause and something of it has still to end."""
        return any(body.get("pause_requested") and not body.get("paused") for body in self._bodies())

    @property
    def pace(self) -> int | None:
        """Return how many items a second it may do; None where it is as many as it can."""
        found = [body["pace"] for body in self._bodies() if body.get("pace")]
        return sum(found) if found else None

    def _bodies(self) -> Sequence[Mapping[str, Any]]:
        return self.raw.get("parts") or [self.raw]

    @classmethod
    def parse(cls, body: Mapping[str, Any], pause: float = 1.0) -> JobState:
        """Return a state from the answer of `GET /api/jobs/<token>`."""
        counts = {name: int(body[name]) for name in COUNTS}
        return cls(str(body["token"]), str(body["status"]), body["outcome"], raw=body, pause=pause, **counts)

    def dump(self) -> dict[str, Any]:
        """Return it as JSON, without what only the client needs."""
        named = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("raw", "pause")}
        return named | {"error": self.error} if self.error else named


def merged(states: Sequence[JobState]) -> JobState:
    """Return how several jobs stand that were one submission; one alone stays what it is."""
    if len(states) == 1:
        return states[0]
    counts = {name: sum(getattr(state, name) for state in states) for name in COUNTS}
    raw = {"parts": [state.raw for state in states]}
    pause = max((state.pause for state in states if not state.final), default=1.0)
    status, outcome = _status(states), _outcome(states)
    return JobState(" ".join(state.token for state in states), status, outcome, raw=raw, pause=pause, **counts)


def _status(states: Sequence[JobState]) -> str:
    found = {state.status for state in states}
    if len(found) == 1:
        return found.pop()
    return "done" if found <= set(FINAL) else "processing"


def _outcome(states: Sequence[JobState]) -> str | None:
    if not all(state.final for state in states):
        return None
    found = {state.outcome for state in states if state.outcome}
    if "cancelled" in found:
        return "cancelled"
    return found.pop() if len(found) == 1 else "partial" if found else None


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

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table: one level, without the record."""
        error = self.error or {}
        place = {"index": self.index, "line": self.line, "ref": self.ref, "id": self.id}
        why = {name: error.get(name) for name in ("code", "pointer", "detail")}
        return place | {"status": self.status, "word": self.word} | why


@dataclass(frozen=True, slots=True)
class File:
    """A file of an export."""

    no: int
    name: str
    rows: int
    bytes: int
    sha256: str
    url: str

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> File:
        """Return a file from an entry of `GET /api/jobs/<token>/files`."""
        return cls(**{name: body[name] for name in cls.__slots__})


def search(
    q: str | None = None,
    filter: Sequence[Any] | None = None,  # noqa: A002 - the wire's word
    *,
    exclude: Iterable[Any] = (),
    language: str | None = None,
) -> dict[str, Any]:
    """Return a selection's entry: what a query finds, less some ids. `filter` is such as `["gene_symbol", "is", "TP53"]`.

    `language` is for projects, whose words are looked for in one language.
    """
    asked = {name: value for name, value in (("q", q), ("filter", filter), ("language", language)) if value is not None}
    return {"search": asked} | _without(exclude)


def children(
    parent: str, *, channel: str | None = None, ordering: str | None = None, exclude: Iterable[Any] = ()
) -> dict[str, Any]:
    """Return a selection's entry: what is right below a record or folder of a project, less some gids."""
    asked = {"children": parent, "channel": channel, "ordering": ordering}
    return {name: value for name, value in asked.items() if value is not None} | _without(exclude)


def _without(exclude: Iterable[Any]) -> dict[str, Any]:
    left_out = list(exclude)
    return {"exclude": left_out} if left_out else {}


def as_selection(selection: Any) -> list[Any]:
    """Return a selection as the server reads it: an id or a search alone is a list of one."""
    return [selection] if isinstance(selection, str | int | Mapping) else list(selection)
