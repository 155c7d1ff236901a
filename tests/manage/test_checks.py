"""What doctor sees on the server's side: each check in a state that is right, and in one that is really wrong."""

from __future__ import annotations

import configparser
import json
import os
import resource
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from click.testing import CliRunner
from kombu import Connection

from manage import checks
from manage.checks import broker, database, machine, work
from manage.home import Home
from models import db, parts
from models.db import driver, transaction
from models.settings import settings
from tests.conftest import clone
from tests.factories import job
from tests.manage.conftest import StartValkey
from tests.processes import free_port
from waybill.checks import Check
from waybill.cli import main

LONG = "0123456789abcdef0123456789abcdef"
VALKEY = {"valkey_version": "9.1.2", "maxmemory_policy": "noeviction", "maxmemory": 0, "used_memory": 1, "aof_enabled": 1}


def named(found: Iterator[Check]) -> dict[str, Check]:
    return {check.name: check for check in found}


def assert_wrong(check: Check, told: str, remedy: str) -> None:
    assert check.ok is False
    assert told in check.found, check
    assert remedy in check.remedy, check


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Change settings by the environment, for the length of a test."""
    yield monkeypatch
    monkeypatch.undo()
    db.dispose()
    settings.cache_clear()


def use(setting: pytest.MonkeyPatch, **variables: str) -> None:
    for name, text in variables.items():
        setting.setenv(f"WAYBILL_{name}", text)
    db.dispose()
    settings.cache_clear()


# --- the machine ---


def test_packages_are_as_the_server_asks_for_them_or_it_says_which_are_not() -> None:
    assert named(machine.versions()).keys() == {"python", "packages", "lock"}
    assert all(check.ok is not False for check in machine.versions())
    wrong = machine.packages(["click>=8", "flask>=99", "no-such-thing", "not; a requirement"])
    assert_wrong(wrong, "flask is", "pip install")
    assert "no-such-thing is missing" in wrong.found and "click" not in wrong.found
    assert machine.packages(['no-such-thing; python_version < "3"']).ok


def test_what_differs_from_the_lock_is_worth_a_word() -> None:
    lock = machine.read_lock("click==0.1 \\\n    --hash=x\nflask==9 ; python_version < '3' \\\nno-such-thing==1 \\\n")
    assert lock == {"click": "0.1", "no-such-thing": "1"}
    found = machine.locked(lock)
    assert (found.ok, "tested with 0.1" in found.found, bool(found.remedy)) == (None, True, True)


@pytest.mark.parametrize(("key", "ok"), [("", False), ("short", False), ("x" * 64, False), (LONG, True)])
def test_a_secret_is_there_and_cannot_be_guessed(key: str, ok: bool) -> None:
    found = machine.secret(key)
    assert (found.ok, "openssl" in found.remedy) == (ok, not ok)
    assert not key or key not in found.found


def test_a_process_may_open_as_many_files_as_readers_may_wait() -> None:
    assert machine.open_files(resource.RLIM_INFINITY).ok
    assert machine.open_files(100_000).ok
    assert_wrong(machine.open_files(4_096), "4,096", "11,000")


def test_folders_can_be_written_to_and_have_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.room("exports", tmp_path / "not" / "there").ok
    assert not (tmp_path / "not").exists()
    assert_wrong(machine.room("exports", Path("/proc/exports")), "cannot be written to", "/proc")
    monkeypatch.setattr(machine, "LEAST_FREE", 2**60)
    assert_wrong(machine.room("exports", tmp_path), "free", "Make room")
    here = machine.folders(settings())
    assert set(here) == {"home", "exports", "uploads", "assets"}
    assert "assets" not in machine.folders(replace(settings(), assets="s3://bucket/prefix"))


# --- the database ---


def test_a_database_that_is_right_is_said_to_be_so(database: str) -> None:
    found = named(looked_at())
    assert set(found) == {"database", "durability", "connections", "compression", "encoding", "server clock", "schema"}
    durable = os.environ.get("WAYBILL_TEST_DURABLE") == "1"
    assert [name for name, check in found.items() if check.ok is False] == ([] if durable else ["durability"])
    if not durable:
        assert_wrong(found["durability"], "fsync", "postgresql.conf")


def looked_at() -> Iterator[Check]:
    yield from database.checks()


def test_a_database_that_is_away_is_told_without_its_password(setting: pytest.MonkeyPatch) -> None:
    use(setting, DATABASE_URL=f"postgresql://somebody:hidden@127.0.0.1:{free_port()}/waybill")
    (found,) = looked_at()
    assert_wrong(found, "does not answer", "WAYBILL_DATABASE_URL")
    assert "hidden" not in found.found


def test_an_old_server_is_to_be_upgraded() -> None:
    assert database.version(180_001, "PostgreSQL 18.1").ok
    assert_wrong(database.version(140_009, "PostgreSQL 14.9"), "14.9", "PostgreSQL 15")


def test_more_threads_than_connections_are_noticed(database: str, setting: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        parts.beat(session, parts.new_part("worker", slots=70))
        assert_wrong(checks.database.connections(session), "take up to", "max_connections")
    use(setting, WEB_THREADS="400")
    with transaction() as session:
        driver(session).execute("DELETE FROM parts")
        assert_wrong(checks.database.connections(session), "take up to", "WAYBILL_WEB_THREADS")


def test_slow_compression_is_worth_a_word(database: str) -> None:
    with transaction() as session:
        driver(session).execute("SET LOCAL default_toast_compression = 'pglz'")
        found = checks.database.compression(session)
    assert (found.ok, "pglz" in found.found) == (None, True)


@pytest.mark.parametrize(("seconds", "ok", "told"), [(0, True, ""), (90, False, "ahead of"), (-90, False, "behind")])
def test_clocks_that_differ_are_noticed(database: str, seconds: int, ok: bool, told: str) -> None:
    with transaction() as session:
        found = checks.database.clock(session, lambda: datetime.now(UTC) + timedelta(seconds=seconds))
    assert (found.ok, told in found.found, "NTP" in found.remedy) == (ok, True, not ok)


def test_a_schema_of_another_version_says_which_way_to_go(own_database: str) -> None:
    url = clone(f"{sa.make_url(own_database).database}_checked")
    engine = sa.create_engine(db.url(url), poolclass=sa.NullPool)
    with engine.begin() as session:
        assert checks.database.schema(session).ok
        driver(session).execute("UPDATE alembic_version SET version_num = '0009'")
        assert_wrong(checks.database.schema(session), "at 0009", "waybill migrate")
        driver(session).execute("UPDATE alembic_version SET version_num = '9999'")
        assert_wrong(checks.database.schema(session), "at 9999", "newer version")
        driver(session).execute("DROP TABLE alembic_version")
        assert_wrong(checks.database.schema(session), "none", "waybill migrate")
        assert checks.database.connections(session).ok
    engine.dispose()


# --- the broker ---


def messages() -> Iterator[Check]:
    yield from broker.checks()


def test_a_broker_that_forgets_is_noticed(home: Path, start_valkey: StartValkey, setting: pytest.MonkeyPatch) -> None:
    engine, running = start_valkey(home)
    use(setting, BROKER_URL=engine.url())
    assert {name: check.ok for name, check in named(messages()).items()} == {
        "broker": True, "broker room": True, "broker file": True
    }  # fmt: skip
    client = engine.client()
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("appendonly", "no")
    found = named(messages())
    assert_wrong(found["broker room"], "allkeys-lru", "noeviction")
    assert (found["broker file"].ok, "nothing is lost" in found["broker file"].found) == (None, True)
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1)
    assert_wrong(named(messages())["broker room"], "used of", "Raise maxmemory")
    client.config_set("maxmemory", 0)
    client.rpush("waybill:bulk", "a", "b")
    with Connection(settings().broker_url, transport_options={"global_keyprefix": "waybill:"}) as connection:
        assert broker.depth(connection, ("small", "bulk")) == {"small": 0, "bulk": 2}
    client.close()
    running.stop()
    (away,) = messages()
    assert_wrong(away, "does not answer", "Nothing is lost")
    assert engine.place.secret("valkey") not in away.found


def test_no_broker_and_brokers_that_are_no_redis(setting: pytest.MonkeyPatch) -> None:
    use(setting, BROKER_URL="")
    (none,) = messages()
    assert_wrong(none, "none", "WAYBILL_BROKER_URL")
    use(setting, BROKER_URL="memory://")
    (other,) = messages()
    assert (other.ok, "answers" in other.found) == (True, True)


@pytest.mark.parametrize(("info", "ok"), [
    (VALKEY, True), ({"redis_version": "7.2.4"}, True), ({"redis_version": "6.2.14"}, False), ({}, False)
])  # fmt: skip
def test_an_old_broker_is_to_be_upgraded(info: dict[str, object], ok: bool) -> None:
    assert broker.version(info).ok is ok


@pytest.mark.parametrize(("policy", "ok"), [("noeviction", True), ("volatile-lru", True), ("allkeys-random", False)])
def test_messages_are_not_to_be_thrown_away(policy: str, ok: bool) -> None:
    assert broker.eviction({**VALKEY, "maxmemory_policy": policy}).ok is ok


def test_a_broker_that_breaks_off_is_away() -> None:
    assert_wrong(broker.away("redis://there/0", redis.ConnectionError("gone\nand more")), "gone", "WAYBILL_BROKER_URL")


# --- the work ---


def worked(waiting: dict[str, int] | None = None) -> dict[str, Check]:
    return named(work.checks(waiting))


def test_parts_that_are_not_heard_of_are_missed(database: str) -> None:
    found = worked()
    assert_wrong(found["workers"], "0 heard of", "waybill worker")
    assert_wrong(found["dispatchers"], "0 heard of", "waybill dispatcher")
    with transaction() as session:
        for role in ("worker", "dispatcher"):
            parts.beat(session, parts.new_part(role, slots=2))
    assert all(check.ok for check in worked().values())


def test_what_waits_is_compared_with_the_ledger_and_the_clock(database: str) -> None:
    assert worked({"small": 0, "bulk": 0})["oldest chunk"].found == "nothing is open"
    with transaction() as session:
        job(session, chunks=3)
    found = worked({"small": 0, "bulk": 3})
    assert (found["queues"].ok, found["queues"].found) == (
        True, "small: 0 messages, 0 open chunks; bulk: 3 messages, 3 open chunks"
    )  # fmt: skip
    assert found["oldest chunk"].ok and found["attempts"].ok
    assert_wrong(worked({"small": 0, "bulk": 104})["queues"], "104 messages, 3 open", "workers")
    with transaction() as session:
        for column in ("created_on", "updated_on", "next_on"):
            driver(session).execute(f"UPDATE jobs SET {column} = now() - interval '1 hour'")
        driver(session).execute("UPDATE chunks SET attempts = 9 WHERE no = 1")
    found = worked()
    assert_wrong(found["oldest chunk"], "3 open, the oldest for 3,600 s", "chunk_postponed")
    assert_wrong(found["attempts"], "9 at the chunk", "item_quarantined")


def test_a_ledger_that_cannot_be_read_is_told(own_database: str, setting: pytest.MonkeyPatch) -> None:
    use(setting, DATABASE_URL=clone(f"{sa.make_url(own_database).database}_checked"))
    with transaction() as session:
        driver(session).execute("ALTER TABLE jobs RENAME TO other")
    assert_wrong(worked()["work"], "cannot be read", "waybill migrate")


# --- which installation ---


def test_the_installation_is_the_one_named_or_the_one_in_the_home(tmp_path: Path, setting: pytest.MonkeyPatch) -> None:
    with checks.installation() as where:
        assert where == "named by WAYBILL_DATABASE_URL"
    setting.delenv("WAYBILL_DATABASE_URL")
    use(setting, HOME=str(tmp_path))
    assert [check.name for check in checks.checks()][-1] == "installation"
    home = Home(tmp_path)
    home.prepare()
    home.publish({"WAYBILL_DATABASE_URL": "postgresql://noted/waybill", "WAYBILL_BROKER_URL": "redis://mine"})
    mine = settings().broker_url
    with checks.installation() as where:
        assert (where, settings().database_url) == (f"in {tmp_path}", "postgresql://noted/waybill")
        assert settings().broker_url == mine
    assert "WAYBILL_DATABASE_URL" not in os.environ
    assert settings().database_url == ""


def test_a_setting_that_cannot_be_read_is_a_check_too(setting: pytest.MonkeyPatch) -> None:
    use(setting, PORT="eighty")
    found = list(checks.checks())[-1]
    assert_wrong(found, "WAYBILL_PORT", "Mend")


def test_doctor_runs_them_where_the_server_is(database: str) -> None:
    done = CliRunner().invoke(main, ["doctor", "--here", "--json"])
    found = {check["name"]: check for check in map(json.loads, done.stdout.splitlines())}
    assert {"python", "installation", "database", "schema", "broker", "workers", "oldest chunk"} <= set(found)
    assert (done.exit_code, found["workers"]["ok"]) == (1, False)
    assert all(check["remedy"] for check in found.values() if check["ok"] is False)


def test_the_entry_point_leads_to_them() -> None:
    config = configparser.ConfigParser()
    config.read(Path(__file__).parents[2] / "setup.cfg", encoding="utf-8")
    module, _, function = config["options.entry_points"]["waybill.checks"].partition("=")[2].strip().partition(":")
    assert getattr(import_module(module), function) is checks.checks
