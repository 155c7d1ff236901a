"""Jobs: list, state, results, cancel, retry, purge. A poll answers 200 whatever became of the job: the state is in the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, request

from models import ids, operations
from models.db import transaction
from models.jobs import following
from models.jobs import service as jobs
from models.jobs.values import Job, Result, Submission
from models.selection.cursor import seal
from models.settings import settings
from models.strictness import decode_strict
from web import streams
from web.answers import accepted, answer, job_address, pause, unless_known
from web.auth import principal, sign_in
from web.idempotency import idempotency_key
from web.pace import Pace
from web.paging import open_page, paged
from web.quotas import exceeded
from web.schemas import (
    EventParameters,
    JobBody,
    JobListParameters,
    LedgerParameters,
    NoParameters,
    ResultParameters,
    parse,
    parse_query,
)
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
        errors = jobs.errors(session, job)
    _check_pace(job)
    return unless_known(_state(job, errors=errors))


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


@api.get("/<token>/ledger")
def list_ledger(token: str) -> Response:
    """List outcomes in the order in which they came, those behind number `after`; readable while the job runs."""
    ask = parse_query(LedgerParameters, request.args)
    after, limit = ask["after"], ask["limit"]
    with transaction() as session:
        job = jobs.get_job(session, principal(), token)
        found = following.list_entries(session, job, after, limit)
    last = found[-1].seq if found else after
    complete = job.final and len(found) < limit
    headers = {} if complete or len(found) == limit else {"Retry-After": str(pause(job))}
    rows = [streams.dump_entry(entry) for entry in found]
    return answer({"ledger": rows, "after": last, "limit": limit, "complete": complete}, 200, headers)


@api.get("/<token>/events")
def stream_events(token: str) -> Response:
    """Send a job's state at each change, and its outcomes where they are asked for, as server-sent events."""
    ask = parse_query(EventParameters, request.args)
    with transaction() as session:
        job = jobs.get_job(session, principal(), token)
        if ask["outcomes"]:
            following.list_entries(session, job, 0, 1)  # refused now, and not after the head of a stream
    return streams.stream(job, dump_job, ask["after"] if ask["outcomes"] else None)


@api.post("/<token>/cancel")
def cancel(token: str) -> Response:
    """Ask a job to stop: 202 while it stops, 200 when there is nothing left to stop."""
    with transaction() as session:
        job = jobs.cancel(session, principal(), token)
    return _state(job, 200 if job.final else 202)


@api.post("/<token>/pause")
def pause_job(token: str) -> Response:
    """Ask a job to begin nothing more: 202 while chunks of it have still to end, 200 when it rests or cannot run any more."""
    with transaction() as session:
        jobs.pause(session, principal(), token)
    with transaction() as session:  # after the commit of the first: who began before that is seen now
        jobs.settle_pauses(session)
        job = jobs.get_job(session, principal(), token)
    return _state(job, 202 if job.pause_requested and not job.paused_on else 200)


@api.post("/<token>/resume")
def resume_job(token: str) -> Response:
    """Let a paused job go on where it was."""
    with transaction() as session:
        job = jobs.resume(session, principal(), token)
    return _state(job)


@api.patch("/<token>")
def patch_job(token: str) -> Response:
    """Change how fast a job goes: `pace` is in items a second, null is as fast as it can."""
    ask = parse(JobBody, decode_strict(request.get_data(cache=False), settings().limits))
    with transaction() as session:
        job = jobs.set_pace(session, principal(), token, ask["pace"])
    return _state(job)


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


def _state(job: Job, status: int = 200, errors: list[dict[str, Any]] | None = None) -> Response:
    headers = {} if job.final else {"Retry-After": str(pause(job))}
    told = dump_job(job) | ({} if errors is None else {"errors": errors})
    return answer(told, status, headers | {"Location": job_address(job)} if status == 202 else headers)


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
        "pause_requested": job.pause_requested,
        "paused": job.paused_on is not None,
        "pace": job.pace,
        "queue_position": job.queue_position,
        "tags": job.tags,
        "test": job.test,
        "parent": job.parent_token and str(job.parent_token),
        "info": {**job.info, "total": job.total, "remaining": job.remaining},
        **_times(job),
    }


def _times(job: Job) -> Mapping[str, str | None]:
    names = ("created_on", "updated_on", "started_on", "finished_on", "paused_on", "purged_on")
    return {name: ids.iso(getattr(job, name)) for name in names}


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
