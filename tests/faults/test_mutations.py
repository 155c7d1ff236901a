"""Are the checks blind? Each guard of the ledger is taken out of its SQL, one at a time, and a check must turn red."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from models.db import Session, driver, transaction
from models.errors import NotFound
from models.jobs import dispatch, ledger, pacing, reads, service, submit
from models.jobs.values import Item, Submission
from tests.factories import accounts, job
from tests.models.jobs import test_dispatch, test_following, test_interleavings, test_ledger, test_pacing

pytestmark = pytest.mark.faults


@dataclass
class Mutant:
    """A connection whose statements lack something. `hits` says how often that was there to be taken out."""

    old: str
    new: str
    hits: int = 0
    connection: Any = field(default=None, repr=False)

    def over(self, session: Session) -> Mutant:
        self.connection = driver(session)
        return self

    def execute(self, sql: str, *values: Any, **options: Any) -> Any:
        self.hits += self.old in sql
        return self.connection.execute(sql.replace(self.old, self.new), *values, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@dataclass(frozen=True)
class Guard:
    """What is taken out, where, and the check that must notice."""

    name: str
    module: ModuleType
    old: str
    new: str
    check: Callable[[], None]


def one_job() -> int:
    with transaction() as session:
        return job(session)


def same_key_gives_the_same_job() -> None:
    with transaction() as session:
        ann = accounts(session)["ann"]
    tokens = set()
    for _ in range(2):
        with transaction() as session:
            ask = Submission("bulk_classifications", idempotency_key="one", body_digest=b"same")
            tokens.add(service.submit(session, ann, ask, [Item(0, b"{}")]).token)
    assert len(tokens) == 1


def nobody_else_finds_the_job() -> None:
    with transaction() as session:
        people = accounts(session)
        token = service.submit(session, people["ann"], Submission("bulk_classifications"), [Item(0, b"{}")]).token
        with pytest.raises(NotFound):
            service.get_job(session, people["cat"], str(token))
        assert service.list_jobs(session, people["cat"], service.JobQuery()) == []


def no_story_goes_wrong() -> None:
    with transaction() as session:
        driver(session).execute(test_interleavings.EFFECTS)
    try:
        test_interleavings.explore(test_interleavings.Ledger, examples=400, steps=40)
    finally:
        with transaction() as session:
            driver(session).execute("DROP TABLE effects")


LANE_ORDER = (
    "AND NOT EXISTS (SELECT FROM chunks e WHERE e.job_id = c.job_id AND e.lane = c.lane AND e.no < c.no AND e.status <> 'done')"
)
CLAIMS_OPEN = "no = %(no)s AND status <> 'done' FOR UPDATE SKIP LOCKED"
GUARDS = [
    Guard("fence", ledger, "fence = %", "fence >= %", lambda: test_ledger.test_an_overtaken_worker_writes_nothing(one_job())),
    Guard("fence in any story", ledger, "fence = %", "fence >= %", no_story_goes_wrong),
    Guard(
        "claims pass over what is held", ledger, CLAIMS_OPEN, CLAIMS_OPEN.removesuffix(" SKIP LOCKED"),
        lambda: test_ledger.test_a_chunk_that_somebody_works_on_is_not_claimed_again(one_job()),
    ),
    Guard(
        "claims pass over what is done", ledger, CLAIMS_OPEN, CLAIMS_OPEN.replace("AND status <> 'done'", ""),
        lambda: test_ledger.test_a_chunk_that_is_done_is_not_claimed_again(one_job()),
    ),
    Guard("lane order", ledger, LANE_ORDER, "", lambda: test_ledger.test_chunks_of_a_lane_run_one_after_the_other("")),
    Guard("lane order in any story", ledger, LANE_ORDER, "", no_story_goes_wrong),
    Guard(
        "counted deaths", ledger, "THEN probe_hits + 1", "THEN probe_hits",
        lambda: test_ledger.test_an_item_that_kills_its_worker_is_counted_and_others_are_not(one_job()),
    ),
    Guard(
        "counters", ledger, "failed = failed + %(failed)s", "failed = failed",
        lambda: test_ledger.test_the_last_chunk_ends_the_job_and_counters_add_up_at_every_commit(""),
    ),
    Guard(
        "dispatch passes over what is held", dispatch, "FOR UPDATE OF c SKIP LOCKED", "FOR UPDATE OF c",
        test_dispatch.test_a_chunk_that_is_being_worked_on_is_left_alone,
    ),
    Guard(
        "dispatch in lanes", dispatch, "ORDER BY no LIMIT 1", "ORDER BY no DESC LIMIT 1",
        test_dispatch.test_only_the_first_open_chunk_of_each_lane_is_woken,
    ),
    Guard(
        "a paused job's chunk is not begun", ledger, "j.pause_requested_on IS NOT NULL", "false",
        test_pacing.test_a_chunk_that_was_claimed_but_not_begun_is_held_and_given_back_without_a_mark,
    ),
    Guard(
        "a paused job's chunk is not claimed", ledger, "j.pause_requested_on IS NULL AND", "",
        test_pacing.test_a_paused_job_is_neither_woken_nor_claimed_until_it_is_resumed,
    ),
    Guard(
        "a job rests when nobody works on it", pacing, "AND c.status = 'claimed') RETURNING", "AND false) RETURNING",
        test_pacing.test_a_job_rests_only_when_the_chunk_that_is_worked_on_has_ended,
    ),
    Guard(
        "a pace is paid for", pacing, "+ make_interval(secs => %(items)s::float8 / %(pace)s)", "",
        test_pacing.test_a_pace_below_a_share_is_kept_item_by_item,
    ),
    Guard(
        "numbers are those of the commit", ledger, "seq - sum(added.items) OVER ()", "0",
        test_following.test_outcomes_are_numbered_as_their_chunks_commit,
    ),
    Guard("idempotency key", submit, "ON CONFLICT (submitter_id, idempotency_key) DO NOTHING", "", same_key_gives_the_same_job),
    Guard("owner", reads, f"{reads.MINE}", "%(superuser)s IS NOT NULL", nobody_else_finds_the_job),
]  # fmt: skip


@pytest.fixture
def clean(database: str) -> None:
    """Give an empty ledger."""


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_that_is_taken_out_is_missed(clean: None, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = Mutant(guard.old, guard.new)
    monkeypatch.setattr(guard.module, "driver", mutant.over)
    with pytest.raises((Exception, pytest.fail.Exception)) as noticed:
        guard.check()
    assert mutant.hits, f"{guard.old} is not in any statement of {guard.module.__name__}"
    assert not isinstance(noticed.value, (NameError, TypeError)), "the check itself is broken"


@pytest.mark.parametrize("check", [same_key_gives_the_same_job, nobody_else_finds_the_job])
def test_the_checks_made_here_are_green_with_the_guard_in_place(clean: None, check: Callable[[], None]) -> None:
    check()
