"""Both clients upload what is large, to a server that takes some of it, breaks off, forgets and is busy."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.waybill.stub import ACCEPTED, LIMITS, Cut, Seen, Server, refusal
from waybill import Client, Patience, Problem, uploads
from waybill.parts import Cut as Size

PLACE = "/api/uploads/u"
OFFERED = LIMITS | {"upload_operations": 1_000, "upload_unpacked_bytes": 10_000_000}


@dataclass
class Store:
    """An upload on the stub: takes bytes at the right offset. What is in `trouble` comes first."""

    server: Server
    taken: bytes = b""
    begun: int = 0
    key: str = ""
    trouble: list[Callable[[Seen], Any] | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        for path in ("", "?atomic=true"):
            self.server.always[f"/classification/api/classifications/v2/record/{path}"] = self.begin
        self.server.always[PLACE] = self.go_on
        self.server.always["/api/limits"] = (200, {}, OFFERED)

    def begin(self, seen: Seen) -> Any:
        assert (seen.headers["upload-complete"], seen.body) == ("?0", b"")
        self.begun += 1
        self.taken = self.taken if seen.headers["idempotency-key"] in ("", self.key) else b""
        self.key = seen.headers["idempotency-key"]
        return 201, {"Location": PLACE, "Upload-Offset": str(len(self.taken))}, b""

    def go_on(self, seen: Seen) -> Any:
        if seen.place.startswith("HEAD"):
            return 200, {"Upload-Offset": str(len(self.taken)), "Upload-Complete": "?0"}, b""
        trouble = self.trouble.pop(0) if self.trouble else None
        if trouble:
            return trouble(seen)
        if int(seen.headers["upload-offset"]) != len(self.taken):
            return refusal(409, "mismatching_upload_offset", Upload_Offset=str(len(self.taken)))
        self.taken += seen.body
        return ACCEPTED if seen.headers["upload-complete"] == "?1" else (204, {"Upload-Offset": str(len(self.taken))}, b"")

    def lost(self, part: int, answer: Any = None) -> Callable[[Seen], Any]:
        """Return what takes a part of a request, and breaks off."""

        def take(seen: Seen) -> Any:
            self.taken += seen.body[: len(seen.body) * part // 100]
            return answer or Cut()

        return take

    def forget(self, _: Seen) -> Any:
        self.taken = b""
        return refusal(410, "gone")


@pytest.fixture
def store(server: Server, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(uploads, "PIECE", 64)
    return Store(server)


def operations(number: int) -> list[dict[str, Any]]:
    return [{"id": f"a/b/{at}", "upsert": {"condition": str(at * 7919 % 1000)}} for at in range(number)]


def lines(store: Store) -> int:
    return len(gzip.decompress(store.taken).splitlines())


def test_what_fits_one_request_is_posted(server: Server, client: Any) -> None:
    server.always["/api/limits"] = (200, {}, OFFERED)
    server.answers = [ACCEPTED]
    client.submit(operations(100))
    (seen,) = server.asked()
    assert "upload-complete" not in seen.headers


def test_what_is_too_much_for_one_request_is_one_upload_and_one_job(store: Store, client: Any) -> None:
    job = client.submit(operations(101))
    assert (job.token, lines(store), store.begun) == ("t", 101, 1)
    begun, *_ = store.server.asked()
    assert begun.headers["upload-length"] == str(len(store.taken))
    assert begun.headers["content-encoding"] == "gzip"
    appended = store.server.asked("PATCH")
    assert {seen.headers["content-type"] for seen in appended} == {"application/partial-upload"}
    assert {seen.headers["prefer"] for seen in appended} == {"respond-async"}
    assert [seen.headers["upload-complete"] for seen in appended] == [*["?0"] * (len(appended) - 1), "?1"]
    assert len(appended) > 3


def test_a_small_one_is_uploaded_when_it_is_asked_for(store: Store, client: Any) -> None:
    client.submit(operations(2), resumable=True, run="r")
    assert lines(store) == 2
    assert store.server.asked()[0].headers["idempotency-key"] == '"r-000000"'


def test_the_parts_of_more_than_one_upload_are_jobs_in_order(store: Store, client: Any) -> None:
    assert client.submit(operations(320), cut=Size(200, 1_000_000)).tokens == ["t", "t"]
    assert [seen.headers["idempotency-key"][-7:] for seen in store.server.asked()] == ['000000"', '000001"']


@pytest.mark.parametrize("trouble", [
    lambda store: [store.lost(0), None, store.lost(50), store.lost(100)],
    lambda _: [lambda _: refusal(503, "unavailable", Retry_After="0")] * 2,
    lambda store: [None, store.lost(30, (502, {}, b"<html>"))],
    lambda _: [None, None, lambda _: refusal(409, "mismatching_upload_offset")],
    lambda store: [None, store.forget],
])  # fmt: skip
def test_it_goes_on_where_the_server_is(store: Store, client: Any, trouble: Any) -> None:
    store.trouble = trouble(store)
    client.submit(operations(150))
    assert lines(store) == 150


def test_a_job_that_is_just_being_made_is_waited_for(store: Store, client: Any) -> None:
    size = uploads.PIECE
    busy = refusal(409, "upload_in_flight", Retry_After="0")
    store.trouble = [lambda seen: _when_last(store, seen, busy)] * 40
    client.submit(operations(101))
    assert lines(store) == 101
    assert len(store.server.asked("PATCH")) > len(store.taken) // size + 10


def _when_last(store: Store, seen: Seen, busy: Any) -> Any:
    """Take a part as usual; be busy with the last one, having taken it."""
    if seen.headers["upload-complete"] == "?0":
        store.taken += seen.body
        return 204, {"Upload-Offset": str(len(store.taken))}, b""
    return busy


def test_an_upload_that_another_run_has_begun_goes_on(store: Store, client: Any) -> None:
    client.submit(operations(150), run="r")
    whole, store.taken = store.taken, store.taken[:100]
    client.submit(operations(150), run="r")
    assert store.taken == whole
    assert [seen.headers["upload-offset"] for seen in store.server.asked("PATCH")].count("0") == 1


def test_what_cannot_be_used_is_raised(store: Store, client: Any) -> None:
    store.trouble = [None, lambda _: refusal(400, "invalid_json")]
    with pytest.raises(Problem) as caught:
        client.submit(operations(101))
    assert caught.value.code == "invalid_json"


def test_a_server_that_forgets_every_time_is_given_up(store: Store) -> None:
    store.trouble = [store.forget] * 1_000
    with Client(store.server.url, "a key", patience=Patience(0.2, 0.05)) as client, pytest.raises(Problem) as caught:
        client.submit(operations(101))
    assert caught.value.code == "gone"


def test_a_slice_is_a_file_of_its_own() -> None:
    part = uploads.Slice(io.BytesIO(b"0123456789"), 2, 5)
    assert (len(part), part.read(2), part.read(), part.read()) == (5, b"23", b"456", b"")
    assert (part.seek(0, 2), part.seek(1), part.tell(), part.read(9)) == (5, 1, 1, b"3456")
