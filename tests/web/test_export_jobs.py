"""Exports as jobs: parts as files, fetched again and in ranges, by their owner alone."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from models.db import driver, transaction
from models.exports import files
from models.settings import settings
from tests.web.conftest import Caller, code_of, upserts
from tests.web.test_exports import BULK_GET, EXPORT, put, rows_of
from worker.housekeeping import keep_house

Work = Callable[[], None]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("WAYBILL_EXPORTS", str(tmp_path / "exports"))
    settings.cache_clear()
    yield tmp_path / "exports"
    monkeypatch.undo()
    settings.cache_clear()


def fill(caller: Caller, work_all: Work, number: int, **more: Any) -> None:
    caller.send(upserts(number, **more))
    work_all()


def start(caller: Caller, address: str, **headers: str) -> str:
    response = caller.get(address, prefer="respond-async", **headers)
    assert response.status_code == 202, response.text
    assert response.headers["Preference-Applied"] == "respond-async"
    token: str = response.json["result"]["job.token"]
    assert response.headers["Location"] == f"/api/jobs/{token}"
    return token


@dataclass
class Fetched:
    """An answer that was read to its end and closed, as servers do."""

    status: int
    headers: Any
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def fetch(caller: Caller, address: str, **headers: str) -> Fetched:
    with caller.get(address, **headers) as response:
        return Fetched(response.status_code, response.headers, response.data)


def listed(caller: Caller, token: str) -> Any:
    response = caller.get(f"/api/jobs/{token}/files")
    assert response.status_code == 200, response.text
    return response.json


def test_parts_are_files_that_together_are_the_whole(ann: Caller, work_all: Work) -> None:
    fill(ann, work_all, 250)
    direct = ann.get(BULK_GET + "?level=editable").json["records"]
    token = start(ann, BULK_GET + "?level=editable&rows_per_file=100")
    before = listed(ann, token)
    assert (before["files"], before["parts"], before["complete"]) == ([], 3, False)
    work_all()
    job, found = ann.job(token), listed(ann, token)
    assert (job["status"], job["outcome"], job["total"], job["succeeded"]) == ("done", "succeeded", 3, 3)
    assert (job["info"]["records"], job["info"]["files"]) == (250, f"/api/jobs/{token}/files")
    assert (found["complete"], [file["rows"] for file in found["files"]]) == (True, [100, 100, 50])
    together = []
    for file in found["files"]:
        body = fetch(ann, file["url"])
        assert (len(body.data), hashlib.sha256(body.data).hexdigest()) == (file["bytes"], file["sha256"])
        assert body.headers["Content-Type"] == file["media_type"] == "application/json"
        assert file["name"] in body.headers["Content-Disposition"]
        together += body.json["records"]
    assert together == direct
    results = ann.get(f"/api/jobs/{token}/results").json["results"]
    assert [row["result"]["rows"] for row in results] == [100, 100, 50]


def test_a_file_is_fetched_again_and_resumed(ann: Caller, work_all: Work) -> None:
    fill(ann, work_all, 20)
    token = start(ann, BULK_GET + "?level=editable&output=ndjson")
    work_all()
    address = f"/api/jobs/{token}/files/0"
    whole = fetch(ann, address)
    etag = whole.headers["ETag"]
    assert not etag.startswith("W/") and whole.headers["Accept-Ranges"] == "bytes"
    assert fetch(ann, address).data == whole.data
    part = fetch(ann, address, range="bytes=100-199")
    assert (part.status, part.data) == (206, whole.data[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole.data)}"
    assert fetch(ann, address, range="bytes=-50").data == whole.data[-50:]
    assert fetch(ann, address, range="bytes=100-", if_range=etag).data == whole.data[100:]
    changed = fetch(ann, address, range="bytes=100-", if_range='"another"')
    assert (changed.status, changed.data) == (200, whole.data)
    assert fetch(ann, address, range=f"bytes={len(whole.data)}-").status == 416
    assert fetch(ann, address, if_none_match=etag).status == 304
    with ann.open(address, method="HEAD") as head:
        assert (head.status_code, head.data, int(head.headers["Content-Length"])) == (200, b"", len(whole.data))


def test_files_are_their_owner_s_alone(ann: Caller, cat: Caller, work_all: Work) -> None:
    fill(ann, work_all, 1)
    token = start(ann, BULK_GET + "?level=editable")
    work_all()
    unknown = "00000000-0000-4000-8000-000000000000"
    for path in ("files", "files/0"):
        assert code_of_api(cat.get(f"/api/jobs/{token}/{path}")) == (404, "not_found")
        assert code_of_api(cat.get(f"/api/jobs/{unknown}/{path}")) == (404, "not_found")
    assert code_of_api(ann.get(f"/api/jobs/{token}/files/1")) == (404, "not_found")


def code_of_api(response: Any) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    return response.status_code, response.json["code"]


def test_purged_files_are_gone_from_disk_too(ann: Caller, work_all: Work, folder: Path) -> None:
    fill(ann, work_all, 1)
    kept, purged = start(ann, BULK_GET + "?level=editable"), start(ann, BULK_GET)
    work_all()
    assert ann.open(f"/api/jobs/{purged}", method="DELETE").status_code == 204
    assert code_of_api(ann.get(f"/api/jobs/{purged}/files/0")) == (410, "gone")
    (folder / "somebody else's").mkdir()
    keep_house()
    assert {path.name for path in folder.iterdir()} == {kept, "somebody else's"}
    with transaction() as session:
        rows = driver(session).execute("SELECT token::text FROM export_files JOIN jobs ON id = job_id").fetchall()
        assert rows == [(kept,)]
        driver(session).execute("DELETE FROM jobs WHERE token = %s", (kept,))
    keep_house()
    assert {path.name for path in folder.iterdir()} == {"somebody else's"}


def test_members_are_those_of_the_submission(ann: Caller, work_all: Work) -> None:
    put(ann, "A")
    token = start(ann, BULK_GET)
    put(ann, "B")
    work_all()
    assert [record["id"] for record in fetch(ann, f"/api/jobs/{token}/files/0").json["records"]] == ["north/one/A"]


def test_an_export_of_nothing_is_a_file_without_rows(ann: Caller, work_all: Work) -> None:
    for query, body in (("", b'{"records":[\n\n],"count":0,"complete":true}\n'), ("?output=ndjson", b"")):
        token = start(ann, BULK_GET + query)
        work_all()
        assert listed(ann, token)["complete"] is True
        assert fetch(ann, f"/api/jobs/{token}/files/0").data == body


def test_the_same_key_is_the_same_job(ann: Caller) -> None:
    first = ann.get(EXPORT + "?since=7d", prefer="respond-async", idempotency_key='"k"')
    again = ann.get(EXPORT + "?since=7d", prefer="respond-async", idempotency_key='"k"')
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    other = ann.get(EXPORT + "?since=8d", prefer="respond-async", idempotency_key='"k"')
    assert other.status_code == 422


def test_groups_of_a_job_come_in_zips(ann: Caller, work_all: Work) -> None:
    for at in range(4):
        put(ann, f"R{at}", gene_symbol=("CBS", "PAH")[at % 2])
    token = start(ann, BULK_GET + "?group_by=gene_symbol&output=csv")
    work_all()
    file = listed(ann, token)["files"][0]
    assert (file["media_type"], file["name"][-4:]) == ("application/zip", ".zip")
    with zipfile.ZipFile(io.BytesIO(fetch(ann, file["url"]).data)) as archive:
        names = {name: [row["lab_record_id"] for row in rows_of(archive.read(name).decode())] for name in archive.namelist()}
    assert names == {"CBS.csv": ["R0", "R2"], "PAH.csv": ["R1", "R3"]}


def test_all_parts_of_a_table_have_the_columns_that_any_row_uses(ann: Caller, work_all: Work) -> None:
    fill(ann, work_all, 150)
    put(ann, "last", age={"value": "5", "note": "n"})
    whole = ann.get(BULK_GET + "?level=editable&output=csv").data
    token = start(ann, BULK_GET + "?level=editable&output=csv&rows_per_file=100")
    work_all()
    parts = [fetch(ann, file["url"]).data for file in listed(ann, token)["files"]]
    headers = {part.partition(b"\r\n")[0] for part in parts}
    assert len(parts) == 2 and len(headers) == 1
    assert parts[0] + parts[1].partition(b"\r\n")[2] == whole


def test_redcap_is_one_file(ann: Caller, work_all: Work) -> None:
    fill(ann, work_all, 120)
    put(ann, "A", redcap_record_id="7")
    put(ann, "B", redcap_record_id="7")
    token = start(ann, BULK_GET + "?output=redcap&rows_per_file=100&level=editable")
    work_all()
    (file,) = listed(ann, token)["files"]
    (row,) = rows_of(fetch(ann, file["url"]).data.decode())
    assert (row["vc_record_id"], row["vc_count"]) == ("7", "2")


def test_tombstones_come_in_files_of_their_own(ann: Caller, work_all: Work) -> None:
    put(ann, "A")
    put(ann, "B")
    ann.post("/classification/api/classifications/v2/record/north/one/B", {"delete": True})
    token = start(ann, EXPORT + "?since=1d")
    work_all()
    bodies = [fetch(ann, file["url"]).json["records"] for file in listed(ann, token)["files"]]
    assert [[(record["id"], record.get("delete")) for record in body] for body in bodies] == [
        [("north/one/A", None)], [("north/one/B", True)],
    ]  # fmt: skip


def test_rights_are_looked_at_again_when_a_part_is_written(ann: Caller, cat: Caller, work_all: Work) -> None:
    put(cat, "A", lab="south/one")
    put(cat, "B", None, lab="south/one")
    token = start(cat, BULK_GET + "?level=editable")
    with transaction() as session:
        driver(session).execute("DELETE FROM lab_members m USING users u WHERE u.id = m.user_id AND u.username = 'cat'")
    work_all()
    assert fetch(cat, f"/api/jobs/{token}/files/0").json["records"] == []


def test_a_part_that_cannot_be_written_fails_alone_and_is_retried(
    ann: Caller, work_all: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ann, work_all, 250)
    token = start(ann, BULK_GET + "?level=editable&rows_per_file=100")
    with monkeypatch.context() as patched:
        patched.setattr("models.operations.export_classifications.write_file", full_at(1))
        work_all()
    job, found = ann.job(token), listed(ann, token)
    assert (job["status"], job["outcome"], job["succeeded"], job["failed"]) == ("done", "partial", 2, 1)
    assert (found["complete"], [file["no"] for file in found["files"]]) == (False, [0, 2])
    failed = [row["error"] for row in ann.get(f"/api/jobs/{token}/results").json["results"] if row["error"]]
    assert [error["code"] for error in failed] == ["not_written"]
    child = ann.post(f"/api/jobs/{token}/retry").json["result"]["job.token"]
    work_all()
    (file,) = listed(ann, child)["files"]
    numbers = [record["meta"]["lab_record_id"] for record in fetch(ann, file["url"]).json["records"]]
    assert (file["no"], len(numbers)) == (1, 100)


def full_at(no: int) -> Any:
    def write(place: files.Place, pieces: Any) -> Any:
        if place.no == no:
            raise OSError(28, "No space left on device")
        return files.write_file(place, pieces)

    return write


def test_a_part_written_after_a_crash_is_the_same_and_harms_nothing(ann: Caller, work_all: Work, folder: Path) -> None:
    fill(ann, work_all, 3)
    token = start(ann, BULK_GET + "?level=editable")
    work_all()
    first = fetch(ann, f"/api/jobs/{token}/files/0").data
    with transaction() as session:  # as if the worker had died after the file was there and before the commit
        driver(session).execute("DELETE FROM export_files")
        for table in ("outcomes", "entries"):
            driver(session).execute(f"DELETE FROM {table} WHERE job_id = (SELECT id FROM jobs WHERE token = %s)", (token,))
        driver(session).execute(
            "UPDATE chunks SET status = 'open', next_item = 0 WHERE job_id = (SELECT id FROM jobs WHERE token = %s)", (token,)
        )
        driver(session).execute(
            "UPDATE jobs SET status = 'processing', succeeded = 0, chunks_done = 0, outcome = NULL, finished_on = NULL "
            "WHERE token = %s", (token,),
        )  # fmt: skip
    work_all()
    assert fetch(ann, f"/api/jobs/{token}/files/0").data == first
    assert sorted(path.name for path in (folder / token).iterdir()) == ["00000.1", "00000.2"]
    assert json.loads(first)["count"] == 3


def test_a_cancelled_export_keeps_what_is_finished(ann: Caller, work_all: Work) -> None:
    fill(ann, work_all, 250)
    token = start(ann, BULK_GET + "?level=editable&rows_per_file=100")
    assert ann.post(f"/api/jobs/{token}/cancel").status_code == 200
    found = listed(ann, token)
    assert (found["files"], found["complete"]) == ([], False)


def test_code_of_is_for_the_record_face(ann: Caller) -> None:
    assert code_of(ann.get(BULK_GET + "?limit=x", prefer="respond-async"))[0] == 400
