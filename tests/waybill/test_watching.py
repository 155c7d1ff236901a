"""A job watched by both clients and by the command: by the server's stream where there is one, else by asking."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from tests.waybill.stub import Cut, Seen, Server, job, refusal, stream
from tests.waybill.test_command import Run, run
from waybill import exits

__all__ = ["run"]  # the fixture

JOB, EVENTS = "/api/jobs/t", "/api/jobs/t/events"


def running(succeeded: int, token: str = "t", status: str = "processing") -> Any:
    return job(token, status, None, total=9, remaining=9 - succeeded, succeeded=succeeded)


DONE = job(total=9, succeeded=9)


def tell(server: Server, looks: list[Any], streams: list[Any]) -> None:
    """Let the server answer looks and streams in these orders; the last look is the answer to all that follow."""
    server.always[JOB] = lambda _: looks.pop(0) if len(looks) > 1 else looks[0]
    server.always[EVENTS] = lambda _: streams.pop(0) if streams else refusal(404, "not_found")


def places(server: Server) -> list[str]:
    return [seen.place.rpartition("/")[2] for seen in server.seen]


def streams_of(server: Server) -> list[Seen]:
    return [seen for seen in server.seen if seen.place.endswith("/events")]


def test_every_change_is_heard_and_the_end_asked_for(server: Server, client: Any) -> None:
    tell(server, [running(0), DONE], [stream((5, running(3)), (6, running(7)), (9, DONE))])
    assert [state.succeeded for state in client.job("t").watch()] == [0, 3, 7, 9]
    assert places(server) == ["t", "events", "t"]


def test_waiting_listens_too(server: Server, client: Any) -> None:
    tell(server, [running(0), DONE], [stream((9, DONE))])
    assert client.job("t").wait().final
    assert places(server) == ["t", "events", "t"]


def test_no_stream_holds_up_who_will_not_wait_for_long(server: Server, client: Any) -> None:
    over = threading.Event()
    tell(server, [running(0)], [])
    server.always[EVENTS] = lambda _: refusal(503, "unavailable") if over.wait(20) else Cut()
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        client.job("t").wait(0.3)
    assert time.monotonic() - begun < 10
    over.set()


def test_a_stream_that_breaks_off_is_gone_on_with_behind_what_was_heard(server: Server, client: Any) -> None:
    _, headers, body = stream((5, running(3)), (6, running(4)))
    broken = Cut(after=len(body) - 20, headers=tuple(headers.items()), body=body)
    tell(server, [running(0), running(3), DONE], [broken, stream((6, running(4)), (7, running(8)), (8, DONE))])
    assert [state.succeeded for state in client.job("t").watch()] == [0, 3, 3, 4, 8, 9]
    assert [seen.headers["last-event-id"] for seen in streams_of(server)] == ["0", "5"]


@pytest.mark.parametrize("trouble", [
    refusal(503, "unavailable", Retry_After="5"), refusal(404, "not_found"), (200, {}, {"status": "processing"}),
    (200, {"Content-Type": "text/html"}, b"<html>"), Cut(), (200, {"Content-Type": "text/event-stream"}, b""),
])  # fmt: skip
def test_where_there_is_no_stream_the_job_is_asked_about(server: Server, client: Any, trouble: Any) -> None:
    tell(server, [*(running(number) for number in range(6)), DONE], [trouble] * 20)
    assert [state.succeeded for state in client.job("t").watch()] == [*range(6), 9]
    assert len(streams_of(server)) == 3, "what tells nothing is given up"


def test_a_job_that_waits_for_its_turn_is_asked_about(server: Server, client: Any) -> None:
    tell(server, [running(0, status="queued")] * 2 + [running(1), DONE], [stream((9, DONE))])
    assert client.job("t").wait().final
    assert places(server) == ["t", "t", "t", "events", "t"]


def test_of_several_jobs_the_last_that_is_left_is_listened_to(server: Server, client: Any) -> None:
    other = [running(0, "a"), job("a", total=9, succeeded=9)]
    tell(server, [running(0), running(1), DONE], [stream((9, DONE))])
    server.always["/api/jobs/a"] = lambda _: other.pop(0) if len(other) > 1 else other[0]
    assert client.job("a", "t").wait().total == 18
    assert places(server) == ["a", "t", "a", "t", "events", "t"]


def test_what_is_no_job_is_said_by_the_answer(server: Server, run: Run) -> None:
    server.always[JOB] = refusal(404, "not_found")
    assert run("watch", "t").exit_code == exits.ERROR
    assert not streams_of(server)


def test_the_command_prints_a_line_for_each_change(server: Server, run: Run) -> None:
    tell(server, [running(0), DONE], [stream((5, running(0)), (6, running(7)), (9, DONE))])
    found = run("watch", "t", "--json")
    assert [json.loads(line)["succeeded"] for line in found.stdout.splitlines()] == [0, 7, 9]
    assert found.exit_code == exits.SUCCEEDED
