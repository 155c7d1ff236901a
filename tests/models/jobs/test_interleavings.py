"""Thousands of orders in which dispatch, claims, work, deaths and cancels can meet, on a real database and without a broker.

Each worker is a connection that stands still wherever a rule leaves it. What a chunk does is a row an item in `effects`, which
has no key: an item that took effect twice would show.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from models import ids
from models.db import Session, driver, engine, transaction
from models.identity.principal import Principal
from models.jobs import cancelling, careful, control, dispatch, ledger, pacing
from models.jobs.ledger import Chunk, Outcome
from tests.factories import job
from tests.models.jobs.hands import Hand, Hands

FULL = os.environ.get("WAYBILL_FAULTS") == "full"
OWNER = Principal(1, "owner", "north")
RANKS = {"queued": 0, "processing": 1, "done": 2, "rejected": 2}
ITEMS = ("succeeded", "noop", "failed")
PLACES = st.integers(0, 10_000)
EFFECTS = "CREATE TABLE IF NOT EXISTS effects (job_id bigint NOT NULL, no integer NOT NULL, index integer NOT NULL)"
COUNTED = """
SELECT j.id, j.status, j.total, j.succeeded, j.failed, j.skipped, j.noop, j.cancelled, j.chunks_done,
    (SELECT count(*) FROM chunks c WHERE c.job_id = j.id AND c.status = 'done'),
    (SELECT coalesce(jsonb_object_agg(status, number), '{}') FROM
        (SELECT status, count(*) AS number FROM outcomes o WHERE o.job_id = j.id GROUP BY status) s)
FROM jobs j ORDER BY j.id
"""
TWICE = "SELECT job_id, index, count(*) FROM effects GROUP BY job_id, index HAVING count(*) > 1"
UNTOLD = """
SELECT e.job_id, e.index FROM effects e LEFT JOIN outcomes o ON o.job_id = e.job_id AND o.index = e.index
WHERE o.status IS NULL OR o.status = 'cancelled'
"""
TIME_PASSES = """
UPDATE chunks SET dispatched_on = dispatched_on - interval '1 day', claimed_on = claimed_on - interval '1 day',
    not_before = now() - interval '1 s';
UPDATE jobs SET next_on = now() - interval '1 day'
"""
RESTING = """
SELECT j.id, (SELECT count(*) FROM effects e WHERE e.job_id = j.id), j.succeeded + j.failed + j.noop FROM jobs j
WHERE j.paused_on IS NOT NULL
"""
NUMBERED = """
SELECT j.id FROM jobs j LEFT JOIN entries e ON e.job_id = j.id WHERE j.status <> 'rejected' GROUP BY j.id
HAVING j.succeeded + j.failed + j.skipped + j.noop + j.cancelled <> coalesce(sum(e.items), 0) OR max(e.seq) <> sum(e.items)
"""
NOT_YET = "UPDATE chunks SET not_before = not_before + interval '1 hour' WHERE not_before > now()"
OPEN_JOBS = "SELECT id, status FROM jobs WHERE status IN ('queued', 'processing')"
EARLY = """
SELECT c.job_id, c.no FROM chunks c JOIN chunks e ON e.job_id = c.job_id AND e.lane = c.lane AND e.no < c.no
WHERE c.attempts > 0 AND e.status <> 'done'
"""


class Ledger(Hands):
    """The rules are what can happen; the invariants are looked at after each of them."""

    def __init__(self) -> None:
        super().__init__()
        for table in ("effects", "entries", "outcomes", "chunks", "jobs"):
            self.reader.execute(f"DELETE FROM {table}")  # type: ignore[call-overload]
        self.tokens: list[str] = []
        self.messages: list[tuple[int, int]] = []
        self.seen: dict[int, tuple[int, int]] = {}

    # --- what the outside does ---

    @initialize(lanes=st.integers(1, 2), chunks=st.integers(1, 4), size=st.integers(1, 3))
    def begin(self, lanes: int, chunks: int, size: int) -> None:
        self.submit(lanes, chunks, size)

    @precondition(lambda self: len(self.tokens) < 3)
    @rule(lanes=st.integers(1, 2), chunks=st.integers(1, 4), size=st.integers(1, 3))
    def submit(self, lanes: int, chunks: int, size: int) -> None:
        """Store a job. Messages about any of its chunks may come at any time, whoever sent them."""
        token = ids.new_token()
        with transaction() as session:
            job_id = job(session, lanes=lanes, chunks=chunks, size=size, token=token)
        self.messages += [(job_id, no) for no in range(chunks)]
        self.tokens.append(str(token))

    @rule(place=PLACES)
    def cancel(self, place: int) -> None:
        with self.alone() as session:
            control.cancel(session, OWNER, self.tokens[place % len(self.tokens)])

    @rule()
    def dispatch(self) -> None:
        with self.alone() as session:
            dispatch.pick(session)

    @rule()
    def stop_cancelled(self) -> None:
        with self.alone() as session:
            for job_id in dispatch.cancelling(session):
                cancelling.cancel_open(session, job_id)

    @rule()
    def let_time_pass(self) -> None:
        with self.alone() as session:
            driver(session).execute(TIME_PASSES)

    # --- what a worker does ---

    @precondition(lambda self: len(self.hands) < 4)
    @rule(place=PLACES)
    def deliver(self, place: int) -> None:
        """Any message, at any time, any number of times."""
        mine = None  # and stays so where the claim has to wait for somebody's commit
        with self.alone() as session:
            mine = ledger.claim(session, *self.messages[place % len(self.messages)])
        if mine:
            self.hands.append(Hand(mine, next_item=mine.next_item))

    @rule(place=PLACES)
    def die_while_claiming(self, place: int) -> None:
        with engine().connect() as session:
            with self.impatient(session):
                ledger.claim(session, *self.messages[place % len(self.messages)])
            session.rollback()

    @precondition(lambda self: self.hands)
    @rule(place=PLACES, ending=st.sampled_from(ITEMS))
    def work(self, place: int, ending: str) -> None:
        """Go on to where a worker may stand still next: before a commit, or after it."""
        hand = self.hand(place)
        if hand.session is not None:
            self.commit(hand)
        elif not hand.claim.careful:
            self.work_whole(hand, ending)
        elif hand.probed:
            self.work_on_one(hand, ending)
        else:
            self.probe(hand)

    @precondition(lambda self: self.hands)
    @rule(place=PLACES, ending=st.sampled_from(ITEMS))
    def work_on(self, place: int, ending: str) -> None:
        """Do the same: twice as often as anything else."""
        self.work(place, ending)

    def work_whole(self, hand: Hand, ending: str) -> None:
        with self.standing(hand) as session:
            chunk = self.open(session, hand).share()
            effect(session, chunk)
            ledger.finish(session, chunk, [Outcome(index, ending) for index in chunk.indexes])
            hand.ended = True

    def probe(self, hand: Hand) -> None:
        with self.at_once(hand) as session:
            self.open(session, hand)
            careful.probe(session, hand.claim, hand.next_item)
            hand.probed = True

    def work_on_one(self, hand: Hand, ending: str) -> None:
        with self.standing(hand) as session:
            chunk = self.open(session, hand)
            effect(session, chunk.only([hand.next_item]))
            careful.advance(session, hand.claim, [Outcome(chunk.indexes[hand.next_item], ending)])
            hand.next_item, hand.probed = hand.next_item + 1, False
            hand.ended = hand.next_item == hand.claim.end(chunk.size)

    def commit(self, hand: Hand) -> None:
        assert hand.session is not None
        hand.session.commit()
        self.let_go(hand)
        if hand.ended:
            self.hands.remove(hand)
            with self.alone() as session:
                ledger.release(session, hand.claim)

    @precondition(lambda self: self.hands)
    @rule(place=PLACES)
    def die(self, place: int) -> None:
        hand = self.hand(place)
        self.let_go(hand)
        self.hands.remove(hand)

    @precondition(lambda self: self.hands)
    @rule(place=PLACES, careful=st.booleans())
    def postpone(self, place: int, careful: bool) -> None:
        """The database failed this worker: it gives the chunk back. How long it waits is for `let_time_pass` to say."""
        hand = self.hand(place)
        self.die(place)
        with self.alone(hand.claim) as session:
            ledger.postpone(session, hand.claim, careful=careful)
            driver(session).execute(NOT_YET)

    # --- what must hold ---

    @invariant()
    def no_item_takes_effect_twice_or_untold(self) -> None:
        assert self.read(TWICE) == []
        assert self.read(UNTOLD) == []

    @invariant()
    def every_outcome_has_its_number(self) -> None:
        assert self.read(NUMBERED) == []

    @invariant()
    def counters_add_up_and_status_moves_on(self) -> None:
        for job_id, status, total, *counters, chunks_done, done, told in self.read(COUNTED):
            names = ("succeeded", "failed", "skipped", "noop", "cancelled")
            if status != "rejected":
                assert dict(zip(names, counters, strict=True)) == {name: told.get(name, 0) for name in names}
                assert chunks_done == done
            remaining = total - sum(counters)
            assert (remaining == 0) == (RANKS[status] == 2)
            rank, before = self.seen.get(job_id, (0, total))
            assert RANKS[status] >= rank and remaining <= before
            self.seen[job_id] = RANKS[status], remaining

    @invariant()
    def lanes_keep_their_order(self) -> None:
        assert self.read(EARLY) == []

    def teardown(self) -> None:
        """With every hand gone, dispatcher and workers bring each job to its end by themselves."""
        while self.hands:
            self.die(0)
        for _ in range(60):
            if not self.read(OPEN_JOBS):
                break
            self.stop_cancelled()
            self.run_alone()
        assert self.read(OPEN_JOBS) == []
        self.no_item_takes_effect_twice_or_untold()
        self.counters_add_up_and_status_moves_on()
        self.reader.close()

    def run_alone(self) -> None:
        """Let one worker do what the dispatcher picks, undisturbed."""
        self.let_time_pass()
        with self.alone() as session:
            wakes = dispatch.pick(session)
        for wake in wakes:
            self.deliver(self.messages.index((wake.job_id, wake.no)))
            for _ in range(20):
                if self.hands:
                    self.work(0, "succeeded")
            assert not self.hands


class Pausing(Ledger):
    """The same with jobs that are paused, paced and resumed at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.resting: dict[int, tuple[int, int]] = {}

    @rule(place=PLACES)
    def pause(self, place: int) -> None:
        with self.alone() as session:
            control.pause(session, OWNER, self.tokens[place % len(self.tokens)])
        self.settle_pauses()

    @rule()
    def settle_pauses(self) -> None:
        with self.alone() as session:
            pacing.settle_pauses(session)

    @rule(place=PLACES)
    def resume(self, place: int) -> None:
        self.resting.clear()
        with self.alone() as session:
            control.resume(session, OWNER, self.tokens[place % len(self.tokens)])

    @rule(place=PLACES, pace=st.sampled_from([None, 2, 4, 1000]))
    def set_pace(self, place: int, pace: int | None) -> None:
        """A pace of 2 or 4 makes shares of one item or two."""
        with self.alone() as session:
            control.set_pace(session, OWNER, self.tokens[place % len(self.tokens)], pace)

    @invariant()
    def nothing_takes_effect_while_a_job_rests(self) -> None:
        now = {job_id: (effects, told) for job_id, effects, told in self.read(RESTING)}
        assert {job_id: seen for job_id, seen in self.resting.items() if job_id in now}.items() <= now.items()
        self.resting = now

    def teardown(self) -> None:
        while self.hands:
            self.die(0)
        for place in range(len(self.tokens)):
            self.resume(place)
            self.set_pace(place, None)
        super().teardown()


def effect(session: Session, chunk: Chunk) -> None:
    """Do what an item does here: leave a row that nothing but the fence keeps from being left twice."""
    for index in chunk.indexes:
        driver(session).execute("INSERT INTO effects VALUES (%s, %s, %s)", (chunk.claim.job_id, chunk.claim.no, index))


@pytest.fixture
def effects(database: str) -> Iterator[None]:
    with transaction() as session:
        driver(session).execute(EFFECTS)
    yield
    with transaction() as session:
        driver(session).execute("DROP TABLE effects")


def explore(machine: type[Ledger], examples: int, steps: int) -> None:
    """Look at so many stories of so many steps. Raises what an invariant raises."""
    profile = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=not FULL, database=None,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=profile)


@pytest.mark.timeout(3600 if FULL else 120)
def test_no_order_of_events_loses_doubles_or_turns_back_anything(effects: None) -> None:
    explore(Ledger, examples=2_000 if FULL else 60, steps=40)


@pytest.mark.timeout(3600 if FULL else 120)
def test_no_order_of_events_writes_while_a_job_rests(effects: None) -> None:
    explore(Pausing, examples=2_000 if FULL else 60, steps=30)
