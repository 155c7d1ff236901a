"""The running product, some people, and a client as a script of theirs would be."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import requests

from models.db import driver, transaction
from tests.factories import accounts
from tests.processes import Parts

RECORD = "/classification/api/classifications/v2/record/"
BULK = "/classification/api/classifications/v2/records/bulk/"
FINAL = ("done", "rejected")


@dataclass
class Client:
    """One person's client."""

    url: str
    session: requests.Session

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=60, **more)

    def post(self, body: Any, **headers: str) -> requests.Response:
        """Post one operation or an envelope of many."""
        return self.call("POST", RECORD, json=body, headers=headers)

    def lines(self, operations: list[Any], **headers: str) -> requests.Response:
        """Post operations as NDJSON, not waiting for their end."""
        body = b"\n".join(msgspec.json.encode(operation) for operation in operations)
        kind = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}
        return self.call("POST", RECORD, data=body, headers=kind | headers)

    def lines_at(self, operations: list[Any], address: str) -> requests.Response:
        """Post operations as NDJSON to an address below the records', such as `?atomic=true`, not waiting for their end."""
        body = b"\n".join(msgspec.json.encode(operation) for operation in operations)
        headers = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}
        return self.call("POST", RECORD + address, data=body, headers=headers)

    def bulk(self, verb: str, **body: Any) -> requests.Response:
        """Run an operation over a selection."""
        return self.call("POST", BULK + verb, json=body)

    def get(self, name: str | int) -> requests.Response:
        return self.call("GET", f"{RECORD}{name}")

    def job(self, token: str) -> dict[str, Any]:
        answer = self.call("GET", f"/api/jobs/{token}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def end(self, answer: requests.Response, seconds: float = 60) -> dict[str, Any]:
        """Wait for the end of the job that an answer names."""
        body = answer.json()
        token = body.get("job.token") or body["result"]["job.token"]
        until = time.monotonic() + seconds
        while (job := self.job(token))["status"] not in FINAL:
            assert time.monotonic() < until, job
            time.sleep(0.05)
        return job

    def results(self, token: str, **ask: Any) -> list[dict[str, Any]]:
        """Read all outcomes, page by page."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = self.call("GET", f"/api/jobs/{token}/results", params={"page.size": 500, **ask, **cursor})
            assert answer.status_code == 200, answer.text
            found += answer.json()["results"]
            if answer.json()["page.cursor"] is None:
                return found
            cursor = {"page.cursor": answer.json()["page.cursor"]}

    def run(self, operations: list[Any], **headers: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Post operations as a job, wait for its end, return it with its outcomes."""
        job = self.end(self.lines(operations, **headers))
        return job, self.results(job["token"])


@dataclass
class World:
    """The running product and its people."""

    parts: Parts

    def __getattr__(self, name: str) -> Client:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer key-for-tests-{name}"
        return Client(self.parts.url, session)


@pytest.fixture(scope="module")
def world(parts: Parts) -> World:
    """The product with its people, once a module: each test names records of its own."""
    with transaction() as session:
        accounts(session)
    return World(parts)


def evidence(**more: Any) -> dict[str, Any]:
    """Return evidence that can be shared."""
    return {
        "c_hgvs": "NM_000071.2(CBS):c.1539C>T",
        "genome_build": "GRCh37",
        "clinical_significance": "VUS",
        "zygosity": "hemizygous",
        "condition": "OMIM:236200",
        "allele_origin": "germline",
    } | more


def upsert(name: str, lab: str = "north/one", publish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an operation that makes a record which can be shared."""
    return {"id": f"{lab}/{name}", "upsert": evidence(**more)} | ({"publish": publish} if publish else {})


def query(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask the product's database."""
    with transaction() as session:
        return driver(session).execute(sql, values).fetchall()
