"""What is the same in all ways to submit: how a submission is cut, named, and told of in errors."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypedDict

from waybill.errors import Problem, WaybillError
from waybill.parts import Cut, Packer, Part, Sending


class How(TypedDict, total=False):
    """What may be said about a submission; `Client.submit` tells what it means."""

    run: str | None
    test: bool
    atomic: bool
    tags: Sequence[str]
    import_id: str | None
    in_order: bool
    cut: Cut | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asked of one submission."""

    run: str
    test: bool = False
    atomic: bool = False
    tags: tuple[str, ...] = ()
    import_id: str | None = None

    @property
    def sending(self) -> Sending:
        """How its parts are sent."""
        beside = {"tags": list(self.tags), "import_id": self.import_id}
        return Sending(self.run, self.test, self.atomic, {name: value for name, value in beside.items() if value})


def read(how: How) -> tuple[Asked, bool, Cut | None]:
    """Return what was asked of a submission, whether its parts wait for each other, and how it is to be cut."""
    run, tags = how.get("run") or str(uuid.uuid4()), tuple(how.get("tags", ()))
    asked = Asked(run, how.get("test", False), how.get("atomic", False), tags, how.get("import_id"))
    return asked, how.get("in_order", True), how.get("cut")


def packer(limits: Mapping[str, Any], asked: Asked, cut: Cut | None = None) -> Packer:
    """Return what makes parts of the operations."""
    return Packer(cut or largest_cut(limits, atomic=asked.atomic), asked.sending.envelope, whole=asked.atomic)


def largest_cut(limits: Mapping[str, Any], *, atomic: bool = False) -> Cut:
    """Return how much one part may hold."""
    before = "atomic_" if atomic else ""
    operations = limits.get(f"{before}operations", limits["operations"])
    size = limits.get("atomic_bytes") if atomic else None
    return Cut(int(operations), int(size or limits["body_bytes"]))


@contextmanager
def explained(part: Part, asked: Asked) -> Iterator[None]:
    """Let errors name the lines that the whole submission has, and say how to go on."""
    try:
        yield
    except WaybillError as error:
        raised = _moved(error, part) if isinstance(error, Problem) and part.number else error
        raised.add_note(f"{part.first} operations of run {asked.run!r} are stored; submit the same with that run to go on")
        raise raised from None


def _moved(problem: Problem, part: Part) -> Problem:
    errors = [dict(error) for error in problem.errors]
    for error in errors:
        for name, before in (("index", part.first), ("line", part.line)):
            if isinstance(error.get(name), int):
                error[name] += before
    return Problem(problem.status, {**problem.body, "errors": errors}, problem.retry_after)
