"""Both clients against a server that answers as it is told: selections, what follows from a job, digests and frames."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.waybill.stub import ACCEPTED, Seen, Server, accepted, job, refusal
from waybill import Problem, Result, search
from waybill.digest import digest

BULK = "/classification/api/classifications/v2/records/bulk"


def key(seen: Seen) -> str:
    return seen.headers["idempotency-key"]


def test_records_are_paged_by_cursor_with_everything_else_unchanged(server: Server, client: Any) -> None:
    def page(names: list[str], cursor: str | None) -> Any:
        result = {"records": names, "records.size": 3, "page.size": 2, "page.cursor": cursor}
        return 200, {}, {"success": True, "result": result, "data": {"records": {name: {"id": name} for name in names}}}

    server.answers = [page(["a", "b"], "c"), page([], "d"), page(["e"], None)]
    found = client.records(["a", search("TP53", ["gene_symbol", "is", "X"], exclude=["z"])], size=2, data="flat")
    assert [record["id"] for record in found] == ["a", "b", "e"]
    bodies = [json.loads(seen.body) for seen in server.asked()]
    assert [body.pop("page.cursor") for body in bodies] == [None, "c", "d"]
    searched = {"search": {"q": "TP53", "filter": ["gene_symbol", "is", "X"]}, "exclude": ["z"]}
    assert bodies == [{"page.size": 2, "data": "flat", "selection": ["a", searched]}] * 3
    server.answers = [page(["a"], "c")]
    assert client.count("a") == 3


@pytest.mark.parametrize(("verb", "more", "sent"), [
    ("delete", (), {}), ("publish", ("public",), {"publish": "public"}), ("patch", ({"age": 3},), {"patch": {"age": 3}}),
])  # fmt: skip
def test_verbs_over_selections(server: Server, client: Any, verb: str, more: Any, sent: Any) -> None:
    server.answers = [ACCEPTED]
    getattr(client, verb)("a/b/c", *more, test=True, max_affected=5)
    (seen,) = server.asked()
    assert seen.place == f"POST {BULK}/{verb}"
    assert json.loads(seen.body) == {"selection": ["a/b/c"], "test": True, "max_affected": 5, **sent}
    assert key(seen)


def test_a_rejected_job_is_a_problem_with_its_token(server: Server, client: Any) -> None:
    server.answers = [(422, {}, {"code": "too_many_affected", "detail": "no", "job.token": "r"})]
    with pytest.raises(Problem) as caught:
        client.delete("a")
    assert caught.value.token == "r"


def test_retry_and_undo_are_jobs_of_their_own_for_each_part(server: Server, client: Any) -> None:
    server.always |= {"/api/jobs/a": job("a", total=2, succeeded=2), "/api/jobs/b": job("b", total=2, failed=1, succeeded=1)}
    server.always |= {f"/api/jobs/{name}/{verb}": accepted(f"{name}-{verb}") for name in "ab" for verb in ("retry", "undo")}
    server.always |= {f"/api/jobs/{name}-undo": job(f"{name}-undo") for name in "ab"}
    whole = client.job("a", "b")
    assert whole.retry().tokens == ["b-retry"]
    assert whole.undo().tokens == ["b-undo", "a-undo"], "what was done last is taken back first"
    assert len({key(seen) for seen in server.asked()}) == 3


def test_a_digest_is_the_servers_or_is_made_of_the_outcomes(server: Server, client: Any) -> None:
    cause = {"code": "not_found", "count": 5, "pointer": "/id", "retryable": False, "examples": [{"line": 3, "index": 2}]}
    server.answers = [(200, {}, {"causes": [cause]})]
    (found,) = client.job("t").digest().sorted_causes
    assert (found.code, found.count, found.retryable, found.examples) == ("not_found", 5, False, [{"line": 3, "index": 2}])
    rows = [{"index": 0, "line": 1, "status": "failed", "error": {"code": "empty"}}]
    server.answers = [refusal(404, "not_found"), (200, {}, {"results": rows, "page.cursor": None})]
    assert client.job("t").digest().dump()["causes"][0]["code"] == "empty"


def test_a_digest_names_each_cause_once_with_three_examples() -> None:
    def result(index: int, code: str | None) -> Result:
        error = code and {"code": code, "detail": "no", "pointer": "/id"}
        body = {"status": "created", "patch_messages": [{"code": "shared"}]}
        return Result(index, "failed" if code else "succeeded", None, index + 1, None, None if code else body, error or None)  # type: ignore[arg-type]

    found = digest(result(number, ("not_found", "empty", None, "not_found")[number % 4]) for number in range(40)).dump()
    assert found["records"] == {"failed": 30, "created": 10}
    assert found["messages"] == {"shared": 10}
    assert [(cause["code"], cause["count"], len(cause["examples"])) for cause in found["causes"]] == [
        ("not_found", 20, 3), ("empty", 10, 3)
    ]  # fmt: skip
    assert [example["line"] for example in found["causes"][0]["examples"]] == [1, 4, 5]


def test_pages_become_frames(server: Server, client: Any) -> None:
    records = {
        "a": {"id": "a", "meta": {"id": 1}, "data": {"age": {"value": 3, "note": "n"}}},
        "b": {"id": "b", "data": {"x": 1}},
    }
    body = {"result": {"records": ["a", "b"], "page.cursor": None}, "data": {"records": records}}
    server.answers = [(200, {}, body)]
    frame = client.records(["a", "b"]).to_pandas()
    assert list(frame["id"]) == ["a", "b"]
    assert (frame["age"][0], frame["age.note"][0], frame["rid"][0], frame["x"][1]) == (3, "n", 1, 1)


def test_pages_become_polars_frames(server: Server, client: Any) -> None:
    rows = [{"index": 0, "status": "noop"}, {"index": 1, "status": "failed", "error": {"code": "empty"}}]
    server.answers = [(200, {}, {"results": rows, "page.cursor": None})]
    assert client.job("t").results().to_polars()["code"].to_list() == [None, "empty"]
