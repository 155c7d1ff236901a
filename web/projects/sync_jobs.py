"""A project's jobs: one, a list, results, cancel. What happens to them is told on the sync feed too, which clients follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from models import ids, operations
from models.db import Session
from models.errors import InvalidValue
from models.jobs import service as jobs
from models.jobs.service import Drift, Member
from models.jobs.values import Job, JobStatus
from models.selection.cursor import Binding, Cursor, open_cursor, query_digest, seal
from web.jobs import dump_job, dump_result
from web.projects.envelope import Answer, Ask, call, project_calls

api = project_calls("jobs")
Row = TypeVar("Row", Member, Drift)
STATUSES = ("succeeded", "noop", "failed", "skipped", "cancelled", "rolled_back")


@call(api, "jobs/get")
def get_job(ask: Ask) -> Answer:
    """Tell how a job of this project stands."""
    job = jobs.get_job(ask.session, ask.principal, ask.params.gid("job"), project_id=ask.project.id)
    return _one(ask, job)


@call(api, "jobs/list")
def list_jobs(ask: Ask) -> Answer:
    """List the project's jobs, newest first, a page at a time."""
    status, name = _word(ask, "status", tuple(JobStatus)), ask.params.find_text("name")
    size, cursor, binding = _page(ask, "jobs", {"status": status, "name": name})
    before = int(cursor.place[0] or 0) if cursor.place else None
    query = jobs.JobQuery(status, name, before_id=before, size=size + 1, project_id=ask.project.id)
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


@call(api, "jobs/members")
def list_members(ask: Ask) -> Answer:
    """List what a job over a selection froze when it was accepted, a page at a time."""
    return _list(ask, "members", jobs.list_members, lambda row, name: {"id": name or row.name})


@call(api, "jobs/drift")
def list_drift(ask: Ask) -> Answer:
    """List the members that were not what was frozen when their turn came; while the job runs, of those that had it."""

    def dump(row: Drift, name: str | None) -> dict[str, Any]:
        return {"id": name, "change": row.change, "found_on": _known(row.found_on)}

    return _list(ask, "drift", jobs.list_drifts, dump)


def _list(
    ask: Ask,
    kind: str,
    read: Callable[[Session, Job, int, int], list[Row]],
    dump: Callable[[Row, str | None], dict[str, Any]],
) -> Answer:
    token = ask.params.gid("job")
    size, cursor, binding = _page(ask, f"{kind} of {token}", {})
    after = int(cursor.place[0] or 0) if cursor.place else -1
    job = jobs.get_job(ask.session, ask.principal, token, project_id=ask.project.id)
    rows = read(ask.session, job, after, size + 1)
    page = rows[:size]
    rids = [row.rid for row in page if row.rid is not None]
    names = operations.name_members(ask.session, ask.principal, job, rids)
    following = seal(binding, (page[-1].index,), cursor.issued) if len(rows) > size else None
    shown = [{"index": row.index, "frozen_on": _known(row.frozen_on), **dump(row, names.get(row.rid or 0))} for row in page]
    return Answer({"job": token, kind: shown, "complete": job.final, "page.cursor": following})


@call(api, "jobs/cancel")
def cancel(ask: Ask) -> Answer:
    """Ask a job to stop: what has no outcome yet ends as cancelled. One that has ended stays as it is."""
    ask.project.check_writable()
    job = jobs.cancel(ask.session, ask.principal, ask.params.gid("job"), ask.project.id)
    return _one(ask, job)


@call(api, "jobs/pause")
def pause(ask: Ask) -> Answer:
    """Ask a job to begin nothing more; it rests once what is worked on has ended, and can be resumed."""
    ask.project.check_writable()
    job = jobs.pause(ask.session, ask.principal, ask.params.gid("job"), ask.project.id)
    return _one(ask, job)


@call(api, "jobs/resume")
def resume(ask: Ask) -> Answer:
    """Let a paused job go on where it was."""
    ask.project.check_writable()
    job = jobs.resume(ask.session, ask.principal, ask.params.gid("job"), ask.project.id)
    return _one(ask, job)


@call(api, "jobs/pace")
def set_pace(ask: Ask) -> Answer:
    """Let a job do so many items a second from now on; without `pace` as many as it can."""
    ask.project.check_writable()
    pace = ask.params.whole("pace", 0, 1) or None
    job = jobs.set_pace(ask.session, ask.principal, ask.params.gid("job"), pace, ask.project.id)
    return _one(ask, job)


def _one(ask: Ask, job: Job) -> Answer:
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


def _known(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _word(ask: Ask, name: str, words: tuple[str, ...]) -> str | None:
    word = ask.params.find_text(name)
    if word is not None and word not in words:
        raise InvalidValue(f"`{name}` is one of {', '.join(words)}.", pointer=f"/{name}")
    return word


def _page(ask: Ask, kind: str, others: dict[str, Any]) -> tuple[int, Cursor, Binding]:
    binding = Binding(f"{kind} of {ask.project.gid}", ask.principal.user_id, query_digest(others))
    text = ask.params.get("page.cursor")
    return ask.params.page(100)[1], Cursor((), ids.now()) if text is None else open_cursor(text, binding, ids.now()), binding
