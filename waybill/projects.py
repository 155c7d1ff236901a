"""A project's records, assets and schema items over selections: `client.project(gid)`.

An entry of a selection is a gid, a `search(..., language="en")`, or `children(gid)`. What both kinds of clients promise is
written once; they differ in what comes back: a job, or what has to be awaited for one.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from waybill import flows
from waybill.aiojobs import AsyncJob, AsyncRunner
from waybill.jobs import Job, Runner
from waybill.pages import AsyncPages, Pager, Pages
from waybill.pieces import Piece
from waybill.values import as_selection
from waybill.wire import Request, keyed, post

KINDS = ("records", "assets", "schema")
ITEMS = {"records": "records", "assets": "assets", "schema": "schema_items"}
J = TypeVar("J")


def address(project: str, kind: str, verb: str) -> str:
    """Return where something is done to a selection of a project's items. Raises ValueError for kinds that there are not."""
    if kind not in KINDS:
        raise ValueError(f"a project has {', '.join(KINDS)}, and no {kind!r}")
    return f"/api/p/{quote(project, safe='')}/{kind}/bulk/{verb}"


def _reading(project: str, kind: str, selection: Any, parameters: Mapping[str, Any]) -> Callable[[str | None], Request]:
    asked = {name: value for name, value in parameters.items() if value is not None} | {"selection": as_selection(selection)}

    def ask(cursor: str | None) -> Request:
        return post(address(project, kind, "get"), asked | ({"page.cursor": cursor} if cursor else {}))

    return ask


def item_pager(project: str, kind: str, selection: Any, parameters: Mapping[str, Any]) -> Pager[dict[str, Any]]:
    """Return the list of a selection's records or assets."""
    return Pager(
        _reading(project, kind, selection, parameters),
        lambda body: [body["data"][kind][gid] for gid in body["result"][ITEMS[kind]]],
    )


class Verbs(ABC, Generic[J]):
    """What can be done with a selection; each gives a job.

    All take `test` (nothing is changed), `max_affected` (refused where there are more), `on_drift` ("apply" or "skip"),
    `allow_all` (for a search without a query), `tags` and `kind`: "records" unless it is said to be "assets" or "schema".
    """

    gid: str

    def bulk(self, verb: str, selection: Any, *, kind: str = "records", key: str | None = None, **parameters: Any) -> J:
        """Run an operation over a selection by its name in the API, such as "duplicate" or "channels_set"."""
        given = {name: value for name, value in parameters.items() if value is not None}
        body = {"selection": as_selection(selection), **given}
        return self._send(post(address(self.gid, kind, verb), body, keyed(key or str(uuid.uuid4()))))

    @abstractmethod
    def _send(self, request: Request) -> J:
        """Send what becomes a job."""

    def delete(self, selection: Any, **parameters: Any) -> J:
        """Delete items softly, with all that is below them."""
        return self.bulk("delete", selection, **parameters)

    def undelete(self, selection: Any, **parameters: Any) -> J:
        """Take deletions back, with all that each took along."""
        return self.bulk("undelete", selection, **parameters)

    def permanent_delete(self, selection: Any, **parameters: Any) -> J:
        """Remove deleted items for good. This is not undone."""
        return self.bulk("permanent_delete", selection, **parameters)

    def move(self, selection: Any, parent: str, **parameters: Any) -> J:
        """Hang items below another one; `before_record` and `ordering` say where."""
        return self.bulk("move", selection, parent=parent, **parameters)

    def link(self, selection: Any, parent: str, **parameters: Any) -> J:
        """Hang links to records below a parent."""
        return self.bulk("link", selection, parent=parent, **parameters)

    def update(self, selection: Any, fields: Mapping[str, Mapping[str, Any]], **parameters: Any) -> J:
        """Give records the same values: `{"en": {"title": "..."}}`, a language and in it fields by name or gid."""
        return self.bulk("update", selection, fields=dict(fields), **parameters)

    def publish(self, selection: Any, channels: Iterable[str] = (), **parameters: Any) -> J:
        """Publish records, and set them on in channels."""
        return self.bulk("publish", selection, channels=list(channels), **parameters)


class Project(Verbs[Job]):
    """A project, for programs that wait."""

    def __init__(self, client: Runner, gid: str) -> None:
        self._client = client
        self.gid = gid

    def __repr__(self) -> str:
        return f"Project({self.gid!r})"

    def _send(self, request: Request) -> Job:
        return Job(self._client, Piece(self._client.run(flows.send(request, self._client.patience))))

    def items(self, selection: Any, *, kind: str = "records", size: int = 100, allow_all: bool = False) -> Pages[dict[str, Any]]:
        """Return the records or assets of a selection, each once, in the selection's order."""
        asked = {"page.size": size, "allow_all": allow_all or None}
        return Pages(self._client.run, self._client.patience, [lambda: item_pager(self.gid, kind, selection, asked)])

    def count(self, selection: Any, *, kind: str = "records", allow_all: bool = False) -> int:
        """Return how many items a selection has."""
        asked = {"page.size": 1, "allow_all": allow_all or None}
        request = _reading(self.gid, kind, selection, asked)(None)
        return _size(self._client.run(flows.value(request, self._client.patience)), kind)


class AsyncProject(Verbs[Awaitable[AsyncJob]]):
    """A project, for programs that run many things at once."""

    def __init__(self, client: AsyncRunner, gid: str) -> None:
        self._client = client
        self.gid = gid

    def __repr__(self) -> str:
        return f"AsyncProject({self.gid!r})"

    async def _send(self, request: Request) -> AsyncJob:
        return AsyncJob(self._client, Piece(await self._client.run(flows.send(request, self._client.patience))))

    def items(
        self, selection: Any, *, kind: str = "records", size: int = 100, allow_all: bool = False
    ) -> AsyncPages[dict[str, Any]]:
        """Return the records or assets of a selection, each once, in the selection's order."""
        asked = {"page.size": size, "allow_all": allow_all or None}
        return AsyncPages(self._client.run, self._client.patience, [lambda: item_pager(self.gid, kind, selection, asked)])

    async def count(self, selection: Any, *, kind: str = "records", allow_all: bool = False) -> int:
        """Return how many items a selection has."""
        asked = {"page.size": 1, "allow_all": allow_all or None}
        request = _reading(self.gid, kind, selection, asked)(None)
        return _size(await self._client.run(flows.value(request, self._client.patience)), kind)


def _size(body: Any, kind: str) -> int:
    return int(body["result"][f"{ITEMS[kind]}.size"])
