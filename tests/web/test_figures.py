"""What the page shows beyond the rest of the API: what was done lately, and items as they were sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models import ids, parts
from models.db import driver, transaction
from tests.web.conftest import Caller, upserts

HOUR = "/api/figures?minutes=60"


def job(seconds_ago: float, seconds: float, items: int, **more: Any) -> None:
    """Store a job that ended so long ago and ran so long."""
    ended = ids.now() - timedelta(seconds=seconds_ago)
    row = {
        "token": ids.new_token(), "tenant": "t", "submitter_id": 1, "name": "bulk_classifications", "queue": "bulk",
        "status": "done", "outcome": "succeeded", "total": items, "succeeded": items,
        "created_on": ended - timedelta(seconds=seconds),
        "started_on": ended - timedelta(seconds=seconds), "finished_on": ended, **more,
    }  # fmt: skip
    names = ", ".join(row)
    with transaction() as session:
        driver(session).execute(f"INSERT INTO jobs ({names}) VALUES ({', '.join(['%s'] * len(row))})", tuple(row.values()))


def past(caller: Caller, path: str = HOUR) -> dict[str, Any]:
    answer = caller.get(path)
    assert answer.status_code == 200, answer.text
    told: Any = answer.json
    found: dict[str, Any] = told["past"]
    return found


def inputs(caller: Caller, token: str, index: str) -> list[dict[str, Any]]:
    told: Any = caller.get(f"/api/jobs/{token}/inputs?index={index}").json
    found: list[dict[str, Any]] = told["inputs"]
    return found


def test_a_job_counts_evenly_over_its_run(ann: Caller) -> None:
    job(600, 240, 4_800)
    found = past(ann)
    assert found["step"] == 60
    assert sum(found["items"]) * 60 == pytest.approx(4_800, abs=1)
    busy = [rate for rate in found["items"] if rate]
    assert len(busy) in (4, 5)
    assert max(busy) == pytest.approx(20, abs=0.01)
    assert sum(found["finished"]) == 1


def test_a_job_that_took_no_time_counts_where_it_ended(ann: Caller) -> None:
    job(90, 0, 7)
    found = past(ann)
    assert sum(found["items"]) * 60 == pytest.approx(7, abs=0.1)
    assert found["finished"].index(1) in (57, 58)


def test_what_failed_is_told_by_itself(ann: Caller) -> None:
    job(90, 1, 60, succeeded=48, failed=12)
    found = past(ann)
    assert sum(found["items"]) * 60 == pytest.approx(60, abs=0.1)
    assert sum(found["failed"]) * 60 == pytest.approx(12, abs=0.1)


def test_a_job_that_waits_is_seen_until_it_begins(ann: Caller) -> None:
    job(300, 60, 10, created_on=ids.now() - timedelta(seconds=1_200))
    waiting = past(ann)["waiting"]
    assert sum(waiting) in (14, 15)
    assert waiting[-1] == 0


def test_what_ended_before_is_not_told(ann: Caller) -> None:
    job(4_000, 10, 100)
    assert sum(past(ann)["items"]) == 0
    assert sum(past(ann, "/api/figures?minutes=360")["items"]) > 0


def test_mine_leaves_out_the_jobs_of_others(ann: Caller) -> None:
    job(60, 10, 100, submitter_id=987_654)
    assert sum(past(ann)["items"]) > 0
    assert sum(past(ann, f"{HOUR}&mine=true")["items"]) == 0


def test_open_work_and_the_parts_are_told_without_naming_anybody(ann: Caller) -> None:
    with transaction() as session:
        parts.beat(session, parts.new_part("worker", slots=3))
    ann.send(upserts(30))
    answer: Any = ann.get(HOUR).json
    assert answer["open"]["items"] == [{"queue": "small", "status": "queued", "count": 30}]
    assert answer["open"]["chunks"]["open"] >= 1
    assert [(part["role"], part["info"]) for part in answer["parts"]] == [("worker", {"slots": 3})]
    assert "ann" not in str(answer["open"])


def test_items_are_shown_as_they_were_sent(ann: Caller, work_all: Callable[[], object]) -> None:
    token = ann.send(upserts(30))
    found = inputs(ann, token, "3,29,400")
    assert [one["index"] for one in found] == [3, 29]
    assert '"upsert"' in found[0]["text"]
    work_all()
    assert inputs(ann, token, "3")[0]["text"] == found[0]["text"]


def test_items_of_others_and_purged_ones_are_not_shown(ann: Caller, cat: Caller, work_all: Callable[[], object]) -> None:
    token = ann.send(upserts(30))
    assert cat.get(f"/api/jobs/{token}/inputs?index=3").status_code == 404
    work_all()
    assert ann.open(f"/api/jobs/{token}", method="DELETE").status_code == 204
    assert ann.get(f"/api/jobs/{token}/inputs?index=3").status_code == 410


@pytest.mark.parametrize("index", ["", "x", "1,", "-1", "1.5", ",".join(["1"] * 101)])
def test_what_is_no_list_of_numbers_is_refused(ann: Caller, index: str) -> None:
    token = ann.send(upserts(30))
    assert ann.get(f"/api/jobs/{token}/inputs?index={index}").status_code == 400
