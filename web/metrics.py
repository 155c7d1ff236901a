"""Numbers in Prometheus' text format: of the web, and of the whole installation as the database knows it. None names a tenant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from models.db import transaction
from models.jobs.numbers import Numbers, count_ended, count_open
from models.parts import list_parts
from models.webhooks.outbox import Backlog, backlog
from web import timings
from web.health import NEEDED

api = Blueprint("metrics", __name__)
Values: TypeAlias = Mapping[Any, float]  # by the labels' values, a tuple as long as the labels
Part: TypeAlias = Mapping[str, Any]
OUTCOMES = ("succeeded", "noop", "failed", "skipped", "cancelled")
COUNTED = (
    ("claims", "worker", "waybill_claims", "Chunks claimed by a worker."),
    ("chunks_applied", "worker", "waybill_chunks_applied", "Chunks whose work was committed as a whole."),
    ("chunks_postponed", "worker", "waybill_chunks_postponed", "Chunks given back after an error of the database."),
    ("chunks_overtaken", "worker", "waybill_chunks_overtaken", "Claims that another claim of the same chunk had overtaken."),
    ("wakes", "dispatcher", "waybill_wakes", "Wake-ups that the dispatcher chose to send."),
    ("wakes_again", "dispatcher", "waybill_sweeps", "Of these, of chunks woken before: forgotten, postponed or not sent."),
    ("wakes_unsent", "dispatcher", "waybill_wakes_unsent", "Wake-ups that the broker did not take; they are chosen again."),
)


@api.get("/metrics")
def metrics() -> Response:
    """Give the numbers, read from the database now."""
    registry = CollectorRegistry()
    registry.register(Installation())
    registry.register(timings.collector())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_1_0_0)


class Installation(Collector):
    """Asks the database at each scrape, so that every web process tells the same."""

    def collect(self) -> Iterator[Metric]:
        """Give all numbers."""
        with transaction() as session:
            numbers, parts = count_open(session), list_parts(session)
            ended, hooks = count_ended(session), backlog(session)
        yield from families(numbers, parts, ended, hooks)

    def describe(self) -> Iterable[Metric]:
        """Describe nothing beforehand: registering must not need the database."""
        return ()


def families(numbers: Numbers, parts: Sequence[Part], ended: Mapping[str, int], hooks: Backlog) -> Iterator[Metric]:
    """Give every number that the database knows; the guide shows the same list."""
    yield from _of_jobs(numbers)
    yield from _of_chunks(numbers)
    recent = {(outcome,): number for outcome, number in ended.items()}
    yield _gauge("waybill_recent_jobs", "Jobs that ended in the last five minutes; `rejected` ones too.", ("outcome",), recent)
    yield _gauge("waybill_webhook_deliveries_waiting", "Deliveries to active webhooks that wait.", (), {(): hooks.waiting})
    yield _gauge("waybill_webhook_oldest_seconds", "Age of the oldest of these.", (), {(): hooks.oldest})
    yield _gauge("waybill_webhooks_disabled", "Webhooks disabled by a 410 or after three days.", (), {(): hooks.disabled})
    yield from _of_parts(parts)


def _of_jobs(numbers: Numbers) -> Iterator[Metric]:
    labels = ("queue", "status")
    yield _gauge("waybill_open_jobs", "Jobs that are not final.", labels, numbers.jobs)
    yield _gauge("waybill_open_items", "Items of such jobs without an outcome.", labels, numbers.items)
    yield _gauge("waybill_oldest_job_seconds", "Age of the oldest of such jobs.", labels, numbers.ages)
    silence = {(): numbers.longest_silence}
    yield _gauge("waybill_longest_silence_seconds", "Time since the open job that moved least lately moved.", (), silence)


def _of_chunks(numbers: Numbers) -> Iterator[Metric]:
    for name, text, values in (
        ("waybill_open_chunks", "Chunks that are not done: `open` or `claimed`.", numbers.chunks),
        (
            "waybill_open_chunk_attempts",
            "Claims of these chunks so far; over their number, attempts a chunk.",
            numbers.attempts,
        ),
        ("waybill_open_chunk_dispatches", "Wake-ups sent for these chunks so far.", numbers.dispatches),
    ):
        yield _gauge(name, text, ("status",), {(status,): value for status, value in values.items()})
    yield _gauge("waybill_queue_chunks", "Chunks that are not done, by queue.", ("queue", "status"), numbers.queues)
    most = "Claims of that open chunk that has most; after three a chunk is tried item by item."
    yield _gauge("waybill_most_attempts", most, (), {(): numbers.most_attempts})
    oldest = {(): numbers.oldest_chunk}
    yield _gauge("waybill_oldest_chunk_seconds", "Time since the oldest open chunk was claimed, or stored.", (), oldest)


def _of_parts(parts: Sequence[Part]) -> Iterator[Metric]:
    found = Counter(part["role"] for part in parts)
    yield _gauge("waybill_parts", "Processes heard of lately.", ("role",), {(role,): found[role] for role in NEEDED})
    for name, role, metric, text in COUNTED:
        yield _counter(metric, text, ("part",), {(part["name"],): _said(part, name) for part in parts if part["role"] == role})
    items = {(part["name"], outcome): _said(part, outcome) for part in parts if part["role"] == "worker" for outcome in OUTCOMES}
    yield _counter("waybill_items", "Items that a worker gave an outcome.", ("part", "outcome"), items)


def _said(part: Part, name: str) -> float:
    return float(part["info"].get("counts", {}).get(name, 0))


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Values) -> Metric:
    return _fill(GaugeMetricFamily(name, text, labels=labels), values)


def _counter(name: str, text: str, labels: tuple[str, ...], values: Values) -> Metric:
    return _fill(CounterMetricFamily(name, text, labels=labels), values)


def _fill(metric: GaugeMetricFamily | CounterMetricFamily, values: Values) -> Metric:
    for names, value in values.items():
        metric.add_metric(names, value)
    return metric
