"""How long a client waits: printed for people to look at. Only what is absurd on any machine fails."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from statistics import quantiles

import pytest
import requests

from models.db import transaction
from tests.factories import accounts
from tests.processes import Parts

RECORDS = "/classification/api/classifications/v2/record/"
KEY = {"Authorization": "Bearer key-for-tests-ann"}
TIMES = 60
ABSURD = 10.0
LEDGER = {"results", "job.token"}


@pytest.fixture(scope="module")
def client(parts: Parts) -> Iterator[requests.Session]:
    """A client with a connection that stays."""
    with transaction() as session:
        accounts(session)
    with requests.Session() as made:
        made.headers.update(KEY)
        yield made


def operations(number: int) -> bytes:
    items = [{"id": f"north/one/r{number}-{n}", "upsert": {"condition": f"value {number}"}} for n in range(20)]
    return json.dumps({"records": items}).encode()


def measure(name: str, ask: Callable[[int], None]) -> None:
    ask(-1)
    took = []
    for number in range(TIMES):
        begun = time.perf_counter()
        ask(number)
        took.append(time.perf_counter() - begun)
    cuts = quantiles(took, n=100)
    print(f"{name}: p50 {cuts[49] * 1000:.0f} ms, p95 {cuts[94] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms of {TIMES}")
    assert max(took) < ABSURD


def test_x18_twenty_upserts_are_answered_with_their_whole_ledger(parts: Parts, client: requests.Session) -> None:
    def ask(number: int) -> None:
        answer = client.post(
            parts.url + RECORDS, data=operations(number), headers={"Content-Type": "application/json", "Prefer": "wait=5"}
        )
        assert answer.status_code == 200 and set(answer.json()) == LEDGER and len(answer.json()["results"]) == 20
        assert answer.headers["Preference-Applied"] == "wait=5"

    measure("20 upserts, waited for", ask)


def test_a_submit_is_taken_at_once(parts: Parts, client: requests.Session) -> None:
    def ask(number: int) -> None:
        headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
        assert client.post(parts.url + RECORDS, data=operations(number), headers=headers).status_code == 202

    measure("20 upserts, taken", ask)


def test_a_single_operation_and_a_poll(parts: Parts, client: requests.Session) -> None:
    def write(number: int) -> None:
        body = {"id": "north/one/single", "upsert": {"condition": f"value {number}"}}
        assert client.post(parts.url + RECORDS, json=body).status_code == 200

    def poll(_: int) -> None:
        assert client.get(parts.url + "/api/jobs").status_code == 200

    measure("one upsert", write)
    measure("a list of jobs", poll)
