"""Jobs as their owner meets them: state, results, paging, cancel, retry, purge, events, and nobody else's business."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

import web.jobs
from models import ids
from models.db import driver, transaction
from tests.web.conftest import Caller, upserts
from web.pace import Pace

COUNTS = ("succeeded", "failed", "skipped", "noop", "cancelled", "remaining")
Work = Callable[[], None]


def ids_of(page: Any) -> list[str]:
    return [job["token"] for job in page["jobs"]]


def walk(caller: Caller, path: str, key: str) -> list[Any]:
    """Follow the cursors of a list to its end."""
    found: list[Any] = []
    joint = "&" if "?" in path else "?"
    page = caller.get(path).json
    found += page[key]
    while page["page.cursor"]:
        page = caller.get(f"{path}{joint}page.cursor={page['page.cursor']}").json
        found += page[key]
    return found


def test_a_poll_tells_the_state_and_when_to_come_again(ann: Caller, work_all: Work) -> None:
    token = ann.send([*upserts(2), {"id": "north/one/none", "patch": {}}])
    response = ann.get(f"/api/jobs/{token}")
    assert response.json["status"] == "queued"
    assert int(response.headers["Retry-After"]) >= 1
    work_all()
    response = ann.get(f"/api/jobs/{token}")
    job = response.json
    assert (job["status"], job["outcome"], job["total"], job["job"]) == ("done", "partial", 3, "bulk_classifications")
    assert (job["succeeded"], job["failed"], job["remaining"]) == (2, 1, 0)
    assert sum(job[name] for name in COUNTS) == job["total"]
    assert "Retry-After" not in response.headers
    assert datetime.fromisoformat(job["finished_on"]).tzinfo is not None


def test_a_finished_job_says_in_short_why_items_failed(ann: Caller, work_all: Callable[[], None]) -> None:
    wrong = [{"id": "north/one/none", "patch": {}}] * 3 + [{"id": "nowhere/x/1", "upsert": {}}]
    token = ann.send([*upserts(2), *wrong])
    assert "errors" not in ann.job(token)
    work_all()
    assert ann.job(token)["errors"] == [{"code": "not_found", "count": 3}, {"code": "unknown_lab", "count": 1}]
    assert "errors" not in ann.get("/api/jobs").json["jobs"][0]
    whole = ann.send(upserts(2))
    work_all()
    assert "errors" not in ann.job(whole)
    ann.open(f"/api/jobs/{token}", method="DELETE")
    assert "errors" not in ann.job(token)


def test_an_unchanged_job_is_304(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(1))
    tag = ann.get(f"/api/jobs/{token}").headers["ETag"]
    again = ann.get(f"/api/jobs/{token}", if_none_match=tag)
    assert (again.status_code, again.data) == (304, b"")
    assert int(again.headers["Retry-After"]) >= 1
    work_all()
    assert ann.get(f"/api/jobs/{token}", if_none_match=tag).status_code == 200


@pytest.mark.parametrize(
    "token",
    [str(uuid.UUID(int=7)), "1", "0", "-1", "'", "%", "*", "{0b9bb9b8-6f7b-4ff8-8d52-3f3c9c6c2a11}", "0" * 32, "é", "x" * 8000],
)
@pytest.mark.parametrize("way", ["", "/results", "/events", "/cancel", "/retry", "purge"])
def test_unknown_and_malformed_tokens_are_answered_alike(ann: Caller, cat: Caller, token: str, way: str) -> None:
    method = "DELETE" if way == "purge" else "POST" if way in ("/cancel", "/retry") else "GET"
    foreign = cat.send([{"id": "south/one/a", "create": {}}])
    answers = []
    for asked in (token, foreign):
        response = ann.open(f"/api/jobs/{asked}{'' if way == 'purge' else way}", method=method)
        body = response.json
        del body["instance"]
        answers.append((response.status_code, body))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_results_come_in_the_order_of_the_items_with_line_and_ref(ann: Caller, work_all: Work) -> None:
    first, second, third = (
        b'{"id":"north/one/a","create":{},"ref":"one"}', b'{"id":"north/one/none","patch":{}}', b'{"id":"north/one/a","patch":{}}'
    )  # fmt: skip
    body = first + b"\r\n\r\n" + second + b"\n" + third
    response = ann.open(
        "/classification/api/classifications/v2/record/", method="POST", data=body, content_type="application/x-ndjson",
        headers={"Prefer": "respond-async"},
    )  # fmt: skip
    token = response.json["result"]["job.token"]
    work_all()
    rows = ann.get(f"/api/jobs/{token}/results").json["results"]
    assert [(row["index"], row["line"], row["ref"], row["status"]) for row in rows] == [
        (0, 1, "one", "succeeded"), (1, 3, None, "failed"), (2, 4, None, "noop"),
    ]  # fmt: skip
    assert rows[0]["result"]["id"] == "north/one/a"
    assert rows[1]["error"]["code"] == "not_found"
    assert rows[1]["id"] == "north/one/none"


def test_results_are_paged_once_each_in_order(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(7))
    work_all()
    path = f"/api/jobs/{token}/results?page.size=3"
    first = ann.get(path)
    assert first.headers["Link"].endswith('rel="next"')
    assert ann.get(first.headers["Link"].partition(">")[0][1:]).json["results"][0]["index"] == 3
    assert [row["index"] for row in walk(ann, path, "results")] == list(range(7))


def test_results_of_one_status_only(ann: Caller, work_all: Work) -> None:
    token = ann.send([*upserts(2), {"id": "north/one/none", "patch": {}}])
    work_all()
    assert [row["index"] for row in ann.get(f"/api/jobs/{token}/results?status=failed").json["results"]] == [2]


def test_while_a_job_runs_an_empty_page_is_not_the_end(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(2))
    page = ann.get(f"/api/jobs/{token}/results").json
    assert page["results"] == []
    assert page["page.cursor"] is not None
    work_all()
    last = ann.get(f"/api/jobs/{token}/results?page.cursor={page['page.cursor']}").json
    assert [row["index"] for row in last["results"]] == [0, 1]
    assert last["page.cursor"] is None


def test_jobs_are_listed_newest_first_and_complete(ann: Caller, cat: Caller) -> None:
    mine = [ann.send(upserts(1)) for _ in range(7)]
    cat.send([{"id": "south/one/a", "create": {}}])
    assert [job["token"] for job in walk(ann, "/api/jobs?page.size=2", "jobs")] == mine[::-1]


def test_jobs_are_found_by_status_name_tag_and_time(ann: Caller, work_all: Work) -> None:
    done = ann.send(upserts(1))
    work_all()
    record = "/classification/api/classifications/v2/record/"
    body = {"records": upserts(1), "tags": ["night", "n 2"]}
    tagged = ann.post(record, body, prefer="respond-async").json["result"]["job.token"]
    assert ids_of(ann.get("/api/jobs?status=done").json) == [done]
    assert ids_of(ann.get("/api/jobs?tag=n+2").json) == [tagged]
    assert ids_of(ann.get("/api/jobs?name=bulk_classifications").json) == [tagged, done]
    assert ids_of(ann.get("/api/jobs?name=other").json) == []
    before = ann.job(tagged)["created_on"]
    assert ids_of(ann.get(f"/api/jobs?created_before={before}").json) == [done]
    assert ids_of(ann.get(f"/api/jobs?created_after={before}").json) == [tagged]


@pytest.mark.parametrize("size", ["0", "-1", "1.5", "ten", "1" + "0" * 20, "٣", "²", "", "+3", "1_0", "0x10", "NaN", "1e2", "y"])
@pytest.mark.parametrize("path", ["/api/jobs", "/api/jobs/0b9bb9b8-6f7b-4ff8-8d52-3f3c9c6c2a11/results"])
def test_what_is_no_page_size_is_refused(ann: Caller, path: str, size: str) -> None:
    response = ann.open(path, query_string={"page.size": size})
    assert (response.status_code, response.json["code"]) == (400, "invalid_page_size")


def test_a_large_page_size_is_lowered_and_echoed(ann: Caller) -> None:
    assert ann.get("/api/jobs?page.size=999999").json["page.size"] == 1_000


@pytest.mark.parametrize("cursor", ["", "x", "é", "A" * 5_000, "AAAA", "null", "%00"])
def test_what_is_no_cursor_is_refused(ann: Caller, cursor: str) -> None:
    response = ann.open("/api/jobs", query_string={"page.cursor": cursor})
    assert (response.status_code, response.json["code"]) == (400, "invalid_cursor")


def test_a_cursor_belongs_to_its_list_its_user_and_its_query(ann: Caller, cat: Caller, work_all: Work) -> None:
    tokens = [ann.send(upserts(2)) for _ in range(2)]
    work_all()
    cursor = ann.get("/api/jobs?page.size=1").json["page.cursor"]
    middle = len(cursor) // 2
    changed = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    results = ann.get(f"/api/jobs/{tokens[0]}/results?page.size=1").json["page.cursor"]
    asked = [
        (ann, f"/api/jobs?page.cursor={changed}", "invalid_cursor"),
        (cat, f"/api/jobs?page.cursor={cursor}", "invalid_cursor"),
        (ann, f"/api/jobs?status=done&page.cursor={cursor}", "cursor_mismatch"),
        (ann, f"/api/jobs?page.cursor={results}", "invalid_cursor"),
        (ann, f"/api/jobs/{tokens[1]}/results?page.cursor={results}", "invalid_cursor"),
        (ann, f"/api/jobs/{tokens[0]}/results?status=failed&page.cursor={results}", "cursor_mismatch"),
    ]
    for caller, path, code in asked:
        response = caller.get(path)
        assert (response.status_code, response.json["code"]) == (400, code), path
    assert ann.get(f"/api/jobs?page.size=2&page.cursor={cursor}").status_code == 200


def test_an_old_cursor_says_that_it_expired(ann: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        ann.send(upserts(1))
    cursor = ann.get("/api/jobs?page.size=1").json["page.cursor"]
    later = ids.now() + timedelta(days=8)
    monkeypatch.setattr("web.jobs.ids.now", lambda: later)
    response = ann.get(f"/api/jobs?page.cursor={cursor}")
    assert (response.status_code, response.json["code"]) == (410, "cursor_expired")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("status=finished", "invalid_value"),
        ("status=", "invalid_value"),
        ("created_after=2026-02-30T00:00:00Z", "invalid_date"),
        ("created_after=0000-00-00", "invalid_date"),
        ("created_after=infinity", "invalid_date"),
        ("created_after=now", "invalid_date"),
        ("created_after=1e20", "invalid_date"),
        ("created_before=10000-01-01T00:00:00Z", "invalid_date"),
        ("created_before=0001-01-01T00:00:00%2B14:00", "invalid_date"),
        ("created_before=2026-11-22T00:00:00", "invalid_date"),
        ("colour=red", "unknown_field"),
        ("tag=", "invalid_type"),
        ("tag=" + "x" * 201, "text_too_long"),
        ("tag=a%0Ab", "invalid_text"),
        ("status=done&status=queued", "invalid_request"),
    ],
)
def test_a_wrong_parameter_is_refused_and_named(ann: Caller, query: str, code: str) -> None:
    response = ann.get(f"/api/jobs?{query}")
    assert (response.status_code, response.json["code"]) == (400, code)
    assert response.json["errors"][0]["pointer"] == "/" + query.partition("=")[0]


@pytest.mark.parametrize("tag", ["'", '"', ";", "--", "%", "\\", "_", ")", "$1", "%s", "%(tag)s"])
def test_a_parameter_is_a_value_and_never_sql(ann: Caller, tag: str) -> None:
    response = ann.open("/api/jobs", query_string={"tag": tag})
    assert (response.status_code, response.json["jobs"]) == (200, [])


def test_cancelling_a_job_that_has_not_begun_rejects_it_and_twice_is_no_error(ann: Caller) -> None:
    token = ann.send(upserts(3))
    for _ in range(2):
        response = ann.post(f"/api/jobs/{token}/cancel")
        assert response.status_code == 200
        assert response.json["status"] == "rejected"
        assert response.json["info"]["error"]["code"] == "cancelled"
        assert sum(response.json[name] for name in COUNTS) == 3


def test_cancelling_a_running_job_is_202_until_it_has_stopped(ann: Caller) -> None:
    token = ann.send(upserts(3))
    with transaction() as session:
        driver(session).execute("UPDATE jobs SET status = 'processing'")
    response = ann.post(f"/api/jobs/{token}/cancel")
    assert (response.status_code, response.json["cancel_requested"]) == (202, True)
    assert response.headers["Location"] == f"/api/jobs/{token}"


def test_a_finished_job_stays_as_it_is_when_cancelled(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(1))
    work_all()
    response = ann.post(f"/api/jobs/{token}/cancel")
    assert (response.status_code, response.json["status"], response.json["outcome"]) == (200, "done", "succeeded")


def test_retrying_runs_the_failed_items_again_under_their_index(ann: Caller, work_all: Work) -> None:
    token = ann.send([*upserts(2), {"id": "north/one/late", "patch": {}}])
    work_all()
    ann.post("/classification/api/classifications/v2/record/", {"id": "north/one/late", "create": {}})
    response = ann.post(f"/api/jobs/{token}/retry")
    child = response.json["result"]["job.token"]
    assert (response.status_code, response.headers["Location"]) == (202, f"/api/jobs/{child}")
    work_all()
    assert ann.job(child)["parent"] == token
    rows = ann.get(f"/api/jobs/{child}/results").json["results"]
    assert [(row["index"], row["status"]) for row in rows] == [(2, "noop")]


def test_a_job_without_failures_has_nothing_to_retry(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(1))
    work_all()
    response = ann.post(f"/api/jobs/{token}/retry")
    assert (response.status_code, response.json["code"]) == (400, "empty")


def test_purging_leaves_the_summary_and_results_are_gone(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(1))
    assert ann.open(f"/api/jobs/{token}", method="DELETE").status_code == 400
    work_all()
    response = ann.open(f"/api/jobs/{token}", method="DELETE")
    assert (response.status_code, response.data) == (204, b"")
    gone = ann.get(f"/api/jobs/{token}/results")
    assert (gone.status_code, gone.json["code"]) == (410, "gone")
    assert gone.json["purged_on"]
    assert ann.job(token)["succeeded"] == 1


def test_asking_too_fast_for_a_minute_is_429_until_one_waits(ann: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(web.jobs, "pace", Pace())
    monkeypatch.setattr("web.jobs.ids.monotonic", lambda: now[0])
    token = ann.send(upserts(1))

    def ask(seconds: float) -> Any:
        now[0] += seconds
        return ann.get(f"/api/jobs/{token}")

    assert all(ask(0.5).status_code == 200 for _ in range(100))
    late = [ask(0.5) for _ in range(30)]
    assert {response.status_code for response in late} == {200, 429}
    assert late[-1].json["code"] == "quota_exceeded"
    assert late[-1].headers["Retry-After"] == "1"
    assert ask(1.0).status_code == 200


def test_asking_as_often_as_told_is_never_too_fast() -> None:
    pace = Pace()
    assert not any(pace.too_fast("ann", 0.95 * second, 1) for second in range(1_000))
