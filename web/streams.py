"""A job as server-sent events: how it stands at each change and, where they are asked for, its outcomes.

Without outcomes an event's `id` is the moment of the job's change, in microseconds. With them it is the number of an outcome, and
what stands between them has none, so that `Last-Event-ID` is always the last outcome that the client has; the end of the job has
the number after the last one. Once a client has seen the end it is answered 204, which tells it not to come again.

A stream waits in the hub. Where its connection cannot be given away, it holds a thread, of which there are some.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import msgspec
from flask import Response, current_app, g, request

from models import ids
from models.db import transaction
from models.errors import InvalidCursor, Unavailable
from models.identity.principal import Principal
from models.identity.standing import stand
from models.jobs.following import Numbered, Place, Word, hear, last_number
from models.jobs.reads import error_of
from models.jobs.values import Job
from web.auth import principal
from web.desks import Desk, Found, Waiting
from web.handover import hand_over
from web.pace import Places

STREAMERS = "waybill.streamers"
KIND = "text/event-stream"
SECONDS = 600.0  # that a stream lasts in the hub
LENGTH = 25.0  # seconds in a thread, below the patience of proxies and of a stopping server
HEARTBEAT = 1.0  # also how soon the place of a client that has gone is free again: only a write finds out
RETRY = 1_000  # milliseconds until a client whose stream ended comes again
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 1.0
MOST = 500  # outcomes that are read at a time
Dump: TypeAlias = Callable[[Job], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Follower:
    """Whose stream of which job it is: what turns the job into JSON."""

    who: Principal
    job_id: int
    dump: Dump


def stream(job: Job, dump: Dump, after: int | None) -> Response:
    """Answer with a stream of a job's changes, and of its outcomes behind `after` unless it is None.

    Raises Unavailable where all places for streams are taken, InvalidCursor where the job has not come so far.
    """
    place = _place(job, after)
    if place is None:
        return Response(status=204)
    head = Response(status=200, content_type=KIND, headers={"X-Accel-Buffering": "no"})
    if g.get("token"):
        head.headers["Authorization"] = g.token
    follower = Follower(principal(), job.id, dump)
    waiting = Waiting(DESK, follower, place, SECONDS, stream=True, tell=lambda waiting, word: tell(dump, waiting.position, word))
    return hand_over(waiting, head) or _stream_here(follower, place)


def _place(job: Job, after: int | None) -> Place | None:
    """Return where a client goes on by what it has seen, None where it has seen the end."""
    last = _last_seen(request.headers.get("Last-Event-ID", ""))
    if after is None:
        return None if job.final and _stamp(job) <= (last or 0) else Place(None, last or 0)
    start = after if last is None else last
    with transaction() as session:
        reached = last_number(session, job)
    if job.final and start == reached + 1:
        return None
    if start > reached:
        raise InvalidCursor("The job's ledger has not come so far.", pointer="/after")
    return Place(start)


def _last_seen(header: str) -> int | None:
    return int(header) if header.isascii() and header.isdigit() and len(header) < 19 else None


def _stamp(job: Job) -> int:
    return ids.stamp(job.updated_on)


def tell(dump: Dump, place: Place, word: Word) -> bytes:
    """Return the events that a follower at a place is told."""
    told = b"".join(map(_outcome, word.outcomes))
    if place.after is None:
        return told + (_event(b"job", dump(word.job), _stamp(word.job)) if _stamp(word.job) > place.stamp else b"")
    if word.over:
        return told + _event(b"job", dump(word.job), _reached(place, word) + 1)
    return told + (_event(b"job", dump(word.job)) if _stamp(word.job) > place.stamp else b"")


def dump_entry(entry: Numbered) -> dict[str, Any]:
    """Return an outcome as the ledger has it: what it came to, without the record."""
    row = entry.outcome
    return {
        "seq": entry.seq, "index": row.index, "line": row.line, "ref": row.ref, "status": row.status, "id": row.target,
        "error": error_of(row),
    }  # fmt: skip


def _outcome(entry: Numbered) -> bytes:
    return _event(b"outcome", dump_entry(entry), entry.seq)


def _event(kind: bytes, data: dict[str, Any], number: int | None = None) -> bytes:
    name = b"" if number is None else b"id: %d\n" % number
    return b"%sevent: %s\ndata: %s\n\n" % (name, kind, msgspec.json.encode(data))


def _reached(place: Place, word: Word) -> int:
    return word.outcomes[-1].seq if word.outcomes else place.after or 0


def _behind(place: Place, word: Word) -> Place:
    """Return where a follower stands once it was told."""
    return Place(None if place.after is None else _reached(place, word), _stamp(word.job))


def _read(asked: Sequence[tuple[Follower, Place]]) -> list[Found | Literal[False] | None]:
    """Read for many at once; False for those whose job is gone, or who may not read any longer."""
    with transaction() as session:
        words = hear(session, [(follower.job_id, place) for follower, place in asked], MOST)
        standing = stand(session, [follower.who for follower, _ in asked])
    each = zip(asked, words, standing, strict=True)
    return [stands and _found(place, word) for (_, place), word, stands in each]


def _found(place: Place, word: Word | None) -> Found | Literal[False] | None:
    if word is None:
        return False
    if not (word.outcomes or word.over or _stamp(word.job) > place.stamp):
        return None
    return Found(word, _behind(place, word), word.more, word.over)


DESK = Desk(lambda follower: [f"job {follower.job_id}"], _read)


def _stream_here(follower: Follower, place: Place) -> Response:
    places = cast(Places, current_app.extensions[STREAMERS])
    if not places.take():
        raise Unavailable("Too many streams are open; poll the job instead.", retry_after=5)
    response = Response(_events(follower, place), headers={"X-Accel-Buffering": "no"}, content_type=KIND)
    response.call_on_close(places.leave)  # also where nobody began to read
    return response


def _events(follower: Follower, place: Place) -> Iterator[bytes]:
    """Give the events until the job or the stream ends."""
    yield b"retry: %d\n\n" % RETRY
    end, pause, spoken = ids.monotonic() + LENGTH, FIRST_PAUSE, ids.monotonic()
    while (found := _read([(follower, place)])[0]) is not False:
        if found:
            yield tell(follower.dump, place, found.news)
            place, pause, spoken = found.position, FIRST_PAUSE, ids.monotonic()
        if (found and found.over) or ids.monotonic() > end:
            return
        if found and found.more:
            continue
        if ids.monotonic() - spoken > HEARTBEAT:
            spoken = ids.monotonic()
            yield b": still here\n\n"
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
