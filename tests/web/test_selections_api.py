"""What is done to a selection, and reading one page by page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.web.conftest import BULK, RECORD, Caller, code_of, count, make

Work = Callable[[], None]
NAME = "north/one/r0"


def test_an_operation_over_a_selection_is_a_job(ann: Caller, work_all: Work) -> None:
    rids = make(ann, 3)
    body = {"selection": [NAME, rids[1], NAME, "north/one/none"], "patch": {"age": 40}, "tags": ["s"]}
    response = ann.post(BULK + "patch", body)
    assert response.status_code == 202
    token = response.json["result"]["job.token"]
    work_all()
    job = ann.job(token)
    assert (job["job"], job["total"], job["succeeded"], job["failed"]) == ("bulk_patch_classifications", 3, 2, 1)
    assert ann.get(RECORD + NAME).json["data"]["age"]["value"] == "40-49"


def test_a_selection_job_may_be_waited_for(ann: Caller, worker: None) -> None:
    body = {"selection": make(ann, 2), "publish": "institution"}
    response = ann.post(BULK + "publish", body, prefer="wait=10")
    assert response.status_code == 200
    assert [entry["publish"] for entry in response.json["results"]] == ["institution", "institution"]


def test_a_search_selects_and_a_deletion_deletes(ann: Caller, work_all: Work) -> None:
    rids = make(ann, 3)
    search = {"search": {"filter": ["zygosity", "is", "hemizygous"]}, "exclude": [NAME]}
    ann.post(BULK + "delete", {"selection": [search]})
    work_all()
    assert [ann.get(f"{RECORD}{rid}").status_code for rid in rids] == [200, 404, 404]


@pytest.mark.parametrize(
    "selection", [None, {}, "x", 7, [], [True], [None], [{}], [{"children": 1}], [{"search": []}], [{"search": {}, "x": 1}],
                  [{"search": {"filter": ["nokey", "is", 1]}}], [{"search": {"filter": ["age"]}}], ["a"], ["1.5"]],
)  # fmt: skip
def test_a_malformed_selection_is_stored_as_a_rejected_job(ann: Caller, selection: Any) -> None:
    response = ann.post(BULK + "delete", {"selection": selection})
    assert code_of(response) == (400, "invalid_selection")
    token = response.json["job.token"]
    job = ann.job(token)
    assert (job["status"], job["total"], job["info"]["error"]["code"]) == ("rejected", 0, "invalid_selection")
    assert ann.get(f"/api/jobs/{token}/results").json["results"] == []


def test_more_members_than_expected_reject_the_job_before_the_first_write(ann: Caller) -> None:
    response = ann.post(BULK + "delete", {"selection": make(ann, 3), "max_affected": 2})
    assert code_of(response) == (422, "too_many_affected")
    assert (response.json["limit"], response.json["actual"]) == (2, 3)
    assert ann.job(response.json["job.token"])["status"] == "rejected"
    assert count("records") == 3


def test_a_repeat_of_a_rejected_submission_is_answered_alike(ann: Caller) -> None:
    body = {"selection": make(ann, 3), "max_affected": 2}
    answers = [ann.post(BULK + "delete", body, idempotency_key="k").json for _ in range(2)]
    assert answers[0]["job.token"] == answers[1]["job.token"]
    assert answers[0]["code"] == answers[1]["code"] == "too_many_affected"


@pytest.mark.parametrize(
    ("verb", "more", "code"),
    [
        ("delete", {"recrods": 1}, "unknown_field"),
        ("delete", {"max_affected": "2"}, "invalid_value"),
        ("delete", {"max_affected": -1}, "invalid_value"),
        ("delete", {"on_drift": "explode"}, "invalid_value"),
        ("delete", {"test": "yes"}, "invalid_value"),
        ("delete", {"tags": "night"}, "invalid_type"),
        ("publish", {}, "invalid_request"),
        ("publish", {"publish": "world"}, "invalid_value"),
        ("patch", {"patch": []}, "invalid_value"),
    ],
)
def test_wrong_parameters_of_a_selection_job_are_refused(ann: Caller, verb: str, more: dict[str, Any], code: str) -> None:
    assert code_of(ann.post(f"{BULK}{verb}", {"selection": [1], **more})) == (400, code)
    assert count("jobs") == 0


def test_an_unknown_operation_is_not_found(ann: Caller) -> None:
    assert code_of(ann.post(BULK + "explode", {"selection": [1]})) == (404, "not_found")


def test_a_selection_is_read_page_by_page(ann: Caller) -> None:
    make(ann, 7)
    body: dict[str, Any] = {"selection": [{"search": {"filter": ["zygosity", "is", "hemizygous"]}}], "page.size": 3}
    pages = [ann.post(BULK + "get", body).json]
    while cursor := pages[-1]["result"]["page.cursor"]:
        pages.append(ann.post(BULK + "get", body | {"page.cursor": cursor}).json)
    assert [len(page["result"]["records"]) for page in pages] == [3, 3, 1]
    assert {page["result"]["records.size"] for page in pages} == {7}
    assert all(page["success"] for page in pages)
    names = [name for page in pages for name in page["result"]["records"]]
    assert sorted(names) == sorted(set(names)) == [f"north/one/r{at}" for at in range(7)]
    assert pages[0]["data"]["records"][names[0]]["data"]["zygosity"]["value"] == "hemizygous"


def test_a_page_cursor_belongs_to_its_selection_and_user(ann: Caller, cat: Caller) -> None:
    rids = make(ann, 3)
    body: dict[str, Any] = {"selection": rids, "page.size": 1}
    cursor = ann.post(BULK + "get", body).json["result"]["page.cursor"]
    other = {"selection": rids[:2], "page.cursor": cursor}
    assert code_of(ann.post(BULK + "get", other)) == (400, "cursor_mismatch")
    assert code_of(cat.post(BULK + "get", body | {"page.cursor": cursor})) == (400, "invalid_cursor")
    larger = ann.post(BULK + "get", body | {"page.cursor": cursor, "page.size": 10}).json
    assert larger["result"]["records"] == ["north/one/r1", "north/one/r2"]


@pytest.mark.parametrize("size", [0, -1, 1.5, "10", 10**20, True, [1]])
def test_what_is_no_page_size_is_refused_in_a_body_too(ann: Caller, size: Any) -> None:
    body = json.dumps({"selection": [1], "page.size": size})
    response = ann.open(BULK + "get", method="POST", data=body, content_type="application/json")
    assert response.status_code == 400
    assert response.json["code"] in ("invalid_page_size", "invalid_number")
