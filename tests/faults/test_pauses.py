"""A worker or dispatcher stands still at a named point and is ended there: every point, every way to end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.faults import FULL
from tests.faults.site import Site
from tests.faults.storm import Watcher, load
from tests.processes import children, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
POINTS = ("claimed", "finished", "committed", "probing")
RECORDS = 40
FROZEN = 5.0  # seconds: longer than it takes until a chunk is sent again in the small form
SITE_ENVIRONMENT = {"WAYBILL_TEST_ITEM_SECONDS": "0", "WAYBILL_REDISPATCH_AFTER": "2", "WAYBILL_CHUNK_ITEMS": "50"}


def gate(site: Site, point: str) -> Path:
    """Make the gate at which who arrives stands still."""
    folder = Path(site.environment["WAYBILL_HOME"]) / "pause"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / point
    file.touch()
    return file


def arrived(file: Path) -> bool:
    """somebody at the gate"""
    return file.with_suffix(".reached").exists()


def kill_children(site: Site) -> None:
    for pid in children(site.pid("worker")):
        site.signal(pid, signal.SIGKILL)


def kill_all(site: Site) -> None:
    site.end("worker")


def stop_cold(site: Site) -> None:
    site.processes["worker"].send_signal(signal.SIGQUIT)


def freeze(site: Site) -> None:
    """Another worker has the chunk meanwhile; the first one wakes up and must not write."""
    below = children(site.pid("worker"))
    for pid in below:
        site.signal(pid, signal.SIGSTOP)
    site.down.discard("worker2")
    site.tend_for(FROZEN)
    for pid in below:
        site.signal(pid, signal.SIGCONT)


ENDS = (kill_children, kill_all, stop_cold, freeze)
CASES = [(point, end) for point in POINTS for end in ENDS if FULL or (POINTS.index(point) + ENDS.index(end)) % 3 == 0]


@pytest.mark.parametrize(("point", "end"), CASES, ids=lambda value: value if isinstance(value, str) else value.__name__)
def test_p27_a_worker_that_ends_at_a_point_leaves_no_trace_and_no_gap(
    clean_site: Site, point: str, end: Callable[[Site], None], record_property: Callable[[str, object], None]
) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    site.down.add("worker2")
    site.end("worker2")
    careful = {"WAYBILL_ATTEMPTS_BEFORE_CAREFUL": "0"} if point == "probing" else {}
    site.restart("worker", WAYBILL_PAUSE_AT=point, **careful)
    file = gate(site, point)
    site.submit(load("big", RECORDS))
    wait_for(lambda: arrived(file), 30)
    end(site)
    over = time.monotonic()
    for left in (file, file.with_suffix(".reached")):
        left.unlink()
    site.down.discard("worker2")
    site.tend_until(watcher.nothing_open, 60)
    watcher.account()
    if end is freeze and point in ("claimed", "probing"):  # it held no lock: another took over, and its fence stopped it
        wait_for(lambda: "chunk_overtaken" in site.log("worker"), 20)
    record_property("seen", f"ended at {point} by {end.__name__}: final {time.monotonic() - over:.1f} s later")


def test_a_dispatcher_that_ends_between_its_commit_and_its_messages_is_made_good(clean_site: Site) -> None:
    site, watcher = clean_site, Watcher(clean_site)
    site.end("dispatcher", signal.SIGTERM)
    site.submit(load("big", RECORDS))
    file = gate(site, "picked")
    site.start("dispatcher", WAYBILL_PAUSE_AT="picked")
    wait_for(lambda: arrived(file), 30)
    assert site.query("SELECT no FROM chunks WHERE dispatched_on IS NOT NULL")
    site.end("dispatcher")
    for left in (file, file.with_suffix(".reached")):
        left.unlink()
    site.tend_until(watcher.nothing_open, 60)
    watcher.account()
