"""The client against a server that answers as it is told: what is repeated, what is not, and with which body."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from waybill.client import Waybill
from waybill.digest import digest
from waybill.values import Problem, Result

COUNTS = dict.fromkeys(("total", "remaining", "succeeded", "failed", "skipped", "noop", "cancelled"), 0)
JOB = {"token": "t", "status": "done", "outcome": "succeeded", **COUNTS}
ACCEPTED = (202, {}, {"success": True, "result": {"job.token": "t"}, "data": {}})


class Server(ThreadingHTTPServer):
    """Answers requests with what is in `answers`, in that order, and a finished job when there is nothing left."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str], Any]] = []
        self.seen: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(
            (f"{self.command} {self.path}", {name.lower(): text for name, text in self.headers.items()}, body)
        )
        status, headers, answer = self.server.answers.pop(0) if self.server.answers else (200, {}, JOB)
        text = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text)), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815 - the name that the server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def client(server: Server) -> Iterator[Waybill]:
    with Waybill(server.url, "a key") as made:
        yield made


def refusal(status: int, code: str, **headers: str) -> tuple[int, dict[str, str], Any]:
    return status, {name.replace("_", "-"): text for name, text in headers.items()}, {"code": code, "detail": "no"}


@pytest.mark.parametrize(
    "trouble", [refusal(503, "unavailable", Retry_After="0"), refusal(429, "quota_exceeded", Retry_After="0"),
                refusal(409, "idempotency_key_in_flight")],
)  # fmt: skip
def test_a_repeat_has_the_same_key_and_the_whole_body(server: Server, client: Waybill, trouble: Any) -> None:
    server.answers = [trouble, ACCEPTED]
    client.submit({"id": number} for number in range(3))
    first, again, _ = server.seen
    assert first[1]["idempotency-key"] == again[1]["idempotency-key"]
    assert gzip.decompress(first[2]) == gzip.decompress(again[2]) == b'{"id":0}\n{"id":1}\n{"id":2}\n'


def test_the_same_operations_are_the_same_bytes(server: Server, client: Waybill) -> None:
    for _ in range(2):
        server.answers = [ACCEPTED]
        client.submit([{"id": 1}], key="one")
    assert server.seen[0][2] == server.seen[2][2]


@pytest.mark.parametrize("status", [400, 401, 404, 422, 500])
def test_a_refusal_is_raised_once_with_its_code(server: Server, client: Waybill, status: int) -> None:
    server.answers = [refusal(status, "some_code")]
    with pytest.raises(Problem) as caught:
        client.job("t")
    assert (caught.value.status, caught.value.code, len(server.seen)) == (status, "some_code", 1)


def test_the_key_does_not_follow_a_redirect(server: Server, client: Waybill) -> None:
    server.answers = [(302, {"Location": f"{server.url}/elsewhere"}, {})]
    with pytest.raises(Problem):
        client.job("t")
    assert [place for place, _, _ in server.seen] == ["GET /api/jobs/t"]
    assert server.seen[0][1]["authorization"] == "Bearer a key"


def test_nobody_there_is_an_error_of_the_connection() -> None:
    with Waybill("http://127.0.0.1:9", "a key") as client, pytest.raises(requests.ConnectionError):
        client.check()


def test_nothing_to_do_is_said_so(server: Server, client: Waybill) -> None:
    server.answers = [(200, {}, {"results": []})]
    with pytest.raises(ValueError, match="no operation"):
        client.submit([])


def test_waiting_ends_with_the_job_or_with_the_patience(server: Server, client: Waybill) -> None:
    running = {**JOB, "status": "processing", "outcome": None, "total": 2, "remaining": 2}
    server.answers = [(200, {"Retry-After": "0"}, running), (200, {"Retry-After": "0"}, running)]
    assert client.wait(client.job("t")).final
    server.answers = [(200, {"Retry-After": "0"}, running)] * 3
    with pytest.raises(TimeoutError):
        client.wait(client.job("t"), timeout=0)


def test_results_follow_the_cursor_and_end_where_the_job_is_now(server: Server, client: Waybill) -> None:
    rows = [{"index": number, "status": "noop"} for number in range(3)]
    pages = [
        {"results": rows[:2], "page.cursor": "c"},
        {"results": rows[2:], "page.cursor": "d"},
        {"results": [], "page.cursor": "d"},
    ]
    server.answers = [(200, {}, page) for page in pages]
    assert [result.index for result in client.results("t")] == [0, 1, 2]
    assert "page.cursor=d" in server.seen[2][0]


def test_a_digest_names_each_cause_once_with_three_examples() -> None:
    def result(index: int, code: str | None) -> Result:
        error = code and {"code": code, "detail": "no", "pointer": "/id"}
        body = {"status": "created", "patch_messages": [{"code": "shared"}]}
        return Result(index, "failed" if code else "succeeded", None, index + 1, None, None if code else body, error or None)  # type: ignore[arg-type]

    found = digest(result(number, ("not_found", "empty", None, "not_found")[number % 4]) for number in range(40)).dump()
    assert found["records"] == {"failed": 30, "created": 10}
    assert found["messages"] == {"shared": 10}
    assert [(cause["code"], cause["count"], len(cause["examples"])) for cause in found["causes"]] == [
        ("not_found", 20, 3), ("empty", 10, 3)
    ]  # fmt: skip
    assert [example["line"] for example in found["causes"][0]["examples"]] == [1, 4, 5]
