"""What became of a job in a few lines: how many of what, and each cause of failure once, with examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from waybill.values import Result

EXAMPLES = 3


@dataclass(slots=True)
class Cause:
    """One kind of failure."""

    code: str
    count: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count an item; keep the first few as examples."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            error = result.error or {}
            place = {"index": result.index, "line": result.line, "id": result.id}
            self.examples.append(place | {"pointer": error.get("pointer"), "detail": error.get("detail")})


@dataclass(slots=True)
class Digest:
    """Counts over a job's outcomes. `words` counts what happened to records, `messages` what else was said about them."""

    words: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    causes: dict[str, Cause] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """Return the digest as JSON, the most frequent first."""
        causes = sorted(self.causes.values(), key=lambda cause: (-cause.count, cause.code))
        return {
            "records": dict(self.words.most_common()),
            "messages": dict(self.messages.most_common()),
            "causes": [asdict(cause) for cause in causes],
        }


def digest(results: Iterable[Result]) -> Digest:
    """Return the digest of outcomes, which are read one by one."""
    made = Digest()
    for result in results:
        made.words[result.word] += 1
        made.messages.update(message["code"] for message in (result.result or {}).get("patch_messages", ()))
        if result.error:
            code = str(result.error.get("code"))
            made.causes.setdefault(code, Cause(code)).add(result)
    return made
