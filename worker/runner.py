"""Claim, work, checkpoint: the worker's transactions, and what each kind of trouble does to a chunk."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import structlog

from models import operations
from models.db import DATABASE_ERRORS, Session, retryable, sqlstate, transaction
from models.jobs import ledger
from models.jobs.ledger import Chunk, Claim, Outcome, Overtaken
from models.settings import settings
from worker.counts import counts
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
    counts.add("claims")
    with structlog.contextvars.bound_contextvars(token=str(mine.token)):
        pause("claimed")
        try:
            _work_carefully(mine) if mine.careful else _work_whole(mine)
        except Overtaken:
            counts.add("chunks_overtaken")
            log.info("chunk_overtaken", chunk=no, fence=mine.fence)


def _work_whole(mine: Claim) -> None:
    for race in range(RACES):
        try:
            with transaction() as session:
                chunk = ledger.open_chunk(session, mine)
                outcomes = _outcomes(session, chunk)
                ledger.finish(session, chunk, outcomes)
                pause("finished")
        except DATABASE_ERRORS as error:
            if sqlstate(error) != RACE or race == RACES - 1:
                _give_back(mine, error)
                return
        else:
            pause("committed")
            counts.add("chunks_applied")
            _count(outcomes)
            log.info("chunk_applied", chunk=mine.no, items=chunk.size, attempts=mine.attempts)
            return


def _outcomes(session: Session, chunk: Chunk) -> list[Outcome]:
    if not chunk.cancel_requested:
        return operations.run(session, chunk)
    return ledger.cancelled(chunk)


def _give_back(mine: Claim, error: Exception) -> None:
    """Postpone the chunk: item by item next time where the data is to blame, whole where the database is."""
    careful = not retryable(error)
    counts.add("chunks_postponed")
    log.warning("chunk_postponed", chunk=mine.no, sqlstate=sqlstate(error), careful=careful)
    with transaction() as session:
        ledger.postpone(session, mine, careful=careful)


def _work_carefully(mine: Claim) -> None:
    """Work item by item, each in a transaction of its own, noting beforehand which one is tried. Groups are tried as a whole."""
    with transaction() as session:
        chunk = ledger.open_chunk(session, mine)
    for places in chunk.parts():
        with transaction() as session:
            deaths = ledger.probe(session, mine, places[0])
        pause("probing")
        if deaths >= settings().deaths_before_quarantine:
            _quarantine(mine, chunk.only(places), deaths)
        elif not _work_part(mine, places):
            return


def _work_part(mine: Claim, places: list[int]) -> bool:
    """Work on a single item or group; say whether the chunk goes on (not so when the database is to blame)."""
    try:
        with transaction() as session:
            part = replace(ledger.open_chunk(session, mine).only(places), goes_on=True)
            outcomes = _outcomes(session, part)
            ledger.advance(session, mine, outcomes)
        _count(outcomes)
    except DATABASE_ERRORS as error:
        if retryable(error):
            _give_back(mine, error)
            return False
        with transaction() as session:
            part = ledger.open_chunk(session, mine).only(places)
        log.exception("item_unstorable", index=part.indexes[0])
        _refuse(mine, part, ("unstorable", "The database cannot keep this item or its group; nothing of it was stored."))
    return True


def _quarantine(mine: Claim, part: Chunk, deaths: int) -> None:
    log.error("item_quarantined", index=part.indexes[0], deaths=deaths)
    detail = "Working on this item or its group ended its worker each time; nothing of it was stored."
    _refuse(mine, part, ("quarantined", detail))


def _refuse(mine: Claim, part: Chunk, reason: tuple[str, str]) -> None:
    each = zip(part.indexes, part.lines, part.refs, strict=True)
    outcomes = [Outcome(index, "failed", code=reason[0], detail=reason[1], line=line, ref=ref) for index, line, ref in each]
    with transaction() as session:
        ledger.advance(session, mine, outcomes)
    _count(outcomes)


def _count(outcomes: list[Outcome]) -> None:
    """Count what is committed."""
    for status, number in Counter(outcome.status for outcome in outcomes).items():
        counts.add(status, number)
