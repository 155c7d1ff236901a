"""What else a job tells: what is wrong with its items, which members it froze, which of these had changed at their turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import Blueprint, Response, request

from models import ids, operations
from models.db import Session, transaction
from models.jobs import service as jobs
from models.jobs.service import Drift, Member
from models.jobs.values import Job
from models.selection.cursor import seal
from web.answers import answer
from web.auth import principal, sign_in
from web.paging import open_page, paged
from web.schemas import NoParameters, Paged, parse_query

api = Blueprint("reports", __name__, url_prefix="/api/jobs")
api.before_request(sign_in)
Row = TypeVar("Row", Member, Drift)


@api.get("/<token>/digest")
def get_digest(token: str) -> Response:
    """Tell what is wrong with a job's items: causes with counts and examples, as far as the job has come."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        return answer(jobs.digest(session, jobs.get_job(session, principal(), token)))


@api.get("/<token>/members")
def list_members(token: str) -> Response:
    """List what a job over a selection froze when it was accepted, a page at a time."""
    return _list(token, "members", jobs.list_members, _member)


@api.get("/<token>/drift")
def list_drift(token: str) -> Response:
    """List the members that were not what was frozen when their turn came; while the job runs, of those that had it."""
    return _list(token, "drift", jobs.list_drifts, _drift)


def _list(
    token: str,
    kind: str,
    read: Callable[[Session, Job, int, int], list[Row]],
    dump: Callable[[Row, Mapping[int, str]], dict[str, Any]],
) -> Response:
    size, cursor, binding = open_page(parse_query(Paged, request.args), f"{kind} of {token}")
    after = int(cursor.place[0] or 0) if cursor.place else -1
    with transaction() as session:
        job = jobs.get_job(session, principal(), token)
        rows = read(session, job, after, size + 1)
        page = rows[:size]
        rids = [row.rid for row in page if row.rid is not None and row.frozen_on is not None]
        names = operations.name_members(session, principal(), job, rids)
    following = seal(binding, (page[-1].index,), cursor.issued) if len(rows) > size else None
    return paged({kind: [dump(row, names) for row in page], "complete": job.final}, size, following)


def _member(row: Member, names: Mapping[int, str]) -> dict[str, Any]:
    """Return a member; one that named no record has the name that was sent."""
    return {"index": row.index, "id": names.get(row.rid or 0, row.name), "rid": row.rid, "frozen_on": ids.iso(row.frozen_on)}


def _drift(row: Drift, names: Mapping[int, str]) -> dict[str, Any]:
    times = {"frozen_on": ids.iso(row.frozen_on), "found_on": ids.iso(row.found_on)}
    return {"index": row.index, "id": names.get(row.rid), "rid": row.rid, "change": row.change, **times}
