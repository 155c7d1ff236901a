"""A job in the hands of a program that does other things meanwhile; `Job` says what each of these does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from waybill import flows, receipts
from waybill.digest import Digest
from waybill.events import Event, Follower, follow_async, listen_async, shifted
from waybill.flows import Patience
from waybill.pages import AsyncPages
from waybill.pieces import Pieces, asked, paced
from waybill.receipts import Receipt
from waybill.values import JobState, Result
from waybill.wire import Flow, Request, T

if TYPE_CHECKING:
    from waybill.aiotransport import AsyncTransport


class AsyncRunner(Protocol):
    """What a job needs of its client."""

    patience: Patience
    transport: AsyncTransport

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        ...

    async def download(self, request: Request, target: Path) -> None:
        """Write what a request is answered with to a file."""
        ...


class AsyncJob(Pieces[AsyncRunner]):
    """What was submitted at once. A submission that is too large for one job of the server is several, which act as one here."""

    @property
    def state(self) -> JobState | None:
        """How it stood when it was last asked about; None where it never was."""
        return self._told() if self._states.keys() >= set(self.tokens) else None

    async def refresh(self) -> JobState:
        """Ask how it stands."""
        return await self._client.run(self._refreshed())

    async def watch(self) -> AsyncIterator[JobState]:
        """Follow it to its end: gives how it stands at each change as the server tells it, else at each look at it."""
        state = await self.refresh()
        for looks in count():
            yield state
            if state.final:
                return
            if listener := self._listener():
                async for told in listen_async(self._client.transport, listener):
                    yield self._took(listener.token, told)
            await asyncio.sleep(state.pause_after(looks))
            state = await self.refresh()

    async def wait(self, timeout: float | None = None) -> JobState:  # noqa: ASYNC109 - the same as `Job.wait`
        """Return how it ended. Raises TimeoutError where it does not end within `timeout` seconds."""
        async with asyncio.timeout(timeout):
            return [state async for state in self.watch() if state.final][-1]

    def results(self, status: str | None = None, *, size: int = 1_000) -> AsyncPages[Result]:
        """Return the outcomes in the order of the operations; those of a job that still runs end where they end now."""
        return AsyncPages(self._client.run, self._client.patience, self._outcomes({"page.size": size, "status": status}))

    def failures(self, *, size: int = 1_000) -> AsyncPages[Result]:
        """Return the outcomes of what failed."""
        return self.results("failed", size=size)

    async def digest(self) -> Digest:
        """Return what became of it in a few lines: counts, and each cause of failure with examples."""
        return await self._client.run(self._digested())

    async def receipt(self) -> Receipt:
        """Return the signed receipt of a job that has ended."""
        return await self._client.run(receipts.fetch(self.token, self._client.patience))

    async def save_ledger(self, target: str | Path) -> None:
        """Write the ledger that the receipt is about to a file."""
        await self._client.download(receipts.ledger(self.token), Path(target))

    async def cancel(self) -> JobState:
        """Ask it to stop; operations without an outcome end as cancelled."""
        return await self._client.run(self._each(asked("cancel")))

    async def pause(self) -> JobState:
        """Let it begin nothing more, until it is resumed; returns when nothing of it is worked on any more."""
        return await self._client.run(self._each(flows.rest))

    async def resume(self) -> JobState:
        """Let it go on where it was paused."""
        return await self._client.run(self._each(asked("resume")))

    async def pace(self, items: int | None) -> JobState:
        """Let it do so many operations a second, or as many as it can. A submission that is several jobs: each of them."""
        return await self._client.run(self._each(paced(items)))

    async def events(self, after: int = 0) -> AsyncIterator[Event]:
        """Give the outcomes as they come, until it has ended, as `Job.events`."""
        for piece in self._behind(after):
            async for event in follow_async(self._client.transport, self._client.patience, Follower(piece.token, after)):
                yield shifted(event, piece.first, piece.line)

    async def retry(self, *, key: str | None = None) -> AsyncJob:
        """Run what failed again, as a job of its own."""
        return AsyncJob(self._client, *await self._client.run(self._retried(key)))

    async def undo(self, *, test: bool = False, key: str | None = None) -> AsyncJob:
        """Take back what it changed, as a job of its own: the last part first, each after the end of the one before."""
        return AsyncJob(self._client, *await self._client.run(self._undone(key, test=test)))

    async def purge(self) -> None:
        """Remove its items and outcomes; what it did stays done."""
        await self._client.run(self._purged())
