"""A span of each request that may change something, and of each whose caller traces it: what a job's spans hang below.

It says the route and never the address, which may name a patient's record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, g, request

from models import tracing

READING = ("GET", "HEAD", "OPTIONS")
CALLER = "HTTP_TRACEPARENT"
STATE = "HTTP_TRACESTATE"
Started = Callable[..., Any]
Application = Callable[[dict[str, Any], Started], Iterable[bytes]]


def install(app: Flask) -> None:
    """Begin to trace, where traces are on; elsewhere a request passes nothing of this."""
    tracing.begin("web")
    if not tracing.on():
        return
    inner: Application = app.wsgi_app

    def outer(environ: dict[str, Any], start: Started) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in READING and CALLER not in environ:
            return inner(environ, start)
        headers = {tracing.PARENT: environ.get(CALLER, ""), tracing.STATE: environ.get(STATE, "")}
        with tracing.request_span(environ["REQUEST_METHOD"], {name: text for name, text in headers.items() if text}):
            return inner(environ, start)

    app.wsgi_app = outer  # type: ignore[method-assign, assignment]
    app.after_request(_tell)


def _tell(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else None
    token = g.get("job_token")
    tracing.rename(
        f"{request.method} {route}" if route else request.method,
        failed=str(response.status_code) if response.status_code >= 500 else None,
        http__request__method=request.method,
        http__route=route,
        http__response__status_code=response.status_code,
        job__token=str(token) if token else None,
        user=g.principal.user_id if g.get("principal") else None,
    )
    return response
