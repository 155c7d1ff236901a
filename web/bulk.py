"""Answering for a job: at once with its results where it ends in time, else with its token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, g

from models import operations
from models.db import transaction
from models.errors import InvalidSelection, Refused, SelectionTooLarge, TooManyItems, refusal
from models.jobs import service as jobs
from models.jobs.values import Job, JobStatus, Result, Submission
from models.selection.grammar import Selection
from models.settings import settings
from web.answers import accepted, answer, failed_item, minimal, problem
from web.auth import principal
from web.waiting import Preferences, wait_for_end

BAD_SELECTIONS = (InvalidSelection, SelectionTooLarge, TooManyItems)
CANCELLED = "cancelled"
REPLAYED = "Idempotency-Replayed"
PLAN = "plan_token"  # of a test over a selection, by which it can be carried out as planned
Layout = Callable[[Mapping[str, Any]], dict[str, Any]]


def answer_job(job: Job, preferred: Preferences, seconds: float, layout: Layout) -> Response:
    """Wait up to `seconds` for a stored job; answer its results if it is done then and they fit a page, else its token."""
    g.job_token = job.token
    job = wait_for_end(job, seconds)
    waited = seconds > 0
    plan = {PLAN: job.info[PLAN]} if PLAN in job.info else {}
    if job.status is not JobStatus.DONE or job.total > settings().limits.page_size:
        return preferred.note(_replayed(accepted(job, plan), job), waited=waited)
    query = jobs.OutcomeQuery(size=settings().limits.page_size)
    with transaction() as session:
        rows = operations.list_results(session, principal(), str(job.token), query)
    shorten = minimal if preferred.minimal else dict
    results = [shorten(_entry(row, layout)) for row in rows]
    return preferred.note(_replayed(answer({"results": results, "job.token": str(job.token), **plan}), job), waited=waited)


def _entry(row: Result, layout: Layout) -> dict[str, Any]:
    """Return an item's entry: the object a single call would have answered, or why there is none."""
    if row.result is not None:
        return layout(row.result)
    return failed_item(row.id, row.status, row.error or {"code": row.status})


def _replayed(response: Response, job: Job) -> Response:
    if job.replayed:
        response.headers[REPLAYED] = "true"
    return response


def submit_selection(submission: Submission, read: Callable[[], Selection]) -> Job | Response:
    """Store a job over a selection. One that cannot start is stored as rejected, and answered with a problem and its token."""
    try:
        selection = read()
        with transaction() as session:
            job = jobs.submit_selection(session, principal(), submission, selection)
    except BAD_SELECTIONS as refused:
        with transaction() as session:
            job = jobs.reject(session, principal(), submission, refused)
        return _rejected(job, refused)
    error = dict(job.info.get("error") or {}) if job.status is JobStatus.REJECTED else {}
    if error.get("code", CANCELLED) == CANCELLED:
        return job
    return _rejected(job, as_refused(error))


def as_refused(error: dict[str, Any]) -> Refused:
    """Return the refusal that a rejected job keeps."""
    refused = refusal(error.pop("code"), error.pop("detail"), error.pop("pointer", None))
    refused.members = error
    return refused


def _rejected(job: Job, refused: Refused) -> Response:
    g.job_token = job.token
    return problem(refused, {"job.token": str(job.token)})
