"""Both clients against a server that answers as it is told: what is repeated, what is not, and with which body."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.waybill.stub import ACCEPTED, LIMITS, Cut, Seen, Server, accepted, job, refusal
from waybill import Client, ConfigError, Patience, Problem, Unreachable
from waybill.parts import Cut as Size

BULK = "/classification/api/classifications/v2/records/bulk"


def text(seen: Seen) -> bytes:
    return gzip.decompress(seen.body)


def key(seen: Seen) -> str:
    return seen.headers["idempotency-key"]


@pytest.mark.parametrize(
    "trouble", [
        refusal(503, "unavailable", Retry_After="0"), refusal(429, "quota_exceeded", Retry_After="0"), (502, {}, b"<html>"),
        refusal(409, "idempotency_key_in_flight"), Cut(), Cut(after=5, body=b"0123456789"),
    ],
)  # fmt: skip
def test_a_repeat_has_the_same_key_and_the_whole_body(server: Server, client: Any, trouble: Any) -> None:
    server.answers = [trouble, ACCEPTED]
    client.submit({"id": number} for number in range(3))
    first, again = server.asked()
    assert key(first) == key(again)
    assert text(first) == text(again) == b'{"id":0}\n{"id":1}\n{"id":2}\n'


def test_trouble_that_does_not_pass_is_raised_when_patience_is_over(server: Server) -> None:
    server.always["/api/jobs/t"] = refusal(503, "unavailable")
    with Client(server.url, "a key", patience=Patience(0.2, 0.05)) as client, pytest.raises(Problem) as caught:
        client.job("t").refresh()
    assert caught.value.code == "unavailable"
    assert 2 <= len(server.seen) <= 8


def test_a_pause_that_the_server_asks_for_is_kept_or_is_too_long(server: Server) -> None:
    assert all(Patience(60, 0.1).pause(attempt, 7.0) == 7.0 for attempt in range(5))
    server.answers = [refusal(429, "quota_exceeded", Retry_After="3600")]
    with Client(server.url, "a key") as client, pytest.raises(Problem) as caught:
        client.job("t").refresh()
    assert (caught.value.retry_after, len(server.seen)) == (3600.0, 1)


def test_pauses_grow_to_a_limit_and_are_not_the_same_for_all() -> None:
    patience = Patience(60, first=1, longest=8)
    for attempt, longest in enumerate((1, 2, 4, 8, 8, 8)):
        found = {patience.pause(attempt, None) for _ in range(50)}
        assert len(found) > 10
        assert all(longest / 2 <= pause <= longest for pause in found)
    assert patience.pause(10_000, None) <= 8


@pytest.mark.parametrize("status", [400, 401, 404, 422, 500])
def test_a_refusal_is_raised_once_with_all_it_says(server: Server, client: Any, status: int) -> None:
    errors = [{"code": "some_code", "pointer": "/id", "line": 3}]
    server.answers = [(status, {}, {"code": "some_code", "detail": "no", "errors": errors})]
    with pytest.raises(Problem) as caught:
        client.job("t").refresh()
    problem = caught.value
    assert (problem.status, problem.code, problem.detail, problem.pointer, problem.line) == (status, "some_code", "no", "/id", 3)
    assert len(server.seen) == 1


def test_an_answer_of_something_else_than_waybill_is_a_problem_too(server: Server, client: Any) -> None:
    envelope = {"success": False, "result": {"code": 404, "message": "no"}, "data": {}}
    server.answers = [(404, {}, b"<html>"), (200, {}, b"<html>"), (404, {}, envelope)]
    for code in ("http_404", "not_json", "404"):
        with pytest.raises(Problem) as caught:
            client.job("t").refresh()
        assert caught.value.code == code


def test_the_key_does_not_follow_a_redirect(server: Server, client: Any) -> None:
    server.answers = [(302, {"Location": f"{server.url}/elsewhere"}, {})]
    with pytest.raises(Problem):
        client.job("t").refresh()
    assert [seen.place for seen in server.seen] == ["GET /api/jobs/t"]
    assert server.seen[0].headers["authorization"] == "Bearer a key"


def test_the_key_of_a_netrc_is_not_taken(server: Server, client: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    client.check()
    assert server.seen[0].headers["authorization"] == "Bearer a key"


def test_nobody_there_is_said_so() -> None:
    with (
        Client("http://127.0.0.1:9", "a key", patience=Patience(0)) as client,
        pytest.raises(Unreachable, match="nothing answers"),
    ):
        client.check()


def test_no_key_is_said_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError, match="waybill login"):
        Client("http://127.0.0.1:9")


def test_nothing_to_do_is_said_so(server: Server, client: Any) -> None:
    with pytest.raises(ValueError, match="no operation"):
        client.submit([])
    assert not server.asked()


def test_operations_are_cut_into_what_the_server_takes(server: Server, client: Any) -> None:
    tokens = iter("abc")
    server.always["/classification/api/classifications/v2/record/"] = lambda _: accepted(next(tokens))
    sent = client.submit(({"id": number} for number in range(250)), run="run", in_order=False)
    assert [text(seen).count(b"\n") for seen in server.asked()] == [100, 100, 50]
    assert [key(seen) for seen in server.asked()] == ['"run-000000"', '"run-000001"', '"run-000002"']
    assert [(piece.token, piece.first) for piece in sent.pieces] == [("a", 0), ("b", 100), ("c", 200)]
    assert sent.tokens == ["a", "b", "c"]
    with pytest.raises(ValueError, match="3 jobs"):
        sent.token  # noqa: B018 - it is asked for


def test_parts_are_cut_by_bytes_too(server: Server, client: Any) -> None:
    server.answers = [ACCEPTED] * 4
    client.submit(({"id": "x" * 90} for _ in range(10)), cut=Size(1_000, 350), in_order=False)
    assert [text(seen).count(b"\n") for seen in server.asked()] == [3, 3, 3, 1]
    assert all(len(text(seen)) < 350 for seen in server.asked())


def test_a_part_waits_for_the_one_before(server: Server, client: Any) -> None:
    running = job("a", "queued", None, total=100, remaining=100)
    server.answers = [accepted("a"), running, running, job("a"), accepted("b")]
    client.submit({"id": number} for number in range(101))
    places = [seen.place.partition("?")[0].rpartition("/")[2] or "record" for seen in server.seen]
    assert places == ["limits", "record", "a", "a", "a", "record"]


def test_the_same_operations_in_the_same_run_are_the_same_requests(server: Server, client: Any) -> None:
    for _ in range(2):
        server.answers = [ACCEPTED] * 2
        client.submit(({"id": number} for number in range(150)), run="nightly", in_order=False)
    first, second = server.asked()[:2], server.asked()[2:]
    assert [(key(seen), seen.body) for seen in first] == [(key(seen), seen.body) for seen in second]


def test_an_error_within_a_submission_names_its_own_lines_and_how_to_go_on(server: Server, client: Any) -> None:
    bad = (400, {}, {"code": "invalid_json", "detail": "no", "errors": [{"line": 7, "code": "invalid_json"}]})
    server.answers = [accepted("a"), bad]
    with pytest.raises(Problem) as caught:
        client.submit(({"id": number} for number in range(150)), run="mine", in_order=False)
    assert caught.value.line == 107
    assert any("100 operations" in note and "'mine'" in note for note in caught.value.__notes__)


def test_what_stands_or_falls_together_is_not_cut(server: Server, client: Any) -> None:
    with pytest.raises(ValueError, match="stand or fall together"):
        client.submit(({"id": number} for number in range(LIMITS["atomic_operations"] + 1)), atomic=True)
    assert not server.asked()
    server.answers = [ACCEPTED]
    client.submit([{"id": 1}], atomic=True)
    assert server.asked()[0].place.endswith("record/?atomic=true")


def test_tags_and_tests_go_along(server: Server, client: Any) -> None:
    server.answers = [ACCEPTED]
    client.submit([{"id": 1}, b'{"id": 2}', '{"id": 3}'], tags=["nightly"], test=True)
    (seen,) = server.asked()
    assert seen.place == f"POST {BULK}/validate"
    assert json.loads(text(seen)) == {"tags": ["nightly"], "records": [{"id": 1}, {"id": 2}, {"id": 3}]}


def test_only_one_part_is_held_at_a_time(server: Server, client: Any) -> None:
    server.always["/classification/api/classifications/v2/record/"] = lambda _: accepted("a")
    drawn = []

    def operations() -> Any:
        for number in range(1_000):
            drawn.append((number, len(server.asked())))
            yield {"id": number}

    client.submit(operations(), in_order=False)
    assert all(sent == max(number - 1, 0) // 100 for number, sent in drawn if number % 100 > 1)


def test_waiting_ends_with_the_job_or_with_the_patience(server: Server, client: Any) -> None:
    running = job(status="processing", outcome=None, total=2, remaining=2)
    server.answers = [running, running]
    assert client.job("t").wait().final
    server.answers = [running] * 50
    with pytest.raises(TimeoutError):
        client.job("t").wait(0)


def test_a_submission_of_several_jobs_is_told_as_one(server: Server, client: Any) -> None:
    states = {"a": job("a", total=100, succeeded=100), "b": job("b", outcome="partial", total=50, succeeded=40, failed=10)}
    server.always |= {f"/api/jobs/{token}": state for token, state in states.items()}
    whole = client.job("a", "b").wait()
    assert (whole.status, whole.outcome, whole.total, whole.failed, whole.finished) == ("done", "partial", 150, 10, 150)
    server.always["/api/jobs/b"] = job("b", "processing", None, total=50, remaining=20)
    whole = client.job("a", "b").refresh()
    assert (whole.status, whole.outcome, whole.finished) == ("processing", None, 130)


def test_results_follow_the_cursor_and_end_where_the_job_is_now(server: Server, client: Any) -> None:
    rows = [{"index": number, "status": "noop"} for number in range(3)]
    pages = [
        {"results": rows[:2], "page.cursor": "c"},
        {"results": rows[2:], "page.cursor": "d"},
        {"results": [], "page.cursor": "d"},
    ]
    server.answers = [(200, {}, page) for page in pages]
    assert [result.index for result in client.job("t").results()] == [0, 1, 2]
    assert "page.cursor=d" in server.seen[2].place


def test_results_of_several_jobs_have_the_places_of_what_was_sent(server: Server, client: Any) -> None:
    page = (200, {}, {"results": [{"index": 1, "line": 2, "status": "failed"}], "page.cursor": None})
    server.always["/classification/api/classifications/v2/record/"] = lambda _: accepted("a")
    sent = client.submit(({"id": number} for number in range(150)), in_order=False)
    server.answers = [page, page]
    assert [(result.index, result.line) for result in sent.failures()] == [(1, 2), (101, 102)]
    assert "status=failed" in server.seen[-1].place
