"""Many new records in one body: lines, an array, or an object with `records`; parents come before their children."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from models.catalogue.projects import open_project
from models.db import transaction
from models.errors import Empty, InvalidRequest, InvalidValue
from models.jobs import service as jobs
from models.jobs.values import Submission
from models.operations import bulk_create_records
from web.answers import job_address
from web.auth import principal, sign_in
from web.idempotency import idempotency_key
from web.intake import Body, receive_request
from web.projects.envelope import project_calls
from web.projects.replies import success

api = project_calls("record-loads")
FLAGS = {"true": True, "false": False}


@api.post("/records/bulk/create")
def create_records(project: str) -> Response:
    """Store a job that makes records; answers with its token. `?test=true` tries it without keeping anything."""
    sign_in()
    asked = idempotency_key(), _test()
    with receive_request() as body:
        return _submit(body, project, asked)


def _test() -> bool:
    word = request.args.get("test", "false")
    if word not in FLAGS:
        raise InvalidValue("`test` is true or false.", pointer="/test")
    return FLAGS[word]


def _lane(_: Any) -> None:
    """Let all records share a lane: a child comes after its parent."""


def _submit(body: Body, project: str, asked: tuple[str | None, bool]) -> Response:
    if body.kind == "single":
        raise InvalidRequest("Send a list of records: an array, lines, or an object with `records`.")
    items = body.each(_lane)
    if next(iter(items), None) is None:
        raise Empty("No record was sent.")
    key, test = asked
    tags = tuple(body.envelope.get("tags") or ())
    with transaction() as session:
        known = open_project(session, principal(), project)
        known.check_writable()
        params = {"test": True} if test else {}
        name, pace = bulk_create_records.VERB.name, body.envelope.get("pace")
        submission = Submission(name, params, tags, key, body.digest, known.id, whole=test, pace=pace)
        job = jobs.submit(session, principal(), submission, items)
    response = success({"job.token": str(job.token)}, {})
    response.headers["Location"] = job_address(job)
    if job.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response
