"""How long requests took, by route: a histogram that a machine's web processes write, in files that live in memory.

The files' folder is made by the process that starts the others (`gunicorn.conf.py`); without it each process tells its own.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's name for it
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
OTHER = "other"  # addresses that nobody serves
NAME, LABELS = "waybill_request_seconds", ("method", "route", "status")

disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the lines, and nobody reads them
registry = CollectorRegistry()
seconds = Histogram(
    NAME,
    "Time to an answer's first byte; the status is `2xx` and so on.",
    LABELS,
    buckets=BUCKETS,
    registry=registry,
)


def observe(method: str, route: str | None, status: int, took: float) -> None:
    """Note how long a request took. Statuses are told by their hundreds, and unknown methods and addresses as one."""
    known = method if method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH") else OTHER
    seconds.labels(known, route or OTHER, f"{status // 100}xx").observe(took)


def collector() -> Collector:
    """Return what tells the histogram of all processes."""
    folder = os.environ.get(FOLDER)
    if folder and Path(folder).is_dir():
        return MultiProcessCollector(CollectorRegistry(), folder)  # type: ignore[no-untyped-call]
    return seconds
