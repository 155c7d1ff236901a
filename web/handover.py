"""Where a request's connection goes to the hub: below the framework, when its answer's head is known.

A view says so by `hand_over`; it returns the response whose head the client is to get. Nothing is done for other requests.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask, Response, request

from web.desks import Waiting
from web.hub import hub

KEY = "waybill.waiting"
SOCKET = "gunicorn.socket"
Started = Callable[..., Any]
Application = Callable[[dict[str, Any], Started], Iterable[bytes]]


def hand_over(waiting: Waiting, head: Response) -> Response | None:
    """Let a request wait in the hub behind a response's head; None where it cannot, or no place is left."""
    if not _can_take_over(request.environ) or not hub().places.take():
        return None
    request.environ[KEY] = waiting
    return head


def _can_take_over(environ: Mapping[str, Any]) -> bool:
    """Say whether the web server's connection can be taken over: a plain one of gunicorn's."""
    return type(environ.get(SOCKET)) is socket.socket


def install(app: Flask) -> None:
    """Look for handed over requests on their way out."""
    inner: Application = app.wsgi_app

    def outer(environ: dict[str, Any], start: Started) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(("/sync/", "/api/jobs/")):
            return inner(environ, start)
        heads: list[tuple[Any, ...]] = []
        body = inner(environ, lambda *head: heads.append(head))
        waiting: Waiting | None = environ.get(KEY)
        if waiting is None:
            start(*heads[0])
            return body
        waiting.head = _head(*heads[0][:2])
        hub().take_over(environ[SOCKET], waiting)
        start("200 OK", [("Connection", "close")])
        return [b""]  # to nobody: what the server still holds has no other side

    app.wsgi_app = outer  # type: ignore[method-assign, assignment]


def _head(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return a head without its end, so that a length can follow."""
    kept = [f"{name}: {value}" for name, value in headers if name.lower() not in ("content-length", "connection")]
    return "\r\n".join([f"HTTP/1.1 {status}", *kept, "Connection: close", ""]).encode("latin-1")
