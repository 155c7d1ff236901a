"""One PostgreSQL and one Valkey a test run, one database and one broker number a test process, clean tables a test.

The environment is set before any test module is imported, so whoever reads `settings()` reads the test's. The database is
made when a test first asks for it, by cloning a migrated template.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from manage import engines, migrate
from models import db
from models.settings import settings
from tests.processes import Parts, RunningEngine, free_port

SHARED = "WAYBILL_TEST_ENGINES"  # what the first process tells the others: {"home", "admin", "app", "broker"}
TEMPLATE = "waybill_template"
MIB = 1024 * 1024
FAULT_SETTINGS = {"WAYBILL_WEB_PROCESSES": "1", "WAYBILL_SLOTS": "2"}

_running: list[RunningEngine] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start the engines in the first process; point this process's settings at them."""
    if config.option.collectonly or config.option.help:
        return
    if not hasattr(config, "workerinput"):
        _start_engines()
    shared = json.loads(os.environ[SHARED])
    number = _number(config)
    os.environ["WAYBILL_DATABASE_URL"] = shared["app"].replace("/waybill?", f"/test_{number}?")
    os.environ["WAYBILL_BROKER_URL"] = shared["broker"].replace("virtual_host=0", f"virtual_host={number}")
    os.environ["WAYBILL_SECRET_KEY"] = "a key that only tests know, and long enough"
    os.environ["WAYBILL_HOME"] = str(Path(shared["home"]) / f"home_{number}")
    settings.cache_clear()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the engines with the first process."""
    if not hasattr(config, "workerinput"):
        _stop_engines()


def _number(config: pytest.Config) -> int:
    worker = getattr(config, "workerinput", {}).get("workerid", "gw-1")
    return int(worker.removeprefix("gw")) + 1


def _start_engines() -> None:
    home = Path(tempfile.mkdtemp(prefix="waybill-test-"))
    (home / "run").mkdir()
    for folder in (home, home / "run"):
        folder.chmod(0o711)
    atexit.register(_stop_engines)
    database = engines.postgres(home, durable=os.environ.get("WAYBILL_TEST_DURABLE") == "1", shared_buffers=256 * MIB)
    broker = engines.valkey(home)
    _running.extend(RunningEngine(engine, home / f"{engine.name}.log").start() for engine in (database, broker))
    shared = {"home": str(home), "admin": database.admin_url(), "app": database.url(), "broker": broker.url()}
    os.environ[SHARED] = json.dumps(shared)


def _stop_engines() -> None:
    while _running:
        _running.pop().stop()
    home = json.loads(os.environ.pop(SHARED, "{}")).get("home")
    if home:
        shutil.rmtree(home, ignore_errors=True)


def _admin(database: str = "postgres") -> psycopg.Connection:
    url = json.loads(os.environ[SHARED])["admin"].replace("/postgres?", f"/{database}?")
    return psycopg.connect(url, autocommit=True)


def _make_template(admin: psycopg.Connection) -> None:
    """Migrate an empty database once a test run; processes that come meanwhile wait."""
    admin.execute("SELECT pg_advisory_lock(1)")
    if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone():
        admin.execute(f"CREATE DATABASE {TEMPLATE}_new OWNER waybill")
        migrate.upgrade(json.loads(os.environ[SHARED])["app"].replace("/waybill?", f"/{TEMPLATE}_new?"))
        admin.execute(f"ALTER DATABASE {TEMPLATE}_new RENAME TO {TEMPLATE}")
    admin.execute("SELECT pg_advisory_unlock(1)")


def clone(name: str) -> str:
    """Make a migrated, empty database of this name; return its address."""
    with _admin() as admin:
        _make_template(admin)
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER waybill TEMPLATE {}").format(*map(sql.Identifier, (name, TEMPLATE))))
    return str(json.loads(os.environ[SHARED])["app"].replace("/waybill?", f"/{name}?"))


@pytest.fixture(scope="session")
def own_database() -> Iterator[str]:
    """This test process's database, migrated; not cleaned between tests. Gives its address."""
    url = settings().database_url
    clone(str(sa.make_url(url).database))
    yield url
    db.dispose()


def _clean(url: str) -> None:
    """Empty every table that a migration leaves empty, without asking in which order."""
    database = str(sa.make_url(url).database)
    with _admin(database) as admin:
        names = [str(row[0]) for row in admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        admin.execute("SET session_replication_role = replica")
        with admin.transaction():
            for name in set(names) - _seeded():
                admin.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))


_seeded_tables: set[str] = set()


def _seeded() -> set[str]:
    """Return the tables that hold rows from the start, such as the schema's revision."""
    if not _seeded_tables:
        with _admin(TEMPLATE) as template:
            for (name,) in template.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
                if template.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(name))).fetchone():
                    _seeded_tables.add(name)
    return _seeded_tables


@pytest.fixture
def database(own_database: str) -> str:
    """Give a migrated database with empty tables, which `models.db` is connected to. Gives its address."""
    _clean(own_database)
    return own_database


@pytest.fixture(scope="module")
def parts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """Web, worker and dispatcher as processes on a fresh database of the module's own.

    A module's `PARTS_ENVIRONMENT` is added to their environment. `models.db` of the test process is connected to the same
    database while they run.
    """
    before = settings().database_url
    url = clone(f"parts_{_number(request.config)}")
    db.dispose()  # of the database before: what is only forgotten would warn when it is collected
    os.environ["WAYBILL_DATABASE_URL"] = url
    settings.cache_clear()
    environment = {**FAULT_SETTINGS, "WAYBILL_PORT": str(free_port()), **getattr(request.module, "PARTS_ENVIRONMENT", {})}
    running = Parts(environment, tmp_path_factory.mktemp("parts"))
    try:
        running.start()
        running.wait_ready()
        yield running
    finally:
        running.stop()
        db.dispose()
        os.environ["WAYBILL_DATABASE_URL"] = before
        settings.cache_clear()
