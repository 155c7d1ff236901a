"""Groups and tests where a chunk is worked on in parts, page by page, and what is left when a job is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from models.db import driver, transaction
from models.settings import settings
from tests.web.conftest import BULK, GOOD, RECORD, Caller, count, make
from worker.housekeeping import keep_house
from worker.runner import work

BAD = {"upsert": {"age": {"value": {"no": 1}}}}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chunks of fifty items."""
    monkeypatch.setenv("WAYBILL_CHUNK_ITEMS", "50")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def endings(caller: Caller, token: str) -> list[tuple[int, str, str | None]]:
    rows = caller.get(f"/api/jobs/{token}/results?page.size=1000").json["results"]
    return [(row["index"], row["status"], row["error"] and row["error"]["code"]) for row in rows]


def execute(sql: str) -> None:
    with transaction() as session:
        driver(session).execute(sql)


def item(name: str, **more: Any) -> dict[str, Any]:
    return {"id": f"north/one/{name}", "upsert": GOOD} | more


@pytest.mark.parametrize("careful", [False, True], ids=["whole", "in parts"])
def test_groups_end_alike_whether_a_chunk_is_worked_on_whole_or_in_parts(
    ann: Caller, work_all: Callable[[], None], careful: bool
) -> None:
    token = ann.send([
        item("a", group=1), item("x"), item("b", group="2"), item("c", group=1) | BAD, item("x", patch={}), item("d", group="2"),
        {"id": "north/one/a", "patch": {"age": "5"}},
    ])  # fmt: skip
    if careful:
        execute("UPDATE chunks SET attempts = 9")
    work_all()
    assert endings(ann, token) == [
        (0, "skipped", "rolled_back"), (1, "succeeded", None), (2, "succeeded", None), (3, "failed", "invalid_type"),
        (4, "failed", "ambiguous_operation"), (5, "succeeded", None), (6, "failed", "not_found"),
    ]  # fmt: skip
    assert count("records") == 3
    assert ann.job(token)["outcome"] == "partial"


def test_why_a_group_was_rolled_back_names_the_item(ann: Caller, work_all: Callable[[], None]) -> None:
    token = ann.send([item("a"), item("b", group="g"), item("c", group="g") | BAD])
    work_all()
    error = ann.get(f"/api/jobs/{token}/results").json["results"][1]["error"]
    assert error["code"] == "rolled_back"
    assert "item 2" in error["detail"] and "invalid_type" in error["detail"]


def test_a_page_of_a_running_job_with_groups_ends_before_the_first_item_without_an_outcome(
    ann: Caller, small_chunks: None
) -> None:
    number = settings().chunk_items
    ends = [item("end", group="scattered"), item("end2", group="scattered")]
    token = ann.send([ends[0], *(item(f"n{at}") for at in range(2 * number)), ends[1]])
    with transaction() as session:
        chunks = driver(session).execute("SELECT job_id, no, indexes FROM chunks ORDER BY no").fetchall()
    assert len(chunks) > 2 and any({0, 2 * number + 1} <= set(chunk[2]) for chunk in chunks)
    done: set[int] = set()
    for job_id, no, indexes in reversed(chunks):
        work(job_id, no)
        done |= set(indexes)
        seen = [row[0] for row in endings(ann, token)]
        first_open = min(set(range(2 * number + 2)) - done, default=2 * number + 2)
        assert seen == list(range(min(first_open, 1_000)))


@pytest.mark.parametrize("group", [["g"], True, 1.5, "x" * 201, "a\0b"])
def test_a_group_that_is_no_name_is_a_mistake_of_its_item(ann: Caller, work_all: Callable[[], None], group: Any) -> None:
    token = ann.send([item("a"), item("b", group=group)])
    work_all()
    found = ann.get(f"/api/jobs/{token}/results").json["results"]
    assert [row["status"] for row in found] == ["succeeded", "failed"]
    assert found[1]["error"]["pointer"] in ("/group", "")


def test_the_envelope_and_the_address_may_ask_for_all_or_nothing(ann: Caller) -> None:
    for body, query in (({"records": [], "atomic": "yes"}, ""), ({"records": []}, "?atomic=1")):
        response = ann.post(RECORD + query, body)
        assert (response.status_code, response.json["code"]) == (400, "invalid_type")


def test_what_tests_came_to_is_kept_between_chunks_and_gone_with_the_job(
    ann: Caller, work_all: Callable[[], None], small_chunks: None
) -> None:
    number = 300
    tests = [{"id": f"north/one/r{at}", "create": GOOD, "test": True} for at in range(number)]
    token = ann.send([*tests, *({"id": test["id"], "patch": {"age": "5"}, "test": True} for test in tests)])
    with transaction() as session:
        first = driver(session).execute("SELECT job_id, min(no) FROM chunks GROUP BY job_id, lane ORDER BY 2").fetchall()
    for job_id, no in first:
        work(job_id, no)
    assert count("rehearsals") > 0
    work_all()
    assert {row[1] for row in endings(ann, token)} == {"succeeded"}
    assert ann.job(token)["succeeded"] == 2 * number
    keep_house()
    assert [count(table) for table in ("rehearsals", "records", "versions")] == [0, 0, 0]


def test_drift_goes_with_the_items_of_its_job(ann: Caller, work_all: Callable[[], None]) -> None:
    rids = make(ann, 2)
    answer = ann.post(f"{BULK}patch", {"selection": rids, "patch": {"age": "5"}}, prefer="respond-async")
    token = answer.json["result"]["job.token"]
    ann.post(RECORD, {"id": rids[0], "patch": {"zygosity": "unknown"}})
    work_all()
    drift = ann.get(f"/api/jobs/{token}/drift").json
    assert ([row["rid"] for row in drift["drift"]], drift["complete"]) == ([rids[0]], True)
    assert ann.open(f"/api/jobs/{token}", method="DELETE").status_code == 204
    assert count("drifts") == 0
    for kind in ("members", "drift", "digest"):
        assert ann.get(f"/api/jobs/{token}/{kind}").status_code == 410


def test_a_job_of_operations_has_no_members_and_a_foreign_job_is_none(ann: Caller, cat: Caller) -> None:
    token = ann.send([item("a")])
    for kind in ("members", "drift"):
        assert ann.get(f"/api/jobs/{token}/{kind}").status_code == 400
    for kind in ("members", "drift", "digest"):
        assert cat.get(f"/api/jobs/{token}/{kind}").status_code == 404


def test_an_expired_or_purged_plan_is_none(ann: Caller, work_all: Callable[[], None]) -> None:
    rids = make(ann, 2)
    asked = {"selection": rids, "patch": {"age": "5"}}
    answer = ann.post(f"{BULK}patch", asked | {"test": True}, prefer="respond-async")
    work_all()
    plan = answer.json["result"]["plan_token"]
    assert ann.open(f"/api/jobs/{answer.json['result']['job.token']}", method="DELETE").status_code == 204
    response = ann.post(f"{BULK}patch", asked | {"plan_token": plan})
    assert (response.status_code, response.json["code"]) == (410, "gone")
