"""Everything of the bad-input matrix that a client can send: the right refusal each time, and afterwards all is as before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import requests

from models.db import driver, transaction
from tests.factories import accounts
from tests.journeys.bad_bodies import GOOD, JSON, RECORD, Bad, all_of_them
from tests.processes import Parts, children, wait_for

MATRIX = all_of_them()
KEY = {"Authorization": "Bearer key-for-tests-ann"}
STORED = "SELECT lab_record_id FROM records WHERE lab_record_id <> 'good'"
STUCK = "SELECT pid, query FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
OPEN = "SELECT token FROM jobs WHERE status IN ('queued', 'processing')"
PATIENCE = 20.0  # seconds within which anything must be answered
ECHO = 600  # bytes that an answer may have where much was sent


@pytest.fixture(scope="module")
def before(parts: Parts) -> Iterator[None]:
    """Give people; and when all has been sent, look whether anything has come of it: a restart, a record, a line held open."""
    with transaction() as session:
        accounts(session)
    running = processes(parts)
    yield
    answer = requests.post(parts.url + RECORD, json={"records": [GOOD]}, headers=KEY | {"Prefer": "wait=20"}, timeout=PATIENCE)
    assert answer.status_code == 200 and answer.json()["results"][0]["id"] == "north/one/good"
    assert processes(parts) == running
    for sql in (STORED, STUCK, OPEN):
        wait_for(partial(nothing, sql), 10)


def nothing(sql: str) -> bool:
    with transaction() as session:
        return not driver(session).execute(sql).fetchall()


def processes(parts: Parts) -> dict[str, list[int]]:
    return {name: [process.pid, *sorted(children(process.pid))] for name, process in parts.processes.items()}


def send(parts: Parts, bad: Bad) -> requests.Response:
    """Send a request as it is, with nothing put right on its way."""
    headers = {"Content-Type": JSON, "Prefer": "wait=20", **KEY, **bad.headers}
    request = requests.Request(
        bad.method, parts.url, headers={name: text.encode() for name, text in headers.items()}, data=bad.body
    )
    prepared = request.prepare()
    prepared.url = parts.url + bad.path
    with requests.Session() as session:
        return session.send(prepared, timeout=PATIENCE)


def codes(answer: requests.Response) -> set[str]:
    """Return the codes of an answer: its own, those of its places, those of its items."""
    body: dict[str, Any] = answer.json() if "json" in answer.headers["Content-Type"] else {}
    found = {body.get("code")} | {error["code"] for error in body.get("errors", [])}
    return {code for code in found | {entry.get("error", {}).get("code") for entry in body.get("results", [])} if code}


def test_the_matrix_is_large_and_names_each_request_once() -> None:
    names = [str(bad) for bad in MATRIX]
    assert len(names) == len(set(names)) >= 200


@pytest.mark.parametrize("row", sorted({bad.row for bad in MATRIX}))
def test_bad_input_is_refused_as_the_matrix_says(parts: Parts, before: object, row: int) -> None:
    wrong: list[tuple[str, int, str]] = []
    for bad in (bad for bad in MATRIX if bad.row == row):
        begun = time.monotonic()
        answer = send(parts, bad)
        problem = answer.headers.get("Content-Type") == "application/problem+json"
        fine = answer.status_code in bad.statuses and (not bad.codes or codes(answer) & set(bad.codes))
        if not fine or (answer.status_code >= 400) != problem or time.monotonic() - begun > PATIENCE:
            wrong.append((str(bad), answer.status_code, answer.text[:200]))
        elif answer.status_code >= 400 and len(answer.content) > ECHO + 2 * 1_000:
            wrong.append((f"{bad} echoes too much", answer.status_code, answer.text[:200]))
    assert not wrong, "\n".join(map(str, wrong))
