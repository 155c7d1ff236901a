"""Traces of a job, from the request that stored it to its last chunk. Without a collector's name they are off, at no cost.

Everybody may call what is here at any time; where traces are off, nothing happens. A span's attributes are numbers, tokens and
words of ours, never ids of records or what is in them, and of an error its type alone: a message may quote values.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from models.settings import settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

Value: TypeAlias = str | int | float | bool
PREFIX = "waybill."
STANDARD = ("http.",)
PARENT, STATE = "traceparent", "tracestate"
LONGEST_STATE = 512
EXTRA = "pip install 'waybill[otel]'"
log = structlog.get_logger()


@dataclass(slots=True)
class _Live:
    span: Span
    counts: Counter[str] = field(default_factory=Counter)


class _Process:
    """What this process sends with."""

    tracer: Tracer | None = None


_process = _Process()
_live: ContextVar[_Live | None] = ContextVar("live_span", default=None)


def begin(part: str) -> None:
    """Send this process's spans from now on, if a collector is named. To be called after a fork, once a process."""
    if not settings().traces:
        return
    try:
        sending = importlib.import_module("models.trace_sending")
    except ImportError:
        log.warning("traces_off", reason="The packages are not installed.", remedy=EXTRA)
        return
    use(sending.tracer(part, settings().traces))


def end() -> None:
    """Send what is left, within seconds; no more is sent by this process."""
    if _process.tracer is not None:
        use(None)
        importlib.import_module("models.trace_sending").stop()


def use(tracer: Tracer | None) -> None:
    """Make spans with this tracer, or none."""
    _process.tracer = tracer


def on() -> bool:
    """Say whether spans are made."""
    return _process.tracer is not None


@contextmanager
def span(name: str, kept: str | None, kind: str = "internal", **attributes: Value | None) -> Iterator[None]:
    """Make a span for the length of the block, below the context that was kept; without one, nothing. See `note` and `count`."""
    if _process.tracer is None or kept is None:
        yield
        return
    with _entered(_process.tracer, name, kind, _context(unpack(kept)), attributes):
        yield


@contextmanager
def request_span(name: str, headers: Mapping[str, str]) -> Iterator[None]:
    """Make a span of a request, below its caller's if its headers tell of one."""
    if _process.tracer is None:
        yield
        return
    with _entered(_process.tracer, name, "server", _context(headers), {}):
        yield


@contextmanager
def _entered(tracer: Tracer, name: str, kind: str, context: Context, attributes: Mapping[str, Value | None]) -> Iterator[None]:
    from opentelemetry.trace import SpanKind, Status, StatusCode

    started = tracer.start_span(name, context, SpanKind[kind.upper()], _named(attributes))
    live = _Live(started)
    token = _live.set(live)
    try:
        with structlog.contextvars.bound_contextvars(trace_id=f"{started.get_span_context().trace_id:032x}"):
            yield
    except Exception as error:
        started.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        _live.reset(token)
        started.set_attributes(_named(dict(live.counts)))
        started.end()


def record(name: str, kept: str | None, times: tuple[datetime, datetime], **attributes: Value | None) -> None:
    """Make a span of what is over already, below the context that was kept."""
    if _process.tracer is None or kept is None:
        return
    begun, ended = (round(time.timestamp() * 1e9) for time in times)
    made = _process.tracer.start_span(name, _context(unpack(kept)), attributes=_named(attributes), start_time=begun)
    made.end(ended)


def note(**attributes: Value | None) -> None:
    """Say more of the span that we are in."""
    live = _live.get()
    if live is not None:
        live.span.set_attributes(_named(attributes))


def rename(name: str, *, failed: str | None = None, **attributes: Value | None) -> None:
    """Name the span that we are in by what it proved to be; `failed` says that it went wrong, and how."""
    live = _live.get()
    if live is None:
        return
    from opentelemetry.trace import Status, StatusCode

    live.span.update_name(name)
    note(**attributes)
    if failed:
        live.span.set_status(Status(StatusCode.ERROR, failed))


def event(name: str, **attributes: Value | None) -> None:
    """Note that something happened in the span that we are in."""
    live = _live.get()
    if live is not None:
        live.span.add_event(name, _named(attributes))


def count(name: str, number: int) -> None:
    """Add to a number that the span that we are in will tell."""
    live = _live.get()
    if live is not None:
        live.counts[name] += number


def current() -> str | None:
    """Return the context of the span that we are in, to be kept for others to hang theirs below; None without one."""
    live = _live.get()
    if live is None:
        return None
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, trace.set_span_in_context(live.span))
    return pack(carrier)


def pack(headers: Mapping[str, str]) -> str | None:
    """Return a trace context as one text; a state that is longer than the standard asks to keep is left out."""
    state = headers.get(STATE, "")
    words = [headers.get(PARENT), state if len(state) <= LONGEST_STATE else None]
    return " ".join(word for word in words if word) or None


def unpack(kept: str) -> dict[str, str]:
    """Return the headers that a kept context was."""
    parent, _, state = kept.partition(" ")
    return {PARENT: parent} | ({STATE: state} if state else {})


def _context(headers: Mapping[str, str]) -> Context:
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({name.lower(): text for name, text in headers.items()}, Context())


def _named(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes by their names on the wire, with dots for `__`; all but those of a standard have our prefix."""
    known = {name.replace("__", "."): value for name, value in attributes.items() if value is not None}
    return {name if name.startswith(STANDARD) else f"{PREFIX}{name}": value for name, value in known.items()}
