"""Who waits in the hub is looked at again and again: a stream ends soon after its reader may not read any longer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import pytest
from flask import Response
from flask.testing import FlaskClient

from models.db import driver, transaction
from models.identity.principal import Principal
from models.identity.service import revoke_keys
from tests.factories import PROJECT, project
from tests.web.conftest import Caller, upserts
from web import hub as module
from web import streams, sync
from web.desks import Waiting
from web.hub import Hub

LOOK_EVERY = 0.2  # seconds; the hub's own is fifteen


class Line(asyncio.Transport):
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = threading.Event()

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed.set()


Wait: TypeAlias = Callable[..., Line]


async def _silence(*_: str) -> AsyncIterator[None]:
    await asyncio.Event().wait()
    yield None


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that hears nothing, and looks often."""
    monkeypatch.setattr(module, "listen", _silence)
    monkeypatch.setattr(module, "LOOK_EVERY", LOOK_EVERY)
    monkeypatch.setattr(module, "TICK", 0.05)
    made = Hub()
    yield made
    made.close()


@pytest.fixture
def people(people: dict[str, Principal]) -> dict[str, Principal]:
    with transaction() as session:
        return people | project(session)


@pytest.fixture
def wait(hub: Hub, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Give what lets somebody wait in the hub, by the address asked for and the body sent there."""
    taken: list[Waiting] = []

    def take(waiting: Waiting, head: Response) -> Response:
        taken.append(waiting)
        return head

    monkeypatch.setattr(streams, "hand_over", take)
    monkeypatch.setattr(sync, "hand_over", take)

    def begin(name: str, address: str, **body: Any) -> Line:
        response = Caller(client, name).open(address, method="POST" if body else "GET", json=body or None)
        assert response.status_code == 200, response.text
        waiting, line = taken.pop(), Line()
        waiting.transport, waiting.audiences = line, waiting.desk.audiences(waiting.reader)
        hub.loop.call_soon_threadsafe(hub.enter, waiting)
        return line

    return begin


def revoke(who: Principal) -> None:
    with transaction() as session:
        assert revoke_keys(session, who.user_id) == 1


def execute(sql: str, *values: Any) -> None:
    with transaction() as session:
        assert driver(session).execute(sql, values).rowcount == 1


FEED = "/sync/events?cc_cursor=0"


def job_of(ann: Caller) -> str:
    return f"/api/jobs/{ann.send(upserts(1))}/events"


def test_a_stream_of_a_job_ends_when_the_key_is_revoked_and_others_go_on(
    ann: Caller, wait: Wait, people: dict[str, Principal]
) -> None:
    address = job_of(ann)
    own, outcomes, admins = wait("ann", address), wait("ann", f"{address}?outcomes=true"), wait("admin", address)
    assert not own.closed.wait(3 * LOOK_EVERY)
    assert b"event: job" in own.written

    revoke(people["ann"])

    assert own.closed.wait(5) and outcomes.closed.wait(5)
    assert not admins.closed.wait(3 * LOOK_EVERY)


def test_nothing_is_told_any_more_once_the_key_is_revoked(
    ann: Caller, hub: Hub, wait: Wait, people: dict[str, Principal], work_all: Callable[[], None]
) -> None:
    line = wait("ann", f"{job_of(ann)}?outcomes=true")
    assert not line.closed.wait(3 * LOOK_EVERY)

    revoke(people["ann"])
    work_all()

    assert line.closed.wait(5)
    assert b"event: outcome" not in line.written


def test_a_superuser_who_is_none_any_more_reads_the_jobs_of_others_no_longer(ann: Caller, wait: Wait) -> None:
    line = wait("admin", job_of(ann))
    assert not line.closed.wait(3 * LOOK_EVERY)

    execute("UPDATE users SET superuser = false WHERE username = %s", "admin")

    assert line.closed.wait(5)


@pytest.mark.parametrize("more", ["", f"&project={PROJECT}&cursor=0"])
def test_a_stream_of_the_feed_ends_when_the_key_is_revoked(wait: Wait, people: dict[str, Principal], more: str) -> None:
    line, other = wait("reader", FEED + more), wait("editor", FEED + more)
    assert not line.closed.wait(3 * LOOK_EVERY)

    revoke(people["reader"])

    assert line.closed.wait(5)
    assert not other.closed.wait(3 * LOOK_EVERY)


@pytest.mark.parametrize(
    ("name", "lost"),
    [("reader", "DELETE FROM project_members WHERE user_id = %s"), ("admin", "UPDATE users SET superuser = false WHERE id = %s")],
)
def test_a_stream_of_a_project_ends_for_who_has_lost_it(wait: Wait, people: dict[str, Principal], name: str, lost: str) -> None:
    line = wait(name, f"{FEED}&project={PROJECT}&cursor=0")
    assert not line.closed.wait(3 * LOOK_EVERY)

    execute(lost, people[name].user_id)

    assert line.closed.wait(5)


def test_who_waits_for_the_feed_with_a_key_that_is_revoked_is_answered_with_nothing(
    client: FlaskClient, wait: Wait, people: dict[str, Principal]
) -> None:
    cursor = Caller(client, "reader").post("/sync/cursors", {}).json["result"]["cc.cursor"]
    line = wait("reader", "/sync/get", cc_cursor=cursor, wait=30)
    assert not line.closed.wait(3 * LOOK_EVERY)

    revoke(people["reader"])

    assert line.closed.wait(5)
    assert b'"sync":[]' in line.written


def test_a_stream_in_a_thread_ends_too(ann: Caller, people: dict[str, Principal], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT", 0.0)
    told = iter(ann.open(job_of(ann), buffered=False).response)
    while next(told) != b": still here\n\n":
        pass

    revoke(people["ann"])

    assert len(list(told)) <= 2
