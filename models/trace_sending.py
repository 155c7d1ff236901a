"""How spans leave: in batches, by a thread, by OTLP over HTTP. What cannot be sent is dropped: nobody waits for a collector.

Imported only where traces are on. The library's own variables (OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER,
OTEL_RESOURCE_ATTRIBUTES, ...) hold as its documentation says.
"""

from __future__ import annotations

import logging
import os
import socket

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

from models import ids

BY_THE_LIBRARY = "otel"  # where to, is in the library's own variables
PATH = "/v1/traces"
SEND_SECONDS = 3  # of one batch; a process that ends waits no longer than this
DELAY_MILLISECONDS = 1_000
QUIET_SECONDS = 60.0
log = structlog.get_logger()
_providers: list[TracerProvider] = []


def tracer(part: str, where: str) -> Tracer:
    """Return what makes this process's spans and sends them to a collector."""
    _tell_of_trouble()
    exporter = OTLPSpanExporter(endpoint=None if where == BY_THE_LIBRARY else address(where), timeout=SEND_SECONDS)
    return provide(part, BatchSpanProcessor(exporter, schedule_delay_millis=DELAY_MILLISECONDS))


def provide(part: str, processor: SpanProcessor) -> Tracer:
    """Return what makes this process's spans and gives them to a processor."""
    named = {SERVICE_NAME: "waybill", "service.instance.id": f"{part}@{socket.gethostname()}-{os.getpid()}", "waybill.part": part}
    provider = TracerProvider(resource=Resource(named).merge(OTELResourceDetector().detect()))
    provider.add_span_processor(processor)
    _providers.append(provider)
    return provider.get_tracer("waybill")


def stop() -> None:
    """Send what is left."""
    while _providers:
        _providers.pop().shutdown()


def address(where: str) -> str:
    """Return the address that spans are posted to, of a collector's."""
    base = where.rstrip("/")
    return base if base.endswith(PATH) else f"{base}{PATH}"


class _Trouble(logging.Handler):
    """What the library says of trouble, as an event of ours; once a minute, as a collector may be away for long."""

    quiet_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of it."""
        now = ids.monotonic()
        if record.levelno >= logging.WARNING and now >= self.quiet_until:
            self.quiet_until = now + QUIET_SECONDS
            log.warning("traces_not_sent", where=record.name.rpartition(".")[2])


def _tell_of_trouble() -> None:
    theirs = logging.getLogger("opentelemetry")
    if not any(isinstance(handler, _Trouble) for handler in theirs.handlers):
        theirs.addHandler(_Trouble())
    theirs.propagate = False
