"""The contract of the classification face, rule by rule, over HTTP: each test is named after the section it shows."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import Caller, ann, app, cat, client, people, work_all, worker

__all__ = ["ann", "app", "cat", "client", "people", "work_all", "worker"]


@pytest.fixture
def ben(client: FlaskClient) -> Caller:
    """Member of another lab of ann's organisation."""
    return Caller(client, "ben")


@pytest.fixture
def both(client: FlaskClient) -> Caller:
    """Member of ann's lab and of cat's."""
    return Caller(client, "both")


@pytest.fixture
def outsider(client: FlaskClient) -> Caller:
    """Member of no lab."""
    return Caller(client, "outsider")


@pytest.fixture
def admin(client: FlaskClient) -> Caller:
    """A superuser."""
    return Caller(client, "admin")
