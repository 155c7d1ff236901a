"""Counters that processes share."""

from __future__ import annotations

import os

from web.tallies import Tallies, Window


def test_what_a_forked_process_counts_is_counted_here() -> None:
    tallies = Tallies(64)
    child = os.fork()
    if child == 0:
        tallies.put("ann", 1.5, 2.5)
        os._exit(0)
    os.waitpid(child, 0)
    assert tallies.get("ann") == (1.5, 2.5)
    assert tallies.get("ben") is None


def test_names_without_end_need_no_more_memory() -> None:
    tallies = Tallies(8)
    for number in range(1_000):
        tallies.put(str(number), number, 0)
    assert tallies.get("999") == (999, 0)
    assert sum(tallies.get(str(number)) is not None for number in range(1_000)) <= 8


def test_a_window_begins_with_its_first_use_and_ends_by_itself() -> None:
    window = Window(Tallies(64), "req", 60)
    window.use("ann", 2, 1_000)
    window.use("ann", 3, 1_030)
    assert window.used("ann", 1_040) == (5, 20)
    assert window.used("ben", 1_040) == (0, 60)
    assert window.used("ann", 1_060) == (0, 60)


def test_a_clock_that_began_anew_forgets() -> None:
    window = Window(Tallies(64), "req", 60)
    window.use("ann", 2, 1_000_000)
    assert window.used("ann", 5) == (0, 60)
