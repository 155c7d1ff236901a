"""Many readers that wait for changes at the running product: none of them costs a thread, and each hears of each change."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import requests

from models.db import driver, transaction
from models.feed.changes import Action, CcChange, Change, announce, record_changes
from tests.factories import PROJECT, project
from tests.processes import Parts, descendants

READERS = 400
KEY = "Bearer key-for-tests-reader"


@pytest.fixture(scope="module")
def product(parts: Parts) -> Parts:
    with transaction() as session:
        project(session)
    return parts


def project_id() -> int:
    with transaction() as session:
        row = driver(session).execute("SELECT id FROM projects").fetchone()
        assert row is not None
        return int(row[0])


def change(key: str) -> None:
    with transaction() as session:
        record_changes(session, project_id(), [Change(Action.UPDATE, "records", key)])
        announce(session, CcChange(Action.UPDATE, "jobs", key, project_id(), data={"status": "done"}))


def cursors(product: Parts) -> dict[str, int]:
    answer = requests.post(f"{product.url}/sync/cursors", json={"project": PROJECT}, headers={"Authorization": KEY}, timeout=10)
    return {"cc_cursor": answer.json()["result"]["cc.cursor"], "cursor": answer.json()["result"]["cursor"]}


def connect(product: Parts) -> socket.socket:
    host, port = product.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def ask(connection: socket.socket, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    head = f"POST /sync/get HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)


def answer(connection: socket.socket) -> tuple[bytes, dict[str, Any]]:
    """Read one answer to its end, which the server makes by closing."""
    data = b""
    while piece := connection.recv(65_536):
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head.lower()
    return head, json.loads(body)


def threads(product: Parts) -> int:
    """Count the threads of the web's processes."""
    first = product.pid("web")
    return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in [first, *descendants(first)])


def test_hundreds_wait_without_a_thread_each_and_all_hear_of_a_change(product: Parts) -> None:
    start = cursors(product)
    waiting = [connect(product) for _ in range(READERS)]
    try:
        for connection in waiting:
            ask(connection, {"project": PROJECT, "wait": 25, **start})
        time.sleep(2)
        assert threads(product) < 40 < READERS
        began = time.monotonic()
        assert requests.get(f"{product.url}/health/live", timeout=5).status_code == 200
        assert time.monotonic() - began < 2
        change("seen by all")
        for connection in waiting:
            head, body = answer(connection)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert {item["data_key"] for item in body["result"]["sync"]} == {"seen by all"}
        assert time.monotonic() - began < 15
    finally:
        for connection in waiting:
            connection.close()


def test_a_wait_ends_by_itself_with_nothing(product: Parts) -> None:
    with connect(product) as connection:
        began = time.monotonic()
        ask(connection, {"project": PROJECT, "wait": 1, **cursors(product)})
        assert answer(connection)[1] == {"success": True, "result": {"sync": []}, "data": {}}
        assert 0.9 < time.monotonic() - began < 4


def events(response: requests.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give (id, data) of each event."""
    name = ""
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("id: "):
            name = line.removeprefix("id: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def stream(product: Parts, last: str | None = None, **more: Any) -> requests.Response:
    headers = {"Authorization": KEY} | ({"Last-Event-ID": last} if last else {})
    return requests.get(
        f"{product.url}/sync/events", params={"project": PROJECT, **more}, headers=headers, stream=True, timeout=20
    )


def follow(product: Parts, last: str | None, start: dict[str, int], number: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the next events, then hang up."""
    with stream(product, last, **start) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        return list(islice(events(response), number))


def test_a_stream_that_is_cut_goes_on_where_it_was(product: Parts) -> None:
    start, last = cursors(product), None
    seen: list[dict[str, Any]] = []
    for turn in range(4):
        change(f"turn {turn}")
        for _ in range(2):
            ((last, item),) = follow(product, last, start, 1)
            seen.append(item)
    for kind in ("project", "cc"):
        assert [item["data_key"] for item in seen if item["type"] == kind] == [f"turn {turn}" for turn in range(4)]


def test_who_loses_the_project_hears_no_more(product: Parts) -> None:
    start = cursors(product)
    with stream(product, **start) as response:
        time.sleep(0.5)
        with transaction() as session:
            driver(session).execute("UPDATE project_members SET status = 'gone' WHERE roles = '{reader}'")
        change("secret")
        assert list(events(response)) == []
    with transaction() as session:
        driver(session).execute("UPDATE project_members SET status = 'active'")


def test_a_stream_is_refused_before_it_begins(product: Parts) -> None:
    refused = requests.get(f"{product.url}/sync/events", params={"project": PROJECT}, headers={"Authorization": KEY}, timeout=5)
    assert (refused.status_code, refused.json()["result"]["code"]) == (400, 400)
    unknown = requests.get(f"{product.url}/sync/events", params={"cc_cursor": "0"}, timeout=5)
    assert unknown.status_code == 401
