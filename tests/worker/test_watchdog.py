"""A worker that takes nothing although there is something ends itself."""

from __future__ import annotations

import pytest
import requests

from models.db import transaction
from tests.factories import accounts
from tests.processes import Parts, alive, descendants, wait_for
from worker.app import app
from worker.watchdog import EXIT_CODE, Watch

PARTS_ENVIRONMENT = {"WAYBILL_WATCHDOG_AFTER": "2"}
KEY = {"Authorization": "Bearer key-for-tests-ann", "Prefer": "respond-async"}
RECORDS = "/classification/api/classifications/v2/record/"


def test_only_an_unbroken_idleness_counts() -> None:
    watch = Watch(30)
    looks = ((0, True), (29, True), (29.5, False), (40, True), (69, True), (70, True))
    seen = [watch.stuck(now, idle=idle) for now, idle in looks]
    assert seen == [False, False, False, False, False, True]


@pytest.fixture
def people(parts: Parts) -> None:
    with transaction() as session:
        accounts(session)


def test_a_worker_that_consumes_nothing_ends_and_its_successor_does_the_work(parts: Parts, people: None) -> None:
    with app.connection_for_write() as connection:
        for queue in ("small", "bulk"):
            app.control.broadcast("cancel_consumer", {"queue": queue}, connection=connection, reply=True, timeout=5)
    operations = [{"id": "north/one/stuck", "upsert": {"condition": "x"}}]
    answer = requests.post(parts.url + RECORDS, json={"records": operations}, headers=KEY, timeout=30)
    assert answer.status_code == 202
    worker = parts.processes["worker"]
    pool = descendants(worker.pid)
    wait_for(lambda: worker.poll() is not None, 30)
    assert worker.returncode == EXIT_CODE
    wait_for(lambda: not any(map(alive, pool)), 10)
    assert "worker_stuck" in parts.log("worker")
    parts.start("worker")
    address = parts.url + answer.headers["Location"]
    wait_for(lambda: requests.get(address, headers=KEY, timeout=30).json()["status"] == "done", 30)
