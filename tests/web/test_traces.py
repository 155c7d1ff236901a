"""Traces in one process, from a request to its job's end: what hangs below what, what is said, and what is not."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest
import structlog
from flask.testing import FlaskClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from models import settings as known
from models import trace_sending, tracing
from models.db import driver, transaction
from models.identity.principal import Principal
from models.jobs import ledger
from models.jobs.dispatch import Wake
from tests.web.conftest import RECORD, Caller, upserts
from web.app import create_app
from worker import traces as worker_traces

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
CALLER = f"00-{TRACE}-{PARENT}-01"
Work = Callable[[], None]


@pytest.fixture
def sent() -> Iterator[InMemorySpanExporter]:
    """What this process has sent."""
    kept = InMemorySpanExporter()
    tracing.use(trace_sending.provide("test", SimpleSpanProcessor(kept)))
    yield kept
    tracing.end()


@pytest.fixture
def client(sent: InMemorySpanExporter, people: dict[str, Principal]) -> FlaskClient:
    return create_app().test_client()


def named(sent: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in sent.get_finished_spans() if span.name.startswith(name)]


def said(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def below(span: ReadableSpan) -> str | None:
    return f"{span.parent.span_id:016x}" if span.parent else None


def own(span: ReadableSpan) -> str:
    return f"{span.context.span_id:016x}"


def test_everything_about_a_job_hangs_below_the_request_that_stored_it(
    ann: Caller, sent: InMemorySpanExporter, work_all: Work
) -> None:
    token = ann.send([*upserts(3), {"id": "nowhere/lab/1", "upsert": {}}], traceparent=CALLER)
    work_all()
    assert ann.job(token)["status"] == "done"
    (request,), (chunk,), (job,) = (named(sent, name) for name in ("POST ", "chunk", "job "))
    assert {f"{span.context.trace_id:032x}" for span in sent.get_finished_spans()} == {TRACE}
    assert (below(request), below(chunk), below(job)) == (PARENT, own(request), own(request))
    assert said(request)["http.route"] == "/classification/api/classifications/<any(v1, v2, v3):version>/record/"
    assert {said(span)["waybill.job.token"] for span in (request, chunk, job)} == {token}
    expected = {"waybill.chunk": 0, "waybill.attempt": 1, "waybill.items": 4, "waybill.outcome.succeeded": 3}
    assert said(chunk).items() >= {**expected, "waybill.outcome.failed": 1}.items()
    assert said(job).items() >= {"waybill.outcome": "partial", "waybill.items": 4, "waybill.chunks": 1}.items()
    assert job.start_time and job.end_time and chunk.end_time and job.start_time <= chunk.end_time


def test_nothing_of_a_record_is_told(ann: Caller, sent: InMemorySpanExporter, work_all: Work) -> None:
    ann.send([*upserts(2), {"id": "nowhere/lab/secret", "upsert": {"gene_symbol": "SECRET"}}])
    ann.post(f"{RECORD}north/one/r0", {"patch": {"gene_symbol": "SECRET"}})
    work_all()
    told = "".join(span.to_json() for span in sent.get_finished_spans())
    assert len(sent.get_finished_spans()) >= 4
    assert not [word for word in ("north", "r0", "secret", "SECRET", "CBS", "236200") if word in told]


def test_a_claim_that_comes_again_says_so(ann: Caller, sent: InMemorySpanExporter, work_all: Work) -> None:
    token = ann.send(upserts(2))
    with transaction() as session:
        (job_id,) = driver(session).execute("SELECT id FROM jobs WHERE token = %s", (token,)).fetchone() or (0,)
        assert ledger.claim(session, job_id, 0), "a worker that dies"
    work_all()
    (chunk,) = named(sent, "chunk")
    assert [(event.name, dict(event.attributes or {})) for event in chunk.events] == [("redelivered", {"waybill.attempt": 2})]


def test_parts_of_a_paced_job_are_no_new_attempts(ann: Caller, sent: InMemorySpanExporter, work_all: Work) -> None:
    token = ann.send(upserts(3))
    with transaction() as session:
        driver(session).execute(
            "UPDATE chunks SET attempts = 4, slices = 4 WHERE job_id = (SELECT id FROM jobs WHERE token = %s)", (token,)
        )
    work_all()
    (chunk,) = named(sent, "chunk")
    assert (said(chunk)["waybill.attempt"], chunk.events) == (1, ())


def test_careful_work_counts_all_its_items_and_ends_the_job_once(ann: Caller, sent: InMemorySpanExporter, work_all: Work) -> None:
    token = ann.send(upserts(3))
    with transaction() as session:
        driver(session).execute("UPDATE chunks SET attempts = 5 WHERE job_id = (SELECT id FROM jobs WHERE token = %s)", (token,))
    work_all()
    (chunk,), (job,) = named(sent, "chunk"), named(sent, "job ")
    assert [event.name for event in chunk.events] == ["redelivered", "careful"]
    assert said(chunk).items() >= {"waybill.items": 3, "waybill.outcome.succeeded": 3}.items()
    assert said(job)["waybill.outcome"] == "succeeded"


def test_a_caller_who_does_not_sample_is_followed_in_that_too(ann: Caller, sent: InMemorySpanExporter, work_all: Work) -> None:
    token = ann.send(upserts(1), traceparent=CALLER[:-2] + "00", tracestate="vendor=1")
    work_all()
    assert sent.get_finished_spans() == ()
    with transaction() as session:
        ((kept,),) = driver(session).execute("SELECT trace FROM jobs WHERE token = %s", (token,)).fetchall()
    assert kept.startswith(f"00-{TRACE}-") and kept.endswith("-00 vendor=1")


def test_reading_is_traced_for_callers_who_trace_alone(ann: Caller, sent: InMemorySpanExporter) -> None:
    ann.get("/api/jobs")
    assert sent.get_finished_spans() == ()
    ann.get("/api/jobs", traceparent=CALLER)
    (span,) = sent.get_finished_spans()
    assert (span.name, below(span), said(span)["http.response.status_code"]) == ("GET /api/jobs", PARENT, 200)


@pytest.mark.parametrize("header", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"])
def test_a_header_that_is_none_begins_a_trace(ann: Caller, sent: InMemorySpanExporter, header: str) -> None:
    ann.send(upserts(1), traceparent=header)
    (span,) = named(sent, "POST ")
    assert (span.parent, f"{span.context.trace_id:032x}" == TRACE) == (None, False)


def test_an_error_tells_its_kind_and_never_its_message(
    ann: Caller, sent: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("SECRET")

    monkeypatch.setattr("web.classifications.service.apply_single", fail)
    assert ann.post(RECORD, {"id": "north/one/x", "upsert": {}}).status_code == 500
    with pytest.raises(RuntimeError), tracing.span("chunk", CALLER):
        fail()
    request, chunk = sent.get_finished_spans()
    assert [span.status.status_code for span in (request, chunk)] == [StatusCode.ERROR] * 2
    assert (request.status.description, chunk.status.description) == ("500", "RuntimeError")
    assert "SECRET" not in request.to_json() + chunk.to_json()


def test_wake_ups_hang_below_their_jobs(ann: Caller, sent: InMemorySpanExporter) -> None:
    token = ann.send(upserts(1), traceparent=CALLER)
    with transaction() as session:
        (job_id,) = driver(session).execute("SELECT id FROM jobs WHERE token = %s", (token,)).fetchone() or (0,)
    wakes = [Wake(job_id, 0, "small", True, UUID(token)), Wake(-1, 0, "bulk", False, UUID(int=0))]
    kept = worker_traces.contexts(wakes)
    for wake in wakes:
        with worker_traces.waking(wake, kept.get(wake.job_id)):
            pass
    (span,) = named(sent, "wake")
    assert said(span) == {
        "waybill.job.token": token, "waybill.chunk": 0, "waybill.queue": "small", "waybill.again": True
    }  # fmt: skip
    assert f"{span.context.trace_id:032x}" == TRACE


def test_log_lines_of_a_traced_request_name_its_trace(ann: Caller, sent: InMemorySpanExporter) -> None:
    with tracing.span("chunk", CALLER):
        assert structlog.contextvars.get_contextvars() == {"trace_id": TRACE}
    assert structlog.contextvars.get_contextvars() == {}


OFF = """
import sys
from web.app import create_app
import worker.tasks, worker.dispatcher, worker.traces
from models import tracing
create_app()
with tracing.span("chunk", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
    tracing.count("items", 1)
    tracing.event("careful")
    assert tracing.current() is None
tracing.end()
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_where_no_collector_is_named_nothing_of_it_is_imported(own_database: str) -> None:
    done = subprocess.run([sys.executable, "-c", OFF], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_without_the_packages_everything_else_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "settings", lambda: replace(known.load(), traces="http://127.0.0.1:9"))
    monkeypatch.setitem(sys.modules, "models.trace_sending", None)
    with structlog.testing.capture_logs() as lines:
        tracing.begin("web")
    assert not tracing.on()
    assert [(line["event"], line["remedy"]) for line in lines] == [("traces_off", "pip install 'waybill[otel]'")]


@pytest.mark.parametrize(("variables", "where"), [
    ({}, ""), ({"WAYBILL_TRACES": "http://c:4318"}, "http://c:4318"), ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, "otel"),
    ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c"}, "otel"),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "WAYBILL_TRACES": "off"}, ""),
])  # fmt: skip
def test_where_traces_go(variables: dict[str, str], where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert known.load().traces == where


@pytest.mark.parametrize("base", ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"])
def test_a_collectors_address_is_its_base(base: str) -> None:
    assert trace_sending.address(base) == "http://c:4318/v1/traces"


def test_a_collector_that_is_away_is_told_of_once_a_minute() -> None:
    trace_sending._tell_of_trouble()
    trace_sending._tell_of_trouble()
    (handler,) = logging.getLogger("opentelemetry").handlers
    with structlog.testing.capture_logs() as lines:
        for _ in range(5):
            handler.handle(logging.LogRecord("opentelemetry.x.trace_exporter", logging.ERROR, "", 0, "SECRET", None, None))
    assert [line["event"] for line in lines] == ["traces_not_sent"]
    assert "SECRET" not in json.dumps(lines)


def test_a_context_is_kept_as_one_text() -> None:
    assert tracing.unpack(f"{CALLER} a=1,b=2") == {"traceparent": CALLER, "tracestate": "a=1,b=2"}
    assert tracing.pack({"traceparent": CALLER, "tracestate": "x" * 600}) == CALLER
    assert tracing.pack({}) is None


def test_a_database_that_fails_costs_the_spans_and_no_work(
    ann: Caller, sent: InMemorySpanExporter, work_all: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise psycopg.OperationalError

    token = ann.send(upserts(1))
    monkeypatch.setattr("worker.traces.traces.claimed", fail)
    with structlog.testing.capture_logs() as lines:
        work_all()
    assert ann.job(token)["status"] == "done"
    assert "traces_not_read" in [line["event"] for line in lines]
    assert not named(sent, "chunk")
