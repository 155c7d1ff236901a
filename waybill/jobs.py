"""A job in the hands of a program that waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Protocol

from waybill import flows, receipts
from waybill.digest import Digest
from waybill.events import Event, Follower, follow, listen, shifted
from waybill.flows import Patience
from waybill.pages import Pages
from waybill.pieces import Pieces, asked, paced
from waybill.receipts import Receipt
from waybill.transport import Transport
from waybill.values import JobState, Result
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


class Job(Pieces[Runner]):
    """What was submitted at once. A submission that is too large for one job of the server is several, which act as one here."""

    @property
    def state(self) -> JobState:
        """How it stood when it was last asked about; it is asked about now where it never was."""
        return self._told() if self._states.keys() >= set(self.tokens) else self.refresh()

    def refresh(self) -> JobState:
        """Ask how it stands."""
        return self._client.run(self._refreshed())

    def watch(self) -> Iterator[JobState]:
        """Follow it to its end: gives how it stands at each change as the server tells it, else at each look at it."""
        state = self.refresh()
        for looks in count():
            yield state
            if state.final:
                return
            if listener := self._listener():
                for told in listen(self._client.transport, listener):
                    yield self._took(listener.token, told)
            time.sleep(state.pause_after(looks))
            state = self.refresh()

    def wait(self, timeout: float | None = None, *, progress: bool = False) -> JobState:
        """Return how it ended. Raises TimeoutError where it does not end within `timeout` seconds.

        `progress` shows a bar, where there is a terminal to show it on.
        """
        states = self.watch() if timeout is None else self._until(time.monotonic() + timeout)
        if progress:
            from waybill import show

            return show.follow(show.console(), self.tokens[0][:8], states)
        return [state for state in states if state.final][-1]

    def _until(self, end: float) -> Iterator[JobState]:
        """Look at it until it has ended or the time is over; a stream would not let go in time."""
        for looks in count():
            state = self.refresh()
            yield state
            if state.final:
                return
            if time.monotonic() > end:
                raise TimeoutError(f"{state.remaining} items of {self!r} are left")
            time.sleep(state.pause_after(looks))

    def results(self, status: str | None = None, *, size: int = 1_000) -> Pages[Result]:
        """Return the outcomes in the order of the operations; those of a job that still runs end where they end now."""
        return Pages(self._client.run, self._client.patience, self._outcomes({"page.size": size, "status": status}))

    def failures(self, *, size: int = 1_000) -> Pages[Result]:
        """Return the outcomes of what failed."""
        return self.results("failed", size=size)

    def digest(self) -> Digest:
        """Return what became of it in a few lines: counts, and each cause of failure with examples."""
        return self._client.run(self._digested())

    def receipt(self) -> Receipt:
        """Return the signed receipt of a job that has ended. Raises ValueError where the submission is several jobs."""
        return self._client.run(receipts.fetch(self.token, self._client.patience))

    def save_ledger(self, target: str | Path) -> None:
        """Write the ledger that the receipt is about to a file: a line for each item."""
        self._client.download(receipts.ledger(self.token), Path(target))

    def cancel(self) -> JobState:
        """Ask it to stop; operations without an outcome end as cancelled."""
        return self._client.run(self._each(asked("cancel")))

    def pause(self) -> JobState:
        """Let it begin nothing more, until it is resumed; returns when nothing of it is worked on any more."""
        return self._client.run(self._each(flows.rest))

    def resume(self) -> JobState:
        """Let it go on where it was paused."""
        return self._client.run(self._each(asked("resume")))

    def pace(self, items: int | None) -> JobState:
        """Let it do so many operations a second, or as many as it can. A submission that is several jobs: each of them."""
        return self._client.run(self._each(paced(items)))

    def events(self, after: int = 0) -> Iterator[Event]:
        """Give the outcomes as they come, until it has ended, each once and whatever happens to the connection.

        They have numbers from 1 in the order in which they came, and come without records. `after` goes on behind one of these;
        a submission that is several jobs has each job's one after the other, and no such number. Raises ValueError.
        """
        for piece in self._behind(after):
            for event in follow(self._client.transport, self._client.patience, Follower(piece.token, after)):
                yield shifted(event, piece.first, piece.line)

    def retry(self, *, key: str | None = None) -> Job:
        """Run what failed again, as a job of its own."""
        return Job(self._client, *self._client.run(self._retried(key)))

    def undo(self, *, test: bool = False, key: str | None = None) -> Job:
        """Take back what it changed, as a job of its own: the last part first, each after the end of the one before."""
        return Job(self._client, *self._client.run(self._undone(key, test=test)))

    def purge(self) -> None:
        """Remove its items and outcomes; what it did stays done."""
        self._client.run(self._purged())
