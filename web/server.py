"""gunicorn's worker, whose own refusals are problem documents too: what it cannot read never reaches the application."""

from __future__ import annotations

from socket import socket
from typing import Any

import msgspec
from gunicorn.http.errors import (
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from models import ids

REFUSALS = {
    LimitRequestLine: (414, "URI Too Long", "uri_too_long", "The address is too long."),
    LimitRequestHeaders: (431, "Request Header Fields Too Large", "headers_too_large", "The headers are too large or too many."),
    ParseException: (400, "Bad Request", "invalid_request", "This is no HTTP request that can be read."),
}
OURS = (InvalidResponseHeader, InvalidResponseHeaderName)  # what the application answered, not what it was asked
HEAD = "HTTP/1.1 {} {}\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n\r\n"


def refusal(error: BaseException) -> bytes | None:
    """Return the whole answer to a request that cannot be read, None for any other error."""
    found = next((REFUSALS[kind] for kind in REFUSALS if isinstance(error, kind)), None)
    if found is None or isinstance(error, OURS):
        return None
    status, title, code, detail = found
    document = {
        "type": f"urn:waybill:error:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": f"urn:waybill:request:{ids.new_token()}",
        "errors": [],
    }
    body = msgspec.json.encode(document)
    return HEAD.format(status, title, len(body)).encode() + body


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker with threads."""

    def handle_error(self, req: Any, client: socket, addr: Any, exc: BaseException) -> None:
        """Answer what cannot be read with a problem document; leave all else to gunicorn."""
        document = refusal(exc)
        if document is None:
            super().handle_error(req, client, addr, exc)
            return
        try:
            write_nonblock(client, document)
        except OSError:
            self.log.debug("a client has gone before it was refused")
