"""Face 1, the record API: one operation, many, a selection's; reading one record or a selection's; the evidence keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from flask import Blueprint, Response, request

from models import idempotency, ids, operations
from models.classifications import past, reading, service
from models.classifications.envelope import parse_operation
from models.classifications.record_id import lane_key, parse_url_id
from models.classifications.state import Operation
from models.classifications.view import layout_v1
from models.db import Session, transaction
from models.errors import InvalidRequest
from models.jobs import imports
from models.jobs import service as jobs
from models.jobs.values import Job, Submission
from models.selection import glance, resolve
from models.selection.cursor import Binding, open_cursor, query_digest, seal
from models.selection.grammar import parse_selection
from models.selection.resolve import Member
from models.selection.search import FACE
from models.settings import settings
from web import uploads
from web.answers import answer, found, minimal
from web.auth import principal, sign_in
from web.bulk import REPLAYED, Layout, answer_job, submit_selection
from web.idempotency import idempotency_key
from web.intake import Body, receive_request
from web.schemas import (
    BulkEnvelope,
    BulkGetBody,
    BulkParameters,
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
TRIED = "validate_classifications"
View = TypeVar("View", bound=Callable[..., Response])

api = Blueprint("classifications", __name__)
api.before_request(sign_in)
api.after_request(uploads.announce)


def _route(method: str, rule: str) -> Callable[[View], View]:
    """Serve a rule, which begins with `record/` or `records/`, also below `v1/`, `v2/` and `v3/`."""

    def add(view: View) -> View:
        unversioned = {"version": "v1"}
        api.add_url_rule(f"/classifications/{rule}", view_func=view, defaults=unversioned, methods=[method])
        api.add_url_rule(f"/classifications/<any(v1, v2, v3):version>/{rule}", view_func=view, methods=[method])
        return view

    return add


def _layout(version: str) -> Layout:
    """Return what makes of the nested object what this version's clients read."""
    return layout_v1 if version == "v1" else dict


@_route("POST", "record/")
def post_records(version: str) -> Response:
    """Carry out one operation, or take a list of them as a job."""
    return _post(version, None)


@_route("POST", "record/<path:name>")
def post_record(version: str, name: str) -> Response:
    """Carry out one operation on the record that the address names. A list has its ids inside, as without a name."""
    return _post(version, name)


def _post(version: str, name: str | None) -> Response:
    asked = {"version": version, "name": name, **parse_query(BulkParameters, request.args)}
    key = idempotency_key()
    if uploads.is_asked():
        return uploads.create(SENT, asked, key)
    with receive_request() as body:
        made = _take(body, key, asked)
    return made if isinstance(made, Response) else _answer(made, asked)


def _take(body: Body, key: str | None, asked: Mapping[str, Any]) -> Job | Response:
    """Carry out one operation, or store a list of them as a job."""
    if body.kind != "single":
        return _submit(SENT, body, key, asked) or _nothing()
    operation = parse_operation(body.single(), None if asked["name"] is None else parse_url_id(asked["name"]))
    shown, replayed = _carry_out(operation, (key, body.digest))
    return _single_answer(_layout(asked["version"])(shown), preferences(), replayed=replayed)


def _nothing() -> Response:
    return preferences().note(answer({"results": []}), waited=False)


def _answer(job: Job, asked: Mapping[str, Any]) -> Response:
    preferred = preferences()
    return answer_job(job, preferred, preferred.seconds(job.total), _layout(asked["version"]))


def _carry_out(operation: Operation, kept: tuple[str | None, bytes]) -> tuple[Mapping[str, Any], bool]:
    """Decide and store one operation in this request, or return what the first request with its key was answered."""
    key, digest = kept
    with transaction() as session:
        earlier = None if key is None else idempotency.take(session, principal(), key, digest)
        if earlier is not None:
            return msgspec.json.decode(earlier), True
        done = service.apply_single(session, principal(), operation)
        if key is not None:
            idempotency.keep(session, principal(), key, msgspec.json.encode(done))
    return done, False


def _single_answer(shown: Mapping[str, Any], preferred: Preferences, *, replayed: bool) -> Response:
    response = answer(minimal(shown) if preferred.minimal else shown)
    if replayed:
        response.headers[REPLAYED] = "true"
    return preferred.note(response, waited=False)


def _submit(name: str, body: Body, key: str | None, asked: Mapping[str, Any]) -> Job | None:
    """Store a list of operations as a job of this name; None where the list is empty."""
    given = {name: value for name, value in body.envelope.items() if value is not None}
    envelope = parse(BulkEnvelope, given)
    items = body.each(lane_key)
    post = _post_of_run(envelope) if name == SENT else None
    if next(iter(items), None) is None:
        if post:
            with transaction() as session:
                imports.record_post(session, principal(), post, None)
        return None
    run = {"import_id": envelope["import_id"]} if envelope["import_id"] else {}
    whole = {"atomic": True} if envelope["atomic"] or asked["atomic"] else {}
    pace = asked["pace"] or envelope["pace"]
    submission = Submission(name, run | whole, envelope["tags"], key, body.digest, pace=pace)
    with transaction() as session:
        idempotency.refuse_taken(session, principal(), key)
        job = jobs.submit(session, principal(), submission, items)
        if post and not job.replayed:
            imports.record_post(session, principal(), post, job.id)
        return job


def _post_of_run(envelope: Mapping[str, Any]) -> imports.Post | None:
    return imports.Post(envelope["import_id"], envelope["status"] == "complete", ids.now()) if envelope["import_id"] else None


@_route("POST", "records/bulk/validate")
def validate_records(version: str) -> Response:
    """Try a whole file of operations without storing any; the job's digest tells what is wrong with it."""
    asked = {"version": version, **parse_query(BulkParameters, request.args)}
    key = idempotency_key()
    if uploads.is_asked():
        return uploads.create(TRIED, asked, key)
    with receive_request() as body:
        made = _try(body, key, asked)
    return made if isinstance(made, Response) else _answer(made, asked)


def _try(body: Body, key: str | None, asked: Mapping[str, Any]) -> Job | Response:
    if body.kind == "single":
        raise InvalidRequest("Send a list of operations: an array, lines, or an object with `records`.")
    return _submit(TRIED, body, key, asked) or _nothing()


uploads.targets |= {SENT: uploads.Target(_take, _answer), TRIED: uploads.Target(_try, _answer)}


@_route("POST", "records/bulk/<verb>")
def post_selection(version: str, verb: str) -> Response:
    """Store one operation over a selection; answers with the job's token."""
    asked = operations.get(f"bulk_{verb}_classifications")
    parse_query(NoParameters, request.args)
    with receive_request() as body:
        envelope, params = parse_members(SelectionBody, asked.params, body.single())
        digest = body.digest
    preferred = preferences()
    submission = Submission(asked.name, params, envelope["tags"], idempotency_key(), digest, pace=envelope["pace"])
    allow_all = bool(params.get("allow_all"))
    job = submit_selection(submission, lambda: parse_selection(envelope["selection"], FACE, allow_all=allow_all))
    if isinstance(job, Response):
        return job
    return answer_job(job, preferred, preferred.seconds(settings().limits.operations), _layout(version))


@_route("POST", "records/bulk/get")
def get_records(version: str) -> Response:
    """Read the records of a selection, a page at a time; later pages show the list as it was at the first."""
    parse_query(NoParameters, request.args)
    with receive_request() as body:
        ask = parse(BulkGetBody, body.single())
    with transaction() as session:
        if ask["as_of"] is not None:
            past.settle(session, principal(), ask["as_of"])
        page = _list_page(session, ask)
        seen = reading.load_visible(session, principal(), [rid for _, rid in page.members], ask["as_of"])
    shown = [reading.dump_seen(seen[rid], principal(), ask) for _, rid in page.members if rid in seen]
    result = {
        "records": [record["id"] for record in shown],
        "records.size": page.total,
        "page.size": ask["page_size"],
        "page.cursor": page.following,
        **({} if page.complete is None else {"records.complete": page.complete}),
    }
    return found(result, {"records": {record["id"]: _layout(version)(record) for record in shown}})


@dataclass(frozen=True, slots=True)
class _Page:
    """Part of a selection's list, with the cursor of what follows. `complete` says of a glance whether it saw everything."""

    total: int
    members: Sequence[Member]
    following: str | None
    complete: bool | None = None


def _list_page(session: Session, ask: Mapping[str, Any]) -> _Page:
    """Resolve a selection and return its first page, or the page of the list that a cursor names."""
    names = ("selection", "allow_all", "data", "as_of", *(("glance",) if ask["glance"] else ()))
    digest = query_digest({name: ask[name] for name in names})
    binding = Binding("records", principal().user_id, digest)
    if ask["page_cursor"] is None:
        selection = parse_selection(ask["selection"], FACE, allow_all=ask["allow_all"])
        wanted, complete = resolve.FirstPage(ask["page_size"], digest), None
        if ask["glance"]:
            first, complete = glance.look(session, principal(), glance.only_search(selection, ask["as_of"]), wanted)
        else:
            space = resolve.space_of(session, principal(), selection, ask["as_of"])
            first = resolve.resolve(session, principal(), selection, wanted, space)
        following = _following(binding, first.selection_id, (first.total, first.members), ids.now())
        return _Page(first.total, first.members, following, complete)
    cursor = open_cursor(ask["page_cursor"], binding, ids.now())
    name, start = cursor.place
    selection_id = UUID(str(name))
    total, members = resolve.page(session, selection_id, int(start or 0), ask["page_size"])
    return _Page(total, members, _following(binding, selection_id, (total, members), cursor.issued))


def _following(binding: Binding, selection_id: UUID | None, page: tuple[int, Sequence[Member]], issued: datetime) -> str | None:
    """Return the cursor of the next page, None after the last."""
    total, members = page
    start = members[-1][0] + 1 if members else total
    return seal(binding, (str(selection_id), start), issued) if selection_id and start < total else None


@_route("GET", "record/<path:name>")
def get_record(version: str, name: str) -> Response:
    """Read one record, or one version of it."""
    ask = parse_query(RecordParameters, request.args)
    with transaction() as session:
        shown = reading.show(session, principal(), parse_url_id(name), ask)
    return answer(_layout(version)(shown))
