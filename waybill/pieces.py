"""One submission as both kinds of clients have it: the jobs that it became, how they stand, and what is asked of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from waybill import flows
from waybill.digest import Digest
from waybill.events import Listener
from waybill.flows import Patience
from waybill.pages import Pager, digest_of, result_pager
from waybill.values import JobState, Result, merged
from waybill.wire import Flow


class Patient(Protocol):
    """What the flows need of a client."""

    patience: Patience


C = TypeVar("C", bound=Patient)


@dataclass(frozen=True, slots=True)
class Piece:
    """One job of those that a submission became: its token, and how many operations and lines came before it."""

    token: str
    first: int = 0
    line: int = 0


class Pieces(Generic[C]):
    """Jobs that are one submission. What ends in a flow is run by the client, each kind in its own way."""

    def __init__(self, client: C, *pieces: Piece) -> None:
        self._client = client
        self.pieces = list(pieces)
        self._states: dict[str, JobState] = {}
        self._listeners: dict[str, Listener] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.tokens)})"

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

    def _told(self) -> JobState:
        """Return how it stood when all of it was last asked about."""
        return merged([self._states[token] for token in self.tokens])

    def _took(self, token: str, state: JobState) -> JobState:
        """Note how one job stands; return how all stand."""
        self._states[token] = state
        return self._told()

    def _listener(self) -> Listener | None:
        """Return where to listen to the one job that has not ended; None where only asking tells what one wants to know.

        That is where several run side by side, where the job waits for its turn (only an answer says how many are before it), and
        where streams told nothing.
        """
        left = [token for token in self.tokens if not self._states[token].final]
        if len(left) != 1 or self._states[left[0]].status == "queued":
            return None
        listener = self._listeners.setdefault(left[0], Listener(left[0]))
        return listener if listener.hopeful else None

    def _behind(self, after: int) -> list[Piece]:
        """Return the pieces whose events are asked for. Raises ValueError where `after` is a number and they are several."""
        return self.pieces if after == 0 else [Piece(self.token)]

    def _outcomes(self, query: dict[str, Any]) -> list[Callable[[], Pager[Result]]]:
        """Return what begins the list of each piece's outcomes."""
        return [partial(result_pager, piece.token, query, piece.first, piece.line) for piece in self.pieces]

    def _look(self, token: str) -> Flow[JobState]:
        state = self._states[token] = yield from flows.job(token, self._client.patience)
        return state

    def _refreshed(self) -> Flow[JobState]:
        for token in self.tokens:
            if token not in self._states or not self._states[token].final:
                yield from self._look(token)
        return self._told()

    def _each(self, ask: Callable[[str, Patience], Flow[JobState]]) -> Flow[JobState]:
        """Ask the same of each job; return how all of it stands then."""
        for token in self.tokens:
            self._states[token] = yield from ask(token, self._client.patience)
        return self._told()

    def _digested(self) -> Flow[Digest]:
        made = Digest()
        for piece in self.pieces:
            yield from digest_of(made, piece.token, self._client.patience, (piece.first, piece.line))
        return made

    def _retried(self, key: str | None) -> Flow[list[Piece]]:
        """Run what failed again; return the new jobs. Where nothing failed the server says so."""
        named, failed = key or str(uuid.uuid4()), (yield from self._with("failed"))
        again = []
        for number, piece in enumerate(failed or self.pieces[:1]):
            again.append((yield from self._child(piece, "retry", f"{named}-{number}")))
        return again

    def _undone(self, key: str | None, *, test: bool) -> Flow[list[Piece]]:
        """Take back what was done, the last first, each after the end of the one before; return the new jobs."""
        named, changed = key or str(uuid.uuid4()), (yield from self._with("succeeded"))
        undoing: list[Piece] = []
        for number, piece in enumerate(reversed(changed or self.pieces[:1])):
            if undoing and not test:
                yield from flows.ended(undoing[-1].token, self._client.patience)
            undoing.append((yield from self._child(piece, "undo", f"{named}-{number}", {"test": True} if test else None)))
        return undoing

    def _with(self, count: str) -> Flow[Sequence[Piece]]:
        """Return the pieces of whose operations some ended so."""
        found = []
        for piece in self.pieces:
            known = self._states.get(piece.token)
            state = known if known and known.final else (yield from self._look(piece.token))
            found += [piece] if getattr(state, count) else []
        return found

    def _child(self, piece: Piece, verb: str, key: str, body: Any = None) -> Flow[Piece]:
        token = yield from flows.child(piece.token, verb, key, self._client.patience, body)
        return Piece(token, piece.first, piece.line)

    def _purged(self) -> Flow[None]:
        for token in self.tokens:
            yield from flows.purge(token, self._client.patience)


def asked(verb: str) -> Callable[[str, Patience], Flow[JobState]]:
    """Return what asks something of a job that answers with its state."""
    return lambda token, patience: flows.change(token, verb, patience)


def paced(items: int | None) -> Callable[[str, Patience], Flow[JobState]]:
    """Return what says how many items a second a job may do."""
    return lambda token, patience: flows.set_pace(token, items, patience)
