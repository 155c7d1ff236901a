"""Goals about jobs: what is promised between the POST and the last outcome."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.goals.conftest import FINAL, RECORD, World, query, upsert

COUNTERS = ("remaining", "succeeded", "failed", "skipped", "noop", "cancelled")
NDJSON = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}
PARTS_ENVIRONMENT = {"WAYBILL_MAX_OPERATIONS": "20000", "WAYBILL_MAX_BODY_BYTES": str(8 * 1024 * 1024)}


def token_of(answer) -> str:
    return answer.json()["result"]["job.token"]


def small(prefix: str, count: int) -> list[dict]:
    """Return many operations that are quick to decide."""
    return [{"id": f"north/one/{prefix}-{number}", "upsert": {"zygosity": "unknown"}} for number in range(count)]


def test_p13_a_large_body_is_answered_with_a_token_before_anything_is_processed(world: World) -> None:
    world.parts.kill("worker")
    world.parts.processes["worker"].wait(30)
    answer = world.ann.lines(small("P13", 20_000))
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/jobs/{token_of(answer)}"
    job = world.ann.job(token_of(answer))
    assert (job["status"], job["total"], job["remaining"]) == ("queued", 20_000, 20_000)
    world.parts.start("worker")
    assert world.ann.end(answer, 120)["succeeded"] == 20_000


def test_p14_line_ends_blank_lines_and_a_missing_last_newline_are_no_trouble(world: World) -> None:
    lines = [msgspec.json.encode(upsert(f"P14-{number}")) for number in range(3)]
    body = b"\r\n" + lines[0] + b"\r\n\r\n" + lines[1] + b"\n   \n" + b'{"id": "north/one/P14-x", "patch": {}}\r\n' + lines[2]
    job = world.ann.end(world.ann.call("POST", RECORD, data=body, headers=NDJSON))
    rows = world.ann.results(job["token"])
    assert [(row["index"], row["line"], row["status"]) for row in rows] == [
        (0, 2, "succeeded"), (1, 4, "succeeded"), (2, 6, "failed"), (3, 7, "succeeded"),
    ]  # fmt: skip


def test_p14_a_broken_line_is_named_and_nothing_is_taken(world: World) -> None:
    before = query("SELECT count(*) FROM jobs")
    body = msgspec.json.encode(upsert("P14-y")) + b'\n\n{"id": "north/one/P14-z", \n'
    answer = world.ann.call("POST", RECORD, data=body, headers=NDJSON)
    assert (answer.status_code, answer.json()["code"], answer.json()["errors"][0]["line"]) == (400, "invalid_json", 3)
    assert query("SELECT count(*) FROM jobs") == before


def test_p15_a_body_that_inflates_past_the_cap_is_refused_and_nothing_is_stored(world: World) -> None:
    before = query("SELECT count(*) FROM jobs")
    bomb = gzip.compress(b'{"records": [' + b" " * (64 * 1024 * 1024))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = world.ann.call("POST", RECORD, data=bomb, headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (413, "body_too_large", 8 * 1024 * 1024)
    assert query("SELECT count(*) FROM jobs") == before


def test_p16_one_operation_too_many_is_refused_with_limit_and_actual(world: World) -> None:
    answer = world.ann.lines(small("P16", 20_001))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_items")
    assert (answer.json()["limit"], answer.json()["actual"]) == (20_000, 20_001)
    assert world.ann.call("GET", "/api/limits").json()["operations"] == 20_000


def test_p19_p22_status_moves_forward_and_the_counters_always_add_up(world: World) -> None:
    answer = world.ann.lines(small("P19", 10_000))
    seen: list[str] = []
    left = 10_000
    while not seen or seen[-1] not in FINAL:
        job = world.ann.job(token_of(answer))
        seen.append(job["status"])
        assert all(type(job[name]) is int for name in COUNTERS)
        assert sum(job[name] for name in COUNTERS) == job["total"] == 10_000
        assert job["remaining"] <= left
        left = job["remaining"]
        time.sleep(0.01)
    order = [status for number, status in enumerate(seen) if number == 0 or status != seen[number - 1]]
    assert order in (["queued", "processing", "done"], ["processing", "done"], ["queued", "done"], ["done"])
    assert left == 0


def test_p20_a_malformed_selection_is_a_rejected_job_without_rows(world: World) -> None:
    answer = world.ann.bulk("delete", selection=[{"search": {"filter": ["no_such_key", "is", 1]}}])
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_selection")
    job = world.ann.job(answer.json()["job.token"])
    assert (job["status"], job["total"], job["info"]["error"]["code"]) == ("rejected", 0, "invalid_selection")
    assert world.ann.results(job["token"]) == []


@pytest.mark.parametrize(("bad", "outcome"), [(0, "succeeded"), (2, "partial"), (20, "failed")])
def test_p21_the_outcome_tells_whether_all_some_or_none_worked(world: World, bad: int, outcome: str) -> None:
    broken = [{"id": f"north/one/P21-{bad}-none-{number}", "patch": {}} for number in range(bad)]
    job, _ = world.ann.run(broken + [upsert(f"P21-{bad}-{number}") for number in range(20 - bad)])
    assert (job["status"], job["outcome"], job["failed"]) == ("done", outcome, bad)


def test_p24_p25_cancelling_stops_within_two_seconds_and_every_item_has_its_end(world: World) -> None:
    answer = world.ann.lines(small("P24", 20_000))
    token = token_of(answer)
    while world.ann.job(token)["status"] == "queued":
        time.sleep(0.01)
    assert world.ann.call("POST", f"/api/jobs/{token}/cancel").status_code in (200, 202)
    [(asked,)] = query("SELECT cancel_requested_on FROM jobs WHERE token = %s", token)
    job = world.ann.end(answer)
    [(late,)] = query(
        "SELECT count(*) FROM chunks c JOIN jobs j ON j.id = c.job_id WHERE j.token = %s AND c.claimed_on > %s",
        token, asked + timedelta(seconds=2),
    )  # fmt: skip
    assert late == 0
    assert (job["status"], job["outcome"]) == ("done", "cancelled")
    again = world.ann.call("POST", f"/api/jobs/{token}/cancel")
    assert (again.status_code, again.json()["outcome"]) == (200, "cancelled")
    rows = world.ann.results(token)
    assert len(rows) == 20_000 and {row["status"] for row in rows} <= {"succeeded", "cancelled"}
    stored = {name for (name,) in query("SELECT 'north/one/' || lab_record_id FROM records WHERE lab_record_id LIKE 'P24-%%'")}
    assert {f"north/one/P24-{row['index']}" for row in rows if row["status"] == "succeeded"} == stored


def test_a_job_cancelled_before_it_began_is_rejected_and_did_nothing(world: World) -> None:
    world.parts.kill("worker")
    world.parts.processes["worker"].wait(30)
    answer = world.ann.lines(small("CANCEL", 10))
    job = world.ann.call("POST", f"/api/jobs/{token_of(answer)}/cancel").json()
    world.parts.start("worker")
    assert (job["status"], job["remaining"], job["info"]["error"]["code"]) == ("rejected", 0, "cancelled")
    world.parts.wait_ready()
    assert query("SELECT count(*) FROM records WHERE lab_record_id LIKE 'CANCEL-%%'") == [(0,)]


def test_p28_jobs_are_listed_newest_first_by_state_kind_tag_and_time(world: World) -> None:
    tokens = [world.both.lines(small("P28", 1), **{"X-Request-Id": "p28"}) for _ in range(3)]
    body = {"records": small("P28", 2), "tags": ["nightly"]}
    tagged = token_of(world.both.post(body, Prefer="respond-async"))
    for answer in tokens:
        world.both.end(answer)
    world.ann.lines(small("P28-ann", 1))
    before = datetime.now(UTC) + timedelta(minutes=1)

    def listed(**ask: str) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = world.both.call("GET", "/api/jobs", params={"page.size": "2", **ask, **cursor}).json()
            found += [job["token"] for job in page["jobs"]]
            if page["page.cursor"] is None:
                return found
            cursor = {"page.cursor": page["page.cursor"]}

    newest_first = [tagged, *(token_of(answer) for answer in reversed(tokens))]
    assert listed() == newest_first
    assert listed(tag="nightly") == [tagged]
    assert set(listed(status="done")) >= set(newest_first[1:])
    assert listed(name="bulk_delete_classifications") == []
    assert listed(created_before=before.isoformat()) == newest_first
    assert listed(created_after=before.isoformat()) == []


def test_p30_p31_rows_are_in_the_order_of_the_items_with_index_line_ref_and_id(world: World) -> None:
    operations = [upsert(f"P30-{number}") | {"ref": f"ref {number}"} for number in range(1200)]
    _, rows = world.ann.run(operations)
    assert [(row["index"], row["line"], row["ref"], row["id"]) for row in rows] == [
        (number, number + 1, f"ref {number}", f"north/one/P30-{number}") for number in range(1200)
    ]


def test_p31_a_ref_that_comes_twice_is_refused_at_intake(world: World) -> None:
    answer = world.ann.lines([upsert("P31-a") | {"ref": "x"}, upsert("P31-b") | {"ref": "x"}])
    assert answer.status_code == 400
    assert answer.json()["code"] == "duplicate_ref"


def test_p35_purged_results_are_gone_and_the_summary_stays(world: World) -> None:
    job, _ = world.ann.run(small("P35", 2))
    assert world.ann.call("DELETE", f"/api/jobs/{job['token']}").status_code == 204
    answer = world.ann.call("GET", f"/api/jobs/{job['token']}/results")
    assert (answer.status_code, answer.json()["code"]) == (410, "gone")
    assert answer.json()["purged_on"]
    assert world.ann.job(job["token"])["succeeded"] == 2


def test_p47_a_foreign_token_is_like_an_unknown_one(world: World) -> None:
    job, _ = world.ann.run(small("P47", 1))
    unknown = "0b9bb9b8-6f7b-4ff8-8d52-3f3c9c6c2a11"
    ways = [("GET", ""), ("GET", "/results"), ("POST", "/cancel"), ("POST", "/retry"), ("GET", "/events"), ("DELETE", "")]
    for method, way in ways:
        foreign = world.ben.call(method, f"/api/jobs/{job['token']}{way}")
        nobodys = world.ben.call(method, f"/api/jobs/{unknown}{way}")
        bodies = [{k: v for k, v in answer.json().items() if k != "instance"} for answer in (foreign, nobodys)]
        assert (foreign.status_code, nobodys.status_code) == (404, 404)
        assert bodies[0] == bodies[1]


def test_x07_a_retry_runs_only_what_failed_and_keeps_its_indexes(world: World) -> None:
    operations: list[dict] = [upsert(f"X07-{number}") for number in range(1000)]
    for number in range(0, 1000, 33):
        operations[number] = {"id": f"north/one/X07-late-{number}", "patch": {"zygosity": "unknown"}, "ref": f"r{number}"}
    job, rows = world.ann.run(operations)
    failed = [row["index"] for row in rows if row["status"] == "failed"]
    assert failed == list(range(0, 1000, 33))
    for number in failed:
        world.ann.post(upsert(f"X07-late-{number}"))
    child = world.ann.end(world.ann.call("POST", f"/api/jobs/{job['token']}/retry"))
    assert (child["parent"], child["total"], child["succeeded"]) == (job["token"], len(failed), len(failed))
    again = world.ann.results(child["token"])
    assert [(row["index"], row["line"], row["ref"]) for row in again] == [(n, n + 1, f"r{n}") for n in failed]


def test_x13_a_job_that_stands_still_says_so_and_heals_by_itself(world: World) -> None:
    answer = world.ann.lines(small("X13", 5000))
    world.parts.kill("worker")
    world.parts.processes["worker"].wait(30)
    until = time.monotonic() + 40
    while not (job := world.ann.job(token_of(answer)))["stalled"]:
        assert time.monotonic() < until and sum(job[name] for name in COUNTERS) == job["total"]
        time.sleep(0.2)
    world.parts.start("worker")
    job = world.ann.end(answer)
    assert (job["stalled"], job["succeeded"]) == (False, 5000)


def test_x18_twenty_operations_are_answered_at_once_and_the_token_is_the_same_either_way(world: World) -> None:
    body = {"records": [upsert(f"X18-{number}") for number in range(20)]}
    answer = world.ann.post(body, Prefer="wait=5")
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 20
    rows = world.ann.results(answer.json()["job.token"])
    assert [row["result"] for row in rows] == answer.json()["results"]
    later = world.ann.post(body, Prefer="respond-async")
    assert (later.status_code, set(later.json())) == (202, {"success", "result", "data"})
    assert world.ann.end(later)["noop"] == 20
