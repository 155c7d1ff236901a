"""The outcomes of a job as they come: server-sent events that go on behind the last one seen when a connection breaks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from waybill.errors import Problem, Unreachable
from waybill.flows import Patience, Trouble, problem
from waybill.values import Result
from waybill.wire import Answer, Lost, Request

if TYPE_CHECKING:
    from waybill.aiotransport import AsyncTransport
    from waybill.transport import Transport

OVER = 204  # the server has nothing more to tell
AGAIN = 0.2  # seconds between two streams


@dataclass(frozen=True, slots=True)
class Event:
    """An outcome with its number in its job's ledger: they come by these, each once. It comes without the record."""

    token: str
    seq: int
    outcome: Result

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        outcome = asdict(self.outcome)
        del outcome["result"]
        return {"token": self.token, "seq": self.seq, **outcome}


@dataclass(slots=True)
class Follower:
    """Where one job is followed: the number of the last event that was seen, and what has come of the next."""

    token: str
    after: int = 0
    over: bool = False
    _rest: bytes = b""

    def request(self) -> Request:
        """Return what to ask for next."""
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity", "Last-Event-ID": str(self.after)}
        self._rest = b""
        return Request("GET", f"/api/jobs/{quote(self.token, safe='')}/events", {"outcomes": "true"}, headers)

    def check(self, answer: Answer) -> None:
        """Take the head of an answer. Raises Problem."""
        self.over = answer.status == OVER
        if answer.status >= 300:
            raise problem(answer)

    def take(self, piece: bytes) -> Iterator[Event]:
        """Give the events that a piece of the stream makes whole."""
        *blocks, self._rest = (self._rest + piece).split(b"\n\n")
        for block in blocks:
            said = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line and not line.startswith(b":"))
            if b"id" in said:
                self.after = int(said[b"id"])
            self.over = self.over or (said.get(b"event") == b"job" and b"id" in said)  # the end alone has a number
            if said.get(b"event") == b"outcome":
                body = json.loads(said[b"data"])
                yield Event(self.token, body["seq"], Result.parse(body))


def follow(transport: Transport, patience: Patience, follower: Follower) -> Iterator[Event]:
    """Give a job's outcomes as they come, until it has ended. Raises Problem and Unreachable."""
    trouble = Trouble(patience)
    while not follower.over:
        try:
            with transport.stream(follower.request()) as (answer, pieces):
                follower.check(answer)
                for piece in pieces:
                    trouble.over()
                    yield from follower.take(piece)
            if not follower.over:
                time.sleep(AGAIN)
        except (Lost, Problem, Unreachable) as error:
            time.sleep(trouble.pause(_named(error)))


async def follow_async(transport: AsyncTransport, patience: Patience, follower: Follower) -> AsyncIterator[Event]:
    """Do the same as `follow`."""
    trouble = Trouble(patience)
    while not follower.over:
        try:
            async with transport.stream(follower.request()) as (answer, pieces):
                follower.check(answer)
                async for piece in pieces:
                    trouble.over()
                    for event in follower.take(piece):
                        yield event
            if not follower.over:
                await asyncio.sleep(AGAIN)
        except (Lost, Problem, Unreachable) as error:
            await asyncio.sleep(trouble.pause(_named(error)))


def _named(error: Lost | Problem | Unreachable) -> Problem | Unreachable:
    return Unreachable(str(error)) if isinstance(error, Lost) else error


def shifted(event: Event, first: int, line: int) -> Event:
    """Return an event of a part with the places that its item has in the whole submission."""
    outcome = event.outcome
    moved = replace(outcome, index=outcome.index + first, line=None if outcome.line is None else outcome.line + line)
    return replace(event, outcome=moved)
