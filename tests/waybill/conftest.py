"""The stub server, and the two clients behind one face: what one promises, the other keeps."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waybill import stub
from waybill import AsyncClient, AsyncProject, AsyncWebhooks, Client, Patience
from waybill.aiojobs import AsyncJob
from waybill.pages import AsyncPages

QUICK = Patience(seconds=5, first=0.001, longest=0.01)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own settings out of the tests, and the tests out of the user's home."""
    for name in ("URL", "KEY", "PROFILE", "CONFIG", "PATIENCE"):
        monkeypatch.delenv(f"WAYBILL_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def server() -> Iterator[stub.Server]:
    with stub.running() as made:
        yield made


class Plain:
    """An asynchronous object as a synchronous one: every call waits for its end."""

    def __init__(self, inner: Any, runner: asyncio.Runner) -> None:
        self._inner = inner
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return (lambda *words, **named: self._told(found(*words, **named))) if callable(found) else self._told(found)

    def __iter__(self) -> Iterator[Any]:
        async def gather() -> list[Any]:
            return [item async for item in self._inner]

        return iter(self._runner.run(gather()))

    def _told(self, found: Any) -> Any:
        if inspect.isawaitable(found):

            async def wait() -> Any:
                return await found

            return self._told(self._runner.run(wait()))
        wrapped = isinstance(found, AsyncJob | AsyncPages | AsyncProject | AsyncWebhooks) or inspect.isasyncgen(found)
        return Plain(found, self._runner) if wrapped else found


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, server: stub.Server) -> Iterator[Any]:
    """A client of the stub that is not patient for long."""
    if request.param == "sync":
        with Client(server.url, "a key", patience=QUICK) as made:
            yield made
        return
    with asyncio.Runner() as runner:
        client = AsyncClient(server.url, "a key", patience=QUICK)
        yield Plain(client, runner)
        runner.run(client.close())
