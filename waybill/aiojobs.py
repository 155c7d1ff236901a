"""A job in the hands of a program that does other things meanwhile; `Job` says what each of these does."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from waybill import flows, receipts
from waybill.digest import Digest
from waybill.events import Event, Follower, follow_async, shifted
from waybill.flows import Patience
from waybill.jobs import Piece, outcomes
from waybill.pages import AsyncPages, digest_of
from waybill.receipts import Receipt
from waybill.values import JobState, Result, merged
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


class AsyncJob:
    """What was submitted at once. A submission that is too large for one job of the server is several, which act as one here."""

    def __init__(self, client: AsyncRunner, *pieces: Piece) -> None:
        self._client = client
        self.pieces = list(pieces)
        self._states: dict[str, JobState] = {}

    def __repr__(self) -> str:
        return f"AsyncJob({', '.join(self.tokens)})"

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
    def state(self) -> JobState | None:
        """How it stood when it was last asked about; None where it never was."""
        known = [self._states[token] for token in self.tokens if token in self._states]
        return merged(known) if len(known) == len(self.pieces) else None

    async def refresh(self) -> JobState:
        """Ask how it stands."""
        for token in self.tokens:
            if token not in self._states or not self._states[token].final:
                await self._look(token)
        return merged([self._states[token] for token in self.tokens])

    async def watch(self) -> AsyncIterator[JobState]:
        """Follow it to its end: gives its state at each look, as often as the server allows."""
        state = await self.refresh()
        for looks in count():
            yield state
            if state.final:
                return
            await asyncio.sleep(state.pause_after(looks))
            state = await self.refresh()

    async def wait(self, timeout: float | None = None) -> JobState:  # noqa: ASYNC109 - the same as `Job.wait`
        """Return how it ended. Raises TimeoutError where it does not end within `timeout` seconds."""
        async with asyncio.timeout(timeout):
            return [state async for state in self.watch() if state.final][-1]

    def results(self, status: str | None = None, *, size: int = 1_000) -> AsyncPages[Result]:
        """Return the outcomes in the order of the operations; those of a job that still runs end where they end now."""
        lists = [outcomes(piece, {"page.size": size, "status": status}) for piece in self.pieces]
        return AsyncPages(self._client.run, self._client.patience, lists)

    def failures(self, *, size: int = 1_000) -> AsyncPages[Result]:
        """Return the outcomes of what failed."""
        return self.results("failed", size=size)

    async def digest(self) -> Digest:
        """Return what became of it in a few lines: counts, and each cause of failure with examples."""
        made = Digest()
        for piece in self.pieces:
            await self._client.run(digest_of(made, piece.token, self._client.patience, (piece.first, piece.line)))
        return made

    async def receipt(self) -> Receipt:
        """Return the signed receipt of a job that has ended."""
        return await self._client.run(receipts.fetch(self.token, self._client.patience))

    async def save_ledger(self, target: str | Path) -> None:
        """Write the ledger that the receipt is about to a file."""
        await self._client.download(receipts.ledger(self.token), Path(target))

    async def cancel(self) -> JobState:
        """Ask it to stop; operations without an outcome end as cancelled."""
        for token in self.tokens:
            self._states[token] = await self._client.run(flows.change(token, "cancel", self._client.patience))
        return merged([self._states[token] for token in self.tokens])

    async def pause(self) -> JobState:
        """Let it begin nothing more, until it is resumed; returns when nothing of it is worked on any more."""
        for token in self.tokens:
            self._states[token] = await self._client.run(flows.rest(token, self._client.patience))
        return merged([self._states[token] for token in self.tokens])

    async def resume(self) -> JobState:
        """Let it go on where it was paused."""
        for token in self.tokens:
            self._states[token] = await self._client.run(flows.change(token, "resume", self._client.patience))
        return merged([self._states[token] for token in self.tokens])

    async def pace(self, items: int | None) -> JobState:
        """Let it do so many operations a second, or as many as it can. A submission that is several jobs: each of them."""
        for token in self.tokens:
            self._states[token] = await self._client.run(flows.set_pace(token, items, self._client.patience))
        return merged([self._states[token] for token in self.tokens])

    async def events(self, after: int = 0) -> AsyncIterator[Event]:
        """Give the outcomes as they come, until it has ended, as `Job.events`."""
        for piece in self.pieces if after == 0 else [Piece(self.token)]:
            async for event in follow_async(self._client.transport, self._client.patience, Follower(piece.token, after)):
                yield shifted(event, piece.first, piece.line)

    async def retry(self, *, key: str | None = None) -> AsyncJob:
        """Run what failed again, as a job of its own."""
        named = key or str(uuid.uuid4())
        failed = [piece for piece in self.pieces if (await self._final(piece)).failed]
        again = AsyncJob(self._client)
        for number, piece in enumerate(failed or self.pieces[:1]):
            again.pieces.append(await self._child(piece, "retry", f"{named}-{number}"))
        return again

    async def undo(self, *, test: bool = False, key: str | None = None) -> AsyncJob:
        """Take back what it changed, as a job of its own: the last part first, each after the end of the one before."""
        named = key or str(uuid.uuid4())
        changed = [piece for piece in self.pieces if (await self._final(piece)).succeeded]
        undoing = AsyncJob(self._client)
        for number, piece in enumerate(reversed(changed or self.pieces[:1])):
            if undoing.pieces and not test:
                await undoing.wait()
            undoing.pieces.append(await self._child(piece, "undo", f"{named}-{number}", {"test": True} if test else None))
        return undoing

    async def purge(self) -> None:
        """Remove its items and outcomes; what it did stays done."""
        for token in self.tokens:
            await self._client.run(flows.purge(token, self._client.patience))

    async def _look(self, token: str) -> JobState:
        state = self._states[token] = await self._client.run(flows.job(token, self._client.patience))
        return state

    async def _final(self, piece: Piece) -> JobState:
        known = self._states.get(piece.token)
        return known if known and known.final else await self._look(piece.token)

    async def _child(self, piece: Piece, verb: str, key: str, body: Any = None) -> Piece:
        token = await self._client.run(flows.child(piece.token, verb, key, self._client.patience, body))
        return Piece(token, piece.first, piece.line)
