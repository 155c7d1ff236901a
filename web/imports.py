"""Import runs: the posts of one upload and what came of them."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, request

from models import ids
from models.classifications.record_id import dump_id
from models.db import transaction
from models.errors import NotFound
from models.jobs import imports
from models.jobs.imports import Run, RunQuery
from models.selection.cursor import seal
from web.answers import answer, unless_known
from web.auth import principal, sign_in
from web.fields import Text, Word
from web.paging import open_page, paged
from web.schemas import NoParameters, Paged, parse_query

RUNS = "/classifications/v3/imports"
NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)

api = Blueprint("imports", __name__)
api.before_request(sign_in)


class RunListParameters(Paged):
    """Which runs to list."""

    import_id = Text()
    status = Word(*imports.STATUSES)


class MissingParameters(Paged):
    """A page of what a run left out."""


@api.get(RUNS)
def list_runs() -> Response:
    """List one's own runs, newest first."""
    ask = parse_query(RunListParameters, request.args)
    size, cursor, binding = open_page(ask, "imports")
    before = int(cursor.place[0] or 0) if cursor.place else None
    with transaction() as session:
        found = imports.list_runs(session, principal(), RunQuery(ids.now(), **ask, before_id=before, size=size + 1))
    page = found[:size]
    following = seal(binding, (page[-1].id,), cursor.issued) if len(found) > size else None
    return paged({"imports": [_dump(run) for run in page]}, size, following)


@api.get(f"{RUNS}/<number>")
def get_run(number: str) -> Response:
    """Tell how a run stands, and which jobs it is made of."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        run = imports.get_run(session, principal(), _known(number), ids.now())
    return unless_known(answer(_dump(run) | {"job.tokens": [str(token) for token in run.tokens]}))


@api.get(f"{RUNS}/<number>/missing")
def list_missing(number: str) -> Response:
    """List records of the run's labs that no post of it named: what a complete upload no longer has."""
    ask = parse_query(MissingParameters, request.args)
    size, cursor, binding = open_page(ask, f"missing of {number}")
    after = int(cursor.place[0] or 0) if cursor.place else 0
    with transaction() as session:
        run = imports.get_run(session, principal(), _known(number), ids.now())
        found = imports.list_missing(session, principal(), run, (after, size + 1))
    page = found[:size]
    following = seal(binding, (page[-1][0],), cursor.issued) if len(found) > size else None
    return paged({"records": [dump_id(lab, name) for _, lab, name in page]}, size, following)


def _known(number: str) -> int:
    """Return the number of a run; what is none is a run that there is not."""
    if not NUMBER.fullmatch(number):
        raise NotFound("There is no such import run.")
    return int(number)


def _dump(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "identifier": run.identifier,
        "import_id": run.import_id,
        "status": run.status,
        **{name: ids.iso(getattr(run, name)) for name in ("started_on", "posted_on", "ended_on")},
        "rows": sum(run.counts.values()) + run.remaining,
        "remaining": run.remaining,
        "counts": dict(run.counts),
        "posts": run.jobs,
    }
