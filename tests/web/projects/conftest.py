"""A project with a member of each role, asked as its clients ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models.db import transaction
from models.identity.principal import Principal
from tests.factories import PROJECT, project
from tests.web.conftest import _open_chunks
from worker.runner import work


@dataclass
class Member:
    """Somebody with a key, in a project."""

    client: FlaskClient
    name: str
    project: str = PROJECT
    token: str | None = field(default=None)

    @property
    def key(self) -> str:
        return f"key-for-tests-{self.name}"

    def post(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        """Post to an address of the project face; one without a leading slash is below the project."""
        address = path if path.startswith("/") else f"/api/p/{self.project}/{path}"
        headers = {"Authorization": f"Bearer {self.token or self.key}", **more.pop("headers", {})}
        return self.client.post(address, json={} if body is None else body, headers=headers, **more)

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        """Make a call that succeeds; return its result with the data beside it, under `data`."""
        response = self.post(path, body)
        assert response.status_code == 200, response.text
        assert response.json["success"] is True
        assert set(response.json) == {"success", "result", "data"}
        return {**response.json["result"], "data": response.json["data"]}

    def refused(self, path: str, **body: Any) -> tuple[int, str]:
        """Make a call that fails; return its code in the envelope and our own word for it."""
        return refusal(self.post(path, body))


def refusal(response: TestResponse) -> tuple[int, str]:
    """Return the code and our own word of a failure, which has the whole envelope and the status that goes with the code."""
    body = response.json
    assert (body["success"], body["data"]) == (False, {}), response.text
    assert set(body["result"]) == {"code", "message", "info"}
    code = body["result"]["code"]
    assert response.status_code == (code if code < 1000 else 422)
    return code, body["result"]["info"]["code"]


@pytest.fixture
def members(database: str) -> dict[str, Principal]:
    """People and a project."""
    with transaction() as session:
        return project(session)


@pytest.fixture
def web(app: Flask, members: dict[str, Principal]) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def owner(web: FlaskClient) -> Member:
    return Member(web, "owner")


@pytest.fixture
def editor(web: FlaskClient) -> Member:
    return Member(web, "editor")


@pytest.fixture
def reader(web: FlaskClient) -> Member:
    return Member(web, "reader")


@pytest.fixture
def stranger(web: FlaskClient) -> Member:
    return Member(web, "stranger")


@pytest.fixture
def work_all(members: dict[str, Principal]) -> Callable[[], None]:
    """Do all open work, here and now."""

    def run() -> None:
        while chunks := _open_chunks():
            for job_id, no in chunks:
                work(job_id, no)

    return run
