"""Item by item: what counts as a death of a worker, and what does not."""

from __future__ import annotations

from models.db import driver, transaction
from models.jobs import careful, ledger
from models.jobs.ledger import Outcome
from tests.factories import job


def deaths(job_id: int, *, postponed: bool) -> int:
    """Claim a chunk, begin with its first item, and go no further; return how many deaths that item has by then."""
    with transaction() as session:
        mine = ledger.claim(session, job_id, 0)
    assert mine is not None
    with transaction() as session:
        counted = careful.probe(session, mine, 0)
    if postponed:
        with transaction() as session:
            ledger.postpone(session, mine, careful=False)
    return counted


def test_an_item_whose_worker_dies_again_and_again_is_counted(database: str) -> None:
    with transaction() as session:
        job_id = job(session)
    assert [deaths(job_id, postponed=False) for _ in range(4)] == [0, 1, 2, 3]


def test_an_error_of_the_database_is_no_death_of_a_worker(database: str) -> None:
    with transaction() as session:
        job_id = job(session)
    assert [deaths(job_id, postponed=True) for _ in range(4)] == [0, 0, 0, 0]


def test_deaths_before_an_error_of_the_database_still_count(database: str) -> None:
    with transaction() as session:
        job_id = job(session)
    assert [deaths(job_id, postponed=at == 1) for at in range(4)] == [0, 1, 1, 2]


def test_the_last_item_ends_the_chunk_and_the_job(database: str) -> None:
    """At no commit is nothing left to do and the job not done."""
    with transaction() as session:
        job_id = job(session)
        mine = ledger.claim(session, job_id, 0)
    assert mine is not None
    seen = []
    for index in range(2):
        with transaction() as session:
            careful.advance(session, mine, [Outcome(index, "succeeded")])
        with transaction() as session:
            found = driver(session).execute("SELECT status, total - succeeded, chunks_done FROM jobs WHERE id = %s", (job_id,))
            seen.append(found.fetchone())
    assert seen == [("processing", 1, 0), ("done", 0, 1)]
