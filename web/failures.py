"""What becomes of an error: a problem document, or a failure in the project face's envelope; never a page, a trace or SQL."""

from __future__ import annotations

import psycopg
import sqlalchemy.exc
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from models import errors
from models.db import DATABASE_ERRORS, retryable, sqlstate
from models.errors import Refused
from models.settings import settings
from web import answers
from web.answers import Internal, problem
from web.gate import log_failure
from web.projects import replies

LOST = (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
TOO_SLOW = "57014"  # a statement reached its time limit
AWAY = "The database does not answer just now. Try again; a request with an Idempotency-Key can be repeated without harm."
OURS = "An error of ours; nothing was stored unless a repeat says so. The request id helps us to find it."

REFUSALS: dict[int, tuple[type[Refused], str]] = {
    400: (errors.InvalidRequest, "The request cannot be read."),
    404: (errors.NotFound, "There is nothing here."),
    408: (errors.InvalidRequest, "The request took too long to arrive."),
    414: (answers.UriTooLong, "The address is too long."),
    415: (errors.UnsupportedMediaType, "This content type is not read here."),
}


def install(app: Flask) -> None:
    """Let every error end here."""
    app.register_error_handler(Refused, _refuse)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)
    for kind in DATABASE_ERRORS:
        app.register_error_handler(kind, _database)


def _refuse(refused: Refused) -> Response:
    """Answer a refusal in the shape of the face that was asked."""
    return replies.failure(refused) if replies.speaks(request.path) else problem(refused)


def _http(error: HTTPException) -> Response:
    if isinstance(error, MethodNotAllowed):
        return _method_not_allowed(error)
    if isinstance(error, RequestEntityTooLarge):
        limit = settings().limits.body_bytes
        return _refuse(errors.BodyTooLarge(f"A body has at most {limit} bytes.", limit=limit, actual=request.content_length))
    kind, detail = REFUSALS.get(error.code or 500, (Internal, OURS))
    if error.code == replies.UNKNOWN_ADDRESS and replies.speaks(request.path):
        return replies.failure(kind(detail), replies.UNKNOWN_ADDRESS)
    return _refuse(kind(detail))


def _method_not_allowed(error: MethodNotAllowed) -> Response:
    allowed = sorted(error.valid_methods or ())
    response = _refuse(answers.MethodNotAllowed(f"Allowed here: {', '.join(allowed)}."))
    response.headers["Allow"] = ", ".join(allowed)
    return response


def _database(error: Exception) -> Response:
    """Tell a database that is away or busy, which passes, from a statement that it refused, which is a bug."""
    passes = isinstance(error, sqlalchemy.exc.TimeoutError) or sqlstate(error) == TOO_SLOW
    if passes or (isinstance(error, LOST) and retryable(error)):
        return _refuse(errors.Unavailable(AWAY))
    return _unforeseen(error)


def _unforeseen(error: Exception) -> Response:
    log_failure(error)
    return _refuse(Internal(OURS))
