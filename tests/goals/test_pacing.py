"""Goals about a job's speed and the order of its outcomes: pause, pace and resume; events that miss nothing."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

import waybill
from tests.goals.conftest import FINAL, Client, World, query
from tests.processes import descendants
from waybill import exits

PARTS_ENVIRONMENT = {"WAYBILL_CHUNK_ITEMS": "200"}
STREAMS = 60


def operations(prefix: str, number: int) -> list[dict[str, Any]]:
    """Return operations of which some fail and some come twice to one record, so that their order shows."""
    names = [f"north/one/{prefix}-{at // 2 if at % 3 else at}" for at in range(number)]
    kinds = ("upsert", "upsert", "patch", "upsert", "create")
    return [{"id": name, kinds[at % 5]: {"zygosity": "unknown", "condition": f"c{at}"}} for at, name in enumerate(names)]


def start(client: Client, sent: list[dict[str, Any]], ask: str = "") -> str:
    answer = client.lines_at(sent, ask)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["result"]["job.token"])


def done(job: dict[str, Any]) -> int:
    return int(job["total"] - job["remaining"])


def wait(client: Client, token: str, until: str, number: int = 0, seconds: float = 60) -> dict[str, Any]:
    """Wait until a job is `paused` or `final`, or until so many of its items are `done`."""
    end = time.monotonic() + seconds
    while True:
        job = client.job(token)
        reached = {"paused": job["paused"], "final": job["status"] in FINAL, "done": done(job) >= number}
        if reached[until]:
            return job
        assert time.monotonic() < end, job
        time.sleep(0.02)


def written() -> list[tuple[Any, ...]]:
    """Return what writing leaves: how many outcomes and versions there are, and when anything last changed."""
    return query("SELECT (SELECT count(*) FROM outcomes), (SELECT count(*) FROM versions), (SELECT max(version) FROM records)")


def speed(client: Client, token: str) -> float:
    """Return how many items a second a job does, from one change of its counters to the last."""
    seen: list[tuple[float, int]] = []
    while True:
        job = client.job(token)
        if not seen or done(job) != seen[-1][1]:
            seen.append((time.monotonic(), done(job)))
        if job["status"] in FINAL:
            break
        time.sleep(0.01)
    (began, first), (ended, last) = seen[1], seen[-1]
    return (last - first) / (ended - began)


def test_x09_a_job_is_paused_re_paced_and_resumed_and_comes_to_what_it_would_have(world: World) -> None:
    token = start(world.ann, operations("X09a", 800), "?pace=300")
    assert wait(world.ann, token, "done", 100)["pace"] == 300
    assert world.ann.call("POST", f"/api/jobs/{token}/pause").status_code in (200, 202)
    job = wait(world.ann, token, "paused", seconds=5)
    assert (job["status"], job["pause_requested"], job["stalled"]) == ("processing", True, False)
    before = written()
    time.sleep(2)
    assert written() == before and done(world.ann.job(token)) == done(job)
    paced = world.ann.call("PATCH", f"/api/jobs/{token}", json={"pace": 100})
    assert (paced.status_code, paced.json()["pace"], paced.json()["paused"]) == (200, 100, True)
    assert not world.ann.call("POST", f"/api/jobs/{token}/resume").json()["pause_requested"]
    assert 90 <= speed(world.ann, token) <= 110
    plain = start(world.ann, operations("X09b", 800))
    wait(world.ann, plain, "final")
    rows = [[(row["index"], row["status"], row["error"]) for row in world.ann.results(each)] for each in (token, plain)]
    assert rows[0] == rows[1]
    stored = [
        query("SELECT substr(lab_record_id, 6), evidence, share_level FROM records WHERE lab_record_id LIKE %s ORDER BY 1", like)
        for like in ("X09a-%", "X09b-%")
    ]
    assert stored[0] == stored[1] and len(stored[0]) > 400


def test_x09_a_job_waits_where_it_was_paused_whoever_it_was_that_ran_it(world: World) -> None:
    token = start(world.ann, operations("X09c", 400), "?pace=100")
    wait(world.ann, token, "done", 50)
    world.ann.call("POST", f"/api/jobs/{token}/pause")
    wait(world.ann, token, "paused")
    answer = world.cat.call("POST", f"/api/jobs/{token}/resume")
    assert (answer.status_code, world.ann.job(token)["paused"]) == (404, True)
    answer = world.ann.call("POST", f"/api/jobs/{token}/cancel")
    assert answer.status_code == 202
    ended = wait(world.ann, token, "final", seconds=5)
    assert (ended["outcome"], ended["paused"]) == ("cancelled", False)
    assert ended["cancelled"] > 200


def command(world: World, *words: str) -> str:
    """Run the command; return what it printed."""
    environment = {**os.environ, "WAYBILL_URL": world.parts.url, "WAYBILL_KEY": "key-for-tests-ann"}
    words = (sys.executable, "-m", "waybill.cli", *words)
    process = subprocess.run(words, env=environment, capture_output=True, timeout=120, check=False)
    assert process.returncode in (exits.SUCCEEDED, exits.PARTIAL), process.stderr
    return process.stdout.decode()


def test_x09_by_the_client_and_by_the_command(world: World) -> None:
    token = start(world.ann, operations("X09d", 200), "?pace=20")
    with waybill.Client(world.parts.url, "key-for-tests-ann") as client:
        job = client.job(token)
        assert job.pace(40).pace == 40
        state = job.pause()
        assert (state.paused, state.pausing) == (True, False)
        assert not job.resume().paused
        assert json.loads(command(world, "pause", token, "--json"))["paused"]
        command(world, "pace", token, "none")
        assert (job.refresh().paused, job.state.pace) == (True, None)
        command(world, "resume", token)
        seen = [event.seq for event in job.events()]
    assert seen == list(range(1, 201))
    assert wait(world.ann, token, "final")["succeeded"] > 0
    printed = command(world, "watch", token, "--outcomes", "--after", "150").splitlines()
    assert [json.loads(line)["seq"] for line in printed] == list(range(151, 201))


def test_x10_by_the_client_that_does_other_things_meanwhile(world: World) -> None:
    async def run() -> list[int]:
        async with waybill.AsyncClient(world.parts.url, "key-for-tests-ann") as client:
            job = client.job(start(world.ann, operations("X10d", 100)))
            await job.pace(200)
            assert (await job.pause()).paused or job.state.final
            await job.resume()
            return [event.seq async for event in job.events()]

    assert asyncio.run(run()) == list(range(1, 101))


def events(response: requests.Response, until: float) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give (id, event, data) of what comes before a moment."""
    found: dict[str, str] = {}
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if time.monotonic() > until:
            return
        if line:
            name, _, text = line.partition(": ")
            found[name] = text
        elif "data" in found:
            yield found.get("id", ""), found["event"], json.loads(found["data"])
            found = {}


def stream(client: Client, token: str, last: str = "", **ask: str) -> requests.Response:
    headers = {"Last-Event-ID": last} if last else {}
    return client.call("GET", f"/api/jobs/{token}/events", params=ask, headers=headers, stream=True)


def follow(client: Client, token: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """Read a job's outcomes and states to their end, hanging up every second; return both and how often that was."""
    outcomes: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []
    last, turns = "", 0
    while True:
        with stream(client, token, last, outcomes="true") as response:
            if response.status_code == 204:
                return outcomes, states, turns
            for name, kind, data in events(response, time.monotonic() + 1):
                last = name or last
                (outcomes if kind == "outcome" else states).append(data)
        turns += 1


def test_x10_a_client_that_drops_every_second_sees_every_number_once_in_order(world: World) -> None:
    token = start(world.ann, operations("X10", 2_000), "?pace=500")
    outcomes, states, turns = follow(world.ann, token)
    assert turns >= 3
    assert [row["seq"] for row in outcomes] == list(range(1, 2_001))
    assert sorted(row["index"] for row in outcomes) == list(range(2_000))
    assert states[-1]["status"] == "done"
    polled: list[dict[str, Any]] = []
    complete = False
    while not complete:
        page = world.ann.call("GET", f"/api/jobs/{token}/ledger", params={"after": len(polled), "limit": 300}).json()
        polled, complete = polled + page["ledger"], page["complete"]
        assert page["after"] == len(polled)
    assert polled == outcomes
    assert follow(world.ann, token)[0] == outcomes
    told = {row["index"]: (row["status"], row["id"], row["error"] and row["error"]["code"]) for row in outcomes}
    results = world.ann.results(token)
    assert told == {row["index"]: (row["status"], row["id"], row["error"] and row["error"]["code"]) for row in results}


def test_x10_followers_hold_no_thread_and_get_no_outcomes_unasked(world: World) -> None:
    token = start(world.ann, operations("X10b", 300), "?pace=100")
    streams = [stream(world.ann, token) for _ in range(STREAMS)]
    try:
        first = world.parts.pid("web")
        threads = sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in [first, *descendants(first)])
        assert threads < 40 < STREAMS
        for response in streams:
            told = list(events(response, time.monotonic() + 60))
            assert {kind for _, kind, _ in told} == {"job"}
            assert told[-1][2]["status"] == "done"
            numbers = [int(name) for name, _, _ in told]
            assert numbers == sorted(set(numbers))
    finally:
        for response in streams:
            response.close()
