"""A job in the hands of a program that waits."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from waybill import flows, receipts
from waybill.digest import Digest
from waybill.events import Event, Follower, follow, shifted
from waybill.flows import Patience
from waybill.pages import Pager, Pages, digest_of, result_pager
from waybill.receipts import Receipt
from waybill.transport import Transport
from waybill.values import JobState, Result, merged
from waybill.wire import Flow, Request, T


class Runner(Protocol):
    """What a job needs of its client."""

    patience: Patience
    transport: Transport

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        ...

    def download(self, request: Request, target: Path) -> None:
        """Write what a request is answered with to a file."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """One job of those that a submission became: its token, and how many operations and lines came before it."""

    token: str
    first: int = 0
    line: int = 0


class Job:
    """What was submitted at once. A submission that is too large for one job of the server is several, which act as one here."""

    def __init__(self, client: Runner, *pieces: Piece) -> None:
        self._client = client
        self.pieces = list(pieces)
        self._states: dict[str, JobState] = {}

    def __repr__(self) -> str:
        return f"Job({', '.join(self.tokens)})"

    @property
    def tokens(self) -> list[str]:
        """The tokens, in the order of what was sent."""
        return [piece.token for piece in self.pieces]

    @property
    def token(self) -> str:
        """The token of a submission that is one job. Raises ValueError where it is several."""
        if len(self.pieces) != 1:
            raise ValueError(f"this submission is {len(self.pieces)} jobs; see `tokens`")
        return self.pieces[0].token

    @property
    def state(self) -> JobState:
        """How it stood when it was last asked about; it is asked about now where it never was."""
        return merged([self._states.get(token) or self._look(token) for token in self.tokens])

    def refresh(self) -> JobState:
        """Ask how it stands."""
        for token in self.tokens:
            if token not in self._states or not self._states[token].final:
                self._look(token)
        return self.state

    def watch(self) -> Iterator[JobState]:
        """Follow it to its end: gives its state at each look, as often as the server allows."""
        state = self.refresh()
        for looks in count():
            yield state
            if state.final:
                return
            time.sleep(state.pause_after(looks))
            state = self.refresh()

    def wait(self, timeout: float | None = None, *, progress: bool = False) -> JobState:
        """Return how it ended. Raises TimeoutError where it does not end within `timeout` seconds.

        `progress` shows a bar, where there is a terminal to show it on.
        """
        states = self._until(None if timeout is None else time.monotonic() + timeout)
        if progress:
            from waybill import show

            return show.follow(show.console(), self.tokens[0][:8], states)
        return [state for state in states if state.final][-1]

    def _until(self, end: float | None) -> Iterator[JobState]:
        for state in self.watch():
            yield state
            if not state.final and end is not None and time.monotonic() > end:
                raise TimeoutError(f"{state.remaining} items of {self!r} are left")

    def results(self, status: str | None = None, *, size: int = 1_000) -> Pages[Result]:
        """Return the outcomes in the order of the operations; those of a job that still runs end where they end now."""
        query = {"page.size": size, "status": status}
        lists = [outcomes(piece, query) for piece in self.pieces]
        return Pages(self._client.run, self._client.patience, lists)

    def failures(self, *, size: int = 1_000) -> Pages[Result]:
        """Return the outcomes of what failed."""
        return self.results("failed", size=size)

    def digest(self) -> Digest:
        """Return what became of it in a few lines: counts, and each cause of failure with examples."""
        made = Digest()
        for piece in self.pieces:
            self._client.run(digest_of(made, piece.token, self._client.patience, (piece.first, piece.line)))
        return made

    def receipt(self) -> Receipt:
        """Return the signed receipt of a job that has ended. Raises ValueError where the submission is several jobs."""
        return self._client.run(receipts.fetch(self.token, self._client.patience))

    def save_ledger(self, target: str | Path) -> None:
        """Write the ledger that the receipt is about to a file: a line for each item."""
        self._client.download(receipts.ledger(self.token), Path(target))

    def cancel(self) -> JobState:
        """Ask it to stop; operations without an outcome end as cancelled."""
        for token in self.tokens:
            self._states[token] = self._client.run(flows.change(token, "cancel", self._client.patience))
        return self.state

    def pause(self) -> JobState:
        """Let it begin nothing more, until it is resumed; returns when nothing of it is worked on any more."""
        for token in self.tokens:
            self._states[token] = self._client.run(flows.rest(token, self._client.patience))
        return self.state

    def resume(self) -> JobState:
        """Let it go on where it was paused."""
        for token in self.tokens:
            self._states[token] = self._client.run(flows.change(token, "resume", self._client.patience))
        return self.state

    def pace(self, items: int | None) -> JobState:
        """Let it do so many operations a second, or as many as it can. A submission that is several jobs: each of them."""
        for token in self.tokens:
            self._states[token] = self._client.run(flows.set_pace(token, items, self._client.patience))
        return self.state

    def events(self, after: int = 0) -> Iterator[Event]:
        """Give the outcomes as they come, until it has ended, each once and whatever happens to the connection.

        They have numbers from 1 in the order in which they came, and come without records. `after` goes on behind one of these;
        a submission that is several jobs has each job's one after the other, and no such number. Raises ValueError.
        """
        for piece in self.pieces if after == 0 else [Piece(self.token)]:
            for event in follow(self._client.transport, self._client.patience, Follower(piece.token, after)):
                yield shifted(event, piece.first, piece.line)

    def retry(self, *, key: str | None = None) -> Job:
        """Run what failed again, as a job of its own."""
        named = key or str(uuid.uuid4())
        failed = [piece for piece in self.pieces if self._final(piece).failed]
        again = failed or self.pieces[:1]  # the server says why there is nothing to run again
        children = [self._child(piece, "retry", f"{named}-{number}") for number, piece in enumerate(again)]
        return Job(self._client, *children)

    def undo(self, *, test: bool = False, key: str | None = None) -> Job:
        """Take back what it changed, as a job of its own: the last part first, each after the end of the one before."""
        named = key or str(uuid.uuid4())
        changed = [piece for piece in self.pieces if self._final(piece).succeeded]
        undoing = Job(self._client)
        for number, piece in enumerate(reversed(changed or self.pieces[:1])):
            if undoing.pieces and not test:
                undoing.wait()
            undoing.pieces.append(self._child(piece, "undo", f"{named}-{number}", {"test": True} if test else None))
        return undoing

    def purge(self) -> None:
        """Remove its items and outcomes; what it did stays done."""
        for token in self.tokens:
            self._client.run(flows.purge(token, self._client.patience))

    def _look(self, token: str) -> JobState:
        state = self._states[token] = self._client.run(flows.job(token, self._client.patience))
        return state

    def _final(self, piece: Piece) -> JobState:
        known = self._states.get(piece.token)
        return known if known and known.final else self._look(piece.token)

    def _child(self, piece: Piece, verb: str, key: str, body: Any = None) -> Piece:
        token = self._client.run(flows.child(piece.token, verb, key, self._client.patience, body))
        return Piece(token, piece.first, piece.line)


def outcomes(piece: Piece, query: dict[str, Any]) -> Callable[[], Pager[Result]]:
    """Return what begins the list of a piece's outcomes."""
    return lambda: result_pager(piece.token, query, piece.first, piece.line)
