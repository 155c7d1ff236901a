"""The sync feed as clients read it: cursors, changes, warnings; and what it says of jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import ids
from models.db import driver, transaction
from models.feed.changes import Action, CcChange, Change, announce, number, record_changes
from models.identity.principal import Principal
from models.identity.service import authenticate
from models.jobs import ledger
from models.jobs import service as jobs
from models.jobs.announcing import PAUSE_MS
from models.settings import settings
from tests.factories import PROJECT, project
from tests.web.conftest import Caller, _open_chunks, upserts
from tests.web.projects.conftest import Member
from worker.runner import work


@pytest.fixture
def everybody(people: dict[str, Principal]) -> dict[str, Principal]:
    with transaction() as session:
        return {**people, **project(session)}


@pytest.fixture
def web(app: Flask, everybody: dict[str, Principal]) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def reader(web: FlaskClient) -> Member:
    return Member(web, "reader")


def project_id() -> int:
    with transaction() as session:
        row = driver(session).execute("SELECT id FROM projects WHERE gid = %s", (PROJECT,)).fetchone()
        assert row is not None
        return int(row[0])


def cursors(member: Member) -> dict[str, int]:
    found = member.call("/sync/cursors", project=PROJECT)
    return {"cc_cursor": found["cc.cursor"], "cursor": found["cursor"]}


def job_items(member: Member, cc: int, token: str) -> list[dict[str, Any]]:
    """Read all that is told of a job."""
    items: list[dict[str, Any]] = []
    while True:
        found = member.call("/sync/get", cc_cursor=cc)
        items += [item for item in found["sync"] if item["data_key"] == token]
        if "warning" not in found:
            return items
        cc = found["sync"][-1]["cursor"]


def test_cursors_are_whole_numbers_and_those_of_a_project_are_asked_for(reader: Member) -> None:
    assert set(reader.call("/sync/cursors")) == {"cc.cursor", "data"}
    found = reader.call("/sync/cursors", project=PROJECT)
    assert set(found) == {"cc.cursor", "cursor", "data"}
    assert {type(found["cc.cursor"]), type(found["cursor"])} == {int}


def test_changes_after_both_cursors_come_with_their_keys(reader: Member) -> None:
    start = cursors(reader)
    with transaction() as session:
        record_changes(session, project_id(), [Change(Action.INSERT, "records", "r1"), Change(Action.DELETE, "assets", "a1")])
        announce(session, CcChange(Action.UPDATE, "cc.things", "t", project_id()))
    response = reader.post("/sync/get", {"project": PROJECT, **start})
    assert response.json == {
        "success": True,
        "result": {
            "sync": [
                {"type": "project", "cursor": start["cursor"] + 1, "action": "INSERT", "data_type": "records", "data_key": "r1"},
                {"type": "project", "cursor": start["cursor"] + 2, "action": "DELETE", "data_type": "assets", "data_key": "a1"},
                {"type": "cc", "cursor": start["cc_cursor"] + 1, "action": "UPDATE", "data_type": "cc.things", "data_key": "t"},
            ]
        },
        "data": {},
    }
    only = reader.call("/sync/get", cc_cursor=start["cc_cursor"])
    assert set(only) == {"sync", "data"}, "cursors in the result would make clients skip the items"
    assert [item["type"] for item in only["sync"]] == ["cc"]
    assert reader.call("/sync/get", project=PROJECT, **cursors(reader))["sync"] == []


def test_more_than_a_chunk_is_warned_of(reader: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    start = cursors(reader)
    with transaction() as session:
        record_changes(session, project_id(), [Change(Action.UPDATE, "records", f"r{at}") for at in range(1_500)])
    seen: list[str] = []
    warned: list[bool] = []
    while True:
        found = reader.call("/sync/get", project=PROJECT, **start)
        seen += [item["data_key"] for item in found["sync"]]
        warned.append("warning" in found)
        start["cursor"] = found["sync"][-1]["cursor"]
        if not warned[-1]:
            break
    assert (seen, warned) == ([f"r{at}" for at in range(1_500)], [True, False])


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        ({}, 400),
        ({"cc_cursor": 1.5}, 400),
        ({"cc_cursor": -1}, 400),
        ({"cc_cursor": "1"}, 400),
        ({"cc_cursor": 0, "project": PROJECT}, 400),
        ({"cc_cursor": 0, "project": "x", "cursor": 0}, 400),
        ({"cc_cursor": 0, "project": "99999999-9999-4999-8999-999999999999", "cursor": 0}, 403),
        ({"cc_cursor": 2**62}, 1006),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(reader: Member, ask: dict[str, Any], code: int) -> None:
    assert reader.refused("/sync/get", **ask)[0] == code


def test_others_see_neither_the_project_nor_its_jobs(web: FlaskClient, reader: Member) -> None:
    stranger, start = Member(web, "stranger"), cursors(reader)
    with transaction() as session:
        announce(session, CcChange(Action.UPDATE, "jobs", "j", project_id(), data={}))
    assert [item["data_key"] for item in reader.call("/sync/get", cc_cursor=start["cc_cursor"])["sync"]] == ["j"]
    assert stranger.call("/sync/get", cc_cursor=start["cc_cursor"])["sync"] == []
    assert stranger.refused("/sync/get", project=PROJECT, **start) == (403, "forbidden")
    assert web.post("/sync/get", json={"cc_cursor": 0}).status_code == 401


def test_a_cursor_past_what_is_kept_is_told_so(reader: Member) -> None:
    start = cursors(reader)
    with transaction() as session:
        record_changes(session, project_id(), [Change(Action.UPDATE, "records", "r")])
        driver(session).execute("INSERT INTO feed_purged VALUES (%s, %s)", (f"project {project_id()}", start["cursor"] + 1))
    assert reader.refused("/sync/get", project=PROJECT, **start) == (1006, "cursor_expired")
    assert reader.call("/sync/get", cc_cursor=start["cc_cursor"])["sync"] == []


def test_a_token_is_renewed_with_the_changes(web: FlaskClient, reader: Member) -> None:
    signed = reader.post("auth", {"api_key": reader.key})
    reader.token = signed.headers["Authorization"]
    assert reader.post("/sync/cursors").headers["Authorization"].count(".") == 2


def test_waiting_ends_with_the_first_change(reader: Member) -> None:
    start = cursors(reader)

    def change() -> None:
        time.sleep(0.4)
        with transaction() as session:
            record_changes(session, project_id(), [Change(Action.UPDATE, "records", "r")])

    writer = threading.Thread(target=change)
    writer.start()
    began = ids.monotonic()
    found = reader.call("/sync/get", project=PROJECT, wait=10, **start)
    writer.join()
    assert [item["data_key"] for item in found["sync"]] == ["r"]
    assert 0.3 < ids.monotonic() - began < 5
    began = ids.monotonic()
    assert reader.call("/sync/get", wait=1, **cursors(reader), project=PROJECT)["sync"] == []
    assert 0.9 < ids.monotonic() - began < 4


def test_a_job_is_told_of_from_queued_to_done(reader: Member, web: FlaskClient, work_all: Callable[[], None]) -> None:
    ann = Caller(web, "ann")
    person = Member(web, "ann")
    cc = person.call("/sync/cursors")["cc.cursor"]
    token = ann.send([*upserts(30), {"id": "north/one/bad", "patch": {}}])
    work_all()
    told = job_items(person, cc, token)
    assert [item["data"]["status"] for item in told] == ["queued", "processing", "done"]
    assert {tuple(item) for item in told} == {("type", "cursor", "action", "data_type", "data_key", "data")}
    for item in told:
        assert (item["type"], item["data_type"], item["data_key"]) == ("cc", "jobs", token)
        assert set(item["data"]) == {"project_gid", "job", "status", "info", "created_on", "updated_on"}
        assert (item["data"]["project_gid"], item["data"]["job"]) == (None, "bulk_classifications")
        assert {type(item["data"][name]) for name in ("created_on", "updated_on")} == {float}
    assert told[0]["data"]["info"] == {"total": 31, "remaining": 31}
    info = told[-1]["data"]["info"]
    assert {name: info[name] for name in ("total", "remaining", "succeeded", "failed", "skipped", "noop")} == {
        "total": 31, "remaining": 0, "succeeded": 30, "failed": 1, "skipped": 0, "noop": 0,
    }  # fmt: skip
    assert "error" not in info
    assert job_items(reader, cc, token) == [], "a job of a lab is its submitter's alone"


def test_p29_every_announcement_comes_once_in_order_and_progress_never_goes_back(
    web: FlaskClient, reader: Member, work_all: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks of three take turns; between them the clock is turned so that each may be told of."""
    ann, person = Caller(web, "ann"), Member(web, "ann")
    monkeypatch.setattr("models.jobs.submit.settings", lambda: _small(settings()))
    cc = person.call("/sync/cursors")["cc.cursor"]
    token = ann.send(upserts(12))
    told: list[dict[str, Any]] = []

    def look() -> None:
        nonlocal cc
        found = person.call("/sync/get", cc_cursor=cc)["sync"]
        told.extend(item for item in found if item["data_key"] == token)
        cc = found[-1]["cursor"] if found else cc

    finish = ledger.finish

    def observed(*what: Any) -> None:
        driver(what[0]).execute("UPDATE jobs SET announced_on = announced_on - interval '1 s'")
        finish(*what)

    monkeypatch.setattr(ledger, "finish", observed)
    while chunks := _open_chunks():
        work(*chunks[0])
        look()
    remaining = [item["data"]["info"]["remaining"] for item in told]
    assert remaining == sorted(remaining, reverse=True)
    assert len(set(remaining)) >= 4
    assert [item["data"]["status"] for item in told][-1] == "done"
    assert len({item["cursor"] for item in told}) == len(told)
    person_again = job_items(person, 0, token)
    assert person_again == told


def _small(known: Any) -> Any:
    return replace(known, chunk_items=3, lanes=1)


def test_announcements_are_no_closer_than_their_pause_but_for_the_end(
    web: FlaskClient, reader: Member, work_all: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, person = Caller(web, "ann"), Member(web, "ann")
    monkeypatch.setattr("models.jobs.submit.settings", lambda: _small(settings()))
    cc = person.call("/sync/cursors")["cc.cursor"]
    began = ids.monotonic()
    token = ann.send(upserts(60))
    work_all()
    spent = ids.monotonic() - began
    told = job_items(person, cc, token)
    assert [told[0]["data"]["status"], told[1]["data"]["status"], told[-1]["data"]["status"]] == ["queued", "processing", "done"]
    assert len(told) <= 3 + spent / (PAUSE_MS / 1_000)


def test_a_cancelled_job_is_told_of_as_rejected(web: FlaskClient, reader: Member) -> None:
    ann, person = Caller(web, "ann"), Member(web, "ann")
    cc = person.call("/sync/cursors")["cc.cursor"]
    token = ann.send(upserts(3))
    with transaction() as session:
        who = jobs.get_job(session, _principal("ann"), token)
        jobs.cancel(session, _principal("ann"), str(who.token))
    told = job_items(person, cc, token)
    assert [item["data"]["status"] for item in told] == ["queued", "rejected"]
    assert told[-1]["data"]["info"]["error"]["code"] == "cancelled"


def _principal(name: str) -> Principal:
    with transaction() as session:
        return authenticate(session, f"key-for-tests-{name}")


def test_nothing_waits_without_a_number_once_somebody_has_looked(reader: Member) -> None:
    with transaction() as session:
        announce(session, CcChange(Action.UPDATE, "cc.version", "1"))
    reader.call("/sync/get", cc_cursor=0)
    with transaction() as session:
        assert number(session) == 0
