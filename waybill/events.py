"""A job as it goes on, by server-sent events: its outcomes, each once whatever breaks, or how it stands.

Outcomes come by the stream alone. How a job stands can be asked too, so a stream of states is given up where it tells nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from waybill.errors import Problem, Unreachable
from waybill.flows import Patience, Trouble, problem
from waybill.values import JobState, Result
from waybill.wire import Answer, Lost, Request

if TYPE_CHECKING:
    from waybill.aiotransport import AsyncTransport
    from waybill.transport import Transport

KIND = "text/event-stream"
OVER = 204  # the server has nothing more to tell
AGAIN = 0.2  # seconds between two streams
SILENCE = 40.0  # seconds after which a stream is cut off: the server says something every 15
TRIES = 3  # streams of states in a row without a word, behind which the job is only asked about


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
class Stream:
    """Where one job is followed: the number of the last event that was seen, and what has come of the next."""

    token: str
    after: int = 0
    over: bool = False
    _rest: bytes = b""

    def ask(self, query: Mapping[str, Any]) -> Request:
        """Return what to ask for next."""
        headers = {"Accept": KIND, "Accept-Encoding": "identity", "Last-Event-ID": str(self.after)}
        self._rest = b""
        return Request("GET", f"/api/jobs/{quote(self.token, safe='')}/events", query, headers, silence=SILENCE)

    def check(self, answer: Answer) -> None:
        """Take the head of an answer. Raises Problem."""
        self.over = answer.status == OVER
        if answer.status >= 300:
            raise problem(answer)
        if not self.over and not answer.headers.get("content-type", "").startswith(KIND):
            detail = "Is this a Waybill server? Its answer is no stream of events."
            raise Problem(answer.status, {"code": "no_stream", "detail": detail})

    def blocks(self, piece: bytes) -> Iterator[dict[bytes, bytes]]:
        """Give the fields of each event that a piece of the stream makes whole."""
        *blocks, self._rest = (self._rest + piece).split(b"\n\n")
        for block in blocks:
            said = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line and not line.startswith(b":"))
            if b"id" in said:
                self.after = int(said[b"id"])
            yield said


@dataclass(slots=True)
class Follower(Stream):
    """Where a job's outcomes are followed."""

    def request(self) -> Request:
        """Return what to ask for next."""
        return self.ask({"outcomes": "true"})

    def take(self, piece: bytes) -> Iterator[Event]:
        """Give the outcomes that a piece of the stream makes whole."""
        for said in self.blocks(piece):
            self.over = self.over or (said.get(b"event") == b"job" and b"id" in said)  # the end alone has a number
            if said.get(b"event") == b"outcome":
                body = json.loads(said[b"data"])
                yield Event(self.token, body["seq"], Result.parse(body))


@dataclass(slots=True)
class Listener(Stream):
    """Where it is followed how a job stands. Its end is not among what is given: an answer says more of it than an event."""

    tries: int = 0

    @property
    def hopeful(self) -> bool:
        """Say whether a stream may tell something."""
        return not self.over and self.tries < TRIES

    def request(self) -> Request:
        """Return what to ask for next."""
        self.tries += 1
        return self.ask({})

    def take(self, piece: bytes) -> Iterator[JobState]:
        """Give the states that a piece of the stream makes whole."""
        self.tries = 0
        for said in self.blocks(piece):
            if said.get(b"event") == b"job":
                state = JobState.parse(json.loads(said[b"data"]))
                self.over = state.final
                if not self.over:
                    yield state


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


def listen(transport: Transport, listener: Listener) -> Iterator[JobState]:
    """Give how a job stands at each change, as long as one stream tells it. Where it is refused or breaks off, it ends."""
    with suppress(Lost, Problem, Unreachable), transport.stream(listener.request()) as (answer, pieces):
        listener.check(answer)
        for piece in pieces:
            yield from listener.take(piece)
            if listener.over:
                return


async def listen_async(transport: AsyncTransport, listener: Listener) -> AsyncIterator[JobState]:
    """Do the same as `listen`."""
    with suppress(Lost, Problem, Unreachable):
        async with transport.stream(listener.request()) as (answer, pieces):
            listener.check(answer)
            async for piece in pieces:
                for state in listener.take(piece):
                    yield state
                if listener.over:
                    return


def _named(error: Lost | Problem | Unreachable) -> Problem | Unreachable:
    return Unreachable(str(error)) if isinstance(error, Lost) else error


def shifted(event: Event, first: int, line: int) -> Event:
    """Return an event of a part with the places that its item has in the whole submission."""
    outcome = event.outcome
    moved = replace(outcome, index=outcome.index + first, line=None if outcome.line is None else outcome.line + line)
    return replace(event, outcome=moved)
