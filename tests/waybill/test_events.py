"""A job's events put together from pieces of a stream, and followed through broken connections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from waybill import Patience, Problem, Unreachable
from waybill.events import Follower, follow, shifted
from waybill.wire import Answer, Lost, Request

QUICK = Patience(seconds=1.0, first=0.01, longest=0.02)


def outcome(seq: int) -> bytes:
    row = {"seq": seq, "index": seq + 10, "line": seq, "ref": None, "status": "succeeded", "id": "a\nb", "error": None}
    return b"id: %d\nevent: outcome\ndata: %s\n\n" % (seq, json.dumps(row).encode())


STATE = b'event: job\ndata: {"status": "processing"}\n\n'
END = b'id: 4\nevent: job\ndata: {"status": "done"}\n\n'
WHOLE = b"retry: 1000\n\n" + outcome(1) + STATE + b": still here\n\n" + outcome(2) + outcome(3) + END


class Script:
    """A server that has a stream, a refusal or a break for each request, in their order."""

    def __init__(self, *turns: bytes | int | None) -> None:
        self.turns = list(turns)
        self.asked: list[str] = []

    @contextmanager
    def stream(self, request: Request) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        self.asked.append(request.headers["Last-Event-ID"])
        turn = self.turns.pop(0) if self.turns else None
        if turn is None:
            raise Lost("gone")
        status = turn if isinstance(turn, int) else 200
        head = {"content-type": "text/event-stream" if status == 200 else "application/problem+json"}
        yield Answer(status, head, b'{"code": "not_found"}'), iter([turn] if isinstance(turn, bytes) else [])


def told(script: Any, after: int = 0) -> list[int]:
    return [event.seq for event in follow(script, QUICK, Follower("t", after))]


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_events_are_put_together_from_pieces_of_any_size(size: int) -> None:
    follower = Follower("t")
    found = [event for at in range(0, len(WHOLE), size) for event in follower.take(WHOLE[at : at + size])]
    assert [(event.seq, event.outcome.index, event.outcome.id) for event in found] == [(n, n + 10, "a\nb") for n in (1, 2, 3)]
    assert (follower.after, follower.over) == (4, True)


def test_a_broken_stream_goes_on_behind_the_last_whole_event() -> None:
    script = Script(outcome(1) + outcome(2)[:20], None, 503, outcome(2), outcome(3) + END)
    assert told(script) == [1, 2, 3]
    assert script.asked == ["0", "1", "1", "1", "2"]


def test_nothing_more_to_tell_is_the_end() -> None:
    assert told(Script(outcome(3), 204), after=2) == [3]


def test_what_does_not_pass_is_raised() -> None:
    with pytest.raises(Problem, match="not_found"):
        told(Script(404))
    with pytest.raises(Unreachable):
        told(Script())


def test_an_event_of_a_part_has_its_place_in_the_whole() -> None:
    [event] = Follower("t").take(outcome(1))
    moved = shifted(event, 100, 200)
    assert (moved.seq, moved.outcome.index, moved.outcome.line) == (1, 111, 201)
    assert "result" not in moved.dump()
