"""Every fault of the matrix alone, while work is open: nothing lost, nothing twice, all done by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.faults.faults import FAULTS, FULL, Fault, marker
from tests.faults.site import Site
from tests.faults.storm import load, strike, watching

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
RECORDS = 1_300 if FULL else 200  # of each of two jobs; three operations each
HEALED = 60.0  # seconds from a fault's end until every job must be final


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.number}-{fault.name}")
def test_a_fault_loses_nothing_doubles_nothing_and_heals(
    clean_site: Site, fault: Fault, record_property: Callable[[str, object], None]
) -> None:
    site = clean_site
    with watching(site) as watcher:
        for number in range(2):
            site.submit(load(f"big-{number}", RECORDS))
        site.tend_until(lambda: site.query("SELECT index FROM outcomes LIMIT 1"), 30)
        strike(site, fault)
        over = time.monotonic()
        site.tend_for(1.0)
        site.tend_until(watcher.settled, HEALED)
        seconds = time.monotonic() - over
        time.sleep(0.3)
    watcher.account()
    assert not marker(site).exists()
    attempts, chunks = site.query("SELECT sum(attempts), count(*) FROM chunks")[0]
    record_property(
        "seen",
        f"{fault.number:5} {fault.name:24} final {seconds:5.1f} s after its end; attempts {attempts}/{chunks}; "
        f"longest poll {watcher.longest_poll:.2f} s, submit {watcher.longest_submit:.2f} s; "
        f"503: {watcher.refused}, unanswered: {watcher.unanswered}, repeated: {watcher.repeated}",
    )
