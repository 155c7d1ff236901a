"""Workers whose clocks are wrong by an hour, one ahead and one behind: only the database's clock decides."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.native import build
from tests.faults.site import WORKERS, Site
from tests.faults.storm import Watcher, load

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
SITE_ENVIRONMENT = {"WAYBILL_CHUNK_ITEMS": "50", "WAYBILL_TEST_ITEM_SECONDS": "0.001"}
HOUR = 3600
RECORDS = 300
# Every time that a worker writes down, beside the times that the database wrote at the job's begin and end.
STRAY = """
SELECT r.lab_record_id, r.created_on, r.updated_on, r.published_on, j.created_on, j.finished_on FROM records r, jobs j
WHERE least(r.created_on, r.published_on, to_timestamp(r.version / 1e6)) < j.created_on - interval '1 s'
    OR greatest(r.updated_on, r.published_on, to_timestamp(r.version / 1e6)) > j.finished_on + interval '1 s' LIMIT 3
"""


def test_f32_a_worker_with_a_wrong_clock_writes_the_right_times(
    clean_site: Site, record_property: Callable[[str, object], None]
) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    library = str(build("clock", site.folder))
    for name, ahead in zip(WORKERS, (HOUR, -HOUR), strict=True):
        site.restart(name, LD_PRELOAD=library, CLOCK_AHEAD=str(ahead))
    site.tend_until(site.up, 60)
    site.submit(load("big", RECORDS))
    site.tend_until(watcher.nothing_open, 60)
    watcher.account()
    assert site.query(STRAY) == []
    attempts, chunks = site.query("SELECT sum(attempts), count(*) FROM chunks")[0]
    assert attempts == chunks, "no chunk was taken for one that nobody works on"
    hours = {line[11:13] for name in WORKERS for line in stamps(site.log(name))}
    assert len(hours) >= 2, "the workers' own clocks are not what this test says they are"
    record_property("seen", f"F32   clocks an hour off: {chunks} chunks, {attempts} attempts, all times the database's")


def stamps(log: str) -> list[str]:
    """Return the times of a log's own lines."""
    return [line.split('"timestamp": "')[1][:19] for line in log.splitlines() if '"timestamp": "' in line]
