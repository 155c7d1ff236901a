"""The sync feed: what changed since two cursors, now, as soon as something does, or as a stream of server-sent events."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, cast

import msgspec
from flask import Blueprint, Response, current_app, g, request

from models import ids
from models.catalogue.projects import open_project
from models.db import Session, transaction
from models.errors import InvalidRequest, Refused, Unavailable
from models.feed.changes import number
from models.feed.reading import COMMON, Entry, News, Position, Reader, audiences, latest, read, read_many
from models.identity.principal import Principal
from models.identity.standing import stand
from models.settings import settings
from web.auth import principal, sign_in
from web.desks import Desk, Found, Waiting
from web.handover import hand_over
from web.pace import Places
from web.projects.envelope import METHODS, Answer, reply
from web.projects.params import Params, read_params
from web.waiting import WAITERS, preferences

api = Blueprint("sync", __name__, url_prefix="/sync")
MOST = 2**63 - 1
EVENT_ID = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
STREAM_SECONDS = 600.0
PAUSE = 0.2
MORE = "There is more: ask again from these cursors."
CHUNK = 100  # changes of each stream that one waiting reader gets at a time
Waiter: TypeAlias = tuple[Principal, Reader]
"""Who waits, and as whom the feed is read."""


@api.route("/cursors", methods=METHODS)
def get_cursors() -> Response:
    """Tell the latest cursors: that of the common stream, and of a project where one is named."""
    sign_in()
    params = read_params()
    _number()
    with transaction() as session:
        reader = _reader(session, params)
        position = latest(session, reader.project_id)
    own = {} if reader.project_id is None else {"cursor": position.project}
    return reply(Answer({"cc.cursor": position.cc, **own}))


@api.route("/get", methods=METHODS)
def get_changes() -> Response:
    """Tell what came after the given cursors, at most a chunk of each stream; with `wait`, as soon as there is something."""
    sign_in()
    params = read_params()
    seconds = _seconds(params)
    reader, after, news = _look(params)
    if news.entries or not seconds:
        return reply(Answer(dump_news(news)))
    waiting = Waiting(DESK, (principal(), reader), after, seconds, stream=False, tell=_tell_answer)
    return hand_over(waiting, reply(Answer({}))) or _wait_here(waiting)


@api.get("/events")
def stream_changes() -> Response:
    """Send changes as they come, as server-sent events; `id` holds both cursors, and `Last-Event-ID` goes on after them."""
    sign_in()
    params = Params({name: int(value) if value.isdigit() else value for name, value in request.args.items()} | _resumed())
    with transaction() as session:
        reader, after = _asked(session, params)
        read(session, reader, after)  # refused now, and not after the head of a stream
    head = Response(status=200, content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    if g.get("token"):
        head.headers["Authorization"] = g.token
    answer = hand_over(Waiting(DESK, (principal(), reader), after, STREAM_SECONDS, stream=True, tell=_tell_events), head)
    if answer is None:
        raise Unavailable("No place for a stream is left; ask /sync/get with `wait` instead.", retry_after=5)
    return answer


def _resumed() -> dict[str, Any]:
    """Return the cursors of the last event that the client has seen."""
    found = EVENT_ID.fullmatch(request.headers.get("Last-Event-ID", ""))
    return {"cc_cursor": int(found[1]), "cursor": int(found[2])} if found else {}


def _look(params: Params) -> tuple[Reader, Position, News]:
    _number()
    with transaction() as session:
        reader, after = _asked(session, params)
        return reader, after, read(session, reader, after)


def _seconds(params: Params) -> int:
    """Return how long the client would wait, by `wait` or the header `Prefer`."""
    wait = params.whole("wait", preferences().wait or 0, 0, MOST)
    return min(wait, settings().limits.wait_seconds)


def _wait_here(waiting: Waiting) -> Response:
    """Wait in this thread, where the connection cannot be given away; not at all where all places for that are taken."""
    end, news = ids.monotonic() + waiting.seconds, News((), waiting.position)
    with cast(Places, current_app.extensions[WAITERS]).taken() as place:
        while place and not news.entries and (left := end - ids.monotonic()) > 0:
            time.sleep(min(PAUSE, left))
            _number()
            found = _read([(waiting.reader, waiting.position)])[0]
            if found is False:
                break
            news = found.news if found else news
    return reply(Answer(dump_news(news)))


def _tell_answer(waiting: Waiting, news: News | None) -> bytes:
    body = msgspec.json.encode({"success": True, "result": dump_news(news or News((), waiting.position)), "data": {}})
    return waiting.head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _tell_events(waiting: Waiting, news: News) -> bytes:
    """Return each change as an event, whose id is where the reader stands after it."""
    cc, project = waiting.position.cc, waiting.position.project
    events = []
    for entry in news.entries:
        cc, project = (entry.cursor, project) if entry.stream == COMMON else (cc, entry.cursor)
        events.append(b"id: %d-%d\nevent: sync\ndata: %s\n\n" % (cc, project, msgspec.json.encode(dump_entry(entry))))
    return b"".join(events)


def _audiences(waiter: Waiter) -> list[str]:
    with transaction() as session:
        return audiences(session, waiter[1])


def _read(asked: Sequence[tuple[Waiter, Position]]) -> list[Found | Literal[False] | None]:
    """Read for many at once; False for those who may not read any longer."""
    with transaction() as session:
        told = read_many(session, [(reader, after) for (_, reader), after in asked], CHUNK)
        standing = stand(session, [who for (who, _), _ in asked])
    return [stands and _found(news) for news, stands in zip(told, standing, strict=True)]


def _found(news: News | Refused) -> Found | Literal[False] | None:
    if isinstance(news, Refused):
        return False
    return Found(news, news.position, news.more) if news.entries else None


DESK = Desk(_audiences, _read)


def _number() -> None:
    """Number what was said on the common stream since somebody last looked."""
    with transaction() as session:
        number(session)


def _asked(session: Session, params: Params) -> tuple[Reader, Position]:
    """Return who reads, and from where on."""
    cc = params.whole("cc_cursor", -1, 0, MOST)
    if cc < 0:
        raise InvalidRequest("`cc_cursor` is missing.", pointer="/cc_cursor")
    reader = _reader(session, params)
    cursor = params.whole("cursor", -1, 0, MOST)
    if reader.project_id is not None and cursor < 0:
        raise InvalidRequest("`cursor` is missing, which goes with `project`.", pointer="/cursor")
    return reader, Position(cc, max(cursor, 0))


def _reader(session: Session, params: Params) -> Reader:
    gid = params.find_gid("project")
    project = open_project(session, principal(), gid) if gid is not None else None
    return Reader(principal().user_id, project.id if project else None, principal().superuser)


def dump_news(news: News) -> dict[str, Any]:
    """Return changes as `result` has them. It has no cursors: clients would take them before they have read the items."""
    warning = {"warning": MORE} if news.more else {}
    return {"sync": [dump_entry(entry) for entry in news.entries], **warning}


def dump_entry(entry: Entry) -> dict[str, Any]:
    """Return one change; only jobs carry data."""
    item: dict[str, Any] = {"type": entry.stream, "cursor": entry.cursor, "action": entry.action}
    item |= {"data_type": entry.data_type, "data_key": entry.data_key}
    return item | ({"data": entry.data} if entry.data is not None else {})
