"""Random faults from a seed, one after the other, over a large job: whatever meets, it ends by itself and as it should."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.faults.faults import FAULTS, FULL, marker
from tests.faults.site import Site
from tests.faults.storm import Storm, load, watching

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
SEEDS = [int(seed) for seed in os.environ.get("WAYBILL_STORM_SEEDS", "1 2 3 4 5" if FULL else "1").split()]
JOBS, RECORDS, NUMBER = (5, 3_334, 20) if FULL else (3, 1_000, 6)
ITEM_SECONDS = 0.003
SITE_ENVIRONMENT = {"WAYBILL_TEST_ITEM_SECONDS": str(ITEM_SECONDS), "WAYBILL_SLOTS": "2" if FULL else "1"}
HEALED = 60.0  # seconds after the last fault until all is done, beside the work that was left then
LEFT = "SELECT coalesce(sum(total - succeeded), 0) FROM jobs"


@pytest.mark.parametrize("seed", SEEDS)
def test_x13_a_storm_passes_and_every_item_has_been_done_once(
    clean_site: Site, seed: int, record_property: Callable[[str, object], None]
) -> None:
    site = clean_site
    begun = time.monotonic()
    with watching(site) as watcher:
        for number in range(JOBS):
            site.submit(load(f"big-{number}", RECORDS))
        struck = Storm(seed, FAULTS, NUMBER).rage(site, watcher)
        over, left = time.monotonic(), int(site.query(LEFT)[0][0])
        site.tend_for(1.0)
        site.tend_until(watcher.settled, HEALED + left * ITEM_SECONDS)
        ended = time.monotonic()
        time.sleep(0.5)
    watcher.account()
    assert not marker(site).exists()
    attempts, dispatches, chunks = site.query("SELECT sum(attempts), sum(dispatches), count(*) FROM chunks")[0]
    record_property(
        "seen",
        f"storm {seed}: {NUMBER} faults, {JOBS * RECORDS * 3} items, {ended - begun:.0f} s; final {ended - over:.1f} s after the "
        f"last, when {left} items were left; attempts {attempts}, dispatches {dispatches} for {chunks} chunks; "
        f"{watcher.polls} polls, longest {watcher.longest_poll:.1f} s, longest submit {watcher.longest_submit:.1f} s; "
        f"{', '.join(struck)}",
    )
