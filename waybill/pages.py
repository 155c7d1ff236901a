"""Lists that come in pages: each page is asked for when the one before it was read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from waybill import flows, tables
from waybill.digest import Digest
from waybill.errors import Problem
from waybill.flows import BULK, Patience
from waybill.values import JobState, Result
from waybill.wire import Flow, Request, get, post

T = TypeVar("T")


@dataclass
class Pager(Generic[T]):
    """A place in a list. `ask` makes the request for a cursor, `read` gives a page's items; `empty_ends` one that grows."""

    ask: Callable[[str | None], Request]
    read: Callable[[Any], Sequence[T]]
    empty_ends: bool = False
    cursor: str | None = None
    done: bool = field(default=False, init=False)

    def next(self, patience: Patience) -> Flow[Sequence[T]]:
        """Return the next page."""
        body = yield from flows.value(self.ask(self.cursor), patience)
        items = self.read(body)
        self.cursor = _cursor(body)
        self.done = self.cursor is None or (self.empty_ends and not items)
        return items


def _cursor(body: Mapping[str, Any]) -> str | None:
    """Return the next page's cursor, which each face puts in its own place."""
    place = body if "page.cursor" in body else body.get("result", {})
    found: str | None = place.get("page.cursor")
    return found


def record_pager(selection: Sequence[Any], parameters: Mapping[str, Any]) -> Pager[dict[str, Any]]:
    """Return the list of a selection's records."""
    asked = {name: value for name, value in parameters.items() if value is not None} | {"selection": list(selection)}

    def read(body: Any) -> list[dict[str, Any]]:
        return [body["data"]["records"][name] for name in body["result"]["records"]]

    return Pager(lambda cursor: post(f"{BULK}get", {**asked, "page.cursor": cursor}), read)


def result_pager(token: str, query: Mapping[str, Any], first: int = 0, line: int = 0) -> Pager[Result]:
    """Return the list of a job's outcomes, whose items are those from `first` on of all that were sent."""

    def read(body: Any) -> list[Result]:
        return [_moved(Result.parse(entry), first, line) for entry in body["results"]]

    return Pager(lambda cursor: get(flows.results(token), **query, **{"page.cursor": cursor}), read, empty_ends=True)


def _moved(result: Result, first: int, line: int) -> Result:
    if not first and not line:
        return result
    return replace(result, index=result.index + first, line=None if result.line is None else result.line + line)


def job_pager(query: Mapping[str, Any]) -> Pager[JobState]:
    """Return the list of one's jobs."""
    return Pager(
        lambda cursor: get("/api/jobs", **query, **{"page.cursor": cursor}), lambda body: [*map(JobState.parse, body["jobs"])]
    )


def digest_of(made: Digest, token: str, patience: Patience, moved: tuple[int, int]) -> Flow[None]:
    """Add what became of a job to a digest, in the server's words; a server that makes none is asked for the outcomes."""
    try:
        body = yield from flows.value(get(f"/api/jobs/{token}/digest"), patience)
    except Problem as problem:
        if problem.status != HTTPStatus.NOT_FOUND:
            raise
    else:
        made.take(body, *moved)
        return
    pager = result_pager(token, {"page.size": 1_000}, *moved)
    while not pager.done:
        for result in (yield from pager.next(patience)):
            made.add(result)


class Pages(Generic[T]):
    """Items to be looped over, as often as one likes; each loop asks anew. Lists follow each other."""

    def __init__(self, run: Callable[[Flow[Any]], Any], patience: Patience, lists: Sequence[Callable[[], Pager[T]]]) -> None:
        self._run = run
        self._patience = patience
        self._lists = lists

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[Sequence[T]]:
        """Give the items as they come, a page at a time."""
        for begin in self._lists:
            pager = begin()
            while not pager.done:
                yield self._run(pager.next(self._patience))

    def to_pandas(self) -> Any:
        """Return all items as a pandas DataFrame, a column for each key. Raises MissingPackage."""
        return tables.to_pandas(map(tables.row, self))

    def to_polars(self) -> Any:
        """Return all items as a polars DataFrame, a column for each key. Raises MissingPackage."""
        return tables.to_polars(map(tables.row, self))


class AsyncPages(Generic[T]):
    """Items to be looped over with `async for`, as often as one likes; each loop asks anew."""

    def __init__(
        self, run: Callable[[Flow[Any]], Awaitable[Any]], patience: Patience, lists: Sequence[Callable[[], Pager[T]]]
    ) -> None:
        self._run = run
        self._patience = patience
        self._lists = lists

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page:
                yield item

    async def pages(self) -> AsyncIterator[Sequence[T]]:
        """Give the items as they come, a page at a time."""
        for begin in self._lists:
            pager = begin()
            while not pager.done:
                yield await self._run(pager.next(self._patience))

    async def to_pandas(self) -> Any:
        """Return all items as a pandas DataFrame, a column for each key. Raises MissingPackage."""
        return tables.to_pandas([tables.row(item) async for item in self])

    async def to_polars(self) -> Any:
        """Return all items as a polars DataFrame, a column for each key. Raises MissingPackage."""
        return tables.to_polars([tables.row(item) async for item in self])
