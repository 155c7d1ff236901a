"""Removes what is past its time, beside the dispatcher's loop and never in its way. Two may run.

However much there is, it goes in pieces, each a short transaction of its own; whoever is killed leaves the rest to the next.
Files are removed outside of transactions: their rows, or the mark of their job, have gone before, and a folder that no row
speaks for is found by its name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias
from uuid import UUID

import structlog

from models import idempotency, ids, parts
from models.catalogue import asset_bytes
from models.db import DATABASE_ERRORS, Session, transaction
from models.errors import Unavailable
from models.exports import files as exports
from models.feed import reading as feed
from models.jobs import retention
from models.uploads import files as uploads
from models.webhooks import outbox
from worker.pause import pause

EVERY = 60.0  # seconds between two rounds
AGAIN = 1.0  # the same where a round left something to the next
TURN = 2.0  # seconds of one sweep in a round
FOLDERS_AT_ONCE = 1_000  # that are looked up in one transaction
ASSETS_AT_ONCE = 200
log = structlog.get_logger()

Sweep: TypeAlias = Callable[[], bool]
"""Removes a piece; says whether there may be more."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Folders that are named by what they belong to: which there are, which of them nobody needs, and how one is removed."""

    list_all: Callable[[], list[UUID]]
    find_unused: Callable[[Session, Sequence[UUID]], list[UUID]]
    remove: Callable[[UUID], None]


def sweep_rows(piece: Callable[[Session], bool]) -> bool:
    """Remove a piece in a transaction."""
    with transaction() as session:
        return piece(session)


def sweep_folders(folders: Folders) -> bool:
    """Remove folders that nobody needs, for the length of a turn."""
    until = ids.monotonic() + TURN
    names = folders.list_all()
    for at in range(0, len(names), FOLDERS_AT_ONCE):
        with transaction() as session:
            unused = folders.find_unused(session, names[at : at + FOLDERS_AT_ONCE])
        for name in unused:
            folders.remove(name)
            log.info("folder_removed", of=folders.remove.__module__, id=str(name))
            if ids.monotonic() > until:
                return True
    return False


def _forget_answers(session: Session) -> bool:
    return idempotency.forget(session) == idempotency.FORGOTTEN_AT_ONCE


def _forget_parts(session: Session) -> bool:
    parts.forget_lost(session)
    return False


def sweep_assets() -> bool:
    """Remove some of the files that belong to no asset any more."""
    with transaction() as session:
        keys = asset_bytes.list_left(session, ASSETS_AT_ONCE)
    asset_bytes.remove(keys)
    with transaction() as session:
        asset_bytes.forget_left(session, keys)
    return len(keys) == ASSETS_AT_ONCE


PIECES = (
    retention.purge_due,
    retention.remove_leftovers,
    retention.forget_jobs,
    retention.forget_deleted,
    retention.forget_rehearsals,
    retention.expire_selections,
    feed.purge,
    _forget_answers,
    outbox.forget,
    _forget_parts,
    uploads.forget,
)
FOLDERS = {
    "exports": Folders(exports.list_folders, exports.find_unused, exports.remove),
    "uploads": Folders(uploads.list_folders, uploads.find_unused, uploads.remove),
}
SWEEPS: Mapping[str, Sweep] = {
    **{f"{piece.__module__}.{piece.__name__}": partial(sweep_rows, piece) for piece in PIECES},
    **{name: partial(sweep_folders, folders) for name, folders in FOLDERS.items()},
    "assets": sweep_assets,
}


def take_turn(name: str) -> bool:
    """Let a sweep remove pieces for a while; say whether it left something to the next turn. What fails is tried again then."""
    until = ids.monotonic() + TURN
    try:
        while SWEEPS[name]():
            pause("piece")
            if ids.monotonic() > until:
                return True
    except DATABASE_ERRORS as error:
        log.warning("sweep_waits", of=name, error=type(error).__name__)
    except (Unavailable, OSError) as error:
        log.warning("files_out_of_reach", of=name, error=type(error).__name__)
    return False


def keep_house() -> bool:
    """Give each sweep a turn; say whether one left something to the next round."""
    left = [take_turn(name) for name in SWEEPS]
    return any(left)


class Housekeeper:
    """Keeps house until told to stop, in a thread that ends with the process."""

    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping

    def start(self) -> None:
        """Begin; the first round is later."""
        threading.Thread(target=self._run, name="housekeeper", daemon=True).start()

    def _run(self) -> None:
        patience = EVERY
        while not self.stopping.wait(patience):
            left = [self._take_turn(name) for name in SWEEPS]
            patience = AGAIN if any(left) else EVERY

    def _take_turn(self, name: str) -> bool:
        try:
            return take_turn(name)
        except Exception:  # a bug in one sweep keeps no other from its turn
            log.exception("sweep_failed", of=name)
            return False
