"""Exports on their way to the disk: fetched from where they broke off, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.waybill.stub import Cut, Seen, Server, accepted, job, refusal
from waybill.errors import Incomplete

BODIES = [b"id,x\n" + b"".join(b"%d,%d\n" % (part, row) for row in range(2_000)) for part in range(3)]
RECORD = "/classification/api/classifications/v2/record/"


def offer(server: Server, bodies: list[bytes], **state: Any) -> None:
    """Let the server have an export job `e` with these files, which can be had by Range."""
    files = [
        {"no": no, "name": f"part-{no}.csv", "rows": 2_000, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(),
         "url": f"/api/jobs/e/files/{no}"}
        for no, body in enumerate(bodies)
    ]  # fmt: skip
    server.always |= {"/api/jobs/e": job("e", total=len(bodies), **state), "/api/jobs/e/files": (200, {}, {"files": files})}
    for no, body in enumerate(bodies):
        server.always[f"/api/jobs/e/files/{no}"] = served(body)


def served(body: bytes) -> Any:
    """Return an answer that takes Range while the file is the one that If-Range names."""

    def answer(seen: Seen) -> Any:
        found = re.fullmatch(r"bytes=(\d+)-", seen.headers.get("range", ""))
        if found and seen.headers["if-range"] == f'"{hashlib.sha256(body).hexdigest()}"':
            return 206, {}, body[int(found[1]) :]
        return 200, {}, body

    return answer


@pytest.fixture(autouse=True)
def _asked(server: Server) -> None:
    server.always[f"{RECORD}?output=csv"] = accepted("e")
    server.always[f"{RECORD}?output=json"] = accepted("e")


def test_parts_are_joined_with_one_line_of_names(server: Server, client: Any, tmp_path: Path) -> None:
    offer(server, BODIES)
    made = client.export(tmp_path / "all.csv", output="csv")
    assert (made.rows, made.complete, made.files) == (6_000, True, [tmp_path / "all.csv"])
    lines = (tmp_path / "all.csv").read_bytes().splitlines()
    assert (len(lines), lines.count(b"id,x")) == (6_001, 1)
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["all.csv"]
    asked = next(seen for seen in server.seen if "output=csv" in seen.place)
    assert (asked.headers["prefer"], bool(asked.headers["idempotency-key"])) == ("respond-async", True)


def test_what_cannot_be_joined_goes_into_a_folder(server: Server, client: Any, tmp_path: Path) -> None:
    offer(server, BODIES)
    made = client.export(tmp_path / "all", output="json")
    assert [file.read_bytes() for file in made.files] == BODIES
    assert {file.parent for file in made.files} == {tmp_path / "all"}


def test_a_download_goes_on_where_it_broke_off(server: Server, client: Any, tmp_path: Path) -> None:
    offer(server, BODIES[:1])
    (body,) = BODIES[:1]
    answers = [Cut(1_000, body=body), Cut(500, status=206, body=body[1_000:]), Cut(), served(body)]
    server.always["/api/jobs/e/files/0"] = lambda seen: found(seen) if callable(found := answers.pop(0)) else found
    client.export(tmp_path / "one.csv", output="csv")
    assert (tmp_path / "one.csv").read_bytes() == body
    ranges = [seen.headers.get("range") for seen in server.seen if seen.place.endswith("/files/0")]
    assert ranges == [None, "bytes=1000-", "bytes=1500-", "bytes=1500-"]


def test_an_export_that_was_stopped_goes_on_with_the_same_job(server: Server, client: Any, tmp_path: Path) -> None:
    offer(server, BODIES)
    server.always["/api/jobs/e/files/1"] = refusal(400, "stopped")
    with pytest.raises(Exception, match="stopped"):
        client.export(tmp_path / "all.csv", output="csv")
    assert not (tmp_path / "all.csv").exists()
    before = len(server.seen)
    server.always["/api/jobs/e/files/1"] = served(BODIES[1])
    client.export(tmp_path / "all.csv", output="csv")
    places = [seen.place for seen in server.seen[before:]]
    assert not any("output=csv" in place for place in places), "no second export is asked for"
    assert "GET /api/jobs/e/files/0" not in places, "what is there is not fetched again"
    assert len((tmp_path / "all.csv").read_bytes().splitlines()) == 6_001


def test_an_export_that_is_gone_is_begun_anew(server: Server, client: Any, tmp_path: Path) -> None:
    offer(server, BODIES)
    folder = tmp_path / "all.csv.parts"
    folder.mkdir()
    memo = {"url": server.url, "parameters": {"output": "csv"}, "key": "k", "token": "old"}
    (folder / "export.json").write_text(json.dumps(memo))
    server.always["/api/jobs/old/files"] = refusal(410, "gone")
    client.export(tmp_path / "all.csv", output="csv")
    assert any("output=csv" in seen.place for seen in server.seen)


def test_a_file_that_is_not_what_it_should_be_is_not_kept(server: Server, client: Any, tmp_path: Path) -> None:
    offer(server, BODIES[:1])
    server.always["/api/jobs/e/files/0"] = (200, {}, BODIES[0].replace(b"1,", b"2,"))
    server.always["/api/jobs/e/files/0"] = (200, {}, b"z" * len(BODIES[0]))
    with pytest.raises(Incomplete):
        client.export(tmp_path / "one.csv", output="csv")
    assert not (tmp_path / "one.csv").exists()


def test_an_export_with_a_part_missing_says_so(server: Server, client: Any, tmp_path: Path) -> None:
    offer(server, BODIES[:2], failed=1)
    server.always["/api/jobs/e"] = job("e", outcome="partial", total=3, failed=1)
    assert not client.export(tmp_path / "all.csv", output="csv").complete
