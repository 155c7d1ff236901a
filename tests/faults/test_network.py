"""The line to the database is cut, silent or slow: nothing is forgotten, nothing repeated, every wait ends."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.faults.faults import FULL, Fault
from tests.faults.proxy import Proxy
from tests.faults.site import Site
from tests.faults.storm import load, strike, watching

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
RECORDS = 1_300 if FULL else 200
HEALED = 60.0
SILENCE = 6.0
BOTH = ("web", "database")
BEHIND_A_PROXY = True


def faults(proxy: Proxy) -> dict[str, Fault]:
    """Return the faults of a line, by name."""
    cuts = 12 if FULL else 6
    listed = [
        Fault("F23", "commit_answer_lost", lambda _: proxy.cut_commits(cuts), 3.0, lambda _: proxy.cut_commits(0), BOTH),
        Fault("F24", "reset", lambda _: proxy.reset(), excuses=BOTH),
        Fault("F25", "blackhole", lambda _: proxy.silence(), SILENCE, lambda _: proxy.resume(), BOTH),
        Fault("F25b", "silence_then_reset", lambda _: proxy.silence(), SILENCE, lambda _: hang_up(proxy), BOTH),
        Fault("F26", "delay", lambda _: slow(proxy, 0.04), 3.0, lambda _: slow(proxy, 0.0)),
    ]
    return {fault.name: fault for fault in listed}


def slow(proxy: Proxy, seconds: float) -> None:
    proxy.delay = seconds


def hang_up(proxy: Proxy) -> None:
    """End a silence in which every connection has been lost."""
    proxy.reset()
    proxy.resume()


@pytest.mark.parametrize("name", ["commit_answer_lost", "reset", "blackhole", "silence_then_reset", "delay"])
def test_a_fault_of_the_line_loses_nothing_and_doubles_nothing(
    clean_site: Site, name: str, record_property: Callable[[str, object], None]
) -> None:
    site, proxy = clean_site, clean_site.proxy
    assert proxy
    fault, made = faults(proxy)[name], proxy.cuts_made
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
    cuts = proxy.cuts_made - made
    assert (cuts > 0) == (name == "commit_answer_lost")
    record_property(
        "seen",
        f"{fault.number:5} {fault.name:24} final {seconds:5.1f} s after its end; {cuts} answers cut; longest poll "
        f"{watcher.longest_poll:.2f} s, submit {watcher.longest_submit:.2f} s; 503: {watcher.refused}, "
        f"unanswered: {watcher.unanswered}, repeated: {watcher.repeated}",
    )
