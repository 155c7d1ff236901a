"""Error codes: of refusals (their classes say what each means), and of outcomes; what to do about each is in `remedies.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from docs.generators.markdown import code, heading, table
from models.errors import Refused
from web import answers

REMEDIES = Path(__file__).with_name("remedies.toml")


@dataclass(frozen=True)
class Code:
    """One code. `status` is that of an answer that carries it, none for what only items end with."""

    name: str
    status: int | None
    meaning: str
    remedy: str


def refusals() -> dict[str, str]:
    """Return the meaning of each code that a request may be refused with."""
    found = {kind.code: " ".join((kind.__doc__ or "").split()) for kind in _below(Refused)}
    return dict(sorted(found.items(), key=lambda entry: (answers.status_of(entry[0]), entry[0])))


def _below(kind: type[Refused]) -> Iterator[type[Refused]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _below(child)


def read() -> list[Code]:
    """Return all codes, by status."""
    written = tomllib.loads(REMEDIES.read_text(encoding="utf-8"))
    remedies, items = written["refusals"], written["items"]
    of_requests = [Code(name, answers.status_of(name), text, remedies.get(name, "")) for name, text in refusals().items()]
    return of_requests + [Code(name, None, one["meaning"], one["remedy"]) for name, one in sorted(items.items())]


def pages() -> Iterator[str]:
    """Give a table for each status, and one for items."""
    found = read()
    for status in sorted({one.status for one in found if one.status}):
        yield from heading(f"{status} {HTTPStatus(status).phrase}", label=f"status-{status}")
        yield from _table([one for one in found if one.status == status])
    yield from heading("Only of items", label="codes-of-items")
    yield from ("These end an item of a job; no answer as a whole has them.", "")
    yield from _table([one for one in found if one.status is None])


def _table(members: list[Code]) -> Iterator[str]:
    rows = ((f"[{code(one.name)}]{{#error-{one.name.replace('_', '-')}}}", one.meaning, one.remedy) for one in members)
    yield from table(("code", "what it means", "what to do"), rows)
