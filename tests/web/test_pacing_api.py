"""Pause, resume and pace over HTTP, and who may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.conftest import BULK, RECORD, Caller, make, upserts

Work = Callable[[], None]


def patch(caller: Caller, token: str, body: Any) -> Any:
    return caller.open(f"/api/jobs/{token}", method="PATCH", json=body)


def test_a_paused_job_says_so_and_waits(ann: Caller) -> None:
    token = ann.send(upserts(2))
    assert {name: ann.job(token)[name] for name in ("paused", "pause_requested", "paused_on", "pace")} == {
        "paused": False, "pause_requested": False, "paused_on": None, "pace": None,
    }  # fmt: skip
    answer = ann.post(f"/api/jobs/{token}/pause")
    assert (answer.status_code, answer.json["status"], answer.json["paused"]) == (200, "queued", True)
    assert answer.json["paused_on"] and answer.json["queue_position"] is None
    again = ann.post(f"/api/jobs/{token}/pause")
    assert (again.status_code, again.json["paused_on"]) == (200, answer.json["paused_on"])


def test_a_resumed_job_ends_as_any_other(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(2))
    ann.post(f"/api/jobs/{token}/pause")
    answer = ann.post(f"/api/jobs/{token}/resume")
    assert (answer.status_code, answer.json["paused"], answer.json["pause_requested"]) == (200, False, False)
    work_all()
    assert ann.job(token)["outcome"] == "succeeded"
    for verb in ("pause", "resume"):
        ended = ann.post(f"/api/jobs/{token}/{verb}")
        assert (ended.status_code, ended.json["status"], ended.json["paused"]) == (200, "done", False)


def test_a_foreign_job_is_as_unknown_as_none(ann: Caller, cat: Caller) -> None:
    token = ann.send(upserts(1))
    answers = [cat.post(f"/api/jobs/{token}/pause"), cat.post(f"/api/jobs/{token}/resume"), patch(cat, token, {"pace": 1})]
    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(404, "not_found")] * 3
    assert not ann.job(token)["pause_requested"]


@pytest.mark.parametrize(("body", "code"), [
    ({"pace": 0}, "invalid_type"), ({"pace": "9"}, "invalid_type"), ({"pace": 1.5}, "invalid_type"),
    ({"pace": 10_000_000}, "invalid_type"), ({}, "invalid_request"), ({"speed": 1}, "unknown_field"),
])  # fmt: skip
def test_a_pace_is_a_whole_number_or_null(ann: Caller, body: Any, code: str) -> None:
    token = ann.send(upserts(1))
    answer = patch(ann, token, body)
    assert (answer.status_code, answer.json["code"]) == (400, code)
    assert ann.job(token)["pace"] is None


def test_a_pace_is_set_changed_and_taken_away(ann: Caller) -> None:
    token = ann.send(upserts(1))
    for pace in (100, 7, None):
        answer = patch(ann, token, {"pace": pace})
        assert (answer.status_code, answer.json["pace"], ann.job(token)["pace"]) == (200, pace, pace)


def test_a_pace_comes_with_the_job_in_its_address_its_envelope_or_beside_its_selection(ann: Caller) -> None:
    answers = [
        ann.post(f"{RECORD}?pace=5", {"records": upserts(1)}, prefer="respond-async"),
        ann.post(RECORD, {"records": upserts(1), "pace": 5}, prefer="respond-async"),
        ann.post(f"{BULK}delete", {"selection": make(ann, 1), "test": True, "pace": 5}, prefer="respond-async"),
    ]
    for answer in answers:
        assert answer.status_code == 202, answer.text
        assert ann.job(answer.json["result"]["job.token"])["pace"] == 5
    refused = ann.post(f"{RECORD}?pace=fast", {"records": upserts(1)}, prefer="respond-async")
    assert (refused.status_code, refused.json["code"]) == (400, "invalid_type")


def test_a_retry_goes_at_the_pace_of_its_parent(ann: Caller, work_all: Work) -> None:
    token = ann.send([{"id": "north/one/none", "patch": {}}])
    patch(ann, token, {"pace": 50})
    work_all()
    answer = ann.post(f"/api/jobs/{token}/retry")
    assert ann.job(answer.json["result"]["job.token"])["pace"] == 50
