"""Nobody waits behind somebody else's large jobs: tenants take turns, a tenant's jobs wait for its own share."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from statistics import quantiles
from typing import Any

import pytest
import requests

from models.db import driver, transaction
from tests.factories import accounts
from tests.processes import Parts, wait_for

PARTS_ENVIRONMENT = {"WAYBILL_TENANT_JOBS": "2", "WAYBILL_CHUNK_ITEMS": "200"}
FULL = os.environ.get("WAYBILL_FAULTS") == "full"
RECORDS = "/classification/api/classifications/v2/record/"
QUEUED = 100_000 if FULL else 12_000  # operations a job
TRIES = 20 if FULL else 8
LEAST_TRIES = 3
ABSURD = 20.0  # seconds that no small job may take, however slow the machine
RUNNING = "SELECT count(*) FROM jobs WHERE status = 'processing' AND queue = 'bulk'"


@pytest.fixture(scope="module")
def people(parts: Parts) -> None:
    """People of two tenants."""
    with transaction() as session:
        accounts(session)
    assert known("ann")["tenant"] != known("cat")["tenant"]


def known(name: str) -> dict[str, Any]:
    with transaction() as session:
        row = driver(session).execute("SELECT id, tenant FROM users WHERE username = %s", (name,)).fetchone()
    assert row
    return {"id": row[0], "tenant": row[1]}


def submit(parts: Parts, name: str, lab: str, prefix: str, number: int, prefer: str = "respond-async") -> requests.Response:
    items = [{"id": f"{lab}/{prefix}-{n}", "upsert": {"condition": "x"}} for n in range(number)]
    headers = {"Authorization": f"Bearer key-for-tests-{name}", "Prefer": prefer, "Content-Type": "application/json"}
    return requests.post(parts.url + RECORDS, data=json.dumps({"records": items}), headers=headers, timeout=60)


def jobs(parts: Parts, name: str) -> list[dict[str, Any]]:
    """Return somebody's jobs, oldest first."""
    answer = requests.get(parts.url + "/api/jobs", headers={"Authorization": f"Bearer key-for-tests-{name}"}, timeout=30)
    return list(reversed(answer.json()["jobs"]))


def cancel_all(parts: Parts, name: str) -> None:
    for job in jobs(parts, name):
        cancel = f"{parts.url}/api/jobs/{job['token']}/cancel"
        requests.post(cancel, headers={"Authorization": f"Bearer key-for-tests-{name}"}, timeout=30)
    wait_for(lambda: all(job["status"] in ("done", "rejected") for job in jobs(parts, name)), 60)


@pytest.mark.timeout(300)
def test_p48_two_jobs_of_a_tenant_run_and_the_others_wait_with_a_position(parts: Parts, people: None) -> None:
    answers = [submit(parts, "ann", "north/one", f"five-{number}", QUEUED) for number in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 5
    looks: list[list[dict[str, Any]]] = []

    def two_run() -> bool:
        looks.append(jobs(parts, "ann"))
        return _running(looks[-1]) == 2

    wait_for(two_run, 30)
    cancel_all(parts, "ann")
    assert max(map(_running, looks)) == 2
    left = [(job["status"], job["queue_position"]) for job in looks[-1] if job["status"] != "done"]
    assert left == [("processing", None)] * 2 + [("queued", place + 1) for place in range(len(left) - 2)]


def _running(seen: Iterable[Mapping[str, Any]]) -> int:
    return sum(job["status"] == "processing" for job in seen)


@pytest.mark.timeout(300)
def test_x08_a_small_job_does_not_wait_behind_another_tenants_large_ones(parts: Parts, people: None) -> None:
    for number in range(4):
        assert submit(parts, "ann", "north/one", f"large-{number}", QUEUED).status_code == 202
    took: list[float] = []
    while len(took) < TRIES and any(job["status"] in ("queued", "processing") for job in jobs(parts, "ann")):
        begun = time.monotonic()
        answer = submit(parts, "cat", "south/one", f"small-{len(took)}", 20, prefer="wait=20")
        took.append(time.monotonic() - begun)
        assert answer.status_code == 200 and len(answer.json()["results"]) == 20
    assert len(took) >= LEAST_TRIES, "nobody was in the way"
    cancel_all(parts, "ann")
    assert max(took) < ABSURD
    print(f"20 operations beside 4 x {QUEUED}: p50 {sorted(took)[len(took) // 2]:.2f} s, p95 {quantiles(took, n=20)[-1]:.2f} s")


@pytest.mark.timeout(300)
def test_x08_two_tenants_with_large_jobs_get_like_shares(parts: Parts, people: None) -> None:
    """The second tenant comes later and with one job against two, and is served as well from then on."""
    for number in range(2):
        assert submit(parts, "ann", "north/one", f"share-{number}", QUEUED).status_code == 202
    assert submit(parts, "cat", "south/one", "share", QUEUED).status_code == 202
    wait_for(lambda: done(parts, "cat", "share") > 0, 30)
    before = done(parts, "ann", "share"), done(parts, "cat", "share")
    wait_for(lambda: done(parts, "cat", "share") >= QUEUED * 0.6, 120)
    ann, cat = done(parts, "ann", "share") - before[0], done(parts, "cat", "share") - before[1]
    for name in ("ann", "cat"):
        cancel_all(parts, name)
    share = cat / (ann + cat)
    print(f"shares while both were busy: {1 - share:.0%} and {share:.0%}")
    assert 0.35 <= share <= 0.65


def done(parts: Parts, name: str, prefix: str) -> int:
    """Return how many items of somebody's open or finished jobs are done, cancelled ones not counted."""
    return sum(
        job["succeeded"] + job["noop"] for job in jobs(parts, name) if job["total"] == QUEUED and not job["cancel_requested"]
    )
