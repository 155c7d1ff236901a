"""The web application in this process, on the test's database, with people who have keys; and a worker's hands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models.db import driver, transaction
from models.identity.principal import Principal
from tests.factories import accounts
from web.app import create_app
from worker.runner import work

RECORD = "/classification/api/classifications/v2/record/"
BULK = "/classification/api/classifications/v2/records/bulk/"
GOOD = {
    "c_hgvs": "NM_000071.2(CBS):c.1539C>T",
    "genome_build": "GRCh37",
    "zygosity": "hemizygous",
    "condition": "OMIM:236200",
    "allele_origin": "germline",
    "clinical_significance": "VUS",
}


@dataclass
class Caller:
    """A client with somebody's key."""

    client: FlaskClient
    name: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer key-for-tests-{self.name}"}

    def open(self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
        more.setdefault("buffered", True)  # a server reads and closes what a view streams
        return self.client.open(path, method=method, headers=self.headers | (headers or {}), **more)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.open(path, headers=_spelled(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.open(path, method="POST", json=body, headers=_spelled(headers))

    def send(self, operations: list[Any], **headers: str) -> str:
        """Submit operations without waiting; return the job's token."""
        response = self.post(RECORD, {"records": operations}, prefer="respond-async", **headers)
        assert response.status_code == 202, response.text
        token: str = response.json["result"]["job.token"]
        return token

    def job(self, token: str) -> Any:
        return self.get(f"/api/jobs/{token}").json


def _spelled(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").title(): value for name, value in headers.items()}


@pytest.fixture(scope="session")
def app(own_database: str) -> Flask:
    return create_app()


@pytest.fixture
def people(database: str) -> dict[str, Principal]:
    with transaction() as session:
        return accounts(session)


@pytest.fixture
def client(app: Flask, people: dict[str, Principal]) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def ann(client: FlaskClient) -> Caller:
    """Member of the lab north/one."""
    return Caller(client, "ann")


@pytest.fixture
def cat(client: FlaskClient) -> Caller:
    """Member of a lab of another organisation."""
    return Caller(client, "cat")


def upserts(number: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": f"north/one/r{at}", "upsert": GOOD, **more} for at in range(number)]


def _open_chunks() -> list[tuple[int, int]]:
    with transaction() as session:
        found = driver(session).execute("SELECT job_id, no FROM chunks WHERE status <> 'done' ORDER BY job_id, lane, no")
        return [(row[0], row[1]) for row in found.fetchall()]


@pytest.fixture
def work_all(people: dict[str, Principal]) -> Callable[[], None]:
    """Do all open work, here and now."""

    def run() -> None:
        while chunks := _open_chunks():
            for job_id, no in chunks:
                work(job_id, no)

    return run


@pytest.fixture
def worker(work_all: Callable[[], None]) -> Iterator[None]:
    """A worker beside the test."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.01):
            work_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join()


def count(table: str) -> int:
    with transaction() as session:
        row = driver(session).execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(row[0]) if row else 0


def make(caller: Caller, number: int) -> list[int]:
    """Make records `north/one/r0` and so on; return their rids."""
    answers = [caller.post(RECORD, operation) for operation in upserts(number)]
    assert {response.status_code for response in answers} == {200}
    return [response.json["meta"]["id"] for response in answers]


def code_of(response: Any) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    assert response.json["internal_error"] == response.json["detail"]
    return response.status_code, response.json["code"]
