"""A server that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COUNTS = dict.fromkeys(("total", "remaining", "succeeded", "failed", "skipped", "noop", "cancelled"), 0)
JOB = {"token": "t", "status": "done", "outcome": "succeeded", **COUNTS}
ACCEPTED = (202, {}, {"success": True, "result": {"job.token": "t"}, "data": {}})
LIMITS = {"operations": 100, "body_bytes": 1_000_000, "atomic_operations": 10, "atomic_bytes": 1_000_000}
FINE = (200, {}, {"jobs": [], "page.cursor": None})
NO_STREAM = (404, {}, {"code": "not_found", "detail": "no"})


@dataclass(frozen=True)
class Cut:
    """An answer that breaks off after some bytes of its body; with None, before it begins."""

    after: int | None = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    place: str
    headers: dict[str, str]
    body: bytes


class Server(ThreadingHTTPServer):
    """Answers with what `always` has for a path, else with what is in `answers`, in that order, then with a finished job.

    Streams of events there are none, unless `always` has one.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Any] = []
        self.always: dict[str, Any] = {"/api/limits": (200, {}, LIMITS), "/api/jobs?page.size=1": FINE}
        self.seen: list[Seen] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away; they were told to."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asked(self, method: str = "POST") -> list[Seen]:
        """Return the requests of a method."""
        return [seen for seen in self.seen if seen.place.startswith(f"{method} ")]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = Seen(f"{self.command} {self.path}", {name.lower(): text for name, text in self.headers.items()}, body)
        self.server.seen.append(seen)
        answer = self.server.always.get(self.path, NO_STREAM if self.path.endswith("/events") else None)
        if answer is None:
            answer = self.server.answers.pop(0) if self.server.answers else (200, {}, JOB)
        if isinstance(answer, Callable):  # type: ignore[arg-type]
            answer = answer(seen)
        self._cut(answer) if isinstance(answer, Cut) else self._answer(*answer)

    def _answer(self, status: int, headers: dict[str, str], value: Any) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self._begin(status, headers, len(body))
        self.wfile.write(body)

    def _begin(self, status: int, headers: dict[str, str], size: int) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(size)}.items():
            self.send_header(name, value)
        self.end_headers()

    def _cut(self, cut: Cut) -> None:
        self.close_connection = True
        if cut.after is not None:
            self._begin(cut.status, dict(cut.headers), len(cut.body))
            self.wfile.write(cut.body[: cut.after])

    do_POST = do_GET  # noqa: N815 - the name that the server looks for
    do_DELETE = do_GET  # noqa: N815 - the same
    do_PATCH = do_GET  # noqa: N815 - the same
    do_HEAD = do_GET  # noqa: N815 - the same; such an answer is given without a body

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        """Say nothing."""


@contextmanager
def running() -> Iterator[Server]:
    """Give a server that answers for as long as the context lasts."""
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def refusal(status: int, code: str, **headers: str) -> tuple[int, dict[str, str], Any]:
    """Return the answer of a refusal."""
    return status, {name.replace("_", "-"): text for name, text in headers.items()}, {"code": code, "detail": "no"}


def accepted(token: str) -> tuple[int, dict[str, str], Any]:
    """Return the answer that a job is stored."""
    return 202, {}, {"success": True, "result": {"job.token": token}, "data": {}}


def stream(*events: tuple[int, Any]) -> tuple[int, dict[str, str], bytes]:
    """Return a stream that tells these states of a job by their numbers, each as `job` gives it, and ends then."""
    told = (f"id: {number}\nevent: job\ndata: {json.dumps(state[2])}\n\n" for number, state in events)
    return 200, {"Content-Type": "text/event-stream"}, "".join(["retry: 1000\n\n", *told]).encode()


def job(token: str = "t", status: str = "done", outcome: str | None = "succeeded", **counts: int) -> Any:
    """Return the answer to how a job stands, to be asked again at once."""
    return 200, {"Retry-After": "0"}, {**JOB, "token": token, "status": status, "outcome": outcome, **counts}
