"""Face 1, the record API: one operation, many, a selection's; reading one record or a selection's; the evidence keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from models import operations
from models.classifications import reading, service
from models.classifications.envelope import parse_operation
from models.classifications.keys import dump_keys
from models.classifications.record_id import lane_key, parse_url_id
from models.classifications.state import Operation
from models.classifications.view import layout_v1
from models.db import transaction
from models.jobs import service as jobs
from models.jobs.values import Job, Submission
from models.selection.grammar import parse_selection
from models.settings import settings
from web.answers import JSON, answer, minimal
from web.auth import principal, sign_in
from web.bulk import Layout, answer_job, submit_selection
from web.idempotency import idempotency_key
from web.intake import Body, receive
from web.schemas import (
    BulkEnvelope,
    BulkGetBody,
    NoParameters,
    RecordParameters,
    SelectionBody,
    parse,
    parse_members,
    parse_query,
)
from web.waiting import Preferences, preferences

PREFIXES = ("/classification/api", "/variantclassification/api")
SENT = "bulk_classifications"

api = Blueprint("classifications", __name__)
api.before_request(sign_in)
public = Blueprint("evidence_keys", __name__)


def _route(rule: str, **options: Any) -> Any:
    """Serve a rule below `record/` and below `v1/record/`, `v2/record/` and `v3/record/`."""

    def add(view: Any) -> Any:
        api.add_url_rule(f"/classifications/record/{rule}", view_func=view, defaults={"version": "v1"}, **options)
        api.add_url_rule(f"/classifications/<any(v1, v2, v3):version>/record/{rule}", view_func=view, **options)
        return view

    return add


def _layout(version: str) -> Layout:
    """Return what makes of the nested object what this version's clients read."""
    return layout_v1 if version == "v1" else dict


@contextmanager
def _received() -> Iterator[Body]:
    headers = request.headers
    with receive(
        request.stream,
        content_type=headers.get("Content-Type"),
        content_encoding=headers.get("Content-Encoding"),
        content_length=request.content_length,
        limits=settings().limits,
    ) as body:
        yield body


@_route("", methods=["POST"])
def post_records(version: str) -> Response:
    """Carry out one operation, or take a list of them as a job."""
    return _post(version, None)


@_route("<path:name>", methods=["POST"])
def post_record(version: str, name: str) -> Response:
    """Carry out one operation on the record that the address names. A list has its ids inside, as without a name."""
    return _post(version, name)


def _post(version: str, name: str | None) -> Response:
    parse_query(NoParameters, request.args)
    preferred, key = preferences(), idempotency_key()
    with _received() as body:
        if body.kind == "single":
            operation = parse_operation(body.single(), None if name is None else parse_url_id(name))
            return _carry_out(operation, preferred, _layout(version))
        job = _submit(body, key)
    if job is None:
        return preferred.note(answer({"results": []}), waited=False)
    return answer_job(job, preferred, preferred.seconds(job.total), _layout(version))


def _carry_out(operation: Operation, preferred: Preferences, layout: Layout) -> Response:
    """Decide and store one operation in this request; its answer says what became of it, so it keeps no idempotency key."""
    with transaction() as session:
        done = service.apply_single(session, principal(), operation)
    shown = layout(done)
    return preferred.note(answer(minimal(shown) if preferred.minimal else shown), waited=False)


def _submit(body: Body, key: str | None) -> Job | None:
    """Store a list of operations as a job; None where the list is empty."""
    given = {name: value for name, value in body.envelope.items() if value is not None}
    envelope = parse(BulkEnvelope, given)
    items = body.items(lane_key)
    first = next(items, None)
    if first is None:
        return None
    run = {"import_id": envelope["import_id"]} if envelope["import_id"] else {}
    submission = Submission(SENT, run, envelope["tags"], key, body.digest)
    with transaction() as session:
        return jobs.submit(session, principal(), submission, chain([first], items))


@_route("bulk/<verb>", methods=["POST"])
def post_selection(version: str, verb: str) -> Response:
    """Store one operation over a selection; answers with the job's token."""
    asked = operations.get(f"bulk_{verb}_classifications")
    parse_query(NoParameters, request.args)
    with _received() as body:
        envelope, params = parse_members(SelectionBody, asked.params, body.single())
        digest = body.digest
    preferred = preferences()
    submission = Submission(asked.name, params, envelope["tags"], idempotency_key(), digest)
    allow_all = bool(params.get("allow_all"))
    job = submit_selection(submission, lambda: parse_selection(envelope["selection"], FACE, allow_all=allow_all))
    if isinstance(job, Response):
        return job
    return answer_job(job, preferred, preferred.seconds(settings().limits.operations), _layout(version))


@_route("bulk/get", methods=["POST"])
def get_records(version: str) -> Response:
    """Read the records of a selection, a page at a time."""
    parse_query(NoParameters, request.args)
    with _received() as body:
        ask = parse(BulkGetBody, body.single())
    raise NotImplementedError


@_route("<path:name>", methods=["GET"])
def get_record(version: str, name: str) -> Response:
    """Read one record, or one version of it."""
    ask = parse_query(RecordParameters, request.args)
    with transaction() as session:
        shown = reading.show(session, principal(), parse_url_id(name), ask)
    return answer(_layout(version)(shown))


@lru_cache(maxsize=1)
def _evidence_keys() -> bytes:
    return msgspec.json.encode(dump_keys())


@public.get("/evidence_keys")
def list_evidence_keys() -> Response:
    """List the evidence keys in display order. Needs no login."""
    response = Response(_evidence_keys(), content_type=JSON, headers={"Cache-Control": "public, max-age=300"})
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]
