"""A pause outlives whoever was at work when it was asked for, and whoever was to see to it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.faults.site import KEY, Site
from tests.faults.storm import Watcher, load
from tests.faults.test_pauses import arrived, gate
from tests.processes import wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
RECORDS = 40
SITE_ENVIRONMENT = {"WAYBILL_TEST_ITEM_SECONDS": "0", "WAYBILL_REDISPATCH_AFTER": "2", "WAYBILL_CHUNK_ITEMS": "50"}


def ask(site: Site, token: str, verb: str = "") -> dict[str, Any]:
    """Tell how a job stands, or ask something of it."""
    method = "POST" if verb else "GET"
    answer = requests.request(method, f"{site.url}/api/jobs/{token}{verb}", headers=KEY, timeout=20)
    assert answer.status_code in (200, 202), answer.text
    return dict(answer.json())


def written(site: Site) -> list[tuple[Any, ...]]:
    return site.query(
        "SELECT (SELECT count(*) FROM outcomes), (SELECT count(*) FROM versions), (SELECT max(version) FROM records)"
    )


def test_x09_a_pause_survives_the_kill_of_worker_and_dispatcher(clean_site: Site) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    site.down.add("worker2")
    site.end("worker2")
    site.restart("worker", WAYBILL_PAUSE_AT="claimed")
    file = gate(site, "claimed")
    token = site.submit(load("rest", RECORDS))
    wait_for(lambda: arrived(file), 30)
    asked = ask(site, token, "/pause")
    assert (asked["pause_requested"], asked["paused"]) == (True, False)  # somebody has claimed a chunk
    site.end("dispatcher")
    site.end("worker")
    for left in (file, file.with_suffix(".reached")):
        left.unlink()
    site.down.discard("worker2")
    site.tend_until(lambda: ask(site, token)["paused"], 60)
    before = written(site)
    site.end("dispatcher")
    site.end("worker")
    site.tend_for(5)  # everybody is back for longer than it takes until a chunk is sent again
    assert ask(site, token)["paused"]
    assert written(site) == before
    ask(site, token, "/resume")
    site.tend_until(watcher.nothing_open, 60)
    watcher.account()
