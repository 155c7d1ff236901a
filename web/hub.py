"""Waiting readers of the feed and followers of jobs, thousands of them with one thread a process.

A request that waits is authenticated and answered as any other, up to its head; then its connection is taken over from the web
server and given to a loop that writes the rest when there is something to say. One listening connection tells the loop whom a
change concerns; all of those are read for together, a few statements for hundreds. What a notification misses, a look every now
and then finds.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any

import structlog

from models import ids
from models.db import DATABASE_ERRORS, transaction
from models.feed.changes import CHANNEL as FEED
from models.feed.changes import number
from models.jobs.announcing import CHANNEL as JOBS
from models.listening import listen
from models.settings import settings
from web.desks import Desk, Found, Waiting
from web.pace import Places

log = structlog.get_logger()

GATHERING = 0.01  # seconds in which changes are gathered before they are read
BREATH = 0.1  # seconds between two looks at a job, which may change with each of its items
LOOK_EVERY = 15.0  # seconds until a reader is looked after without a notification; a stream hears something as often
TICK = 0.5
PAUSE = 1.0  # seconds after an error, before a part of the loop goes on
BATCH = 500  # readers read for together
BEHIND = 1_000_000  # bytes that a client may have left unread before it is cut off
WAITING = "waiting"  # what the feed says where changes have no number yet
OPENING = b"\r\nretry: 1000\n\n"  # the end of the head, and milliseconds until a client whose stream ended comes again
HEARTBEAT = b": still here\n\n"


class _Connection(asyncio.Protocol):
    """The client's side: what it sends is not listened to, that it goes is."""

    def __init__(self, hub: Hub, waiting: Waiting) -> None:
        self.hub = hub
        self.waiting = waiting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.waiting.transport = transport  # type: ignore[assignment]
        self.hub.enter(self.waiting)

    def pause_writing(self) -> None:
        self.waiting.full = True

    def resume_writing(self) -> None:
        self.waiting.full = False
        self.hub.wake([self.waiting])

    def connection_lost(self, exc: Exception | None) -> None:
        self.hub.leave(self.waiting)


class Hub:
    """The loop of one process."""

    def __init__(self) -> None:
        self.places = Places(settings().web_waiting)
        self.loop = asyncio.new_event_loop()
        self.pool = ThreadPoolExecutor(1, "feed")
        self.all: set[Waiting] = set()
        self.by_audience: defaultdict[str, set[Waiting]] = defaultdict(set)
        self.due: set[Waiting] = set()
        self.soon: set[Waiting] = set()
        self.unnumbered = False
        self.rung = asyncio.Event()
        self.main = self.loop.create_task(self._live())
        self.thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Wait for nobody any longer."""
        self.loop.call_soon_threadsafe(self.main.cancel)
        self.thread.join()

    def take_over(self, connection: socket.socket, waiting: Waiting) -> None:
        """Wait on with a connection that this process's web server holds; it is left with one that nobody is behind."""
        own = socket.socket(fileno=os.dup(connection.fileno()))
        near, far = socket.socketpair()
        with near, far:
            os.dup2(near.fileno(), connection.fileno())
        own.setblocking(False)
        asyncio.run_coroutine_threadsafe(self._connect(own, waiting), self.loop)

    async def _connect(self, connection: socket.socket, waiting: Waiting) -> None:
        try:
            waiting.audiences = await self._in_pool(lambda: waiting.desk.audiences(waiting.reader))
            await self.loop.create_connection(lambda: _Connection(self, waiting), sock=connection)
        except Exception as error:  # also a bug's: nobody waits for this call, and the place would stay taken
            log.warning("reader_lost", error=type(error).__name__, exc_info=not isinstance(error, (OSError, *DATABASE_ERRORS)))
            connection.close()
            self.places.leave()

    def enter(self, waiting: Waiting) -> None:
        """Begin to wait. What came since the reader's position is looked for at once."""
        now = ids.monotonic()
        waiting.until, waiting.looked = now + waiting.seconds, now
        self.all.add(waiting)
        for audience in waiting.audiences:
            self.by_audience[audience].add(waiting)
        if waiting.stream:
            self._write(waiting, waiting.head + OPENING)
        self.wake([waiting])

    def leave(self, waiting: Waiting) -> None:
        """Forget a reader that has gone."""
        self.all.discard(waiting)
        self.due.discard(waiting)
        self.soon.discard(waiting)
        for audience in waiting.audiences:
            self.by_audience[audience].discard(waiting)
            if not self.by_audience[audience]:
                del self.by_audience[audience]
        self.places.leave()

    def wake(self, whom: Iterable[Waiting]) -> None:
        """Read for these, as soon as it is their turn."""
        self.due.update(whom)
        self.rung.set()

    def _look_for(self, whom: Iterable[Waiting]) -> None:
        """Read for these although nothing was heard: also what has no number yet, as that may have been missed too."""
        self.unnumbered = True
        self.wake(whom)

    def _wake_soon(self, whom: Iterable[Waiting]) -> None:
        if not self.soon:
            self.loop.call_later(BREATH, self._wake_now)
        self.soon.update(whom)

    def _wake_now(self) -> None:
        self.wake(self.soon)
        self.soon.clear()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        with suppress(asyncio.CancelledError):
            self.loop.run_until_complete(self.main)
        self.pool.shutdown()
        self.loop.close()

    async def _live(self) -> None:
        await asyncio.gather(*(self._keep(part) for part in (self._listen, self._serve, self._watch)))

    async def _keep(self, part: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Go on with a part for ever. An error, of the database or a bug's, costs a pause."""
        while True:
            try:
                await part()
            except DATABASE_ERRORS as error:
                log.warning("hub_waits", error=type(error).__name__)
            except Exception:
                log.exception("hub_failed")
            await asyncio.sleep(PAUSE)
            self._look_for(self.all)

    async def _listen(self) -> None:
        async for told in listen(FEED, JOBS):
            if told is None:
                self._look_for(self.all)
            else:
                self._told(*told)

    def _told(self, channel: str, audience: str) -> None:
        if channel == JOBS:
            if followers := self.by_audience.get(f"job {audience}"):
                self._wake_soon(followers)
        elif audience == WAITING:
            self.unnumbered = True
            self.rung.set()
        elif audience in self.by_audience:
            self.wake(self.by_audience[audience])

    async def _serve(self) -> None:
        """Read for all who are due, and write."""
        while True:
            await self.rung.wait()
            await asyncio.sleep(GATHERING)
            self.rung.clear()
            if self.unnumbered and self.all:
                self.unnumbered = False
                await self._in_pool(_number)
            while batch := list(islice(self.due, BATCH)):
                self.due.difference_update(batch)
                ready = [waiting for waiting in batch if not waiting.full]
                for desk in {waiting.desk for waiting in ready}:
                    await self._look_after(desk, [waiting for waiting in ready if waiting.desk is desk])

    async def _look_after(self, desk: Desk, batch: Sequence[Waiting]) -> None:
        """Read for some. A bug on the way costs them their connections, and the others nothing."""
        try:
            await self._read_for(desk, batch)
        except DATABASE_ERRORS:
            raise
        except Exception:
            log.exception("readers_failed", readers=len(batch))
            for waiting in batch:
                if waiting.transport:
                    waiting.transport.abort()

    async def _read_for(self, desk: Desk, batch: Sequence[Waiting]) -> None:
        asked = [(waiting.reader, waiting.position) for waiting in batch]
        for waiting, found in zip(batch, await self._in_pool(lambda: desk.read(asked)), strict=True):
            waiting.looked = ids.monotonic()
            if found is False:
                self._end(waiting)
            elif found and waiting in self.all:
                self._deliver(waiting, found)

    def _deliver(self, waiting: Waiting, found: Found) -> None:
        if not waiting.stream:
            self._end(waiting, found.news)
            return
        self._write(waiting, waiting.tell(waiting, found.news))
        waiting.position = found.position
        if found.over:
            self._end(waiting)
        elif found.more:
            self.wake([waiting])

    def _end(self, waiting: Waiting, news: Any = None) -> None:
        """Give an answer, which may be that there is nothing; a stream just ends, and its client comes again."""
        if not waiting.stream and waiting in self.all:
            self._write(waiting, waiting.tell(waiting, news))
        self.all.discard(waiting)
        if waiting.transport:
            waiting.transport.close()

    def _write(self, waiting: Waiting, data: bytes) -> None:
        if waiting.transport is None or waiting.transport.is_closing():
            return
        waiting.transport.write(data)
        if waiting.transport.get_write_buffer_size() > BEHIND:
            waiting.transport.abort()

    async def _watch(self) -> None:
        """End what has waited long enough; look after those that nothing was heard of for a while."""
        while True:
            await asyncio.sleep(TICK)
            now = ids.monotonic()
            for waiting in [waiting for waiting in self.all if waiting.until <= now]:
                if waiting.full and waiting.transport:
                    waiting.transport.abort()  # it has not read for long: what is left would wait for it for ever
                self._end(waiting)
            quiet = [waiting for waiting in self.all if now - waiting.looked > LOOK_EVERY]
            for waiting in quiet:
                waiting.looked = now
                if waiting.stream:
                    self._write(waiting, HEARTBEAT)
            if quiet:
                self._look_for(quiet)

    async def _in_pool(self, work: Callable[[], Any]) -> Any:
        return await self.loop.run_in_executor(self.pool, work)


def _number() -> None:
    with transaction() as session:
        number(session)


_hubs: dict[int, Hub] = {}
_making = threading.Lock()


def hub() -> Hub:
    """Return this process's hub, made when it is first needed: a thread does not survive a fork."""
    with _making:
        if os.getpid() not in _hubs:
            _allow_many_files()
            _hubs[os.getpid()] = Hub()
        return _hubs[os.getpid()]


def _allow_many_files() -> None:
    """Take as many open files as the system gives: each waiting reader is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings().web_waiting + 1_000
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
