"""Claim, work, checkpoint: the worker's transactions, and what each kind of trouble does to a chunk."""

from __future__ import annotations

import structlog

from models import operations
from models.db import DATABASE_ERRORS, Session, retryable, sqlstate, transaction
from models.jobs import ledger
from models.jobs.ledger import Chunk, Claim, Outcome, Overtaken
from models.settings import settings
from worker.pause import pause

log = structlog.get_logger()
RACE = "23505"  # two jobs made the same record at once: the second finds it at its next try
RACES = 3


def work(job_id: int, no: int) -> None:
    """Work on one chunk as far as it goes. Every error ends here: the ledger knows what is still open."""
    with transaction() as session:
        mine = ledger.claim(session, job_id, no)
    if mine is None:
        return
    pause("claimed")
    try:
        _work_carefully(mine) if mine.careful else _work_whole(mine)
    except Overtaken:
        log.info("chunk_overtaken", job_id=job_id, chunk=no, fence=mine.fence)


def _work_whole(mine: Claim) -> None:
    for race in range(RACES):
        try:
            with transaction() as session:
                chunk = ledger.open_chunk(session, mine)
                ledger.finish(session, chunk, _outcomes(session, chunk))
                pause("finished")
        except DATABASE_ERRORS as error:
            if sqlstate(error) != RACE or race == RACES - 1:
                _give_back(mine, error)
                return
        else:
            pause("committed")
            log.info("chunk_applied", token=str(chunk.token), chunk=mine.no, items=chunk.size, attempts=mine.attempts)
            return


def _outcomes(session: Session, chunk: Chunk) -> list[Outcome]:
    if not chunk.cancel_requested:
        return operations.run(session, chunk)
    return ledger.cancelled(chunk)


def _give_back(mine: Claim, error: Exception) -> None:
    """Postpone the chunk: item by item next time where the data is to blame, whole where the database is."""
    careful = not retryable(error)
    log.warning("chunk_postponed", job_id=mine.job_id, chunk=mine.no, sqlstate=sqlstate(error), careful=careful)
    with transaction() as session:
        ledger.postpone(session, mine, careful=careful)


def _work_carefully(mine: Claim) -> None:
    """Work item by item, each in a transaction of its own, noting beforehand which one is tried."""
    with transaction() as session:
        chunk = ledger.open_chunk(session, mine)
    for item in range(mine.next_item, chunk.size):
        with transaction() as session:
            deaths = ledger.probe(session, mine, item)
        pause("probing")
        part = chunk.only([item])
        if deaths >= settings().deaths_before_quarantine:
            _quarantine(mine, part, deaths)
        elif not _work_one(mine, part):
            return


def _work_one(mine: Claim, part: Chunk) -> bool:
    """Work on a single item; say whether the chunk goes on (not so when the database is to blame)."""
    try:
        with transaction() as session:
            locked = ledger.open_chunk(session, mine)
            outcomes = ledger.cancelled(part) if locked.cancel_requested else operations.run(session, part)
            ledger.advance(session, mine, outcomes[0])
    except DATABASE_ERRORS as error:
        if retryable(error):
            _give_back(mine, error)
            return False
        log.exception("item_unstorable", token=str(part.token), index=part.indexes[0])
        _refuse(mine, part, ("unstorable", "The database cannot keep this item; nothing of it was stored."))
    return True


def _quarantine(mine: Claim, part: Chunk, deaths: int) -> None:
    log.error("item_quarantined", token=str(part.token), index=part.indexes[0], deaths=deaths)
    _refuse(mine, part, ("quarantined", "Working on this item ended its worker each time; nothing of it was stored."))


def _refuse(mine: Claim, part: Chunk, reason: tuple[str, str]) -> None:
    outcome = Outcome(part.indexes[0], "failed", code=reason[0], detail=reason[1], line=part.lines[0], ref=part.refs[0])
    with transaction() as session:
        ledger.advance(session, mine, outcome)
