"""One key, one job: whoever sends it, however often, and whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from models.db import driver, transaction
from tests.factories import accounts
from tests.processes import Parts, answer, children, free_port, wait_for

PARTS_ENVIRONMENT = {"WAYBILL_WEB_PROCESSES": "1"}
RECORDS = "/classification/api/classifications/v2/record/"
HEADERS = {"Authorization": "Bearer key-for-tests-ann", "Content-Type": "application/json", "Prefer": "respond-async"}
TIMES = 50
OPERATIONS = 4_000  # enough that requests meet while the first is still being stored
JOBS_OF_THE_KEY = "SELECT token::text, total FROM jobs WHERE idempotency_key IS NOT NULL"


@pytest.fixture(scope="module")
def second(parts: Parts) -> Parts:
    """A second web of the same installation, beside the first."""
    with transaction() as session:
        accounts(session)
    other = replace(parts, environment={**parts.environment, "WAYBILL_PORT": str(free_port())})
    other.processes = parts.processes  # stopped with the others
    first = parts.processes.pop("web")
    other.start("web")
    parts.processes["web2"] = parts.processes.pop("web")
    parts.processes["web"] = first
    wait_for(lambda: answer(other.url + "/health/live") == 200, 30)
    return other


def body(text: str) -> bytes:
    return json.dumps(
        {"records": [{"id": f"north/one/{text}-{n}", "create": {"condition": "x"}} for n in range(OPERATIONS)]}
    ).encode()


def send(url: str, sent: bytes, key: str) -> tuple[int, str]:
    """Send once; return the status and the token, or the code. Status 0: no answer."""
    try:
        said = requests.post(url + RECORDS, data=sent, headers=HEADERS | {"Idempotency-Key": key}, timeout=60)
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):  # killed before its answer, or within it
        return 0, ""
    told = said.json()
    return said.status_code, told["result"]["job.token"] if said.status_code == 202 else told["code"]


def test_x01_fifty_at_once_over_two_servers_of_which_one_is_killed_are_one_job(parts: Parts, second: Parts) -> None:
    sent, urls = body("same"), [parts.url, second.url]
    with ThreadPoolExecutor(TIMES) as pool:
        asked = [pool.submit(send, urls[number % 2], sent, '"one key"') for number in range(TIMES)]
        time.sleep(0.15)
        for pid in children(parts.pid("web2")):
            os.kill(pid, signal.SIGKILL)
        told = [each.result() for each in asked]
    counted = Counter(status for status, _ in told)
    assert set(counted) <= {202, 409, 0}, counted
    assert {code for status, code in told if status == 409} <= {"idempotency_key_in_flight"}
    again = [send(urls[0], sent, '"one key"') for _ in range(3)]
    tokens = {token for status, token in (*told, *again) if status == 202}
    with transaction() as session:
        stored = driver(session).execute(JOBS_OF_THE_KEY).fetchall()
    assert [(token, OPERATIONS) for token in tokens] == stored
    assert [status for status, _ in again] == [202, 202, 202]
    print(f"50 at once: {dict(counted)}")


def test_x01_the_same_key_with_another_body_is_refused(parts: Parts, second: Parts) -> None:
    assert send(parts.url, body("first"), '"another key"')[0] == 202
    assert send(parts.url, body("second"), '"another key"') == (422, "idempotency_key_reused")
    assert send(parts.url, body("first"), '"another key"')[0] == 202


def test_a_key_counts_for_its_owner_alone(parts: Parts, second: Parts) -> None:
    mine = send(parts.url, body("mine"), '"shared words"')
    headers = HEADERS | {"Authorization": "Bearer key-for-tests-ben", "Idempotency-Key": '"shared words"'}
    other = requests.post(parts.url + RECORDS, data=body("mine"), headers=headers, timeout=60)
    assert other.status_code == 202 and other.json()["result"]["job.token"] != mine[1]
