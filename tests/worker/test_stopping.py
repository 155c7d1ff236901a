"""Cancelled jobs, where two dispatchers look after them."""

from __future__ import annotations

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from models import ids
from models.db import transaction
from tests.factories import job
from tests.web.test_traces import CALLER, sent
from worker.dispatcher import stop

__all__ = ["sent"]  # the fixture


def test_who_finds_a_cancelled_job_ended_by_another_dispatcher_tells_of_no_second_end(
    database: str, sent: InMemorySpanExporter
) -> None:
    with transaction() as session:
        job_id = job(session, chunks=3, status="processing", cancel_requested_on=ids.now(), trace=CALLER)
    for _ in range(2):
        stop(job_id)
    assert [span.name for span in sent.get_finished_spans()] == ["job bulk_classifications"]
