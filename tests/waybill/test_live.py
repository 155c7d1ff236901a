"""Client and command against the whole product, and through kills of the command itself and of the web."""

from __future__ import annotations

import asyncio
import base64
import csv
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.db import driver, transaction
from tests.factories import ORDERINGS, PROJECT, accounts, project
from tests.processes import Parts, wait_for
from tests.web.conftest import GOOD
from waybill import AsyncClient, Client, Problem, children, exits, flows, search
from waybill.wire import post

FULL = os.environ.get("WAYBILL_FAULTS") == "full"
OPERATIONS = 100_000 if FULL else 5_000
PART = OPERATIONS // 5
LARGE = 600  # operations of a file of some 30 MiB
PARTS_ENVIRONMENT = {
    "WAYBILL_MAX_OPERATIONS": str(PART), "WAYBILL_MAX_UPLOAD_OPERATIONS": str(PART), "WAYBILL_MAX_ATOMIC_OPERATIONS": "50",
}  # fmt: skip
KEY = "key-for-tests-ann"
LAB = "north/one"
DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def live(parts: Parts) -> Parts:
    """The product with its people."""
    with transaction() as session:
        accounts(session)
    return parts


@pytest.fixture
def client(live: Parts) -> Iterator[Client]:
    with Client(live.url, KEY) as made:
        yield made


@pytest.fixture
def environment(live: Parts, tmp_path: Path) -> dict[str, str]:
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return {**os.environ, "WAYBILL_URL": live.url, "WAYBILL_KEY": KEY, **state}


def start(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "waybill.cli", *words]
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, env=environment, text=True, **streams)


def run(environment: dict[str, str], *words: str, ends: int = 0, stdin: str | None = None) -> str:
    """Run the command to its end; return what it printed."""
    process = start(environment, *words)
    printed, said = process.communicate(stdin, timeout=300)
    assert process.returncode == ends, said
    assert "Traceback" not in said
    return printed


def failed(environment: dict[str, str], *words: str) -> str:
    """Run the command to its end, which is no success; return what it said."""
    process = start(environment, *words)
    _, said = process.communicate(timeout=300)
    assert process.returncode != 0
    return said


def upserts(name: str, number: int, verb: str = "upsert", **more: Any) -> Iterator[dict[str, Any]]:
    return ({"id": f"{LAB}/{name}-{n}", verb: {"gene_symbol": name.upper()} | more} for n in range(number))


def write(path: Path, name: str, number: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(operation) + "\n" for operation in upserts(name, number, "create"))
    return path


def query(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with transaction() as session:
        return driver(session).execute(sql, values).fetchall()


def assert_each_was_done_once(name: str) -> None:
    """Each record was made by one operation, and no operation was sent to be done a second time."""
    like = f"{name}-%"
    assert query("SELECT count(*) FROM records WHERE lab_record_id LIKE %s", like) == [(OPERATIONS,)]
    found = query(
        "SELECT count(*), count(DISTINCT o.record_id), count(*) FILTER (WHERE o.status = 'succeeded') FROM outcomes o "
        "JOIN records r ON r.id = o.record_id WHERE r.lab_record_id LIKE %s", like,
    )  # fmt: skip
    assert found == [(OPERATIONS, OPERATIONS, OPERATIONS)], "a second create would have failed"


def pieces(environment: dict[str, str]) -> int:
    """Return how many parts the command has noted as stored."""
    files = list(Path(environment["XDG_STATE_HOME"]).glob("waybill/runs/*.json"))
    return len(json.loads(files[0].read_text())["pieces"]) if files else 0


def wait_for_pieces(environment: dict[str, str], process: subprocess.Popen[str], number: int) -> None:
    """Wait until so many parts are noted as stored, or the command has ended."""
    wait_for(lambda: pieces(environment) >= number or process.poll() is not None, 200)


# --- the client ---


def test_a_stream_of_any_length_is_done_in_order_and_told_with_its_places(client: Client) -> None:
    def operations() -> Iterator[dict[str, Any]]:
        yield from upserts("stream", PART)
        yield {"id": f"{LAB}/stream-0", "patch": {"gene_symbol": {"note": "last"}}}
        yield {"id": "nowhere/lab/1", "upsert": {"gene_symbol": "X"}}

    job = client.submit(operations())
    assert (len(job.tokens), job.wait().total, job.state.outcome) == (2, PART + 2, "partial")
    (failed,) = job.failures()
    assert (failed.index, failed.line, failed.id) == (PART + 1, PART + 2, "nowhere/lab/1")
    assert [result.index for result in job.results()] == list(range(PART + 2))
    assert client.record(f"{LAB}/stream-0")["data"]["gene_symbol"]["note"] == "last"
    causes = job.digest().sorted_causes
    assert [(cause.code, cause.count) for cause in causes] == [("unknown_lab", 1)]
    assert causes[0].examples[0]["line"] == PART + 2


def test_selections_are_counted_read_changed_and_taken_back(client: Client) -> None:
    client.submit(upserts("verbs", 25)).wait()
    chosen = search(filter=["gene_symbol", "is", "VERBS"], exclude=[f"{LAB}/verbs-3"])
    assert client.count([chosen]) == 24
    assert [record["id"] for record in client.records([f"{LAB}/verbs-9", chosen], size=7)][:1] == [f"{LAB}/verbs-9"]
    tried = client.patch([chosen], {"condition": "MONDO:0018875"}, test=True)
    assert tried.wait().outcome == "succeeded"
    assert "condition" not in client.record(f"{LAB}/verbs-1")["data"]
    with pytest.raises(Problem) as caught:
        client.patch([chosen], {"condition": "MONDO:0018875"}, max_affected=23)
    assert (caught.value.code, bool(caught.value.token)) == ("too_many_affected", True)
    patched = client.patch([chosen], {"condition": "MONDO:0018875"}, max_affected=24)
    assert patched.wait().succeeded == 24
    undone = patched.undo()
    assert undone.wait().succeeded == 24
    assert "condition" not in client.record(f"{LAB}/verbs-1")["data"]
    assert client.delete([chosen]).wait().succeeded == 24
    assert client.count([chosen]) == 0


def test_what_failed_is_run_again_and_what_runs_is_stopped(client: Client) -> None:
    job = client.submit([*upserts("again", 3), {"id": f"{LAB}/again-later", "patch": {"gene_symbol": "X"}}])
    assert job.wait().failed == 1
    client.apply({"id": f"{LAB}/again-later", "create": {"condition": "MONDO:0018875"}})
    again = job.retry()
    assert (again.wait().total, again.state.succeeded) == (1, 1)
    running = client.submit(upserts("stopped", PART))
    assert running.cancel().raw["cancel_requested"] or running.state.final
    assert running.wait().final
    listed = [state.token for state in client.jobs(size=2)]
    assert listed[0] == running.token and again.token in listed


def test_nothing_is_changed_by_a_test(client: Client) -> None:
    job = client.submit([*upserts("tested", 30), {"id": "nowhere/lab/1", "upsert": {}}], test=True)
    assert (job.wait().total, job.state.failed) == (31, 1)
    assert client.count([search(filter=["gene_symbol", "is", "TESTED"])]) == 0


def test_the_asynchronous_client_does_the_same(live: Parts) -> None:
    async def work() -> tuple[Any, list[Any], list[str]]:
        async with AsyncClient(live.url, KEY) as client:

            async def operations() -> Any:
                for operation in upserts("async", PART + 1):
                    yield operation
                yield {"id": "nowhere/lab/1", "upsert": {"gene_symbol": "X"}}

            job, other = await asyncio.gather(client.submit(operations()), client.submit(upserts("async-too", 10)))
            state, _ = await asyncio.gather(job.wait(), other.wait())
            failed = [result async for result in job.failures()]
            asked = client.records([search(filter=["gene_symbol", "is", "ASYNC"])], size=1_000, data=False)
            return state, failed, [record["id"] async for record in asked]

    state, failed, names = asyncio.run(work())
    assert (state.total, state.failed, [result.index for result in failed]) == (PART + 2, 1, [PART + 1])
    assert len(set(names)) == PART + 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_export_is_what_was_stored(client: Client, live: Parts, tmp_path: Path, asynchronous: bool) -> None:
    client.submit(upserts("exported", 300)).wait()
    asked: dict[str, Any] = {"output": "csv", "level": "editable", "rows_per_file": 100}
    if asynchronous:

        async def export() -> Any:
            async with AsyncClient(live.url, KEY) as other:
                return await other.export(tmp_path / "all.csv", **asked)

        made = asyncio.run(export())
    else:
        made = client.export(tmp_path / "all.csv", **asked)
    with (tmp_path / "all.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (made.complete, len(rows)) == (True, made.rows)
    assert sum(row["gene_symbol"] == "EXPORTED" for row in rows) == 300


# --- the command ---


def test_a_real_file_is_sent_and_its_failures_read(environment: dict[str, str], tmp_path: Path) -> None:
    told = json.loads(run(environment, "submit", str(DATA / "clingen_withdrawals.ndjson.gz"), "--json", ends=exits.FAILED))
    assert (told["job"]["total"], told["job"]["failed"], [cause["count"] for cause in told["causes"]]) == (7, 7, [7])
    (token,) = told["tokens"]
    rows = [json.loads(line) for line in run(environment, "results", token, "--status", "failed").splitlines()]
    assert [row["line"] for row in rows] == list(range(1, 8))
    run(environment, "results", token, "-o", str(tmp_path / "failed.csv"))
    with (tmp_path / "failed.csv").open(newline="") as file:
        assert {row["code"] for row in csv.DictReader(file)} == {told["causes"][0]["code"]}
    run(environment, "watch", token, ends=exits.FAILED)
    run(environment, "retry", token, ends=exits.FAILED)
    run(environment, "undo", token, ends=exits.ERROR)


def test_a_table_is_tried_sent_found_exported_and_taken_back(environment: dict[str, str], tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("id,Gene Symbol,condition\n" + "".join(f"csv-{n},TABLE,MONDO:0018875\n" for n in range(12)))
    words = ("submit", str(table), "--lab", LAB, "--json")
    assert json.loads(run(environment, *words, "--dry-run"))["job"]["succeeded"] == 12
    assert run(environment, "get", "--where", "gene_symbol", "is", "TABLE", "--count") == "0\n"
    (token,) = json.loads(run(environment, *words))["tokens"]
    assert run(environment, "get", "--where", "gene_symbol", "is", "TABLE", "--count") == "12\n"
    found = run(environment, "search", "--where", "gene_symbol", "is", "TABLE", "--limit", "5").splitlines()
    assert len(found) == 5 and json.loads(found[0])["data"]["gene_symbol"]["value"] == "TABLE"
    run(environment, "get", f"{LAB}/csv-3", f"{LAB}/csv-1", "-o", str(tmp_path / "two.csv"))
    with (tmp_path / "two.csv").open(newline="") as file:
        assert [(row["id"], row["gene_symbol"]) for row in csv.DictReader(file)] == [
            (f"{LAB}/csv-3", "TABLE"), (f"{LAB}/csv-1", "TABLE")
        ]  # fmt: skip
    run(environment, "export", "-o", str(tmp_path / "all.ndjson"), "--level", "editable", "--lab", LAB)
    assert sum("TABLE" in line for line in (tmp_path / "all.ndjson").read_text().splitlines()) == 12
    assert json.loads(run(environment, "undo", token, "--json"))["succeeded"] == 12
    assert run(environment, "get", "--where", "gene_symbol", "is", "TABLE", "--count") == "0\n"
    assert token in run(environment, "jobs", "--limit", "0")


def test_a_selection_is_tried_changed_and_taken_back(environment: dict[str, str], client: Client) -> None:
    client.submit(upserts("chosen", 12, **GOOD)).wait()
    chosen = ("--where", "gene_symbol", "is", "CHOSEN", "--exclude", f"{LAB}/chosen-3")
    words = ("patch", *chosen, "--set", "condition=MONDO:0018875")

    def condition() -> str:
        return str(client.record(f"{LAB}/chosen-1")["data"]["condition"]["value"])

    told = json.loads(run(environment, *words, "--preview", "--json"))
    assert (told["job"]["succeeded"], told["records"]) == (11, {"updated": 11})
    before = condition()
    run(environment, *words, "--max-affected", "10", "--yes", ends=exits.REJECTED)
    client.apply({"id": f"{LAB}/chosen-5", "patch": {"gene_symbol": {"note": "changed since"}}})
    assert "plan_changed" in failed(environment, *words, "--plan", told["plan"])
    plan = json.loads(run(environment, *words, "--preview", "--json"))["plan"]
    token = run(environment, *words, "--plan", plan).strip()
    assert condition().startswith("MONDO:0018875") and not before.startswith("MONDO:0018875")
    run(environment, "undo", token)
    assert condition() == before
    assert json.loads(run(environment, "delete", *chosen, "--preview", "--json"))["records"] == {"deleted": 11}
    assert json.loads(run(environment, "publish", *chosen, "--level", "logged_in_users", "--json", "--yes"))["succeeded"] == 11
    assert json.loads(run(environment, "delete", *chosen, "--preview", "--json"))["records"] == {"withdrawn": 11}
    run(environment, "delete", "--selection", "-", "--reason", "DUPLICATE", "--yes", stdin=f"{LAB}/chosen-0\n{LAB}/chosen-3\n")
    assert run(environment, "get", "--where", "gene_symbol", "is", "CHOSEN", "--count") == "10\n"


def test_a_projects_selection_is_changed_and_taken_back(live: Parts, environment: dict[str, str]) -> None:
    with transaction() as session:
        project(session)
    environment = environment | {"WAYBILL_KEY": "key-for-tests-editor"}
    with Client(live.url, environment["WAYBILL_KEY"]) as client:
        things = client.project(PROJECT)
        calls = f"/api/p/{PROJECT}/records"
        root = client.run(flows.value(post(f"{calls}/root", {}), client.patience))["result"]["root"]

        def make(parent: str) -> str:
            body = {"parent": parent, "ordering": next(iter(ORDERINGS.values()))}
            return str(client.run(flows.value(post(f"{calls}/create", body), client.patience))["result"]["record"])

        moons, planet = [make(root) for _ in range(4)], make(root)
        ours = ("--project", PROJECT)
        run(environment, "update", *ours, *moons, "--language", "en", "--set", "title=moon", "--yes")
        found = ("--q", "moon", "--language", "en", *ours)
        assert sorted(run(environment, "get", *found, "--ids-only").split()) == sorted(moons)
        tried = json.loads(run(environment, "move", *found, "--to", planet, "--preview", "--json"))
        assert (tried["job"]["succeeded"], things.count([children(planet)])) == (4, 0)
        token = run(environment, "move", *found, "--to", planet, "--yes").strip()
        assert run(environment, "get", *ours, "--children", planet, "--count") == "4\n"
        run(environment, "undo", token)
        assert things.count([children(planet)]) == 0
        run(environment, "delete", *found, "--max-affected", "3", "--yes", ends=exits.REJECTED)
        run(environment, "delete", *found, "--max-affected", "4", "--yes")
        assert things.count([search("moon", language="en")]) == 0
        assert json.loads(run(environment, "undelete", *ours, *moons, "--json", "--yes"))["succeeded"] == 4
        assert things.bulk("duplicate", moons[:2]).wait().succeeded == 2


def test_a_large_file_is_one_job_through_kills_of_the_command_and_of_the_web(
    live: Parts, environment: dict[str, str], tmp_path: Path
) -> None:
    dice, file = random.Random(5), tmp_path / "large.ndjson.gz"
    texts = (base64.b64encode(dice.randbytes(50_000)).decode() for _ in range(LARGE))
    lines = (json.dumps({"id": f"nowhere/lab/{at}", "upsert": {"condition": {"note": text}}}) for at, text in enumerate(texts))
    file.write_bytes(gzip.compress("".join(line + "\n" for line in lines).encode(), 1))

    def received() -> int:
        return int(query("SELECT coalesce(max(received), 0) FROM uploads")[0][0])

    for round_ in range(3):
        before = received()
        process = start(environment, "submit", str(file), "--resumable")
        wait_for(lambda p=process, b=before: received() > b or p.poll() is not None, 60, 0.005)
        if round_ == 1:
            live.restart("web")
        process.kill()
        process.communicate()
        live.wait_ready()
    token = run(environment, "submit", str(file), "--resumable", ends=exits.FAILED).strip()
    assert query("SELECT total, failed FROM jobs WHERE token = %s", token) == [(LARGE, LARGE)]
    assert query("SELECT count(*) FROM jobs WHERE total = %s", LARGE) == [(1,)]
    assert query("SELECT count(*), max(job_token::text) FROM uploads WHERE received = %s", file.stat().st_size) == [(1, token)]
    told = run(environment, "receipt", token, "--verify", str(file), "--json")
    assert json.loads(told) == {"verified": True, "items": LARGE, "rows": LARGE}


def test_a_receipt_is_written_kept_and_verified(environment: dict[str, str], tmp_path: Path) -> None:
    file, kept, ledger = (tmp_path / name for name in ("sent.ndjson", "receipt.json", "ledger.ndjson"))
    file.write_text("".join(json.dumps(operation) + "\n" for operation in upserts("kept", 20)), encoding="utf-8")
    token = run(environment, "submit", str(file), "--tag", "with an envelope").strip()
    run(environment, "receipt", token, "-o", str(kept), "--save-ledger", str(ledger))
    assert json.loads(kept.read_text())["receipt"]["ledger"]["rows"] == len(ledger.read_text().splitlines()) == 20
    words = ("receipt", token, "--verify", str(file), "--receipt", str(kept), "--ledger", str(ledger))
    assert json.loads(run(environment, *words, "--json"))["verified"]
    ledger.write_text(ledger.read_text().replace("succeeded", "noop", 1))
    assert "rows of the ledger" in json.loads(run(environment, *words, "--json", ends=exits.FAILED))["why"]


def test_the_asynchronous_client_has_receipts_too(live: Parts, tmp_path: Path) -> None:
    async def go() -> None:
        async with AsyncClient(live.url, KEY) as client:
            job = await client.submit(upserts("async_kept", 5))
            await job.wait()
            receipt = await job.receipt()
            receipt.verify(await client.receipt_keys(), job.token)
            await job.save_ledger(tmp_path / "ledger")
            receipt.compare(ledger=tmp_path / "ledger")
            with pytest.raises(Problem) as caught:
                await client.job("6f7f2f1e-0d0e-4d73-8a0e-6a3b6e6e6c11").save_ledger(tmp_path / "none")
            assert caught.value.code == "not_found"

    asyncio.run(go())


def test_doctor_finds_everything_well(environment: dict[str, str]) -> None:
    durable = os.environ.get("WAYBILL_TEST_DURABLE") == "1"  # else the tests' PostgreSQL gives up safety for speed
    ends = exits.SUCCEEDED if durable else exits.ERROR
    checks = [json.loads(line) for line in run(environment, "doctor", "--json", ends=ends).splitlines()]
    bad = {check["name"]: check["ok"] for check in checks if check["ok"] is False}
    assert bad == ({} if durable else {"durability": False})
    seen = {"reached", "clock", "access", "database", "schema", "broker", "workers", "queues"}
    assert seen <= {check["name"] for check in checks}


def test_a_watch_hears_of_a_job_through_kills_of_the_web(environment: dict[str, str], client: Client, live: Parts) -> None:
    client.submit(upserts("watched", 80)).wait()
    job = client.patch([search(filter=["gene_symbol", "is", "WATCHED"])], {"condition": "MONDO:0018875"}, pace=10)
    process = start(environment, "watch", job.token, "--json")
    for streams in (1, 2):
        wait_for(lambda n=streams: streams_of(live, job.token) >= n or process.poll() is not None, 30)
        assert process.poll() is None, "the web was to be killed in the middle"
        live.restart("web")
    printed, said = process.communicate(timeout=100)
    assert (process.returncode, said) == (exits.SUCCEEDED, "")
    succeeded = [json.loads(line)["succeeded"] for line in printed.splitlines()]
    assert (succeeded, succeeded[-1]) == (sorted(succeeded), 80)


def streams_of(live: Parts, token: str) -> int:
    """Return how many streams of a job the web has begun."""
    requests = [line for line in live.log("web").splitlines() if "request_answered" in line and token in line]
    return sum("/events" in line for line in requests)


@pytest.mark.timeout(900 if FULL else 120)
def test_the_command_is_killed_again_and_again_and_each_operation_is_done_once(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = write(tmp_path / "o.ndjson", "killed", OPERATIONS)
    dice = random.Random(5)
    for stored in range(3):
        process = start(environment, "submit", str(file))
        wait_for_pieces(environment, process, stored)
        time.sleep(dice.random() * 0.05)  # three parts are left at the last turn, and each takes longer
        assert process.poll() is None, "it was to be killed in the middle"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    told = json.loads(run(environment, "submit", str(file), "--json"))
    assert (told["job"]["total"], told["job"]["succeeded"], len(told["tokens"])) == (OPERATIONS, OPERATIONS, 5)
    assert_each_was_done_once("killed")
    again = json.loads(run(environment, "submit", str(file), "--json"))
    assert (again["sent_before"], again["tokens"]) == (True, told["tokens"])
    assert_each_was_done_once("killed")


@pytest.mark.timeout(900 if FULL else 120)
def test_the_web_is_killed_in_the_middle_and_the_command_goes_on(
    environment: dict[str, str], live: Parts, tmp_path: Path
) -> None:
    file = write(tmp_path / "o.ndjson", "orphaned", OPERATIONS)
    process = start(environment, "submit", str(file), "--json")
    for stored in (1, 3):
        wait_for_pieces(environment, process, stored)
        assert process.poll() is None, "the web was to be killed in the middle"
        live.kill("web")
        live.processes["web"].wait(30)
        time.sleep(1)
        live.start("web")
    printed, said = process.communicate(timeout=600)
    assert (process.returncode, "Traceback" in said) == (0, False), said
    assert json.loads(printed)["job"]["succeeded"] == OPERATIONS
    assert_each_was_done_once("orphaned")
