"""Pausing and pacing: what may begin, how much at once, and what a pause promises."""

from __future__ import annotations

from typing import Any

import pytest

from models import ids
from models.db import driver, engine, transaction
from models.errors import InvalidValue
from models.identity.principal import Principal
from models.jobs import cancelling, careful, control, dispatch, ledger, pacing
from models.jobs.ledger import Claim, Held, Outcome
from models.jobs.values import Job
from models.settings import settings
from tests.factories import job

OWNER = Principal(1, "owner", "north")


@pytest.fixture(autouse=True)
def clean(database: str) -> None:
    """Each test begins with an empty ledger."""


def make(**columns: Any) -> tuple[int, str]:
    token = ids.new_token()
    with transaction() as session:
        return job(session, token=token, **columns), str(token)


def query(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with transaction() as session:
        found = driver(session).execute(sql, values)
        return found.fetchall() if found.description else []


def claim(job_id: int, no: int = 0) -> Claim | None:
    with transaction() as session:
        return ledger.claim(session, job_id, no)


def work(job_id: int, no: int = 0) -> int:
    """Claim a chunk and do what the claim is for; return how many items that was."""
    mine = claim(job_id, no)
    if mine is None:
        return 0
    with transaction() as session:
        chunk = ledger.open_chunk(session, mine).share()
        ledger.finish(session, chunk, [Outcome(index, "succeeded") for index in chunk.indexes])
    return len(chunk.indexes)


def pause(token: str) -> Job:
    with transaction() as session:
        return control.pause(session, OWNER, token)


def settle() -> int:
    with transaction() as session:
        return pacing.settle_pauses(session)


def resume(token: str) -> Job:
    with transaction() as session:
        return control.resume(session, OWNER, token)


def pick() -> list[tuple[int, int]]:
    with transaction() as session:
        return [(wake.job_id, wake.no) for wake in dispatch.pick(session)]


def later(seconds: float) -> None:
    """Let time pass for the paced jobs."""
    query("UPDATE jobs SET next_on = next_on - make_interval(secs => %s)", seconds)


def price(job_id: int) -> tuple[int, float]:
    """Do what may begin now; return how many items that was, and by how many seconds it put off what comes next."""
    [(before,)] = query("UPDATE jobs SET next_on = clock_timestamp() RETURNING next_on")
    items = work(job_id)
    [(after,)] = query("SELECT next_on FROM jobs")
    return items, (after - before).total_seconds()


# --- pausing ---


def test_a_paused_job_is_neither_woken_nor_claimed_until_it_is_resumed() -> None:
    job_id, token = make(chunks=2)
    assert pause(token).pause_requested
    assert settle() == 1
    assert (pick(), claim(job_id)) == ([], None)
    assert not resume(token).pause_requested
    assert pick() == [(job_id, 0)]
    assert work(job_id) == 2


def test_a_chunk_that_was_sent_before_the_pause_is_sent_again_at_once_after_it() -> None:
    job_id, token = make()
    assert pick() == [(job_id, 0)]
    pause(token)
    assert claim(job_id) is None  # the message comes now
    resume(token)
    assert pick() == [(job_id, 0)]


def test_a_chunk_that_was_claimed_but_not_begun_is_held_and_given_back_without_a_mark() -> None:
    job_id, token = make()
    mine = claim(job_id)
    assert mine is not None
    pause(token)
    assert settle() == 0  # its worker has still to find out
    with pytest.raises(Held), transaction() as session:
        ledger.open_chunk(session, mine)
    with transaction() as session:
        ledger.release(session, mine)
    assert settle() == 1
    resume(token)
    for _ in range(10):  # pauses are no attempts that failed
        again = claim(job_id)
        assert again is not None and not again.careful
        with transaction() as session:
            ledger.release(session, again)


def test_a_job_rests_only_when_the_chunk_that_is_worked_on_has_ended() -> None:
    job_id, token = make(chunks=2)
    mine = claim(job_id)
    assert mine is not None
    query("UPDATE chunks SET claimed_on = claimed_on - interval '1 minute'")
    with transaction() as session:
        chunk = ledger.open_chunk(session, mine)
        pause(token)
        assert settle() == 0
        ledger.finish(session, chunk, [Outcome(index, "succeeded") for index in chunk.indexes])
    assert settle() == 1
    [(paused, succeeded)] = query("SELECT paused_on IS NOT NULL, succeeded FROM jobs")
    assert (paused, succeeded) == (True, 2)


def test_a_claim_whose_worker_died_does_not_keep_a_job_from_its_rest() -> None:
    job_id, token = make()
    mine = claim(job_id)
    pause(token)
    query("UPDATE chunks SET claimed_on = claimed_on - interval '1 minute'")
    assert settle() == 1
    resume(token)
    assert mine is not None and work(job_id) == 2
    with pytest.raises(ledger.Overtaken), transaction() as session:
        ledger.open_chunk(session, mine)


def test_a_paused_job_takes_no_turn_of_its_tenant() -> None:
    jobs = [make() for _ in range(6)]
    for _, token in jobs[:4]:
        pause(token)
    assert {job_id for job_id, _ in pick()} == {job_id for job_id, _ in jobs[4:]}
    with transaction() as session:
        states = [control.get_job(session, OWNER, token) for _, token in jobs]
    assert [state.queue_position for state in states] == [None] * 6


def test_a_paused_job_is_not_called_stalled_and_a_slow_one_neither() -> None:
    _, paused = make(status="processing", updated_on="2026-01-01T00:00:00Z")
    _, slow = make(status="processing", updated_on="2026-01-01T00:00:00Z", pace=1)
    _, stalled = make(status="processing", updated_on="2026-01-01T00:00:00Z")
    pause(paused)
    query("UPDATE jobs SET updated_on = '2026-01-01T00:00:00Z'")
    with transaction() as session:
        states = [control.get_job(session, OWNER, token) for token in (paused, slow, stalled)]
    assert [state.stalled for state in states] == [False, False, True]


def test_cancelling_a_paused_job_works_at_once() -> None:
    job_id, token = make(chunks=3)
    assert work(job_id) == 2
    pause(token)
    settle()
    with transaction() as session:
        assert not control.cancel(session, OWNER, token).pause_requested
        assert dispatch.cancelling(session) == [job_id]
        cancelling.cancel_open(session, job_id)
    assert query("SELECT status, outcome, succeeded, cancelled FROM jobs") == [("done", "cancelled", 2, 4)]


def test_what_is_over_is_not_paused() -> None:
    job_id, token = make()
    work(job_id)
    state = pause(token)
    assert (state.status, state.pause_requested, settle()) == ("done", False, 0)


def test_a_job_that_ends_although_it_was_to_pause_is_no_more_paused() -> None:
    job_id, token = make()
    mine = claim(job_id)
    assert mine is not None
    with transaction() as session:
        chunk = ledger.open_chunk(session, mine)
        pause(token)
        ledger.finish(session, chunk, [Outcome(index, "succeeded") for index in chunk.indexes])
    assert query("SELECT status, pause_requested_on FROM jobs") == [("done", None)]


# --- pacing ---


def test_a_paced_chunk_is_worked_in_shares_each_worth_half_a_second() -> None:
    job_id, _ = make(size=100, pace=60)
    shares = []
    while not shares or shares[-1]:
        shares.append(work(job_id))
        later(0.5)
    assert shares == [30, 30, 30, 10, 0]
    assert query("SELECT status, outcome, succeeded FROM jobs") == [("done", "succeeded", 100)]


def test_nothing_more_begins_before_its_time() -> None:
    job_id, _ = make(size=100, pace=10)
    assert work(job_id) == 5
    later(-60)
    assert (work(job_id), pick()) == (0, [])
    later(61)
    assert pick() == [(job_id, 0)]


def test_who_holds_a_job_to_pace_it_waits_for_no_chunk() -> None:
    """A message that came twice: one claim has the chunk and waits for the job, the other has the job."""
    job_id, _ = make(pace=1)
    assert pick() == [(job_id, 0)]
    with engine().connect() as first, transaction() as second:
        driver(first).execute("SELECT FROM chunks WHERE job_id = %s FOR UPDATE", (job_id,))
        driver(second).execute("SET LOCAL lock_timeout = '100ms'")
        assert ledger.claim(second, job_id, 0) is None


def test_lanes_share_one_pace() -> None:
    job_id, _ = make(lanes=4, chunks=4, size=600, pace=10)
    query("UPDATE chunks SET units = array_fill(0, ARRAY[600])")
    assert [work(job_id, no) for no in range(4)] == [600, 0, 0, 0]


def test_a_job_that_was_held_up_catches_up_on_one_second_and_no_more() -> None:
    job_id, _ = make(size=50, pace=100)
    later(3600)
    assert work(job_id) == 50  # worth half a second of the one
    [(left,)] = query("SELECT next_on - claimed_on >= interval '-0.5 s' FROM jobs, chunks")
    assert left


def test_no_more_is_woken_than_may_begin() -> None:
    job_id, _ = make(lanes=8, chunks=8, size=50, pace=1)
    later(1.2)
    assert pick() == [(job_id, 0), (job_id, 1)]
    assert pick() == []  # those two are on their way, and will be paid for


def test_paced_jobs_that_wait_for_their_time_take_no_place_among_their_tenants_jobs() -> None:
    for _ in range(settings().tenant_jobs):
        make(size=600, pace=1)
    query("UPDATE jobs SET next_on = clock_timestamp() + interval '1 minute'")
    other, _ = make()
    assert pick() == [(other, 0)]
    later(60)
    assert len(pick()) == settings().tenant_jobs


def test_a_pace_below_a_share_is_kept_item_by_item() -> None:
    job_id, _ = make(size=3, pace=1)
    items, seconds = price(job_id)
    assert items == 1 and 1 <= seconds < 20


def test_what_stands_and_falls_together_is_not_cut_and_is_paid_for_whole() -> None:
    job_id, _ = make(size=10, pace=8)
    query("UPDATE chunks SET groups = array_fill('g'::text, ARRAY[10]), units = ARRAY[0,0,1,1,1,1,1,1,2,2]")
    assert work(job_id) == 2  # a share is of four items, and the second unit of six
    items, seconds = price(job_id)
    assert items == 6 and 0.75 <= seconds < 20
    later(60)
    assert work(job_id) == 2


def test_shares_are_no_attempts_that_failed() -> None:
    job_id, _ = make(size=50, pace=2)
    for _ in range(10):
        mine = claim(job_id)
        assert mine is not None and not mine.careful
        with transaction() as session:
            chunk = ledger.open_chunk(session, mine).share()
            ledger.finish(session, chunk, [Outcome(index, "noop") for index in chunk.indexes])
        later(0.5)


def test_careful_work_keeps_the_pace_too() -> None:
    job_id, _ = make(size=10, pace=4)
    query("UPDATE chunks SET attempts = 5")
    mine = claim(job_id)
    assert mine is not None and mine.careful
    with transaction() as session:
        assert ledger.open_chunk(session, mine).parts() == [[0], [1]]
        careful.advance(session, mine, [Outcome(0, "succeeded")])
        careful.advance(session, mine, [Outcome(1, "succeeded")])
        ledger.release(session, mine)
    later(1)
    again = claim(job_id)
    assert again is not None and (again.next_item, again.careful) == (2, True)


def test_a_new_pace_counts_from_now_and_what_was_taken_before_stays_taken() -> None:
    job_id, token = make(size=1000, pace=100)
    assert work(job_id) == 50  # worth half a second at 100, five at 10
    with transaction() as session:
        assert control.set_pace(session, OWNER, token, 10).pace == 10
    later(4)
    assert work(job_id) == 0
    later(1.1)
    assert work(job_id) == 5
    with transaction() as session:
        assert control.set_pace(session, OWNER, token, None).pace is None
    assert work(job_id) == 945


@pytest.mark.parametrize("pace", [0, -1, 1_000_001])
def test_a_pace_that_is_none_is_refused(pace: int) -> None:
    _, token = make()
    with pytest.raises(InvalidValue), transaction() as session:
        control.set_pace(session, OWNER, token, pace)
