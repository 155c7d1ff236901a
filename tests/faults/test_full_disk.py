"""The database's disk is full for a while: requests that need it end in 503, no half job is left, and all goes on afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.faults.faults import DATABASE, LONG, Fault
from tests.faults.native import build
from tests.faults.site import Site
from tests.faults.storm import load, strike, watching
from tests.processes import wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
SITE_ENVIRONMENT = {"WAYBILL_CHUNK_ITEMS": "50"}
RECORDS = 300
HEALED = 60.0


@pytest.fixture(scope="module")
def marker(site: Site) -> Path:
    """Give the file whose presence means a full disk, with the database started again so that it knows."""
    file = site.folder / "full"
    site.database.stop()
    site.database.environment = {"LD_PRELOAD": str(build("disk", site.folder)), "FULL_DISK": str(file)}
    site.database.start()
    return file


@pytest.mark.parametrize("log_too", [False, True], ids=["data", "data-and-log"])
def test_f31_a_full_disk_costs_time_and_nothing_else(
    clean_site: Site, marker: Path, log_too: bool, record_property: Callable[[str, object], None]
) -> None:
    site = clean_site
    if log_too:
        site.database.stop()
        site.database.environment = {**site.database.environment, "FULL_DISK_WAL": "1"}
        site.database.start()
        site.tend_until(site.up, 60)
    with watching(site) as watcher:
        site.submit(load("big", RECORDS))
        site.tend_until(lambda: site.query("SELECT index FROM outcomes LIMIT 1"), 30)
        strike(site, Fault("F31", "disk_full", lambda _: marker.touch(), LONG, lambda _: recover(site, marker), DATABASE))
        over = time.monotonic()
        site.tend_until(watcher.settled, HEALED)
        seconds = time.monotonic() - over
    watcher.account()
    assert refusals(site), "the disk was never full"
    record_property(
        "seen", f"F31   disk full ({'log too' if log_too else 'data'}): final {seconds:.1f} s after; 503: {watcher.refused}"
    )


def recover(site: Site, marker: Path) -> None:
    """Give the disk room; a database that ended meanwhile is started again, as the launcher and an orchestrator do."""
    marker.unlink()
    time.sleep(1)
    wait_for(lambda: stands(site), 30, 0.2)


def stands(site: Site) -> bool:
    """the database answers"""
    assert site.database.process
    if site.database.process.poll() is not None:
        site.database.start()
    try:
        site.query("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def refusals(site: Site) -> int:
    """Count what the database could not write."""
    return site.log("postgres").count("No space left on device")
