"""What the housekeeper removes when its time is over, whatever happens to it meanwhile."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from models import ids
from models.db import driver, transaction
from models.exports import files as exports
from models.settings import settings
from models.uploads import files as uploads
from tests.factories import job
from tests.processes import wait_for
from worker import housekeeping
from worker.housekeeping import Folders, Housekeeper, keep_house, sweep_folders

OLD_ANSWER = (
    "INSERT INTO answers (user_id, idempotency_key, body_digest, created_on) VALUES (1, 'k', '', now() - interval '9 days')"
)
UPLOAD = """
INSERT INTO uploads (id, user_id, idempotency_key, target, asked, touched_on) VALUES (%s, 1, %s, '', '{}', now() - %s::interval)
"""
SMALL = """
import sys
from models.jobs import retention
from worker import housekeeping
retention.PIECE, retention.LOOK, retention.GRACE, housekeeping.TURN = int(sys.argv[1]), 0, 0, 60.0
housekeeping.keep_house()
"""
OUTCOMES = 60


def count(what: str) -> int:
    with transaction() as session:
        return int(driver(session).execute(f"SELECT count(*) FROM {what}").fetchone()[0])


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folders of this test's own for exports and uploads."""
    for name in ("EXPORTS", "UPLOADS"):
        monkeypatch.setenv(f"WAYBILL_{name}", str(tmp_path / name.lower()))
        (tmp_path / name.lower()).mkdir()
    settings.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture(params=["WAYBILL_EXPORTS", "WAYBILL_UPLOADS"])
def out_of_reach(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let one of the folders be a place that the system refuses to look at."""
    monkeypatch.setenv(request.param, str(tmp_path / ("a" * 300)))
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.usefixtures("out_of_reach")
def test_files_that_are_out_of_reach_keep_nothing_else_from_being_removed(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        driver(session).execute(OLD_ANSWER)
    monkeypatch.setattr(housekeeping, "SWEEPS", dict(reversed(housekeeping.SWEEPS.items())))  # files first
    assert keep_house() is False
    assert count("answers") == 0


def old_job() -> int:
    """Make a job past its time, with outcomes, and a young one like it. Returns the old one's id."""
    with transaction() as session:
        finished = {"status": "done", "outcome": "failed", "failed": 1, "chunks_done": 1}
        made = [job(session, size=1, **finished) for _ in range(2)]
        fill = "INSERT INTO outcomes (job_id, index, status) SELECT %s, n, 'failed' FROM generate_series(1, %s) n"
        for job_id, days in zip(made, (settings().results_days + 1, 1), strict=True):
            driver(session).execute(fill, (job_id, OUTCOMES))
            aged = "UPDATE jobs SET finished_on = now() - make_interval(days => %s) WHERE id = %s"
            driver(session).execute(aged, (days, job_id))
    return made[0]


def house(piece: int, **environment: str) -> subprocess.Popen[bytes]:
    """Let another process keep house, with pieces of this size."""
    return subprocess.Popen([sys.executable, "-c", SMALL, str(piece)], env={**os.environ, **environment})


def check(old: int, left: int) -> None:
    """See that readers are told, and that all of the young job is there."""
    assert count(f"jobs WHERE id = {old} AND purged_on IS NOT NULL") == 1
    assert count("leftovers") == (1 if left else 0)
    assert (count(f"outcomes WHERE job_id <> {old}"), count(f"chunks WHERE job_id <> {old}")) == (OUTCOMES, 1)


@pytest.mark.faults
def test_a_purge_goes_on_where_it_was_killed_between_two_pieces(database: str) -> None:
    old, gate = old_job(), settings().home / "pause" / "piece"
    gate.parent.mkdir(parents=True, exist_ok=True)
    for done in (1, 2, 3):
        gate.touch()
        process = house(10, WAYBILL_PAUSE_AT="piece")
        wait_for(gate.with_suffix(".reached").exists, 30)
        process.kill()
        process.wait(10)
        gate.with_suffix(".reached").unlink()
        assert count(f"outcomes WHERE job_id = {old}") == OUTCOMES - 10 * done
        check(old, left=1)
    gate.unlink()
    assert house(10).wait(30) == 0
    assert count(f"outcomes WHERE job_id = {old}") == 0
    check(old, left=0)


@pytest.mark.faults
def test_a_purge_that_is_killed_at_any_place_comes_to_its_end(database: str) -> None:
    old, dice = old_job(), random.Random(7)
    for _ in range(6):
        process = house(1)
        begun, before = time.monotonic(), count(f"outcomes WHERE job_id = {old}")
        while process.poll() is None and count(f"outcomes WHERE job_id = {old}") == before and time.monotonic() < begun + 20:
            time.sleep(0.001)
        time.sleep(dice.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        left = count(f"outcomes WHERE job_id = {old}") + count(f"chunks WHERE job_id = {old}")
        if count("leftovers"):
            check(old, left=1)
        assert left == 0 or count("leftovers") == 1
    assert house(1_000).wait(30) == 0
    assert count(f"outcomes WHERE job_id = {old}") == 0
    check(old, left=0)


def fill_folder(place: Path, files: int = 3) -> Path:
    place.mkdir()
    for number in range(files):
        (place / str(number)).write_bytes(b"x")
    return place


def upload(idle: str) -> UUID:
    """Store an upload that was left alone for so long, with files."""
    made = ids.new_token()
    with transaction() as session:
        driver(session).execute(UPLOAD, (made, made, idle))
    fill_folder(uploads.folder(made))
    return made


def test_files_are_removed_while_no_transaction_is_open(database: str, places: Path) -> None:
    seen: list[object] = []

    def remove(one: UUID) -> None:
        with psycopg.connect(database) as other:
            open_ones = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in tr%'"
            seen.append(other.execute(open_ones).fetchone())
        exports.remove(one)

    for _ in range(2):
        fill_folder(exports.folder(ids.new_token()))
    assert sweep_folders(Folders(exports.list_folders, exports.find_unused, remove)) is False
    assert seen == [(0,), (0,)]
    assert list(settings().exports.iterdir()) == []


def test_an_upload_that_could_be_gone_on_with_minutes_ago_keeps_its_files(database: str, places: Path) -> None:
    hours = settings().upload_hours
    for idle in (f"{hours - 1} hours", f"{hours} hours 5 minutes"):
        upload(idle)
    over = upload(f"{hours} hours 11 minutes")
    assert keep_house() is False
    assert len(list(settings().uploads.iterdir())) == 2
    assert not uploads.folder(over).exists()
    assert count("uploads") == 3, "its client is told that it is over, for a while"


def test_uploads_are_forgotten_in_pieces(database: str, places: Path) -> None:
    number = 2 * uploads.FORGOTTEN_AT_ONCE + 1
    for _ in range(number):
        made = upload("9 days")
        with transaction() as session:
            driver(session).execute("INSERT INTO upload_parts SELECT %s, n, 1, 1 FROM generate_series(1, 3) n", (made,))
    with transaction() as session:
        assert uploads.forget(session) is True
    assert count("uploads") == number - uploads.FORGOTTEN_AT_ONCE
    keep_house()
    assert (count("uploads"), count("upload_parts"), list(settings().uploads.iterdir())) == (0, 0, [])


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["exports", "uploads"])
def test_a_kill_while_files_are_removed_leaves_none_for_ever(database: str, places: Path, kind: str) -> None:
    place = fill_folder(places / kind / str(ids.new_token()), 20_000)
    process = house(10)
    wait_for(lambda: not (place / "19999").exists() or not (place / "0").exists(), 30, 0.0)
    process.kill()
    process.wait(10)
    assert place.exists()
    wait_for(lambda: not keep_house(), 30)
    assert not place.exists()


def test_a_round_that_left_something_says_so_and_others_had_their_turn(
    database: str, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "TURN", 0.0)
    for _ in range(3):
        fill_folder(exports.folder(ids.new_token()))
    with transaction() as session:
        driver(session).execute(OLD_ANSWER)
    assert [keep_house() for _ in range(4)] == [True, True, True, False]
    assert (count("answers"), list(settings().exports.iterdir())) == (0, [])


def test_a_bug_in_one_sweep_keeps_no_other_from_its_turn(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug() -> bool:
        raise LookupError("a bug")

    with transaction() as session:
        driver(session).execute(OLD_ANSWER)
    monkeypatch.setattr(housekeeping, "SWEEPS", {"bug": bug, **housekeeping.SWEEPS})
    monkeypatch.setattr(housekeeping, "EVERY", 0.01)
    stopping = threading.Event()
    Housekeeper(stopping).start()
    wait_for(lambda: count("answers") == 0)
    stopping.set()
    for thread in threading.enumerate():
        if thread.name == "housekeeper":
            thread.join(20)


def test_the_dispatcher_keeps_house_beside_its_loop_and_stops_when_told(database: str) -> None:
    soon = "from worker import dispatcher, housekeeping; housekeeping.EVERY = 0.2; dispatcher.main()"
    process = subprocess.Popen([sys.executable, "-c", soon], env=dict(os.environ))
    try:
        for _ in range(2):
            with transaction() as session:
                driver(session).execute(OLD_ANSWER)
            wait_for(lambda: count("answers") == 0, 30)
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(10)
