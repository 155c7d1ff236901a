"""One trace from POST to last chunk, over real processes and a collector; and the same work where no collector answers."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from models.db import transaction
from tests.factories import accounts
from tests.processes import Parts, free_port, wait_for

PORT = free_port()
PARTS_ENVIRONMENT = {"WAYBILL_TRACES": f"http://127.0.0.1:{PORT}", "WAYBILL_CHUNK_ITEMS": "10"}
RECORDS = "/classification/api/classifications/v2/record/"
HEADERS = {"Authorization": "Bearer key-for-tests-ann", "Prefer": "respond-async"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
OPERATIONS = 95


@dataclass(frozen=True)
class Span:
    """A span as a collector got it."""

    part: str
    name: str
    trace: str
    own: str
    below: str
    said: dict[str, Any] = field(hash=False)


class Collector(BaseHTTPRequestHandler):
    """Takes what is posted to it."""

    spans: list[Span] = []  # noqa: RUF012 - there is one collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        for of_part in ExportTraceServiceRequest.FromString(body).resource_spans:
            part = _said(of_part.resource.attributes)["waybill.part"]
            for scope in of_part.scope_spans:
                self.spans.extend(_span(part, span) for span in scope.spans)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        """Say nothing."""


def _said(attributes: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}


def _span(part: str, span: Any) -> Span:
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    return Span(part, span.name, *ids, _said(span.attributes))


@pytest.fixture
def collector() -> Iterator[list[Span]]:
    """The spans that a collector has, which answers while the test runs."""
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Collector)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield Collector.spans
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def live(parts: Parts) -> Parts:
    with transaction() as session:
        accounts(session)
    return parts


def submit(live: Parts, name: str, **headers: str) -> str:
    operations = [{"id": f"north/one/{name}-{number}", "upsert": {"gene_symbol": "TP53"}} for number in range(OPERATIONS)]
    answer = requests.post(live.url + RECORDS, json={"records": operations}, headers=HEADERS | headers, timeout=30)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["result"]["job.token"])


def done(live: Parts, token: str) -> bool:
    job = requests.get(f"{live.url}/api/jobs/{token}", headers=HEADERS, timeout=30).json()
    return bool(job["status"] == "done" and job["succeeded"] == OPERATIONS)


def test_work_goes_on_where_no_collector_answers(live: Parts) -> None:
    token = submit(live, "alone")
    wait_for(lambda: done(live, token), 30)
    wait_for(lambda: "traces_not_sent" in live.log("web"), 20)
    assert not [part for part in ("web", "worker", "dispatcher") if "Traceback" in live.log(part)]


def test_one_trace_leads_from_the_post_to_the_last_chunk(live: Parts, collector: list[Span]) -> None:
    live.kill("worker")
    live.processes["worker"].wait(20)
    token = submit(live, "traced", traceparent=f"00-{TRACE}-{PARENT}-01")
    live.start("worker")
    wait_for(lambda: done(live, token), 60)

    def ours(name: str) -> list[Span]:
        return [span for span in collector if span.trace == TRACE and span.name.startswith(name)]

    wait_for(lambda: ours("job ") and ours("POST"), 20)
    (request,), (job,) = ours("POST"), ours("job ")
    chunks = job.said["waybill.chunks"]
    assert chunks > 1
    wait_for(lambda: {span.said["waybill.chunk"] for span in ours("chunk")} == set(range(chunks)), 20)
    wait_for(lambda: {span.said["waybill.chunk"] for span in ours("wake")} == set(range(chunks)), 20)
    assert (request.part, request.below) == ("web", PARENT)
    assert {span.part for span in ours("chunk")} == {"worker"} and {span.part for span in ours("wake")} == {"dispatcher"}
    found = [span for span in collector if span.trace == TRACE]
    assert {span.below for span in found if span is not request} == {request.own}
    assert {span.said["waybill.job.token"] for span in found} == {token}
    assert sum(span.said["waybill.outcome.succeeded"] for span in ours("chunk")) == OPERATIONS
