"""A site for each module of fault tests, on engines of its own: what happens to them must not happen to other tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from manage import engines, migrate
from manage.postgres import SOCKET
from models import db
from models.settings import settings
from tests.factories import accounts
from tests.faults.proxy import Proxy
from tests.faults.site import PARTS, Site
from tests.processes import RunningEngine, free_port

FULL = os.environ.get("WAYBILL_FAULTS") == "full"
MIB = 1024 * 1024
ENVIRONMENT = {
    "WAYBILL_SECRET_KEY": "a key that only tests know, and long enough",
    "WAYBILL_WEB_PROCESSES": "2",
    "WAYBILL_SLOTS": "1",
    "WAYBILL_DISPATCH_WINDOW": "8",
    "WAYBILL_CHUNK_ITEMS": "100",
    "WAYBILL_REDISPATCH_AFTER": "8" if FULL else "2",
    "WAYBILL_TEST_ITEM_SECONDS": "0.003",
}


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Give a whole installation that answers. A module's `SITE_ENVIRONMENT` is added to its parts' environment."""
    home = Path(tempfile.mkdtemp(prefix="waybill-site-"))
    (home / "run").mkdir()
    for folder in (home, home / "run"):
        folder.chmod(0o711)
    made = _make(home, getattr(request.module, "BEHIND_A_PROXY", False), getattr(request.module, "SITE_ENVIRONMENT", {}))
    try:
        for name in PARTS:
            made.start(name)
        made.tend_until(made.up, 60)
        yield made
    finally:
        try:
            made.stop()
        finally:
            shutil.rmtree(home, ignore_errors=True)


def _make(home: Path, behind_a_proxy: bool, more: dict[str, str]) -> Site:
    database, broker = engines.postgres(home, shared_buffers=64 * MIB), engines.valkey(home)  # durable: it will be killed
    stored, sent = (RunningEngine(engine, home / f"{engine.name}.log").start() for engine in (database, broker))
    migrate.upgrade(database.url())
    import_accounts(database.url())
    proxy = Proxy(str(database.sockets / SOCKET)) if behind_a_proxy else None
    url = _through(proxy, database.url()) if proxy else database.url()
    places = {"WAYBILL_DATABASE_URL": url, "WAYBILL_BROKER_URL": broker.url(), "WAYBILL_HOME": str(home / "home")}
    return Site(home, stored, sent, {**ENVIRONMENT, **places, "WAYBILL_PORT": str(free_port()), **more}, proxy)


def _through(proxy: Proxy, url: str) -> str:
    password = urlsplit(url).password
    return f"postgresql://waybill:{password}@127.0.0.1:{proxy.port}/waybill?sslmode=disable&gssencmode=disable"


def import_accounts(url: str) -> None:
    """Put the people of the tests into a database, past the one that this process is connected to."""
    before = settings().database_url
    db.dispose()
    os.environ["WAYBILL_DATABASE_URL"] = url
    settings.cache_clear()
    try:
        with db.transaction() as session:
            accounts(session)
    finally:
        db.dispose()
        os.environ["WAYBILL_DATABASE_URL"] = before
        settings.cache_clear()


@pytest.fixture
def clean_site(site: Site) -> Site:
    """Give the site with everything up and no job or record in it."""
    site.down.clear()
    site.excused.clear()
    site.tend_until(site.up, 60)
    tables = "jobs, chunks, outcomes, records, versions, snapshots"
    site.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'")
    site.query(f"TRUNCATE {tables}")
    return site


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the tests have measured."""
    lines = [
        value for report in terminalreporter.getreports("passed") for name, value in report.user_properties if name == "seen"
    ]
    for line in lines:
        terminalreporter.write_line(line)
