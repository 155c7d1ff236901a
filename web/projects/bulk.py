"""Calls over a selection: reading its items a page at a time, and storing a job that does something with each of them.

A job's reply is its token, as the face's clients expect; the job itself is the same as on the other face.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, abort, g

from models import ids, operations
from models.catalogue.asset_view import AssetView
from models.catalogue.project import Project
from models.catalogue.projects import open_project
from models.catalogue.record_view import RecordView
from models.catalogue.schema import load_schema
from models.catalogue.schema_view import PLURALS, dump_items
from models.db import transaction
from models.errors import InvalidIdempotencyKey, NotFound
from models.jobs import service as jobs
from models.jobs.values import Job, Submission
from models.operations.verb import Verb
from models.selection import resolve
from models.selection.catalogue_operands import ASSETS, RECORDS, SCHEMA
from models.selection.catalogue_spaces import read_selection, space_of
from models.selection.cursor import Binding, open_cursor, query_digest, seal
from models.selection.resolve import Member
from web.answers import job_address
from web.auth import principal, sign_in
from web.bulk import BAD_SELECTIONS, CANCELLED, PLAN, REPLAYED, as_refused
from web.idempotency import idempotency_key, scoped_key
from web.projects.envelope import METHODS, Answer, Ask, call, project_calls, reply
from web.projects.params import Params, read_params
from web.projects.replies import failure
from web.schemas import parse

api = project_calls("bulk")
NOUNS = {RECORDS: "records", ASSETS: "assets", SCHEMA: "schema_items"}
OWN = ("selection", "idempotency_key", "tags", "pace")  # members of a job's body that are no parameters of its operation
Page = tuple[list[Member], int, str | None]


@call(api, "records/bulk/get")
def get_records(ask: Ask) -> Answer:
    """Read the records of a selection in the languages that were asked for."""
    members, total, following = _page(ask, RECORDS)
    view = RecordView(ask.project, load_schema(ask.session, ask.project), ask.params.languages(ask.project))
    shown = view.dump(ask.session, [item_id for _, item_id in members])
    gids = [record["gid"] for record in shown.values()]
    data = {"records": {record["gid"]: record for record in shown.values()}, **view.around(shown.values())}
    return Answer({"records": gids, "records.size": total, "page.cursor": following}, data)


@call(api, "assets/bulk/get")
def get_assets(ask: Ask) -> Answer:
    """Read the assets of a selection."""
    members, total, following = _page(ask, ASSETS)
    data = AssetView(ask.project).data(ask.session, [item_id for _, item_id in members])
    return Answer({"assets": list(data["assets"]), "assets.size": total, "page.cursor": following}, data)


@call(api, "schema/bulk/get")
def get_schema_items(ask: Ask) -> Answer:
    """Read the definitions, classes and fields of a selection."""
    members, total, following = _page(ask, SCHEMA)
    named, data = schema_items(ask, [item_id for _, item_id in members])
    return Answer({"schema_items": named, "schema_items.size": total, "page.cursor": following}, data)


def schema_items(ask: Ask, item_ids: Iterable[int]) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Return schema items as `result` names them, in their order, and as `data` holds them."""
    schema = load_schema(ask.session, ask.project)
    items = [schema.by_id[item_id] for item_id in item_ids if item_id in schema.by_id]
    named = [{"type": item.kind, "item": item.gid} for item in items]
    return named, {plural: {} for plural in PLURALS.values() if plural != "layouts"} | dump_items(ask.project, schema, items)


def _page(ask: Ask, kind: str) -> Page:
    """Resolve a selection and return its first page, or the page of the list that a cursor names."""
    selection, size = ask.params.required("selection"), ask.params.page(100)[1]
    others = {name: value for name, value in ask.params.items() if name not in ("page.cursor", "page.size")}
    binding = Binding(f"{kind} of {ask.project.gid}", ask.principal.user_id, query_digest(others))
    text = ask.params.get("page.cursor")
    if text is not None:
        cursor = open_cursor(text, binding, ids.now())
        name, start = cursor.place
        total, members = resolve.page(ask.session, UUID(str(name)), int(start or 0), size)
        return members, total, _following(binding, (UUID(str(name)), total), members, cursor.issued)
    space = space_of(kind, ask.project, load_schema(ask.session, ask.project))
    read = read_selection(selection, space, allow_all=ask.params.flag("allow_all", default=False))
    first = resolve.resolve(ask.session, ask.principal, read, resolve.FirstPage(size, binding.digest), space)
    return first.members, first.total, _following(binding, (first.selection_id, first.total), first.members, ids.now())


def _following(binding: Binding, of: tuple[UUID | None, int], members: list[Member], issued: Any) -> str | None:
    """Return the cursor of the next page, None after the last."""
    selection_id, total = of
    start = members[-1][0] + 1 if members else total
    return seal(binding, (str(selection_id), start), issued) if selection_id and start < total else None


@dataclass(frozen=True, slots=True)
class Order:
    """A job that is asked for over a selection of one kind of items."""

    kind: str
    verb: Verb
    params: Params

    def submission(self, project: Project) -> Submission:
        """Return what is stored of the order. Raises what the operation's parameters are refused for."""
        given = {name: value for name, value in self.params.items() if name not in OWN}
        tags = tuple(self.params.find_texts("tags") or ())
        digest = query_digest(dict(self.params))
        params = parse(self.verb.params, given)
        whole = self.verb.tried_whole(params)
        pace = self.params.whole("pace", 0, 1) or None
        return Submission(self.verb.name, params, tags, self._key(), digest, project.id, whole=whole, pace=pace)

    def _key(self) -> str | None:
        """Return the idempotency key of the header, or of the body for clients that cannot send headers."""
        own = self.params.find_text("idempotency_key")
        if own is None:
            return idempotency_key()
        if idempotency_key() is not None:
            raise InvalidIdempotencyKey("Send the key as a header or in the body, not as both.")
        return scoped_key(own)


def submit(project: str, kind: str, verb: str) -> Response:
    """Store a job over a selection; answer with its token. One that cannot start is stored as rejected, and refused."""
    sign_in()
    order = Order(kind, _verb(kind, verb), read_params())
    submission: Submission | None = None
    try:
        with transaction() as session:
            opened = open_project(session, principal(), project)
            opened.check_writable()
            selection, submission = order.params.required("selection"), order.submission(opened)
            space = space_of(kind, opened, load_schema(session, opened))
            read = read_selection(selection, space, allow_all=bool(submission.params.get("allow_all")))
            if order.verb.check:
                order.verb.check(session, opened, submission.params)
            job = jobs.submit_selection(session, principal(), submission, read, space)
    except BAD_SELECTIONS as refused:
        if submission is None:
            raise
        with transaction() as session:
            job = jobs.reject(session, principal(), submission, refused)
    return _answer(job)


def _verb(kind: str, verb: str) -> Verb:
    try:
        found = operations.get(f"bulk_{verb.replace('/', '_')}_{NOUNS[kind]}")
    except NotFound:
        abort(404)
    if not found.over_selection:
        abort(404)
    return found


def _answer(job: Job) -> Response:
    g.job_token = job.token
    error = dict(job.info.get("error") or {})
    if error.get("code", CANCELLED) != CANCELLED:
        return failure(as_refused({**error, "job.token": str(job.token)}))
    plan = {PLAN: job.info[PLAN]} if PLAN in job.info else {}
    response = reply(Answer({"job.token": str(job.token), **plan}))
    response.headers["Location"] = job_address(job)
    if job.replayed:
        response.headers[REPLAYED] = "true"
    return response


def _add_routes() -> None:
    """Serve every operation over a selection at its own address: a module in `operations` is enough for a new one."""
    for kind in NOUNS:
        api.add_url_rule(f"/{kind}/bulk/<path:verb>", f"{kind}_bulk", submit, defaults={"kind": kind}, methods=METHODS)


_add_routes()
