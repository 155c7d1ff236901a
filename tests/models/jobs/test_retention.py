"""What time removes of jobs and selections: all of it, nothing else, in pieces, and never seen half."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest

from models import ids
from models.db import driver, engine, transaction
from models.errors import CursorExpired, Gone
from models.identity.principal import Principal
from models.jobs import control, reads, retention
from models.jobs.reads import OutcomeQuery
from models.selection import resolve
from models.settings import settings
from tests.factories import accounts, job

ROWS = 25
PIECE = 10
TABLES = ("outcomes", "entries", "drifts", "images", "schema_images", "export_files", "chunks")
FILL = """
INSERT INTO outcomes (job_id, index, status, code) SELECT %(id)s, n, 'failed', 'invalid' FROM generate_series(0, %(last)s) n;
INSERT INTO entries (job_id, seq, no, place, items) SELECT %(id)s, n + 1, 0, n, 1 FROM generate_series(0, %(last)s) n;
INSERT INTO drifts (job_id, index, record_id, change) SELECT %(id)s, n, n, 'gone' FROM generate_series(0, %(last)s) n;
INSERT INTO images SELECT %(id)s, n, n, now(), '{}' FROM generate_series(0, %(last)s) n;
INSERT INTO schema_images SELECT * FROM images WHERE job_id = %(id)s;
INSERT INTO export_files SELECT %(id)s, n, 'x', 'x', 1, 1, '', 1, now() FROM generate_series(0, %(last)s) n;
INSERT INTO deleted_records (id, lab_id, lab_record_id, owner_id, version, created_on, updated_on, evidence, moment, job_id,
    user_id, keep_until, share_level, live_level, widest_level, withdrawn)
SELECT %(id)s * 1000 + n, 1, n, 1, 1, now(), now(), '{}', 1, %(id)s, 1, now() + interval '1 day', 1, 1, 1, false
FROM generate_series(0, %(last)s) n;
"""


@pytest.fixture(autouse=True)
def ann(database: str, monkeypatch: pytest.MonkeyPatch) -> Principal:
    monkeypatch.setattr(retention, "PIECE", PIECE)
    with transaction() as session:
        return accounts(session)["ann"]


def make(ann: Principal, days: int = 0) -> int:
    """Put a finished job into the ledger, with rows in all that belongs to a job, and so many days old."""
    with transaction() as session:
        finished = {"status": "done", "outcome": "failed", "failed": ROWS, "chunks_done": ROWS, "submitter_id": ann.user_id}
        job_id = job(session, chunks=ROWS, size=1, **finished)
        for statement in FILL.split(";\n")[:-1]:
            driver(session).execute(statement, {"id": job_id, "last": ROWS - 1})
        driver(session).execute("UPDATE chunks SET status = 'done' WHERE job_id = %s", (job_id,))
        aged = "UPDATE jobs SET finished_on = now() - make_interval(days => %s) WHERE id = %s"
        driver(session).execute(aged, (days, job_id))
    return job_id


def token(job_id: int) -> str:
    with transaction() as session:
        return str(driver(session).execute("SELECT token FROM jobs WHERE id = %s", (job_id,)).fetchone()[0])


def kept(job_id: int) -> dict[str, int]:
    """Count what belongs to a job, and of what it deleted that which is still to be kept."""
    with transaction() as session:
        asked = {name: f"SELECT count(*) FROM {name} WHERE job_id = {job_id}" for name in TABLES}
        asked["deleted_records"] = f"SELECT count(*) FROM deleted_records WHERE job_id = {job_id} AND keep_until > now()"
        return {name: driver(session).execute(sql).fetchone()[0] for name, sql in asked.items()}


def count(what: str) -> int:
    with transaction() as session:
        return int(driver(session).execute(f"SELECT count(*) FROM {what}").fetchone()[0])


def later() -> None:
    """Let the time pass for which leftovers wait."""
    with transaction() as session:
        driver(session).execute("UPDATE leftovers SET created_on = created_on - interval '1 hour'")


def turn(piece: str) -> bool:
    with transaction() as session:
        return bool(getattr(retention, piece)(session))


def pieces(*job_ids: int) -> Iterator[int]:
    """Remove piece by piece; give how many rows each one took."""
    before, goes_on = sum(sum(kept(one).values()) for one in job_ids), True
    while goes_on:
        goes_on = turn("remove_leftovers")
        now = sum(sum(kept(one).values()) for one in job_ids)
        yield before - now
        before = now


def read(ann: Principal, job_id: int) -> None:
    with transaction() as session:
        reads.list_outcomes(session, reads.get_job(session, ann, token(job_id)), OutcomeQuery())


def test_a_job_past_its_time_is_gone_for_readers_before_anything_of_it_is(ann: Principal) -> None:
    old = make(ann, settings().results_days + 1)
    read(ann, old)
    assert turn("purge_due") is False
    with pytest.raises(Gone):
        read(ann, old)
    assert turn("remove_leftovers") is False, "somebody may have looked at the job a moment ago"
    assert set(kept(old).values()) == {ROWS}


def test_what_is_left_goes_in_pieces_and_nothing_else_does(ann: Principal) -> None:
    old, young = make(ann, settings().results_days + 1), make(ann, settings().results_days - 1)
    turn("purge_due")
    later()
    sizes = list(pieces(old, young))
    assert max(sizes) <= PIECE
    assert sum(sizes) == ROWS * (len(TABLES) + 1)
    assert set(kept(old).values()) == {0}
    assert set(kept(young).values()) == {ROWS}
    assert count("leftovers") == 0
    assert count("jobs WHERE purged_on IS NOT NULL") == 1


def test_many_small_jobs_share_a_piece(ann: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PIECE", 100_000)
    old = [make(ann, settings().results_days + 1) for _ in range(3)]
    turn("purge_due")
    later()
    assert turn("remove_leftovers") is False
    assert {number for one in old for number in kept(one).values()} == {0}


def test_an_owner_purges_at_once_what_is_small_and_the_rest_follows(ann: Principal) -> None:
    large = make(ann)
    with transaction() as session:
        retention.purge(session, ann, token(large))
    assert 0 < sum(kept(large).values()) < ROWS * (len(TABLES) + 1)
    later()
    assert max(pieces(large)) <= PIECE
    assert set(kept(large).values()) == {0}
    with transaction() as session:
        retention.purge(session, ann, token(large))
    assert count("leftovers") == 0


def test_two_at_once_take_different_jobs_and_wait_for_nothing(ann: Principal) -> None:
    both = [make(ann, settings().results_days + 1) for _ in range(2)]
    turn("purge_due")
    later()
    with engine().connect() as first, first.begin():
        assert retention.remove_leftovers(first)
        sum(pieces(*both))
        left = [set(kept(one).values()) for one in both]
        assert {0} in left
        assert {ROWS} in left, "the first has not committed"
    assert turn("remove_leftovers")


def test_a_job_whose_failed_items_are_being_copied_is_not_purged_meanwhile(ann: Principal) -> None:
    old = make(ann, settings().results_days + 1)
    with transaction() as session:
        control.retry(session, ann, token(old))
        assert turn("purge_due") is False
        assert count("leftovers") == 0
    turn("purge_due")
    assert count("leftovers") == 1
    with transaction() as session, pytest.raises(Gone):
        control.retry(session, ann, token(old))


def test_summaries_are_forgotten_with_their_receipts_some_at_a_time(ann: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "JOBS_AT_ONCE", 2)
    old = [make(ann, settings().jobs_days + 1) for _ in range(3)]
    young = make(ann)
    with transaction() as session:
        driver(session).execute("INSERT INTO receipts (job_id, jws) SELECT id, 'x' FROM jobs")
    assert turn("forget_jobs") is False, "what belongs to a job goes first"
    while turn("purge_due"):
        pass
    assert [turn("forget_jobs"), turn("forget_jobs")] == [True, False]
    assert (count("jobs"), count("receipts")) == (1, 1)
    later()
    list(pieces(*old))
    assert sum(sum(kept(one).values()) for one in old) == 0, "also of a job whose summary has gone first"
    assert set(kept(young).values()) == {ROWS}


def test_what_was_rehearsed_stays_while_its_job_runs(ann: Principal) -> None:
    ended = make(ann)
    with transaction() as session:
        running = job(session)
        fill = "INSERT INTO rehearsals (job_id, lab_id, lab_record_id) SELECT %s, 1, n FROM generate_series(1, %s) n"
        for job_id in (running, ended, 0):
            driver(session).execute(fill, (job_id, ROWS))
    assert [turn("forget_rehearsals") for _ in range(7)] == [True] * 6 + [False]
    assert (count("rehearsals"), count(f"rehearsals WHERE job_id = {running}")) == (ROWS, ROWS)


def test_deleted_records_are_forgotten_with_their_history_some_at_a_time(ann: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "RECORDS_AT_ONCE", 10)
    make(ann)
    with transaction() as session:
        fill = "INSERT INTO versions (record_id, version, user_id, source, after) SELECT id, 1, 1, '', '{}' FROM deleted_records"
        driver(session).execute(fill)
    assert turn("forget_deleted") is False
    with transaction() as session:
        driver(session).execute("UPDATE deleted_records SET keep_until = now()")
    assert [turn("forget_deleted") for _ in range(3)] == [True, True, False]
    assert (count("versions"), count("deleted_records WHERE evidence IS NOT NULL"), count("deleted_records")) == (0, 0, ROWS)


def select(hours: int) -> UUID:
    """Store a selection that is so many hours old."""
    selection_id = ids.new_token()
    with transaction() as session:
        made = "INSERT INTO selections VALUES (%s, 1, '', %s, now() - make_interval(hours => %s))"
        driver(session).execute(made, (selection_id, ROWS, hours))
        fill = "INSERT INTO selection_members SELECT %s, n, n FROM generate_series(0, %s) n"
        driver(session).execute(fill, (selection_id, ROWS - 1))
    return selection_id


def test_a_selection_is_gone_for_readers_before_its_members_are() -> None:
    old, young = select(settings().cursor_hours + 1), select(settings().cursor_hours - 1)
    assert turn("expire_selections") is False
    with transaction() as session, pytest.raises(CursorExpired):
        resolve.page(session, old, 0, 10)
    assert turn("remove_leftovers") is False
    assert count("selection_members") == 2 * ROWS
    later()
    assert [turn("remove_leftovers") for _ in range(3)] == [True, True, True]
    assert count("selection_members") == ROWS
    assert turn("remove_leftovers") is False
    with transaction() as session:
        assert resolve.page(session, young, 0, 10)[0] == ROWS


def test_every_table_with_rows_of_a_job_is_accounted_for(database: str) -> None:
    told_apart = {"leftovers", "rehearsals", "receipts", "deliveries", "import_jobs", "versions", "record_states"}
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'job_id' AND table_schema = 'public'"
        ).fetchall()
    assert {name for (name,) in found} == {part.table for part in retention.JOB_PARTS} | told_apart
