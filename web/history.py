"""The past: a record's versions, what differs between two, going back to one; taking a whole job back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, g, request
from marshmallow import Schema

from models import ids
from models.classifications import revisions
from models.classifications.record_id import parse_url_id
from models.classifications.view import layout_v1
from models.db import transaction
from models.jobs.values import Submission
from models.operations.undo import submit_undo
from models.operations.verb import UNDO
from models.selection.cursor import seal
from models.settings import settings
from models.strictness import decode_strict
from web.answers import accepted, answer
from web.auth import principal, sign_in
from web.idempotency import idempotency_key
from web.paging import open_page, paged
from web.schemas import DiffParameters, HistoryParameters, NoParameters, RestoreBody, UndoBody, parse, parse_query

RECORDS = ("record/<rid>", "record/<organisation>/<lab>/<record>")  # what is neither may be a record that is named `versions`
View = TypeVar("View", bound=Callable[..., Response])

api = Blueprint("history", __name__)
api.before_request(sign_in)
undoing = Blueprint("undo", __name__, url_prefix="/api/jobs")
undoing.before_request(sign_in)


def _route(method: str, what: str) -> Callable[[View], View]:
    """Serve something about one record, named by its number or by its lab's id for it, in each version of the API."""

    def add(view: View) -> View:
        for record in RECORDS:
            unversioned = {"version": "v1"}
            api.add_url_rule(f"/classifications/{record}/{what}", view_func=view, defaults=unversioned, methods=[method])
            api.add_url_rule(f"/classifications/<any(v1, v2, v3):version>/{record}/{what}", view_func=view, methods=[method])
        return view

    return add


def _name(address: dict[str, str]) -> str:
    """Return the id part of an address: a rid, or the three parts of a name in their order."""
    return "/".join(address[part] for part in ("rid", "organisation", "lab", "record") if part in address)


@_route("GET", "versions")
def list_versions(**address: str) -> Response:
    """List a record's versions that the caller may read, newest first, a page at a time."""
    name = _name(address)
    ask = parse_query(HistoryParameters, request.args)
    size, cursor, binding = open_page(ask, f"versions of {name}")
    before = int(cursor.place[0] or 0) if cursor.place else None
    with transaction() as session:
        found, last = revisions.list_versions(session, principal(), parse_url_id(name), (before, size))
    return paged({"versions": found}, size, seal(binding, (last,), cursor.issued) if last else None)


@_route("GET", "diff")
def diff_versions(**address: str) -> Response:
    """Tell what differs between two versions of a record, key by key."""
    ask = parse_query(DiffParameters, request.args)
    target = parse_url_id(_name(address))
    with transaction() as session:
        return answer(revisions.diff(session, principal(), target, (ask["older"], ask["newer"])))


@_route("POST", "restore")
def restore_version(**address: str) -> Response:
    """Make an old version of a record the present one, as a change of its own."""
    parse_query(NoParameters, request.args)
    ask = _body(RestoreBody)
    target = parse_url_id(_name(address))
    with transaction() as session:
        done = revisions.restore(session, principal(), target, (ask["version"], ask["if_version"]))
    return answer(layout_v1(done) if address["version"] == "v1" else done)


@undoing.post("/<token>/undo")
def undo_job(token: str) -> Response:
    """Take back what a job changed, as a job of its own; what was changed by others since stays."""
    parse_query(NoParameters, request.args)
    data = request.get_data(cache=False)
    params = _body(UndoBody, data)
    submission = Submission(UNDO, params, (), idempotency_key(), ids.digest(token.encode() + data))
    with transaction() as session:
        job = submit_undo(session, principal(), token, submission)
    g.job_token = job.token
    return accepted(job)


def _body(schema: type[Schema], data: bytes | None = None) -> dict[str, Any]:
    """Return what a small JSON body asks for; none at all is an empty object."""
    raw = request.get_data(cache=False) if data is None else data
    return parse(schema, decode_strict(raw, settings().limits) if raw.strip() else {})
