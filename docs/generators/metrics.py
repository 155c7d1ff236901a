"""Metrics, as an installation that has nothing to do tells them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from docs.generators.markdown import code, table
from models.jobs.numbers import Numbers
from models.webhooks.outbox import Backlog
from web import metrics, timings

NOTHING = Numbers({}, {}, 0.0, {}, {}, {}, 0.0, {}, {}, 0)


def read() -> list[Metric]:
    """Return every metric with its labels, without values, in the order in which they are told."""
    return [*metrics.families(NOTHING, [], {}, Backlog(0, 0.0, 0)), *timings.seconds.describe()]


def pages() -> Iterator[str]:
    """Give the table."""
    yield from table(("metric", "kind", "labels", "what it says"), map(_row, read()))


def _row(metric: Metric) -> tuple[str, str, str, str]:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    return code(name), metric.type, ", ".join(labels(metric)), metric.documentation


def labels(metric: Metric) -> tuple[str, ...]:
    """Return the names of a metric's labels."""
    own = timings.LABELS if metric.name == timings.NAME else metric._labelnames  # type: ignore[attr-defined]
    return tuple(own)
