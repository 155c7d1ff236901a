"""A job's receipt, the ledger that it is about, and the keys to verify it with."""

from __future__ import annotations

import threading
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from itertools import chain
from typing import Any, cast

import msgspec
import structlog
from flask import Blueprint, Response, current_app, request

from models.db import DATABASE_ERRORS, alone, transaction
from models.errors import Gone, NotFinished, Refused, Unavailable
from models.jobs import receipts
from models.jobs import service as jobs
from models.jobs.signing import list_keys
from models.jobs.values import Job
from web.answers import answer
from web.auth import principal, sign_in
from web.exports import EXPORTERS
from web.pace import Places
from web.schemas import NoParameters, parse_query

AT_ONCE = 100_000  # items of a job whose receipt is made while its reader waits
PAUSE = "2"
BEHIND = Places(1)  # receipts that one process makes behind its readers' backs
RECEIPT_FAILED = "receipt_failed"
log = structlog.get_logger()

api = Blueprint("receipts", __name__, url_prefix="/api/jobs")
api.before_request(sign_in)
keys = Blueprint("receipt_keys", __name__)


@keys.get("/.well-known/jwks.json")
def get_keys() -> Response:
    """Give the public keys of receipts, as a JSON Web Key Set (RFC 7517)."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        found = list_keys(session)
    return answer({"keys": [key.as_jwk() for key in found]}, headers={"Cache-Control": "public, max-age=300"})


@api.get("/<token>/receipt")
def get_receipt(token: str) -> Response:
    """Give the signed receipt of a job that has ended: 202 while that of a large job is being made, for the first reader."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        job = jobs.get_job(session, principal(), token)
        kept = receipts.find_receipt(session, job)
    if kept is None:
        _check(job)
        kept = make(job) if job.total <= AT_ONCE else None
    if kept is None:
        _make_behind(job)
        return answer({"token": token, "receipt": None}, 202, {"Retry-After": PAUSE, "Location": request.path})
    return answer({"token": token, "receipt": read(kept), "jws": kept})


def read(jws: str) -> Any:
    """Return what a receipt says, for people: whoever trusts it verifies `jws`."""
    payload = jws.split(".")[1]
    return msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def _check(job: Job) -> None:
    if not job.final:
        raise NotFinished("A job has a receipt when it has ended.")
    if job.purged_on:
        raise Gone(receipts.PURGED, purged_on=job.purged_on.isoformat())


def make(job: Job) -> str | None:
    """Make a job's receipt, in memory that does not grow with it; None where somebody else is just at it."""
    with alone(f"receipt {job.id}") as mine:
        if not mine:
            return None
        given, ledger = receipts.digest_of(_inputs(job)), receipts.digest_of(chain.from_iterable(_pages(job)))
        with transaction() as session:
            return receipts.issue(session, job, given, ledger)


def _inputs(job: Job) -> Iterator[bytes]:
    with transaction() as session:
        chunks = receipts.list_chunks(session, job)

    def chunk(no: int) -> list[tuple[int, bytes]]:
        with transaction() as session:
            return receipts.read_chunk(session, job, no)

    return receipts.in_order(chunks, chunk)


def _pages(job: Job) -> Iterator[list[bytes]]:
    """Give the ledger's lines, some at a time."""
    last = -1
    while True:
        with transaction() as session:
            last, lines = receipts.ledger_lines(session, job, last)
        if not lines:
            return
        yield lines


def _make_behind(job: Job) -> None:
    """Make a large job's receipt in a thread. If this process dies, the next reader begins anew."""
    if BEHIND.take():
        threading.Thread(target=_make_alone, args=(job,), name="receipt", daemon=True).start()


def _make_alone(job: Job) -> None:
    try:
        make(job)
    except (Refused, *DATABASE_ERRORS) as error:  # the next reader tries again
        log.warning(RECEIPT_FAILED, token=str(job.token), error=type(error).__name__)
    finally:
        BEHIND.leave()


@api.get("/<token>/receipt/ledger")
def get_ledger(token: str) -> Response:
    """Give the whole ledger of a job that has ended, a line for each item: the bytes that its receipt is about."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        job = jobs.get_job(session, principal(), token)
        receipts.ledger_lines(session, job, job.total)  # refused now, and not after the head of an answer
    places = cast(Places, current_app.extensions[EXPORTERS])
    if not places.take():
        raise Unavailable("Too many downloads are under way just now. Try again.", retry_after=2)
    response = Response((b"".join(lines) for lines in _pages(job)), content_type="application/x-ndjson")
    response.call_on_close(places.leave)
    return response
