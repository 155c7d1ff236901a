"""A job followed by server-sent events."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from flask import Flask

from tests.web.conftest import Caller, upserts
from web import streams
from web.pace import Places

Work = Callable[[], None]


def events(data: bytes) -> list[dict[str, str]]:
    blocks = [block for block in data.decode().split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


def test_a_stream_ends_with_the_job_and_resumes_after_what_was_seen(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(2))
    work_all()
    response = ann.get(f"/api/jobs/{token}/events")
    assert response.mimetype == "text/event-stream"
    first, *rest = events(response.data)
    assert int(first["retry"]) > 0
    assert [event["event"] for event in rest] == ["job"]
    assert '"status":"done"' in rest[-1]["data"]
    assert ann.get(f"/api/jobs/{token}/events", last_event_id=rest[-1]["id"]).status_code == 204
    assert len(events(ann.get(f"/api/jobs/{token}/events", last_event_id="1").data)) == 2


def test_a_stream_shows_each_change_in_order(ann: Caller, worker: None) -> None:
    token = ann.send(upserts(5))
    found = events(ann.get(f"/api/jobs/{token}/events").data)[1:]
    numbers = [int(event["id"]) for event in found]
    assert numbers == sorted(set(numbers))
    assert '"status":"done"' in found[-1]["data"]


def test_a_stream_ends_by_itself_with_signs_of_life(ann: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LENGTH": 0.5, "HEARTBEAT": 0.05, "FIRST_PAUSE": 0.02, "LONGEST_PAUSE": 0.05}.items():
        monkeypatch.setattr(streams, name, value)
    token = ann.send(upserts(1))
    data = ann.get(f"/api/jobs/{token}/events").data
    assert data.count(b": still here") >= 3
    assert len(events(data)) == 2


def test_outcomes_come_with_their_numbers_and_the_end_with_the_next(ann: Caller, work_all: Work) -> None:
    token = ann.send([*upserts(2), {"id": "north/one/r0", "create": {}, "ref": "again"}])
    address = f"/api/jobs/{token}/events?outcomes=true"
    work_all()
    found = events(ann.get(address).data)[1:]
    assert [(event["event"], event["id"]) for event in found] == [*(("outcome", str(at)) for at in (1, 2, 3)), ("job", "4")]
    rows = [msgspec.json.decode(event["data"]) for event in found[:3]]
    assert rows == ann.get(f"/api/jobs/{token}/ledger").json["ledger"]
    assert [(row["seq"], row["index"], row["id"], row["ref"], row["status"]) for row in rows] == [
        (1, 0, "north/one/r0", None, "succeeded"), (2, 1, "north/one/r1", None, "succeeded"),
        (3, 2, "north/one/r0", "again", "failed"),
    ]  # fmt: skip
    assert rows[2]["error"]["code"] == "already_exists"
    for last, left in (("1", 3), ("3", 1)):
        assert len(events(ann.get(address, last_event_id=last).data)[1:]) == left
    assert len(events(ann.get(f"{address}&after=2").data)[1:]) == 2
    assert ann.get(address, last_event_id="4").status_code == 204
    assert ann.get(address, last_event_id="5").json["code"] == "invalid_cursor"


def test_who_did_not_ask_for_outcomes_gets_none(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(2))
    work_all()
    assert [event["event"] for event in events(ann.get(f"/api/jobs/{token}/events").data)[1:]] == ["job"]


def test_a_job_that_never_ran_tells_its_end_alone(ann: Caller) -> None:
    token = ann.send(upserts(2))
    ann.post(f"/api/jobs/{token}/cancel")
    found = events(ann.get(f"/api/jobs/{token}/events?outcomes=true").data)[1:]
    assert [(event["event"], event["id"]) for event in found] == [("job", "1")]
    assert ann.get(f"/api/jobs/{token}/ledger").json == {"ledger": [], "after": 0, "limit": 100, "complete": True}


def test_outcomes_that_were_purged_are_gone(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(1))
    work_all()
    ann.open(f"/api/jobs/{token}", method="DELETE")
    for address in ("events?outcomes=true", "ledger"):
        assert ann.get(f"/api/jobs/{token}/{address}").status_code == 410
    assert ann.get(f"/api/jobs/{token}/events").status_code == 200


def test_only_so_many_may_stream_and_a_closed_stream_gives_its_place_back(
    app: Flask, ann: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, streams.STREAMERS, Places(1))
    token = ann.send(upserts(1))
    stream = ann.open(f"/api/jobs/{token}/events", buffered=False)
    refused = ann.get(f"/api/jobs/{token}/events")
    assert (refused.status_code, refused.json["code"]) == (503, "unavailable")
    assert "poll" in refused.json["detail"]
    assert int(refused.headers["Retry-After"]) > 0
    stream.close()
    monkeypatch.setattr(streams, "LENGTH", 0.0)
    assert ann.get(f"/api/jobs/{token}/events").status_code == 200
