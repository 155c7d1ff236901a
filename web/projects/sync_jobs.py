"""A project's jobs: one, a list, results, cancel. What happens to them is told on the sync feed too, which clients follow."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models import ids, operations
from models.errors import InvalidValue
from models.jobs import service as jobs
from models.jobs.values import Job, JobStatus
from models.selection.cursor import Binding, Cursor, open_cursor, query_digest, seal
from web.jobs import dump_job, dump_result
from web.projects.envelope import Answer, Ask, call, project_calls

api = project_calls("jobs")
STATUSES = ("succeeded", "noop", "failed", "skipped", "cancelled", "rolled_back")


@call(api, "jobs/get")
def get_job(ask: Ask) -> Answer:
    """Tell how a job of this project stands."""
    job = jobs.get_job(ask.session, ask.principal, ask.params.gid("job"), project_id=ask.project.id)
    return Answer({"job": str(job.token), "jobs": {str(job.token): show(ask, job)}})


@call(api, "jobs/list")
def list_jobs(ask: Ask) -> Answer:
    """List the project's jobs, newest first, a page at a time."""
    status, name = _word(ask, "status", tuple(JobStatus)), ask.params.find_text("name")
    size, cursor, binding = _page(ask, "jobs", {"status": status, "name": name})
    before = cursor.place[0] if cursor.place else None
    query = jobs.JobQuery(status, name, before_id=before, size=size + 1, project_id=ask.project.id)  # type: ignore[arg-type]
    found = jobs.list_jobs(ask.session, ask.principal, query)
    page = found[:size]
    following = seal(binding, (page[-1].id,), cursor.issued) if len(found) > size else None
    shown = {str(job.token): show(ask, job) for job in page}
    return Answer({"job_tokens": list(shown), "jobs": shown, "page.cursor": following})


@call(api, "jobs/results")
def list_results(ask: Ask) -> Answer:
    """List a job's outcomes by index. While it runs a page may be short or empty and still not be the last."""
    token, status = ask.params.gid("job"), _word(ask, "status", STATUSES)
    size, cursor, binding = _page(ask, f"results of {token}", {"status": status})
    after = int(cursor.place[0] or 0) if cursor.place else -1
    job = jobs.get_job(ask.session, ask.principal, token, project_id=ask.project.id)
    query = jobs.OutcomeQuery(status, after, size + 1)
    found = operations.list_results(ask.session, ask.principal, token, query, ask.project.id)
    page = found[:size]
    last = page[-1].index if page else after
    following = seal(binding, (last,), cursor.issued) if len(found) > size or not job.final else None
    return Answer({"job": token, "results": [dump_result(row) for row in page], "page.cursor": following})


@call(api, "jobs/cancel")
def cancel(ask: Ask) -> Answer:
    """Ask a job to stop: what has no outcome yet ends as cancelled. One that has ended stays as it is."""
    ask.project.check_writable()
    job = jobs.cancel(ask.session, ask.principal, ask.params.gid("job"), ask.project.id)
    return Answer({"job": str(job.token), "jobs": {str(job.token): show(ask, job)}})


def show(ask: Ask, job: Job) -> dict[str, Any]:
    """Return a job as the members of its project read it: as a sync item does, with the rest of what is known beside it."""
    own = {"project_gid": str(ask.project.gid), "job": job.name, "status": job.status, "info": _info(job)}
    return dump_job(job) | own | {"created_on": _seconds(job.created_on), "updated_on": _seconds(job.updated_on)}


def _info(job: Job) -> dict[str, Any]:
    counters: dict[str, Any] = {"succeeded": job.succeeded, "noop": job.noop, "failed": job.failed, "skipped": job.skipped}
    ended = counters | {"cancelled": job.cancelled, "outcome": job.outcome} if job.status is JobStatus.DONE else {}
    return {**job.info, "total": job.total, "remaining": job.remaining, **ended}


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def _word(ask: Ask, name: str, words: tuple[str, ...]) -> str | None:
    word = ask.params.find_text(name)
    if word is not None and word not in words:
        raise InvalidValue(f"`{name}` is one of {', '.join(words)}.", pointer=f"/{name}")
    return word


def _page(ask: Ask, kind: str, others: dict[str, Any]) -> tuple[int, Cursor, Binding]:
    binding = Binding(f"{kind} of {ask.project.gid}", ask.principal.user_id, query_digest(others))
    text = ask.params.get("page.cursor")
    return ask.params.page(100)[1], Cursor((), ids.now()) if text is None else open_cursor(text, binding, ids.now()), binding
