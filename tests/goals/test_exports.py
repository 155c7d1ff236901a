"""Exports, on the running product: formats that agree, changes with tombstones, failures that show, answers of a moment."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.goals.conftest import RECORD, World, query, upsert

EXPORT = "/classification/api/classifications/export"
FIXED = ("url", "id", "lab", "lab_record_id", "server_created_date (UTC)", "share_level", "version", "liftover_error")
CALCULATED = ("criteria", "evidence_weights", "citations", "discordance_status", "resolved_condition", "internal_allele_id")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, parts: Any) -> Path:
    """Where this installation keeps its export files."""
    with (Path("/proc") / str(parts.pid("worker")) / "environ").open("rb") as environ:
        home = next(line for line in environ.read().split(b"\0") if line.startswith(b"WAYBILL_HOME="))
    return Path(home.decode().partition("=")[2]) / "exports"


def ask(world: World, who: str, **asked: str) -> requests.Response:
    answer = getattr(world, who).call("GET", EXPORT, params=asked)
    assert answer.status_code == 200, answer.text
    return answer


def texts(record: dict[str, Any]) -> dict[str, str]:
    """Return a record of JSON as the columns of a table."""
    found: dict[str, str] = {}
    for key, cell in record["data"].items():
        value = cell.get("value")
        text = ", ".join(value) if isinstance(value, list) else str(value).upper() if isinstance(value, bool) else str(value)
        found |= {key: text} if value is not None else {}
        found |= {f"{key}.{part}": cell[part] for part in ("note", "explain") if cell.get(part)}
    return found


def columns(row: dict[str, str]) -> dict[str, str]:
    """Return a row of CSV without what is made for tables alone."""
    made = (
        *FIXED,
        *CALCULATED,
        "target_genome_build",
        "target_c_hgvs",
        "target_variant_coordinate",
        "resolved_clingen_allele_id",
    )
    return {name: text for name, text in row.items() if text and name not in made}


def test_p39_json_ndjson_and_csv_hold_the_same_records(world: World) -> None:
    odd = 'quotes " commas, lines\nand ünïcödé 🧬'
    operations = [
        upsert(f"p39-{at}", publish="public", condition={"value": f"{odd} {at}", "note": "=1+1"}, age=str(at),
               mode_of_inheritance=["autosomal_dominant", "x_linked"], gnomad_af=at / 7, bp4=True)
        for at in range(60)
    ]  # fmt: skip
    world.ann.run(operations)
    asked = {"include_labs": "north/one", "key_names": "full", "formulas": "raw"}
    for who in ("ann", "cat"):
        as_json = ask(world, who, **asked).json()["records"]
        as_lines = [json.loads(line) for line in ask(world, who, **asked, type="ndjson").text.splitlines()]
        table = csv.DictReader(io.StringIO(ask(world, who, **asked, type="csv").content.decode(), newline=""))
        as_rows = {row["lab_record_id"]: columns(row) for row in table}
        assert len(as_json) >= 60 and as_lines == as_json
        assert as_rows == {record["meta"]["lab_record_id"]: texts(record) for record in as_json}


def test_p40_changes_since_a_moment_are_edits_and_tombstones_and_nothing_is_both(world: World) -> None:
    names = ("edited", "withdrawn", "deleted", "untouched", "revived", "anew")
    levels = dict.fromkeys(names, "public") | {"deleted": "lab", "anew": "lab"}
    world.ann.run([upsert(f"p40-{name}", publish=levels[name]) for name in names])
    world.ann.post({"id": "north/one/p40-revived", "delete": True})
    time.sleep(0.01)
    moment = time.time()
    world.ann.post({"id": "north/one/p40-edited", "patch": {"condition": "OMIM:111111"}, "publish": "public"})
    for name in ("withdrawn", "deleted", "anew"):
        world.ann.post({"id": f"north/one/p40-{name}", "delete": True})
    world.ann.post(upsert("p40-anew", publish="public"))
    world.ann.post({"id": "north/one/p40-revived", "patch": {"condition": "OMIM:222222"}, "publish": "public"})

    for who, gone in (("ann", {"withdrawn", "deleted"}), ("cat", {"withdrawn"})):
        found = ask(world, who, since=f"{moment:.6f}", share_level="any", include_labs="north/one").json()["records"]
        edits = {record["id"].rpartition("-")[2] for record in found if not record.get("delete")}
        tombstones = {record["id"].rpartition("-")[2] for record in found if record.get("delete")}
        assert (edits, tombstones) == ({"edited", "revived", "anew"}, gone)
        assert len(found) == len({record["id"] for record in found})


def test_p41_what_an_export_that_failed_had_finished_can_be_fetched_and_is_marked(world: World, folder: Path) -> None:
    world.ben.run([upsert(f"p41-{at:03}", lab="north/two") for at in range(450)])
    world.parts.restart("worker", signal.SIGTERM)
    world.parts.kill("worker", signal.SIGSTOP)
    asked = {"share_level": "editable", "include_labs": "north/two", "rows_per_file": "100"}
    answer = world.ben.call("GET", EXPORT, params=asked, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    token = answer.json()["result"]["job.token"]
    for no in (3, 4):  # something is in the way of the last two of five files
        (folder / token / f"{no:05}.1").mkdir(parents=True)
    world.parts.kill("worker", signal.SIGCONT)
    job = world.ben.end(answer)
    assert (job["status"], job["outcome"], job["total"], job["succeeded"], job["failed"]) == ("done", "partial", 5, 3, 2)
    found = world.ben.call("GET", f"/api/jobs/{token}/files").json()
    assert (found["complete"], found["parts"], [file["no"] for file in found["files"]]) == (False, 5, [0, 1, 2])
    for file in found["files"]:
        body = world.ben.call("GET", file["url"])
        assert hashlib.sha256(body.content).hexdigest() == file["sha256"]
        assert len(body.json()["records"]) == body.json()["count"] == file["rows"] == 100
    assert world.ben.call("GET", f"/api/jobs/{token}/files/3").status_code == 404
    assert {row["error"]["code"] for row in world.ben.results(token, status="failed")} == {"not_written"}


def test_an_answer_that_breaks_off_is_seen_to_break_off(world: World) -> None:
    world.cat.run([upsert(f"long-{at}", lab="south/one", interpretation_summary="x" * 20_000) for at in range(1_500)])
    params = {"share_level": "editable", "include_labs": "south/one"}
    with world.cat.session.get(world.cat.url + EXPORT, params=params, stream=True, timeout=60) as answer:
        pieces = answer.iter_content(65_536)
        assert next(pieces).startswith(b'{"records":[')
        backends = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' "
        )
        until = time.monotonic() + 10
        while not query(backends + "AND query LIKE '%%jsonb_send%%' AND pid <> pg_backend_pid()"):
            assert time.monotonic() < until
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(pieces)
    assert "export_broken" in world.parts.log("web")


@pytest.mark.parametrize("asked", [
    {}, {"type": "csv"}, {"group_by": "condition"}, {"type": "ndjson", "since": "1d"}, {"share_level": "editable"},
])  # fmt: skip
def test_x15_an_export_of_a_moment_is_the_same_to_the_byte_whatever_was_written_since(
    world: World, asked: dict[str, str]
) -> None:
    tag = hashlib.sha256(repr(asked).encode()).hexdigest()[:6]
    world.both.run([upsert(f"x15-{tag}-{at}", lab="south/one", publish="public", gene_symbol="X15") for at in range(30)])
    live = {"include_labs": "south/one", **asked}
    sequential = ask(world, "both", **live).content
    moment = time.time()
    first = ask(world, "both", **live, as_of=f"{moment:.6f}").content
    assert first == sequential or asked.get("group_by")  # entries of a zip carry the moment that is shown
    changes = [
        {"id": f"south/one/x15-{tag}-{at}", "patch": {"condition": f"changed {at}"}, "publish": "lab"} for at in range(0, 30, 2)
    ]
    changes += [{"id": f"south/one/x15-{tag}-{at}", "delete": True} for at in range(0, 30, 3)]
    world.both.run([*changes, upsert(f"x15-{tag}-new", lab="south/one", publish="public")])
    assert ask(world, "both", **live).content != sequential
    assert ask(world, "both", **live, as_of=f"{moment:.6f}").content == first


def test_the_first_byte_comes_before_the_last_record_is_read(world: World) -> None:
    world.cat.run([upsert(f"first-{at}", lab="south/one", interpretation_summary="x" * 20_000) for at in range(500)])
    began = time.monotonic()
    with world.cat.session.get(world.cat.url + RECORD, params={"level": "editable"}, stream=True, timeout=60) as answer:
        pieces = answer.iter_content(65_536)
        assert next(pieces).startswith(b"{")
        first = time.monotonic() - began
        assert sum(map(len, pieces)) > 1_000_000
    assert first < (time.monotonic() - began) / 2
