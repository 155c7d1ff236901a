"""The ledger's promises, on a real database: claims, fences, counters, cancelling, careful work."""

from __future__ import annotations

from typing import Any

import pytest

from models.db import driver, transaction
from models.jobs import cancelling, careful, ledger
from models.jobs.ledger import Outcome, Overtaken
from tests.factories import job


def row(sql: str, *values: Any) -> tuple[Any, ...]:
    with transaction() as session:
        found = driver(session).execute(sql, values).fetchone()
    assert found is not None
    return found


def claim(job_id: int, no: int = 0) -> ledger.Claim | None:
    with transaction() as session:
        return ledger.claim(session, job_id, no)


def finish(mine: ledger.Claim, status: str = "succeeded") -> None:
    with transaction() as session:
        chunk = ledger.open_chunk(session, mine)
        ledger.finish(session, chunk, [Outcome(index, status) for index in chunk.indexes])


@pytest.fixture
def one(database: str) -> int:
    with transaction() as session:
        return job(session)


def test_a_claim_moves_the_job_to_processing_and_counts_the_attempt(one: int) -> None:
    mine = claim(one)
    assert mine is not None and (mine.fence, mine.attempts, mine.careful) == (1, 1, False)
    assert row("SELECT j.status, c.attempts FROM jobs j JOIN chunks c ON c.job_id = j.id WHERE j.id = %s", one) == (
        "processing",
        1,
    )


def test_a_chunk_that_somebody_works_on_is_not_claimed_again(one: int) -> None:
    mine = claim(one)
    assert mine is not None
    with transaction() as session:
        ledger.open_chunk(session, mine)
        assert claim(one) is None


def test_a_chunk_that_is_done_is_not_claimed_again(one: int) -> None:
    mine = claim(one)
    assert mine is not None
    finish(mine)
    assert claim(one) is None


def test_an_overtaken_worker_writes_nothing(one: int) -> None:
    stale, fresh = claim(one), claim(one)
    assert stale is not None and fresh is not None
    with pytest.raises(Overtaken):
        finish(stale)
    finish(fresh)
    assert row("SELECT count(*) FROM outcomes WHERE job_id = %s", one) == (2,)


def test_the_last_chunk_ends_the_job_and_counters_add_up_at_every_commit(database: str) -> None:
    with transaction() as session:
        job_id = job(session, lanes=2, chunks=2)
    first, second = claim(job_id, 0), claim(job_id, 1)
    assert first is not None and second is not None
    finish(first)
    assert row("SELECT status, succeeded, chunks_done FROM jobs WHERE id = %s", job_id) == ("processing", 2, 1)
    finish(second, "failed")
    assert row("SELECT status, outcome, succeeded + failed FROM jobs WHERE id = %s", job_id) == ("done", "partial", 4)


@pytest.mark.parametrize(("ends", "outcome"), [("succeeded", "succeeded"), ("noop", "succeeded"), ("failed", "failed")])
def test_p21_the_outcome_of_a_job_sums_up_its_items(one: int, ends: str, outcome: str) -> None:
    mine = claim(one)
    assert mine is not None
    finish(mine, ends)
    assert row("SELECT outcome FROM jobs WHERE id = %s", one) == (outcome,)


def test_chunks_of_a_lane_run_one_after_the_other(database: str) -> None:
    with transaction() as session:
        job_id = job(session, chunks=2)
    assert claim(job_id, 1) is None
    first = claim(job_id, 0)
    assert first is not None
    finish(first)
    assert claim(job_id, 1) is not None


def test_after_three_attempts_a_chunk_is_worked_item_by_item(one: int) -> None:
    claims = [claim(one) for _ in range(4)]
    assert [mine.careful for mine in claims if mine] == [False, False, False, True]


def test_an_item_that_kills_its_worker_is_counted_and_others_are_not(one: int) -> None:
    deaths = []
    for _ in range(4):
        mine = claim(one)
        assert mine is not None
        with transaction() as session:
            deaths.append(careful.probe(session, mine, 0))
    assert deaths == [0, 1, 2, 3]
    with transaction() as session:
        careful.advance(session, mine, [Outcome(0, "failed", code="quarantined")])
    mine = claim(one)
    assert mine is not None and mine.next_item == 1
    with transaction() as session:
        assert careful.probe(session, mine, 1) == 0


def test_a_postponed_chunk_waits_longer_each_time(one: int) -> None:
    waits = []
    for _ in range(3):
        mine = claim(one)
        assert mine is not None
        with transaction() as session:
            ledger.postpone(session, mine, careful=False)
        waits.append(row("SELECT not_before - clock_timestamp() FROM chunks WHERE job_id = %s", one)[0])
    assert waits[0] < waits[1] < waits[2]


def test_a_chunk_that_its_data_spoils_is_careful_at_once(one: int) -> None:
    mine = claim(one)
    assert mine is not None
    with transaction() as session:
        ledger.postpone(session, mine, careful=True)
    again = claim(one)
    assert again is not None and again.careful


def test_p25_cancelling_gives_every_item_left_its_outcome(database: str) -> None:
    with transaction() as session:
        job_id = job(session, lanes=2, chunks=4)
    mine = claim(job_id, 0)
    assert mine is not None
    finish(mine)
    with transaction() as session:
        assert cancelling.cancel_open(session, job_id) == 3
    assert row("SELECT status, outcome, succeeded, cancelled FROM jobs WHERE id = %s", job_id) == ("done", "cancelled", 2, 6)
    assert row("SELECT count(*), count(DISTINCT index) FROM outcomes WHERE job_id = %s", job_id) == (8, 8)


def test_a_cancelled_chunk_fences_its_worker_out(one: int) -> None:
    mine = claim(one)
    assert mine is not None
    with transaction() as session:
        cancelling.cancel_open(session, one)
    with pytest.raises(Overtaken):
        finish(mine)
