"""Which chunks are woken: lanes in order, tenants and jobs in turn, small jobs apart, nothing forgotten."""

from __future__ import annotations

from collections import Counter

import pytest

from models.db import driver, transaction
from models.jobs import dispatch
from models.jobs.dispatch import Wake
from models.settings import settings
from tests.factories import job


def pick() -> list[Wake]:
    with transaction() as session:
        return dispatch.pick(session)


def make(**columns: object) -> int:
    with transaction() as session:
        return job(session, **columns)  # type: ignore[arg-type]


def run(sql: str) -> None:
    with transaction() as session:
        driver(session).execute(sql)


@pytest.fixture(autouse=True)
def clean(database: str) -> None:
    """Each test begins with an empty ledger."""


def test_only_the_first_open_chunk_of_each_lane_is_woken() -> None:
    job_id = make(lanes=2, chunks=6)
    assert {(wake.job_id, wake.no) for wake in pick()} == {(job_id, 0), (job_id, 1)}


def test_a_woken_chunk_is_not_woken_again_at_once() -> None:
    make()
    assert len(pick()) == 1
    assert pick() == []


def test_a_forgotten_chunk_is_woken_again() -> None:
    make()
    pick()
    run("UPDATE chunks SET dispatched_on = now() - interval '1 minute'")
    assert len(pick()) == 1


def test_a_chunk_that_is_being_worked_on_is_left_alone() -> None:
    make()
    with transaction() as session:
        driver(session).execute("SELECT FROM chunks FOR UPDATE")
        assert pick() == []


def test_a_chunk_that_waits_for_its_time_is_left_alone() -> None:
    make()
    run("UPDATE chunks SET not_before = now() + interval '1 minute'")
    assert pick() == []


def test_what_could_not_be_sent_is_woken_at_the_next_tick() -> None:
    make()
    wakes = pick()
    with transaction() as session:
        dispatch.take_back(session, wakes)
    assert pick() == wakes


def test_no_more_than_the_window_is_on_its_way() -> None:
    for tenant in range(10):
        make(tenant=f"tenant {tenant}", lanes=4, chunks=8)
    assert len(pick()) == settings().dispatch_window
    assert pick() == []


def test_x08_tenants_take_turns_whatever_their_number_of_jobs() -> None:
    big = [make(tenant="big", lanes=4, chunks=40) for _ in range(4)]
    small = make(tenant="small", lanes=4, chunks=40)
    woken = Counter(wake.job_id for wake in pick())
    assert woken[small] == settings().dispatch_window // 2
    assert sum(woken[each] for each in big) == settings().dispatch_window // 2


def test_jobs_of_one_tenant_take_turns() -> None:
    first, second = make(lanes=8, chunks=40), make(lanes=8, chunks=40)
    assert Counter(wake.job_id for wake in pick()) == {first: 4, second: 4}


def test_p48_a_tenant_runs_as_many_big_jobs_as_its_share_and_the_rest_wait() -> None:
    jobs = [make() for _ in range(settings().tenant_jobs + 3)]
    assert {wake.job_id for wake in pick()} == set(jobs[: settings().tenant_jobs])


def test_small_jobs_do_not_wait_behind_big_ones() -> None:
    for _ in range(20):
        make(lanes=4, chunks=40)
    small = make(queue="small")
    assert (small, "small") in {(wake.job_id, wake.queue) for wake in pick()}


def test_cancelled_jobs_are_not_woken() -> None:
    make(cancel_requested_on="2026-01-01T00:00:00Z", status="processing")
    assert pick() == []
    with transaction() as session:
        assert len(dispatch.cancelling(session)) == 1
