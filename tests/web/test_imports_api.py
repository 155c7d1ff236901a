"""Import runs: posts of one upload are counted together (contract section 17.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.db import driver, transaction
from tests.web.conftest import GOOD, RECORD, Caller

IMPORTS = "/classification/api/classifications/v3/imports"
NONE = dict.fromkeys(
    ("new", "updated", "unchanged", "withdrawn", "deleted", "unwithdrawn", "already_withdrawn", "failed", "unknown"), 0
)
Work = Callable[[], None]


def _post(caller: Caller, run: str, operations: list[Any], work: Work | None = None, **more: Any) -> None:
    body = {"records": operations, "import_id": run, **more}
    answer = caller.post(RECORD, body, prefer="respond-async")
    assert answer.status_code == (202 if operations else 200), answer.text
    if work:
        work()


def _upsert(name: str, **more: Any) -> dict[str, Any]:
    return {"id": f"north/one/{name}", "upsert": GOOD, **more}


def _runs(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    answer = caller.get(IMPORTS + query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["imports"]
    return found


def _age(minutes: int) -> None:
    with transaction() as session:
        for table, column in (("import_runs", "posted_on"), ("jobs", "updated_on")):
            driver(session).execute(f"UPDATE {table} SET {column} = {column} - make_interval(mins => {minutes})")


def test_every_way_an_item_can_end_is_counted(ann: Caller, work_all: Work) -> None:
    shared = {"publish": "logged_in_users"}
    _post(ann, "run", [_upsert(name, **shared) for name in "abcd"] + [_upsert("e")], work_all)
    _post(
        ann,
        "run",
        [
            _upsert("a", **shared),
            {"id": "north/one/b", "patch": {"zygosity": "homozygous"}},
            {"id": "north/one/c", "delete": True},
            {"id": "north/one/d", "delete": True},
            {"id": "north/one/d", "delete": True},
            {"id": "north/one/c", "patch": {}},
            {"id": "north/one/e", "delete": True},
            {"id": "north/one/nobody", "patch": {}},
            _upsert("f", test=True),
            "no operation",
        ],
        work_all,
        status="complete",
    )

    run = _runs(ann)[0]

    assert run["counts"] == {
        "new": 5, "updated": 1, "unchanged": 1, "withdrawn": 2, "deleted": 1, "unwithdrawn": 1, "already_withdrawn": 1,
        "failed": 2, "unknown": 1,
    }  # fmt: skip
    assert (run["rows"], run["remaining"], run["posts"]) == (15, 0, 2)
    assert (run["status"], run["identifier"], run["import_id"]) == ("completed", "ann#run", "run")


def test_a_run_is_ongoing_until_it_is_completed_and_then_begins_anew(ann: Caller, work_all: Work) -> None:
    _post(ann, "run", [_upsert("a")], work_all)
    assert [(run["status"], run["ended_on"]) for run in _runs(ann)] == [("ongoing", None)]
    _post(ann, "run", [], status="complete")
    _post(ann, "run", [_upsert("a")], work_all)

    first, second = _runs(ann)[::-1]

    assert (first["status"], first["rows"], second["status"], second["rows"]) == ("completed", 1, "ongoing", 1)
    assert first["ended_on"] is not None
    assert [run["id"] for run in _runs(ann, "?status=ongoing")] == [second["id"]]
    assert _runs(ann, "?import_id=other") == []


def test_five_minutes_without_a_post_leave_a_run_unfinished(ann: Caller, work_all: Work) -> None:
    _post(ann, "run", [_upsert("a")], work_all)
    _age(4)
    _post(ann, "run", [_upsert("b")], work_all)
    assert [(run["status"], run["rows"]) for run in _runs(ann)] == [("ongoing", 2)]
    _age(6)
    assert [(run["status"], run["ended_on"] is None) for run in _runs(ann)] == [("unfinished", False)]
    _post(ann, "run", [_upsert("c")], work_all)
    assert [(run["status"], run["rows"]) for run in _runs(ann)] == [("ongoing", 1), ("unfinished", 2)]
    assert len(_runs(ann, "?status=unfinished")) == 1


def test_a_run_whose_work_goes_on_is_not_abandoned(ann: Caller, work_all: Work) -> None:
    _post(ann, "run", [_upsert("a")])
    _age(60)
    assert [(run["status"], run["remaining"]) for run in _runs(ann)] == [("ongoing", 1)]
    work_all()
    assert [(run["status"], run["remaining"]) for run in _runs(ann)] == [("ongoing", 0)]


def test_a_repeated_request_counts_once(ann: Caller, work_all: Work) -> None:
    for _ in range(2):
        body = {"records": [_upsert("a")], "import_id": "run"}
        assert ann.post(RECORD, body, prefer="respond-async", idempotency_key="one").status_code == 202
    work_all()

    assert [(run["posts"], run["counts"]["new"]) for run in _runs(ann)] == [(1, 1)]


def test_runs_are_their_owners_alone(ann: Caller, cat: Caller, work_all: Work) -> None:
    _post(ann, "run", [_upsert("a")], work_all)
    _post(cat, "run", [{"id": "south/one/a", "upsert": GOOD}], work_all)
    mine, other = _runs(ann)[0]["id"], _runs(cat)[0]["id"]

    assert mine != other
    assert ann.get(f"{IMPORTS}/{mine}").status_code == 200
    for path in (
        f"{IMPORTS}/{other}",
        f"{IMPORTS}/{other}/missing",
        f"{IMPORTS}/987654321",
        f"{IMPORTS}/{'9' * 30}",
        f"{IMPORTS}/x",
    ):
        assert ann.get(path).status_code == 404
    assert ann.client.get(IMPORTS).status_code == 401


def test_a_run_names_its_jobs_and_has_an_etag(ann: Caller, work_all: Work) -> None:
    token = ann.send([_upsert("a")])
    _post(ann, "run", [_upsert("b")], work_all)
    answer = ann.get(f"{IMPORTS}/{_runs(ann)[0]['id']}")

    assert len(answer.json["job.tokens"]) == 1
    assert token not in answer.json["job.tokens"]
    again = ann.get(f"{IMPORTS}/{answer.json['id']}", if_none_match=answer.headers["ETag"])
    assert again.status_code == 304


def test_what_a_complete_upload_left_out_is_listed(ann: Caller, cat: Caller, work_all: Work) -> None:
    shared = {"publish": "logged_in_users"}
    _post(ann, "old", [_upsert(name, **shared) for name in "abcdef"], work_all)
    _post(cat, "old", [{"id": "south/one/z", "upsert": GOOD}], work_all)
    _post(ann, "new", [_upsert("a"), _upsert("c"), {"id": "north/one/b", "delete": True}], work_all, status="complete")
    number = _runs(ann, "?import_id=new")[0]["id"]

    missing = ann.get(f"{IMPORTS}/{number}/missing").json
    assert (missing["records"], missing["page.cursor"]) == (["north/one/d", "north/one/e", "north/one/f"], None)

    first = ann.get(f"{IMPORTS}/{number}/missing?page.size=2").json
    rest = ann.get(f"{IMPORTS}/{number}/missing?page.size=2&page.cursor={first['page.cursor']}").json
    assert first["records"] + rest["records"] == missing["records"]

    token = ann.get(f"{IMPORTS}/{number}").json["job.tokens"][0]
    assert ann.open(f"/api/jobs/{token}", method="DELETE").status_code == 204
    gone = ann.get(f"{IMPORTS}/{number}/missing")
    assert (gone.status_code, gone.json["code"]) == (410, "gone")
    assert ann.get(f"{IMPORTS}/{number}").json["counts"] == NONE | {"unchanged": 2, "withdrawn": 1}
    with transaction() as session:
        driver(session).execute("DELETE FROM jobs WHERE token = %s", (token,))
    assert ann.get(f"{IMPORTS}/{number}/missing").status_code == 410, "also when the job's summary has gone too"


@pytest.mark.parametrize("prefix", ["/classification", "/variantclassification"])
def test_runs_are_served_at_both_prefixes(ann: Caller, prefix: str) -> None:
    assert ann.get(f"{prefix}/api/classifications/v3/imports").json == {
        "imports": [],
        "page.size": 100,
        "page.cursor": None,
    }


def test_a_small_post_that_is_waited_for_counts_too(ann: Caller, worker: None) -> None:
    answer = ann.post(RECORD, {"records": [_upsert("a"), "x"], "import_id": "run", "status": "complete"})

    assert answer.status_code == 200
    assert [(run["status"], run["counts"]) for run in _runs(ann)] == [("completed", NONE | {"new": 1, "failed": 1})]
