"""What is the same in all ways to submit: how a submission is cut, named, and told of in errors."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypedDict

from waybill import flows, uploads
from waybill.errors import Problem, WaybillError
from waybill.flows import Patience
from waybill.parts import Cut, Packer, Part, Sending
from waybill.wire import Flow

USUAL = ("operations", "body_bytes")
NOTHING = Cut(0, 0)


class How(TypedDict, total=False):
    """What may be said about a submission; `Client.submit` tells what it means."""

    run: str | None
    test: bool
    atomic: bool
    tags: Sequence[str]
    import_id: str | None
    in_order: bool
    cut: Cut | None
    resumable: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asked of one submission."""

    run: str
    test: bool = False
    atomic: bool = False
    tags: tuple[str, ...] = ()
    import_id: str | None = None
    resumable: bool = False

    @property
    def sending(self) -> Sending:
        """How its parts are sent."""
        beside = {"tags": list(self.tags), "import_id": self.import_id}
        return Sending(self.run, self.test, self.atomic, {name: value for name, value in beside.items() if value})


def read(how: How) -> tuple[Asked, bool, Cut | None]:
    """Return what was asked of a submission, whether its parts wait for each other, and how it is to be cut."""
    run, tags = how.get("run") or str(uuid.uuid4()), tuple(how.get("tags", ()))
    asked = Asked(run, how.get("test", False), how.get("atomic", False), tags, how.get("import_id"), how.get("resumable", False))
    return asked, how.get("in_order", True), how.get("cut")


def packer(limits: Mapping[str, Any], asked: Asked, cut: Cut | None = None) -> Packer:
    """Return what makes parts of the operations; where they are to be resumable, each part is an upload however small it is."""
    offered = "upload_operations" in limits
    posted = NOTHING if asked.resumable else Cut(int(limits["operations"]), int(limits["body_bytes"])) if offered else None
    return Packer(cut or largest_cut(limits, atomic=asked.atomic), asked.sending.envelope, whole=asked.atomic, posted=posted)


def largest_cut(limits: Mapping[str, Any], *, atomic: bool = False) -> Cut:
    """Return how much one part may hold: as much as one upload, so that a submission is one job but for the very largest."""
    names = ("atomic_operations", "atomic_bytes") if atomic else ("upload_operations", "upload_unpacked_bytes")
    operations, size = (limits.get(name) or limits[usual] for name, usual in zip(names, USUAL, strict=True))
    return Cut(int(operations), int(size))


def sent(part: Part, asked: Asked, patience: Patience, moved: uploads.Moved | None = None) -> Flow[str]:
    """Send a part, in the way that suits its size; return the token of its job."""
    request = part.request(asked.sending)
    return uploads.send(request, patience, moved) if part.large else flows.send(request, patience)


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
