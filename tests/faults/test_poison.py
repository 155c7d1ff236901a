"""Items that end their worker, never end or eat all memory: each is found, alone, and its neighbours never notice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.poisoned_worker import TIME_LIMIT
from tests.faults.site import WORKERS, Site
from tests.faults.storm import load

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
SITE_ENVIRONMENT = {
    TIME_LIMIT: "2",
    "WAYBILL_TEST_ITEM_SECONDS": "0",
    "WAYBILL_CHUNK_ITEMS": "50",
    "WAYBILL_WORKER_MEMORY": str(512 * 1024 * 1024),
}
MOST_DEATHS = 7  # of a chunk with one item of poison


@pytest.mark.parametrize("poison", ["kill", "sleep", "hunger"])
def test_an_item_of_poison_is_quarantined_alone(
    clean_site: Site, poison: str, record_property: Callable[[str, object], None]
) -> None:
    site = clean_site
    operations = load(poison, 60)
    operations[70]["ref"] = poison  # the first patch of record 10
    neighbour = load("neighbour", 30)
    token, other = site.submit(operations), site.submit(neighbour)
    site.tend_until(lambda: site.query("SELECT id FROM jobs WHERE token = %s AND status = 'done'", token), 120)
    job = site.query(
        "SELECT id, outcome, succeeded, failed, extract(epoch FROM finished_on - started_on) FROM jobs WHERE token = %s", token
    )
    assert job[0][1:4] == ("partial", 179, 1)
    assert site.query("SELECT index, code FROM outcomes WHERE status <> 'succeeded'") == [(70, "quarantined")]
    assert site.query("SELECT outcome, succeeded FROM jobs WHERE token = %s", other) == [("succeeded", 90)]
    counted = "SELECT count(*) FROM versions v JOIN records r ON r.id = v.record_id WHERE r.lab_record_id = %s"
    assert site.query(counted, f"{poison}-10") == [(2,)]
    assert site.query("SELECT count(DISTINCT index) FROM outcomes WHERE job_id = %s", job[0][0]) == [(180,)]
    attempts = site.query("SELECT max(attempts) FROM chunks WHERE job_id = %s", job[0][0])[0][0]
    assert attempts <= MOST_DEATHS + 1
    assert not [name for name in WORKERS if site.deaths[name]], "an item of poison ends pool processes, never a worker"
    record_property("seen", f"poison {poison}: quarantined after {attempts} attempts, job done in {job[0][4]:.1f} s")
