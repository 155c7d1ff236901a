"""Jobs: list, state, results, cancel, retry, purge. A poll answers 200 whatever became of the job: the state is in the body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, request

from models import ids, operations
from models.db import transaction
from models.jobs import service as jobs
from models.jobs.values import Job, Result, Submission
from models.selection.cursor import seal
from web import streams
from web.answers import accepted, answer, job_address, pause
from web.auth import principal, sign_in
from web.idempotency import idempotency_key
from web.pace import Pace
from web.paging import open_page, paged
from web.quotas import exceeded
from web.schemas import JobListParameters, NoParameters, ResultParameters, parse_query
from web.tallies import shared

api = Blueprint("jobs", __name__, url_prefix="/api/jobs")
api.before_request(sign_in)
pace = Pace(shared)


@api.get("")
def list_jobs() -> Response:
    """List one's own jobs, newest first, a page at a time."""
    ask = parse_query(JobListParameters, request.args)
    size, cursor, binding = open_page(ask, "jobs")
    start = cursor.place[0] if cursor.place else None
    query = jobs.JobQuery(**ask, before_id=start, size=size + 1)  # type: ignore[arg-type]
    with transaction() as session:
        found = jobs.list_jobs(session, principal(), query)
    page = found[:size]
    following = seal(binding, (page[-1].id,), cursor.issued) if len(found) > size else None
    return paged({"jobs": [dump_job(job) for job in page]}, size, following)


@api.get("/<token>")
def get_job(token: str) -> Response:
    """Tell how a job stands. Asking faster than `Retry-After` for a minute ends in 429."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        job = jobs.get_job(session, principal(), token)
    _check_pace(job)
    response = _state(job)
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]


@api.get("/<token>/results")
def list_results(token: str) -> Response:
    """List outcomes by index, a page at a time; while the job runs a page may be short or empty and still not be the last."""
    ask = parse_query(ResultParameters, request.args)
    size, cursor, binding = open_page(ask, f"results of {token}")
    after = cursor.place[0] if cursor.place else -1
    query = jobs.OutcomeQuery(**ask, after=after, size=size + 1)  # type: ignore[arg-type]
    with transaction() as session:
        job = jobs.get_job(session, principal(), token)
        found = operations.list_results(session, principal(), token, query)
    page = found[:size]
    last = page[-1].index if page else after
    following = seal(binding, (last,), cursor.issued) if len(found) > size or not job.final else None
    return paged({"results": [dump_result(row) for row in page]}, size, following)


@api.get("/<token>/events")
def stream_events(token: str) -> Response:
    """Send a job's state at each change, as server-sent events."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        job = jobs.get_job(session, principal(), token)
    return streams.stream(job, principal(), dump_job)


@api.post("/<token>/cancel")
def cancel(token: str) -> Response:
    """Ask a job to stop: 202 while it stops, 200 when there is nothing left to stop."""
    with transaction() as session:
        job = jobs.cancel(session, principal(), token)
    return _state(job, 200 if job.final else 202)


@api.post("/<token>/retry")
def retry(token: str) -> Response:
    """Run the failed items of a job again, as a job of its own."""
    submission = Submission("", idempotency_key=idempotency_key())
    with transaction() as session:
        child = jobs.retry(session, principal(), token, submission)
    g.job_token = child.token
    return accepted(child)


@api.delete("/<token>")
def purge(token: str) -> Response:
    """Remove a job's items and results; its summary stays."""
    with transaction() as session:
        jobs.purge(session, principal(), token)
    return Response(status=204)


def _check_pace(job: Job) -> None:
    if not job.final and pace.too_fast(f"{principal().user_id} {job.token}", ids.monotonic(), pause(job)):
        detail = "This job has been asked about too often for a minute: between two requests wait as long as Retry-After says."
        raise exceeded("poll", detail, pause(job))


def _state(job: Job, status: int = 200) -> Response:
    headers = {} if job.final else {"Retry-After": str(pause(job))}
    return answer(dump_job(job), status, headers | {"Location": job_address(job)} if status == 202 else headers)


def dump_job(job: Job) -> dict[str, Any]:
    """Return a job as its owner reads it."""
    return {
        "token": str(job.token),
        "job": job.name,
        "status": job.status,
        "outcome": job.outcome,
        "total": job.total,
        "remaining": job.remaining,
        "succeeded": job.succeeded,
        "failed": job.failed,
        "skipped": job.skipped,
        "noop": job.noop,
        "cancelled": job.cancelled,
        "attempts": job.attempts,
        "chunks": job.chunks_total,
        "stalled": job.stalled,
        "cancel_requested": job.cancel_requested,
        "queue_position": job.queue_position,
        "tags": job.tags,
        "test": job.test,
        "parent": job.parent_token and str(job.parent_token),
        "info": {**job.info, "total": job.total, "remaining": job.remaining},
        **_times(job),
    }


def _times(job: Job) -> Mapping[str, str | None]:
    names = ("created_on", "updated_on", "started_on", "finished_on", "purged_on")
    moments: dict[str, datetime | None] = {name: getattr(job, name) for name in names}
    return {name: moment.isoformat().replace("+00:00", "Z") if moment else None for name, moment in moments.items()}


def dump_result(row: Result) -> dict[str, Any]:
    """Return one item's outcome: `result` is the object that a single call would have answered."""
    return {
        "index": row.index,
        "line": row.line,
        "ref": row.ref,
        "status": row.status,
        "id": row.id,
        "result": row.result,
        "error": row.error,
    }
