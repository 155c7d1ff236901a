"""Uploads that can be resumed: what the draft says of requests, offsets and ends, and what must not be possible."""

from __future__ import annotations

import gzip
import hashlib
import io
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from werkzeug.test import TestResponse

from models.db import alone, driver, transaction
from models.settings import settings
from models.uploads import files
from tests.web.conftest import BULK, RECORD, Caller, code_of, count, upserts
from web.uploads import UPLOADERS
from worker.housekeeping import keep_house

LINES = "application/x-ndjson"
PARTIAL = "application/partial-upload"
BODY = b"\n".join(msgspec.json.encode(operation) for operation in upserts(5))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the files of one test apart from another's."""
    monkeypatch.setenv("WAYBILL_UPLOADS", str(tmp_path / "uploads"))
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch, own_folder: None) -> Callable[[str, str], None]:
    """Set a setting for one test."""

    def set_to(name: str, value: str) -> None:
        monkeypatch.setenv(f"WAYBILL_{name}", value)
        settings.cache_clear()

    return set_to


def begin(caller: Caller, body: bytes = b"", *, path: str = RECORD, ends: bool = False, **headers: str) -> TestResponse:
    more = {"Upload-Complete": "?1" if ends else "?0", "Content-Type": LINES, "Prefer": "respond-async"}
    return caller.open(path, method="POST", data=body, headers=more | _named(headers))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").title(): value for name, value in headers.items()}


def append(caller: Caller, place: str, offset: int | str, body: bytes, *, ends: bool = False, **headers: str) -> TestResponse:
    more = {"Upload-Complete": "?1" if ends else "?0", "Upload-Offset": str(offset), "Content-Type": PARTIAL}
    return caller.open(place, method="PATCH", data=body, headers=more | {"Prefer": "respond-async"} | _named(headers))


def look(caller: Caller, place: str) -> TestResponse:
    return caller.open(place, method="HEAD")


def place_of(response: TestResponse) -> str:
    assert response.status_code == 201, response.text
    return str(response.headers["Location"])


def token_of(response: TestResponse) -> str:
    assert response.status_code == 202, response.text
    assert response.headers["Upload-Complete"] == "?1"
    return str(response.json["result"]["job.token"])


def test_what_came_in_parts_is_one_job(ann: Caller, work_all: Callable[[], None]) -> None:
    begun = begin(ann, BODY[:40], upload_length=str(len(BODY)))
    place = place_of(begun)
    assert begun.headers["Upload-Offset"] == "40"
    assert "max-size=" in begun.headers["Upload-Limit"]
    middle = append(ann, place, 40, BODY[40:90])
    assert (middle.status_code, middle.headers["Upload-Complete"], middle.headers["Upload-Offset"]) == (204, "?0", "90")
    seen = look(ann, place)
    assert (seen.status_code, seen.data) == (200, b"")
    assert [seen.headers[name] for name in ("Upload-Offset", "Upload-Complete", "Upload-Length", "Cache-Control")] == [
        "90", "?0", str(len(BODY)), "no-store",
    ]  # fmt: skip
    token = token_of(append(ann, place, 90, BODY[90:], ends=True))
    work_all()
    job = ann.job(token)
    assert (job["status"], job["total"], job["succeeded"]) == ("done", 5, 5)
    results = ann.get(f"/api/jobs/{token}/results").json["results"]
    assert [row["line"] for row in results] == [1, 2, 3, 4, 5]
    assert not files.folder(place.rpartition("/")[2]).exists()


def test_a_request_that_brings_all_is_answered_at_once(ann: Caller) -> None:
    response = begin(ann, gzip.compress(BODY), ends=True, content_encoding="gzip")
    assert ann.job(token_of(response))["total"] == 5


def test_completing_twice_gives_the_same_job(ann: Caller) -> None:
    place = place_of(begin(ann, BODY))
    tokens = {token_of(append(ann, place, len(BODY), b"", ends=True)) for _ in range(3)}
    assert len(tokens) == 1
    assert count("jobs") == 1
    told = ann.get(place).json
    assert (told["status"], told["job.token"]) == ("stored", tokens.pop())
    assert look(ann, place).headers["Upload-Complete"] == "?1"
    assert look(ann, place).headers["Location"].endswith(told["job.token"])


def test_a_completion_that_was_cut_off_before_it_was_noted_gives_the_same_job(ann: Caller) -> None:
    place = place_of(begin(ann, BODY))
    token = token_of(append(ann, place, len(BODY), b"", ends=True))
    upload = place.rpartition("/")[2]
    with transaction() as session:  # as if the web had died after the job's transaction; the files are there again
        driver(session).execute("UPDATE uploads SET job_token = NULL")
        parts = files.list_parts(session, upload)
    files.folder(upload).mkdir()
    for start, fence, size in parts:
        files.path_of(upload, start, fence).write_bytes(BODY[start : start + size])
    assert token_of(append(ann, place, len(BODY), b"", ends=True)) == token
    assert count("jobs") == 1


def test_a_wrong_offset_is_answered_with_the_right_one(ann: Caller) -> None:
    place = place_of(begin(ann, BODY[:40]))
    for offset in (0, 39, 41):
        refused = append(ann, place, offset, BODY[40:])
        assert (refused.status_code, refused.headers["Upload-Offset"]) == (409, "40")
        assert refused.json["type"] == "https://iana.org/assignments/http-problem-types#mismatching-upload-offset"
        assert (refused.json["expected-offset"], refused.json["provided-offset"]) == (40, offset)
    assert look(ann, place).headers["Upload-Offset"] == "40"


@pytest.mark.parametrize(("headers", "status"), [
    ({"upload_offset": "four"}, 400), ({"upload_offset": "-1"}, 400), ({"upload_complete": "yes"}, 400),
    ({"content_type": "application/json"}, 415),
])  # fmt: skip
def test_an_append_says_where_and_whether_it_ends(ann: Caller, headers: dict[str, str], status: int) -> None:
    place = place_of(begin(ann))
    assert append(ann, place, 0, b"{}", **headers).status_code == status
    assert look(ann, place).headers["Upload-Offset"] == "0"


def test_uploads_are_their_users_alone(ann: Caller, cat: Caller) -> None:
    place = place_of(begin(ann, BODY[:40]))
    asked = [look(cat, place), cat.get(place), append(cat, place, 40, BODY[40:], ends=True), cat.open(place, method="DELETE")]
    unknown = [cat.get("/api/uploads/6f7f2f1e-0d0e-4d73-8a0e-6a3b6e6e6c11"), cat.get("/api/uploads/x")]
    assert {response.status_code for response in asked + unknown} == {404}
    assert cat.get("/api/uploads").json == {"uploads": []}
    assert [upload["received"] for upload in ann.get("/api/uploads").json["uploads"]] == [40]


def test_a_cancelled_upload_is_gone_with_its_bytes(ann: Caller) -> None:
    place = place_of(begin(ann, BODY[:40]))
    assert files.folder(place.rpartition("/")[2]).is_dir()
    assert ann.open(place, method="DELETE").status_code == 204
    assert look(ann, place).status_code == 404
    assert not files.folder(place.rpartition("/")[2]).exists()


def test_lengths_must_agree(ann: Caller) -> None:
    place = place_of(begin(ann, BODY[:40], upload_length="100"))
    for response in (
        append(ann, place, 40, b"x" * 10, ends=True),
        append(ann, place, 40, b"x" * 61),
        append(ann, place, 40, b"", upload_length="99"),
        append(ann, place, 40, b"x" * 60, ends=True, upload_length="99"),
        begin(ann, b"xx", ends=True, upload_length="3"),
    ):
        assert response.status_code == 400
        assert response.json["type"] == "https://iana.org/assignments/http-problem-types#inconsistent-upload-length"
    assert look(ann, place).headers["Upload-Offset"] == "40"


def test_nothing_is_appended_to_a_complete_upload(ann: Caller) -> None:
    place = place_of(begin(ann, BODY))
    token_of(append(ann, place, len(BODY), b"", ends=True))
    refused = append(ann, place, len(BODY), b"\n{}", ends=True)
    assert (refused.status_code, refused.json["code"]) == (400, "inconsistent_upload_length")


def test_a_body_of_unknown_length_that_goes_on_too_long_ends_its_upload(ann: Caller) -> None:
    place = place_of(begin(ann, upload_length="100"))
    chunked = {"Transfer-Encoding": "chunked"}
    response = ann.open(
        place, method="PATCH", input_stream=io.BytesIO(b"x" * 101), environ_overrides={"wsgi.input_terminated": True},
        headers={"Upload-Complete": "?0", "Upload-Offset": "0", "Content-Type": PARTIAL} | chunked,
    )  # fmt: skip
    assert response.status_code == 400
    assert look(ann, place).status_code == 404


def test_more_bytes_than_the_limit_are_refused_and_the_limit_is_told(ann: Caller, limit: Callable[[str, str], None]) -> None:
    limit("MAX_UPLOAD_BYTES", "100")
    place = place_of(begin(ann, b"x" * 60))
    for response in (append(ann, place, 60, b"x" * 41), begin(ann, upload_length="101"), begin(ann, b"x" * 101)):
        assert (response.status_code, response.json["code"], response.json["limit"]) == (413, "body_too_large", 100)
        assert response.headers["Upload-Limit"].startswith("max-size=100")


def test_what_unpacks_to_more_than_the_limit_is_refused(ann: Caller, limit: Callable[[str, str], None]) -> None:
    limit("MAX_UPLOAD_UNPACKED_BYTES", "1000")
    refused = begin(ann, gzip.compress(b" " * 1001), ends=True, content_encoding="gzip")
    assert (refused.status_code, refused.headers["Upload-Complete"]) == (413, "?1")


def test_an_upload_has_limits_of_its_own(ann: Caller, limit: Callable[[str, str], None]) -> None:
    limit("MAX_OPERATIONS", "2")
    limit("MAX_UPLOAD_OPERATIONS", "5")
    assert ann.open(RECORD, method="POST", data=BODY, headers={"Content-Type": LINES}).status_code == 413
    assert ann.job(token_of(begin(ann, BODY, ends=True)))["total"] == 5
    refused = begin(ann, BODY + b'\n{"id": "north/one/more", "upsert": {}}', ends=True)
    assert (refused.status_code, refused.json["code"], refused.json["limit"]) == (413, "too_many_items", 5)
    grouped = b"\n".join(msgspec.json.encode(operation | {"group": "g"}) for operation in upserts(3))
    assert begin(ann, grouped, ends=True).json["code"] == "group_too_large"
    shown = ann.get("/api/limits").json
    assert (shown["upload_operations"], shown["operations"]) == (5, 2)


def test_what_cannot_be_read_is_refused_again_and_again(ann: Caller) -> None:
    place = place_of(begin(ann, BODY + b"\n{"))
    refusals = [append(ann, place, len(BODY) + 2, b"", ends=True) for _ in range(2)]
    assert {(refused.status_code, refused.json["code"], refused.headers["Upload-Complete"]) for refused in refusals} == {
        (400, "invalid_json", "?1")
    }
    assert refusals[0].json["errors"] == refusals[1].json["errors"]
    assert ann.get(place).json["status"] == "refused"
    assert count("jobs") == 0


def test_a_digest_that_differs_is_refused(ann: Caller) -> None:
    right = b64encode(hashlib.sha256(BODY).digest()).decode()
    wrong = b64encode(hashlib.sha256(b"else").digest()).decode()
    token_of(begin(ann, BODY, ends=True, repr_digest=f"md5=:AAAA:, sha-256=:{right}:"))
    refused = begin(ann, BODY, ends=True, repr_digest=f"sha-256=:{wrong}:")
    assert (refused.status_code, refused.json["code"]) == (400, "digest_mismatch")


def test_types_that_nobody_reads_are_refused_before_the_bytes_come(ann: Caller) -> None:
    assert begin(ann, content_type="text/csv").status_code == 415
    assert begin(ann, content_encoding="br").status_code == 415
    assert count("uploads") == 0


def test_the_same_key_finds_the_same_upload(ann: Caller) -> None:
    place = place_of(begin(ann, BODY[:40], idempotency_key="k"))
    again = begin(ann, idempotency_key="k")
    assert (place_of(again), again.headers["Upload-Offset"]) == (place, "40")
    assert begin(ann, BODY[:40], idempotency_key="k").status_code == 409
    token = token_of(append(ann, place, 40, BODY[40:], ends=True))
    again = begin(ann, idempotency_key="k")
    assert (again.status_code, again.headers["Upload-Complete"]) == (201, "?1")
    assert token_of(append(ann, place, len(BODY), b"", ends=True)) == token
    other = begin(ann, idempotency_key="k", content_encoding="gzip")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_a_key_of_an_upload_and_of_a_plain_post_is_one_key(ann: Caller) -> None:
    plain = ann.open(
        RECORD, method="POST", data=BODY,
        headers={"Content-Type": LINES, "Prefer": "respond-async", "Idempotency-Key": "k"},
    )  # fmt: skip
    assert token_of(begin(ann, BODY, ends=True, idempotency_key="k")) == plain.json["result"]["job.token"]


def test_a_single_operation_is_carried_out_once(ann: Caller) -> None:
    body = msgspec.json.encode(upserts(1)[0])
    place = place_of(begin(ann, body, content_type="application/json"))
    answers = [append(ann, place, len(body), b"", ends=True) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json == answers[1].json
    assert answers[1].headers["Idempotency-Replayed"] == "true"


def test_a_file_can_be_tried(ann: Caller, work_all: Callable[[], None]) -> None:
    token = token_of(begin(ann, BODY, path=f"{BULK}validate", ends=True))
    work_all()
    assert ann.job(token)["test"] is False or ann.job(token)["job"] == "validate_classifications"
    assert count("records") == 0


def test_an_empty_upload_is_an_empty_body(ann: Caller) -> None:
    refused = begin(ann, b"", ends=True)
    assert (refused.status_code, refused.json["code"]) == (400, "invalid_json")
    nothing = begin(ann, b"[]", ends=True, content_type="application/json")
    assert (nothing.status_code, nothing.json) == (200, {"results": []})


def test_an_upload_whose_time_is_over_is_gone_and_then_forgotten(ann: Caller) -> None:
    place = place_of(begin(ann, BODY[:40]))
    done = place_of(begin(ann, BODY))
    _age(settings().upload_hours + 1)
    assert [look(ann, place).status_code, append(ann, place, 40, BODY[40:]).status_code] == [410, 410]
    keep_house()
    assert {place.name for place in settings().uploads.iterdir()} == set()
    assert look(ann, done).status_code == 410
    _age(settings().upload_hours + 1)
    keep_house()
    assert look(ann, place).status_code == 404


def test_the_key_of_an_upload_whose_time_is_over_begins_another_one(ann: Caller) -> None:
    place = place_of(begin(ann, BODY[:40], idempotency_key="k"))
    _age(settings().upload_hours)
    again = begin(ann, idempotency_key="k")
    assert place_of(again) != place
    assert again.headers["Upload-Offset"] == "0"


def _age(hours: int) -> None:
    with transaction() as session:
        driver(session).execute("UPDATE uploads SET touched_on = touched_on - make_interval(hours => %s)", (hours,))


def test_files_of_uploads_that_go_on_stay(ann: Caller) -> None:
    place = place_of(begin(ann, BODY[:40]))
    other = settings().uploads / "what somebody else keeps here"
    other.mkdir()
    keep_house()
    other.rmdir()
    token_of(append(ann, place, 40, BODY[40:], ends=True))


def test_open_uploads_are_counted(ann: Caller, cat: Caller, limit: Callable[[str, str], None]) -> None:
    limit("MAX_OPEN_UPLOADS", "2")
    places = [place_of(begin(ann, BODY)) for _ in range(2)]
    refused = begin(ann)
    assert (refused.status_code, refused.json["violated-policies"]) == (429, ["uploads"])
    place_of(begin(cat))
    token_of(append(ann, places[0], len(BODY), b"", ends=True))
    place_of(begin(ann))


def test_who_asks_for_the_offset_ends_the_request_that_still_appends(ann: Caller) -> None:
    place = place_of(begin(ann))
    slow, other = _Slow(), Caller(ann.client.application.test_client(), "ann")
    answers: list[TestResponse] = []
    headers = {"Upload-Complete": "?0", "Upload-Offset": "0", "Content-Type": PARTIAL, "Transfer-Encoding": "chunked"}
    sent = {"method": "PATCH", "headers": headers, "environ_overrides": {"wsgi.input_terminated": True}}
    thread = threading.Thread(target=lambda: answers.append(other.open(place, input_stream=slow, **sent)))
    thread.start()
    slow.reading.wait(10)
    assert look(ann, place).headers["Upload-Offset"] == "0"
    assert append(ann, place, 0, b"newer").status_code == 204
    slow.go_on.set()
    thread.join()
    assert (answers[0].status_code, answers[0].headers["Upload-Offset"]) == (409, "5")
    with transaction() as session:
        stream = files.Bytes(_id(place), files.list_parts(session, _id(place)))
    with stream:
        assert stream.read() == b"newer"


def _id(place: str) -> Any:
    return place.rpartition("/")[2]


class _Slow(io.RawIOBase):
    """A body whose bytes come when they are let."""

    def __init__(self) -> None:
        self.reading, self.go_on = threading.Event(), threading.Event()
        self._left = [b"olderold"]

    def readable(self) -> bool:
        return True

    def seek(self, *_: int) -> int:
        return 0

    def tell(self) -> int:
        return 0

    def readinto(self, buffer: Any) -> int:
        self.reading.set()
        assert self.go_on.wait(10)
        piece = self._left.pop() if self._left else b""
        buffer[: len(piece)] = piece
        return len(piece)


def test_an_upload_that_is_just_being_stored_is_said_to_be(ann: Caller) -> None:
    place = place_of(begin(ann, BODY))
    with alone(f"upload {_id(place)}") as mine:
        assert mine
        refused = append(ann, place, len(BODY), b"", ends=True)
    assert (refused.status_code, refused.json["code"], refused.headers["Retry-After"]) == (409, "upload_in_flight", "2")
    token_of(append(ann, place, len(BODY), b"", ends=True))


def test_more_at_a_time_than_there_are_places_for_are_asked_to_come_again(ann: Caller) -> None:
    place, places = place_of(begin(ann)), ann.client.application.extensions[UPLOADERS]
    taken = 0
    while places.take():
        taken += 1
    refused = append(ann, place, 0, BODY)
    for _ in range(taken):
        places.leave()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert append(ann, place, 0, BODY).status_code == 204


def test_options_tell_that_uploads_can_be_resumed(ann: Caller) -> None:
    for path in (RECORD, f"{BULK}validate"):
        told = ann.open(path, method="OPTIONS")
        assert told.headers["Accept-Patch"] == PARTIAL
        assert told.headers["Upload-Limit"].startswith("max-size=")


@pytest.mark.parametrize("sent", ["true", "?2", "", "0"])
@pytest.mark.parametrize("path", [RECORD, f"{BULK}validate"])
def test_what_may_be_a_part_is_not_taken_for_the_whole(ann: Caller, path: str, sent: str) -> None:
    headers = {"Content-Type": LINES, "Upload-Complete": sent, "Prefer": "respond-async"}
    assert code_of(ann.open(path, method="POST", data=BODY, headers=headers)) == (400, "invalid_request")
    assert (count("uploads"), count("jobs")) == (0, 0)
