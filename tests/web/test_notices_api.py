"""Notices over HTTP: what happened to one's jobs and webhooks, and what of it has been seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.db import driver, transaction
from models.errors import TooManyAffected
from models.identity.principal import Principal
from models.jobs import submit
from models.jobs.values import Submission
from models.notices import MOST_COUNTED
from models.settings import settings
from tests.web.conftest import BULK, Caller, upserts

NOTICES = "/api/notices"


def listed(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get(NOTICES + query).json["notices"]
    return found


def unseen(caller: Caller) -> int:
    return int(caller.get(f"{NOTICES}/unseen").json["unseen"])


def run(sql: str, *values: Any) -> None:
    with transaction() as session:
        driver(session).execute(sql, values)


def test_who_has_nothing_has_no_notices(ann: Caller) -> None:
    assert ann.get(NOTICES).json == {"notices": [], "unseen": 0, "page.size": settings().limits.page_default, "page.cursor": None}


def test_an_ended_job_is_told_once_it_has_ended_and_to_its_submitter_alone(
    ann: Caller, cat: Caller, work_all: Callable[[], None]
) -> None:
    token = ann.send(upserts(2))
    assert unseen(ann) == 0
    work_all()
    one = listed(ann)[0]
    assert (one["kind"], one["seen"], one["webhook"]) == ("done", False, None)
    assert (one["job"]["token"], one["job"]["outcome"], one["job"]["succeeded"]) == (token, "succeeded", 2)
    assert one["happened_on"] == ann.job(token)["finished_on"]
    assert unseen(ann) == 1
    assert listed(cat) == []
    assert unseen(cat) == 0


def test_what_has_been_seen_is_marked_and_what_ended_since_is_not(ann: Caller, work_all: Callable[[], None]) -> None:
    for _ in range(2):
        ann.send(upserts(1))
        work_all()
    newest, oldest = listed(ann)
    assert ann.post(f"{NOTICES}/seen", {"until": oldest["happened_on"]}).json == {"unseen": 1}
    assert [one["seen"] for one in listed(ann)] == [False, True]
    assert ann.post(f"{NOTICES}/seen", {"until": newest["happened_on"]}).json == {"unseen": 0}
    assert ann.post(f"{NOTICES}/seen", {"until": oldest["happened_on"]}).json == {"unseen": 0}, "never back"
    ann.send(upserts(1))
    work_all()
    assert [one["seen"] for one in listed(ann)] == [False, True, True]


def test_a_mark_in_the_future_hides_nothing_that_will_happen(ann: Caller, work_all: Callable[[], None]) -> None:
    assert ann.post(f"{NOTICES}/seen", {"until": "2999-01-01T00:00:00Z"}).status_code == 200
    ann.send(upserts(1))
    work_all()
    assert unseen(ann) == 1


@pytest.mark.parametrize(
    ("body", "code"), [({}, "invalid_request"), ({"until": "today"}, "invalid_date"), ({"when": 1}, "unknown_field")]
)
def test_a_mark_that_is_none_is_refused(ann: Caller, body: Any, code: str) -> None:
    response = ann.post(f"{NOTICES}/seen", body)
    assert (response.status_code, response.json["code"]) == (400, code)


def test_trying_something_is_no_notice(ann: Caller, work_all: Callable[[], None]) -> None:
    done = ann.send(upserts(1))
    work_all()
    tried = ann.post(BULK + "validate", {"records": upserts(1)}, prefer="respond-async")
    undone = ann.post(f"/api/jobs/{done}/undo", {"test": True})
    assert (tried.status_code, undone.status_code) == (202, 202)
    work_all()
    assert ann.job(undone.json["result"]["job.token"])["status"] == "done"
    assert [one["job"]["token"] for one in listed(ann)] == [done]
    assert unseen(ann) == 1


def test_each_kind_is_told_as_what_it_is(ann: Caller, people: dict[str, Principal], work_all: Callable[[], None]) -> None:
    done = ann.send(upserts(1))
    work_all()
    ann.post(f"/api/jobs/{done}/undo")
    work_all()
    export = ann.get("/classification/api/classifications/export?since=7d", prefer="respond-async")
    work_all()
    broken = ann.send([{"id": "nowhere/lab/1", "upsert": {}}])
    work_all()
    run("UPDATE outcomes SET code = 'quarantined' WHERE job_id = (SELECT id FROM jobs WHERE token = %s)", broken)
    with transaction() as session:
        submit.reject(session, people["ann"], Submission("bulk_patch_classifications"), TooManyAffected("Too many.", limit=1))
    webhook = ann.post("/api/webhooks", {"url": "https://8.8.8.8/hook"}).json["id"]
    run("UPDATE webhooks SET status = 'disabled', reason = 'unreachable', disabled_on = clock_timestamp()")
    found = listed(ann)
    assert export.status_code == 202
    assert [one["kind"] for one in found] == ["webhook_disabled", "rejected", "quarantined", "exported", "undone", "done"]
    assert found[0]["webhook"] == {"id": webhook, "url": "https://8.8.8.8/hook", "reason": "unreachable"}
    assert found[0]["job"] is None
    assert found[1]["job"]["error"] == "too_many_affected"
    assert found[2]["job"]["quarantined"] == 1
    assert unseen(ann) == 6
    run("UPDATE webhooks SET reason = 'by_owner'")
    assert unseen(ann) == 5


def test_pages_follow_each_other_without_gap_or_repeat(ann: Caller, work_all: Callable[[], None]) -> None:
    for _ in range(5):
        ann.send(upserts(1))
        work_all()
    run("UPDATE jobs SET finished_on = (SELECT min(finished_on) FROM jobs)")  # ended in one moment
    whole = [one["job"]["token"] for one in listed(ann)]
    seen: list[str] = []
    query = "?page.size=2"
    while query:
        page = ann.get(NOTICES + query).json
        seen += [one["job"]["token"] for one in page["notices"]]
        query = f"?page.size=2&page.cursor={page['page.cursor']}" if page["page.cursor"] else ""
    assert seen == whole
    assert len(set(seen)) == 5


def test_the_unseen_are_counted_up_to_a_hundred(ann: Caller, work_all: Callable[[], None]) -> None:
    ann.send(upserts(1))
    work_all()
    run(
        "INSERT INTO jobs (token, tenant, submitter_id, name, queue, status, outcome, finished_on) "
        "SELECT gen_random_uuid(), tenant, submitter_id, name, queue, status, outcome, finished_on "
        "FROM jobs, generate_series(1, 300)"
    )
    assert unseen(ann) == MOST_COUNTED == 100
