"""Is it alive, can it work, how much is open. Nothing here names a tenant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from models.db import DATABASE_ERRORS, transaction
from models.errors import Unavailable
from models.jobs.numbers import Numbers, count_open
from models.parts import list_parts
from web.answers import answer, problem

api = Blueprint("health", __name__)
NEEDED = ("worker", "dispatcher")
Values: TypeAlias = Mapping[Any, float]  # by the labels' values, a tuple as long as the labels


@api.get("/health/live")
def live() -> Response:
    """Say that this process answers."""
    return answer({"status": "live"})


@api.get("/health/ready")
def ready() -> Response:
    """Say whether work sent now would be done: the database answers, a worker and the dispatcher were heard of lately."""
    parts = _parts()
    found = Counter(part["role"] for part in parts or ())
    body: dict[str, Any] = {"web": True, "database": parts is not None} | {role: found[role] for role in NEEDED}
    missing = ["database"] if parts is None else [role for role in NEEDED if not found[role]]
    if missing:
        return problem(Unavailable(f"Not heard of lately: {', '.join(missing)}."), {"parts": body})
    return answer({"status": "ready", "parts": body})


def _parts() -> list[dict[str, Any]] | None:
    try:
        with transaction() as session:
            return list_parts(session)
    except DATABASE_ERRORS:
        return None


@api.get("/metrics")
def metrics() -> Response:
    """Give the numbers in Prometheus' text format, read from the database now."""
    registry = CollectorRegistry()
    registry.register(OpenWork())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_1_0_0)


class OpenWork(Collector):
    """Asks the database at each scrape, so that every web process tells the same."""

    def collect(self) -> Iterator[Metric]:
        """Give all numbers."""
        with transaction() as session:
            numbers, parts = count_open(session), Counter(part["role"] for part in list_parts(session))
        yield from _of_jobs(numbers)
        yield from _of_chunks(numbers)
        alive = {(role,): parts[role] for role in NEEDED}
        yield _gauge("waybill_parts", "Processes heard of lately.", ("role",), alive)

    def describe(self) -> Iterable[Metric]:
        """Describe nothing beforehand: registering must not need the database."""
        return ()


def _of_jobs(numbers: Numbers) -> Iterator[Metric]:
    labels = ("queue", "status")
    yield _gauge("waybill_open_jobs", "Jobs that are not final.", labels, numbers.jobs)
    yield _gauge("waybill_open_items", "Items of such jobs without an outcome.", labels, numbers.items)
    silence = {(): numbers.longest_silence}
    yield _gauge("waybill_longest_silence_seconds", "Time since the open job that moved least lately moved.", (), silence)


def _of_chunks(numbers: Numbers) -> Iterator[Metric]:
    for name, text, values in (
        ("waybill_open_chunks", "Chunks that are not done.", numbers.chunks),
        ("waybill_open_chunk_attempts", "Claims of these chunks so far.", numbers.attempts),
        ("waybill_open_chunk_dispatches", "Wake-ups sent for these chunks so far.", numbers.dispatches),
    ):
        yield _gauge(name, text, ("status",), {(status,): value for status, value in values.items()})
    oldest = {(): numbers.oldest_chunk}
    yield _gauge("waybill_oldest_chunk_seconds", "Time since the oldest open chunk was claimed or stored.", (), oldest)


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Values) -> Metric:
    metric = GaugeMetricFamily(name, text, labels=labels)
    for names, value in values.items():
        metric.add_metric(names, value)
    return metric
