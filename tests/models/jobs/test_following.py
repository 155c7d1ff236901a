"""The order in which outcomes came: numbered by commit, without gaps, whatever order the chunks end in."""

from __future__ import annotations

from typing import Any

import pytest

from models import ids
from models.db import driver, engine, transaction
from models.errors import Gone, InvalidCursor
from models.identity.principal import Principal
from models.jobs import cancelling, careful, control, following, ledger, retention
from models.jobs.following import Place
from models.jobs.ledger import Claim, Outcome
from tests.factories import job

OWNER = Principal(1, "owner", "north")


@pytest.fixture(autouse=True)
def clean(database: str) -> None:
    """Each test begins with an empty ledger."""


def make(**columns: Any) -> tuple[int, str]:
    token = ids.new_token()
    with transaction() as session:
        return job(session, token=token, **columns), str(token)


def claim(job_id: int, no: int) -> Claim:
    with transaction() as session:
        mine = ledger.claim(session, job_id, no)
    assert mine is not None
    return mine


def finish(session: Any, mine: Claim) -> None:
    chunk = ledger.open_chunk(session, mine).share()
    ledger.finish(session, chunk, [Outcome(index, "succeeded") for index in chunk.indexes])


def entries(token: str, after: int = 0, most: int = 100) -> list[tuple[int, int]]:
    """Return (number, index) of each outcome behind a number."""
    with transaction() as session:
        found = following.list_entries(session, control.get_job(session, OWNER, token), after, most)
    return [(row.seq, row.outcome.index) for row in found]


def test_outcomes_are_numbered_as_their_chunks_commit() -> None:
    job_id, token = make(lanes=3, chunks=3)
    for no in (2, 0, 1):
        with transaction() as session:
            finish(session, claim(job_id, no))
    assert entries(token) == [(1, 4), (2, 5), (3, 0), (4, 1), (5, 2), (6, 3)]
    assert entries(token, after=1, most=4) == [(2, 5), (3, 0), (4, 1), (5, 2)]
    assert entries(token, after=6) == []


def test_a_commit_that_comes_late_is_not_missed() -> None:
    """Who has written first and commits last has the later numbers: its numbers are taken at the end, under the job's row."""
    job_id, token = make(lanes=2, chunks=2)
    slow, quick = claim(job_id, 0), claim(job_id, 1)
    late = engine().connect()
    late.begin()
    chunk = ledger.open_chunk(late, slow)
    ledger.store_outcomes(late, job_id, [Outcome(0, "succeeded"), Outcome(1, "succeeded")])
    with transaction() as session:
        finish(session, quick)
    seen = entries(token)
    assert seen == [(1, 2), (2, 3)]
    entry = (chunk.claim.no, 0, 2)
    ledger.count_outcomes(late, job_id, {"succeeded": 2}, [entry], 1)
    assert entries(token, after=2) == []
    late.commit()
    late.close()
    assert entries(token, after=2) == [(3, 0), (4, 1)]


def test_items_tried_one_by_one_shares_and_what_was_cancelled_have_their_numbers() -> None:
    job_id, token = make(lanes=2, chunks=4, size=3, pace=2)
    alone = claim(job_id, 0)
    for place in (0, 1):
        with transaction() as session:
            careful.advance(session, alone, [Outcome(place, "failed", code="internal")])
    with transaction() as session:
        driver(session).execute("UPDATE jobs SET next_on = now() - interval '1 s'")
    with transaction() as session:
        finish(session, claim(job_id, 1))  # one item
    with transaction() as session:
        control.cancel(session, OWNER, token)
        cancelling.cancel_open(session, job_id)
    numbered = entries(token)
    assert [seq for seq, _ in numbered] == list(range(1, 13))
    assert [index for _, index in numbered] == [0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10, 11]


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 100])
def test_pages_of_any_size_give_each_outcome_once_in_order(step: int) -> None:
    job_id, token = make(lanes=5, chunks=5, size=4)
    for no in (3, 1, 4, 0, 2):
        with transaction() as session:
            finish(session, claim(job_id, no))
    found: list[tuple[int, int]] = []
    while page := entries(token, after=len(found), most=step):
        assert len(page) <= step
        found += page
    assert found == entries(token)
    assert [seq for seq, _ in found] == list(range(1, 21))


def test_a_ledger_that_has_not_come_so_far_and_one_that_was_purged() -> None:
    job_id, token = make()
    with pytest.raises(InvalidCursor):
        entries(token, after=1)
    with transaction() as session:
        finish(session, claim(job_id, 0))
    with transaction() as session:
        retention.purge(session, OWNER, token)
    with pytest.raises(Gone):
        entries(token)
    with transaction() as session:
        assert driver(session).execute("SELECT count(*) FROM entries").fetchone() == (0,)


def test_what_a_follower_is_told() -> None:
    job_id, _ = make(lanes=2, chunks=2)

    def hear(place: Place, most: int = 100) -> Any:
        with transaction() as session:
            return following.hear(session, [(job_id, place)], most)[0]

    with transaction() as session:
        finish(session, claim(job_id, 1))
    word = hear(Place(0), most=1)
    assert ([row.seq for row in word.outcomes], word.more, word.over) == ([1], True, False)
    assert not hear(Place(None)).outcomes
    with transaction() as session:
        finish(session, claim(job_id, 0))
    assert [(len(hear(Place(at)).outcomes), hear(Place(at)).over) for at in (0, 3, 4)] == [(4, True), (1, True), (0, True)]
    assert hear(Place(0), most=4).over is False  # there may be more: the next look tells
    with transaction() as session:
        assert following.hear(session, [(job_id + 1, Place())], 1) == [None]
