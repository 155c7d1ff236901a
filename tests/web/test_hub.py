"""The hub, where it was deaf for a while and where something in it fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from web import hub as module
from web.desks import Desk, Waiting
from web.hub import LOOK_EVERY, Hub


@pytest.fixture
def start() -> Iterator[Callable[[], Hub]]:
    """Give what makes hubs, which are closed at the end."""
    made: list[Hub] = []

    def make() -> Hub:
        made.append(Hub())
        return made[-1]

    yield make
    for hub in made:
        hub.close()


def _reader() -> Waiting:
    return Waiting(Desk(lambda _: [], lambda asked: [None for _ in asked]), None, None, 60.0, stream=False, tell=lambda *_: b"")


def test_what_was_said_while_nobody_listened_is_numbered_at_once(
    start: Callable[[], Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard_again, numbered = threading.Event(), threading.Event()

    async def deaf_before(*_: str) -> AsyncIterator[None]:
        yield None  # the connection is new: what was said before is unknown
        heard_again.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "listen", deaf_before)
    monkeypatch.setattr(module, "_number", numbered.set)
    hub = start()
    assert heard_again.wait(5)

    hub.loop.call_soon_threadsafe(hub.enter, _reader())

    assert numbered.wait(LOOK_EVERY / 3)


class _Transport(asyncio.Transport):
    """A connection that tells when it was cut."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = threading.Event()

    def abort(self) -> None:
        self.cut.set()


async def _silence(*_: str) -> AsyncIterator[None]:
    await asyncio.Event().wait()
    yield None


def test_a_bug_costs_its_readers_their_connections_and_the_others_nothing(
    start: Callable[[], Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "listen", _silence)
    hub, read = start(), threading.Event()

    def fail(_: object) -> list[None]:
        raise LookupError

    def find(asked: list[object]) -> list[None]:
        read.set()
        return [None for _ in asked]

    for reading in (fail, find):
        desk, transport = Desk(lambda _: [], reading), _Transport()
        reader = Waiting(desk, None, None, 60.0, stream=False, tell=lambda *_: b"", transport=transport)
        hub.loop.call_soon_threadsafe(hub.enter, reader)
        if reading is fail:
            assert transport.cut.wait(5)

    assert read.wait(5)
    assert not transport.cut.is_set()


def test_a_bug_while_numbers_are_given_costs_a_pause(start: Callable[[], Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[None] = []
    numbered = threading.Event()

    def number() -> None:
        asked.append(None)
        if len(asked) == 1:
            raise LookupError
        numbered.set()

    monkeypatch.setattr(module, "listen", _silence)
    monkeypatch.setattr(module, "_number", number)
    monkeypatch.setattr(module, "PAUSE", 0.0)
    hub = start()

    hub.loop.call_soon_threadsafe(hub.enter, _reader())
    hub.loop.call_soon_threadsafe(hub._look_for, [])

    assert numbered.wait(5)
