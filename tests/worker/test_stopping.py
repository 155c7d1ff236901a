"""Cancelled jobs, where two dispatchers look after them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from models import ids, trace_sending, tracing
from models.db import transaction
from tests.factories import job
from worker.dispatcher import stop

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def sent() -> Iterator[InMemorySpanExporter]:
    """What this process has sent."""
    kept = InMemorySpanExporter()
    tracing.use(trace_sending.provide("test", SimpleSpanProcessor(kept)))
    yield kept
    tracing.end()


def test_who_finds_a_cancelled_job_ended_by_another_dispatcher_tells_of_no_second_end(
    database: str, sent: InMemorySpanExporter
) -> None:
    with transaction() as session:
        job_id = job(session, chunks=3, status="processing", cancel_requested_on=ids.now(), trace=TRACE)
    for _ in range(2):
        stop(job_id)
    assert [span.name for span in sent.get_finished_spans()] == ["job bulk_classifications"]
