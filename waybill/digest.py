"""What became of a job in a few lines: how many of what, and each cause of failure once, with examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from waybill.values import Result

EXAMPLES = 3
PLACES = ("index", "line")


@dataclass(slots=True)
class Cause:
    """One kind of failure. `retryable` says whether the same operations may succeed later, None where nobody said."""

    code: str
    count: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    pointer: str | None = None
    retryable: bool | None = None

    def add(self, result: Result) -> None:
        """Count an item; keep the first few as examples."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            error = result.error or {}
            place = {"index": result.index, "line": result.line, "id": result.id}
            self.examples.append(place | {"pointer": error.get("pointer"), "detail": error.get("detail")})

    def dump(self) -> dict[str, Any]:
        """Return the cause as JSON."""
        named = {"code": self.code, "count": self.count, "examples": self.examples}
        more = {"pointer": self.pointer, "retryable": self.retryable}
        return named | {name: value for name, value in more.items() if value is not None}


@dataclass(slots=True)
class Digest:
    """Counts over a job's outcomes. `words` counts what happened to records, `messages` what else was said about them."""

    words: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    causes: dict[str, Cause] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """Count an outcome."""
        self.words[result.word] += 1
        self.messages.update(message["code"] for message in (result.result or {}).get("patch_messages", ()))
        if result.error:
            code = str(result.error.get("code"))
            self.causes.setdefault(code, Cause(code)).add(result)

    def take(self, body: Mapping[str, Any], first: int = 0, line: int = 0) -> None:
        """Add the server's digest of one job, whose items come after `first` others and its lines after `line` others."""
        for entry in body.get("causes", ()):
            code, pointer = str(entry["code"]), entry.get("pointer")
            cause = self.causes.setdefault(f"{code} {pointer or ''}", Cause(code, pointer=pointer))
            cause.count += int(entry["count"])
            cause.retryable = entry.get("retryable", cause.retryable)
            room = EXAMPLES - len(cause.examples)
            cause.examples += [_moved(example, first, line) for example in entry.get("examples", ())[:room]]

    @property
    def sorted_causes(self) -> list[Cause]:
        """The causes, the most frequent first."""
        return sorted(self.causes.values(), key=lambda cause: (-cause.count, cause.code))

    def dump(self) -> dict[str, Any]:
        """Return the digest as JSON, the most frequent first."""
        return {
            "records": dict(self.words.most_common()),
            "messages": dict(self.messages.most_common()),
            "causes": [cause.dump() for cause in self.sorted_causes],
        }


def _moved(example: Any, first: int, line: int) -> dict[str, Any]:
    shown = dict(example) if isinstance(example, Mapping) else {"line": example}
    for name, before in zip(PLACES, (first, line), strict=True):
        if isinstance(shown.get(name), int):
            shown[name] += before
    return shown


def digest(results: Iterable[Result]) -> Digest:
    """Return the digest of outcomes, which are read one by one."""
    made = Digest()
    for result in results:
        made.add(result)
    return made
