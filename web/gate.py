"""What every request passes on its way in and out: an id, a look at its address, safe headers, one line in the log."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from flask import Flask, Response, g, request

from models import ids
from models.errors import InvalidEncoding, InvalidText
from models.logs import frames
from web import timings
from web.answers import UriTooLong

log = structlog.get_logger()

REQUEST_ANSWERED = "request_answered"
REQUEST_FAILED = "request_failed"
LONGEST_ADDRESS = 8_100  # below the limit of the server, which says less about it
TOKEN = re.compile(r"[0-9a-f-]{36}")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


def install(app: Flask) -> None:
    """Let every request pass through here."""
    app.before_request(_enter)
    app.after_request(_leave)


def _enter() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else str(ids.new_token())
    g.entered = ids.monotonic()
    _check_address()


def _check_address() -> None:
    """Refuse what no store could take before anybody looks at it: too long, not UTF-8, or with a NUL in it."""
    path = request.environ.get("PATH_INFO", "").encode("latin-1", "replace")
    if len(path) + len(request.query_string) > LONGEST_ADDRESS:
        raise UriTooLong(f"An address has at most {LONGEST_ADDRESS} bytes.", limit=LONGEST_ADDRESS)
    try:
        text = path.decode() + unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError:
        raise InvalidEncoding("The address is not UTF-8.") from None
    if "\x00" in text:
        raise InvalidText("The address has a NUL in it.")


def _leave(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Content-Security-Policy"] = PAGE_POLICY if response.mimetype == "text/html" else DATA_POLICY
    response.headers.setdefault("Cache-Control", "no-store")
    route = request.url_rule.rule if request.url_rule else None
    timings.observe(request.method, route, response.status_code, ids.monotonic() - g.entered)
    log.info(REQUEST_ANSWERED, **_line(response.status_code))
    return response


def _line(status: int) -> dict[str, Any]:
    """Return what is said about a request: the route and never the address, which may name a patient's record."""
    token = str(g.get("job_token") or (request.view_args or {}).get("token", ""))
    principal = g.get("principal")
    known = {
        "request_id": g.request_id,
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": status,
        "ms": round((ids.monotonic() - g.entered) * 1_000, 1),
        "user": principal.user_id if principal else None,
        "token": token if TOKEN.fullmatch(token) else None,  # what is no token may be anything, a key too
    }
    return {name: value for name, value in known.items() if value is not None}


def log_failure(error: BaseException) -> None:
    """Log where an unforeseen error came from. Its message stays out: a driver's may quote a patient's values."""
    log.error(REQUEST_FAILED, error=type(error).__name__, frames=frames(error), **_line(500))
