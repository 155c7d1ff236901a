"""Claim, work, checkpoint: the worker's transactions, and what each kind of trouble does to a chunk."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import structlog

from models import operations, tracing
from models.db import DATABASE_ERRORS, Session, retryable, sqlstate, transaction
from models.jobs import cancelling, careful, ledger
from models.jobs.ledger import Chunk, Claim, Held, Outcome, Overtaken
from models.settings import settings
from worker import traces
from worker.counts import counts
from worker.pause import pause

log = structlog.get_logger()
RACE = "23505"  # two jobs made the same record at once: the second finds it at its next try
RACES = 3


def work(job_id: int, no: int) -> None:
    """Work on one chunk as far as it goes. Every error ends here: the ledger knows what is still open."""
    mine = _claim(job_id, no)
    if mine is None:
        return
    counts.add("claims")
    with structlog.contextvars.bound_contextvars(token=str(mine.token)), traces.claimed(mine):
        pause("claimed")
        try:
            _work_carefully(mine) if mine.careful else _work_whole(mine)
        except Overtaken:
            counts.add("chunks_overtaken")
            tracing.event("overtaken")
            log.info("chunk_overtaken", chunk=no, fence=mine.fence)
        except Held:
            with transaction() as session:
                ledger.release(session, mine)
            log.info("chunk_held", chunk=no)


def _claim(job_id: int, no: int) -> Claim | None:
    """Claim the chunk; where the database cannot just now, it is called out again later."""
    try:
        with transaction() as session:
            return ledger.claim(session, job_id, no)
    except DATABASE_ERRORS as error:
        log.warning("claim_failed", job=job_id, chunk=no, sqlstate=sqlstate(error))
        return None


def _work_whole(mine: Claim) -> None:
    for race in range(RACES):
        try:
            with traces.ending(mine.job_id) as look, transaction() as session:
                chunk = ledger.open_chunk(session, mine).share()
                outcomes = _outcomes(session, chunk)
                ledger.finish(session, chunk, outcomes)
                look(session)
                pause("finished")
        except DATABASE_ERRORS as error:
            if sqlstate(error) != RACE or race == RACES - 1:
                _give_back(mine, error)
                return
        else:
            pause("committed")
            counts.add("chunks_applied")
            _count(outcomes)
            log.info("chunk_applied", chunk=mine.no, items=len(outcomes), attempts=mine.attempts)
            return


def _outcomes(session: Session, chunk: Chunk) -> list[Outcome]:
    if not chunk.cancel_requested:
        return operations.run(session, chunk)
    return cancelling.cancelled(chunk)


def _give_back(mine: Claim, error: Exception) -> None:
    """Postpone the chunk: item by item next time where the data is to blame, whole where the database is."""
    spoiled = not retryable(error)
    counts.add("chunks_postponed")
    tracing.event("postponed", sqlstate=sqlstate(error), careful=spoiled)
    log.warning("chunk_postponed", chunk=mine.no, sqlstate=sqlstate(error), careful=spoiled)
    with transaction() as session:
        ledger.postpone(session, mine, careful=spoiled)


def _work_carefully(mine: Claim) -> None:
    """Work item by item, each in a transaction of its own, noting beforehand which one is tried. Groups are tried as a whole.

    A claim of a part of the chunk ends with that part.
    """
    with transaction() as session:
        chunk = ledger.open_chunk(session, mine)
    for places in chunk.parts():
        with transaction() as session:
            deaths = careful.probe(session, mine, places[0])
        pause("probing")
        if deaths >= settings().deaths_before_quarantine:
            _quarantine(mine, chunk.only(places), deaths)
        elif not _work_part(mine, places):
            return
    if mine.take is not None:
        with transaction() as session:
            ledger.release(session, mine)


def _work_part(mine: Claim, places: list[int]) -> bool:
    """Work on a single item or group; say whether the chunk goes on (not so when the database is to blame)."""
    try:
        with traces.ending(mine.job_id) as look, transaction() as session:
            part = replace(ledger.open_chunk(session, mine).only(places), goes_on=True)
            outcomes = _outcomes(session, part)
            careful.advance(session, mine, outcomes)
            look(session)
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
    with traces.ending(mine.job_id) as look, transaction() as session:
        careful.advance(session, mine, outcomes)
        look(session)
    _count(outcomes)


def _count(outcomes: list[Outcome]) -> None:
    """Count what is committed."""
    found = Counter(outcome.status for outcome in outcomes)
    for status, number in found.items():
        counts.add(status, number)
    traces.count(found)
