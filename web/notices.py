"""What happened to one's jobs and webhooks, and what of it has been seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema

from models import ids, notices
from models.db import transaction
from models.notices import Kind, Notice, Place
from models.selection.cursor import seal
from models.settings import settings
from models.strictness import decode_strict
from web.answers import answer
from web.auth import principal, sign_in
from web.fields import Moment
from web.paging import open_page, paged
from web.schemas import NoParameters, Paged, parse, parse_query

api = Blueprint("notices", __name__, url_prefix="/api/notices")
api.before_request(sign_in)


class SeenBody(Schema):
    """Up to when everything has been seen: `happened_on` of the newest notice that was shown."""

    until = Moment(required=True)


@api.get("")
def list_notices() -> Response:
    """List what happened, newest first, a page at a time."""
    size, cursor, binding = open_page(parse_query(Paged, request.args), "notices")
    before = Place(ids.moment(int(cursor.place[0] or 0)), str(cursor.place[1])) if cursor.place else None
    with transaction() as session:
        found = notices.list_notices(session, principal(), before, size + 1)
        unseen = notices.count_unseen(session, principal())
    page = found[:size]
    following = None
    if len(found) > size:
        last = page[-1].place
        following = seal(binding, (ids.stamp(last.moment), last.key), cursor.issued)
    return paged({"notices": [_dump(one) for one in page], "unseen": unseen}, size, following)


@api.get("/unseen")
def count_unseen() -> Response:
    """Count what one has not seen; at most a hundred are counted."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        return answer({"unseen": notices.count_unseen(session, principal())})


@api.post("/seen")
def see() -> Response:
    """Note that everything up to a moment has been seen; what happened since stays unseen."""
    until: datetime = parse(SeenBody, decode_strict(request.get_data(cache=False), settings().limits))["until"]
    with transaction() as session:
        notices.see(session, principal(), until)
        return answer({"unseen": notices.count_unseen(session, principal())})


def _dump(notice: Notice) -> dict[str, Any]:
    webhook = notice.kind == Kind.WEBHOOK_DISABLED
    return {
        "kind": notice.kind,
        "happened_on": ids.iso(notice.place.moment),
        "seen": notice.seen,
        "job": None if webhook else {"token": notice.place.key, **notice.about},
        "webhook": {"id": notice.place.key, **notice.about} if webhook else None,
    }
