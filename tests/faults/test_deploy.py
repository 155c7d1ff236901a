"""A deploy in mid-job: tables get new columns, and a newer worker works beside an older one. Both finish their chunks."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.faults.poisoned_worker import NEWER
from tests.faults.site import Site
from tests.faults.storm import Watcher, load
from tests.processes import wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
SITE_ENVIRONMENT = {"WAYBILL_CHUNK_ITEMS": "50"}
RECORDS = 400
TABLES = ("jobs", "chunks", "outcomes", "records", "versions", "snapshots")
BEGUN = "SELECT id FROM jobs WHERE succeeded > 50"


def test_f35_old_and_new_workers_finish_their_chunks_over_a_migration(
    clean_site: Site, record_property: Callable[[str, object], None]
) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    site.submit(load("big", RECORDS))
    site.tend_until(lambda: site.query(BEGUN), 30)
    for table in TABLES:
        migrate(site, f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS told integer NOT NULL DEFAULT 0")
    site.restart("worker2", **{NEWER: "1"})
    site.submit(load("later", RECORDS))  # so that there is work for both, however long the restart took
    site.tend_until(watcher.nothing_open, 60)
    watcher.account()
    told = dict(site.query("SELECT told, count(*) FROM chunks GROUP BY told"))
    assert set(told) == {0, 1}, "both have worked on the job since"
    record_property("seen", f"F35   deploy in mid-job: {told[1]} chunks by the newer worker, {told[0]} by the older one")


def migrate(site: Site, statement: str) -> None:
    """Change a table as a migration should: it gives way to the work rather than stop it, and tries again."""

    def done() -> bool:
        try:
            site.query(f"SET lock_timeout = '200ms'; {statement}")
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    done.__doc__ = statement
    wait_for(done, 30)
