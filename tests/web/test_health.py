"""Alive, ready, numbers."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from models import parts
from models.db import driver, transaction
from tests.web.conftest import Caller, upserts


def beat(*roles: str) -> None:
    with transaction() as session:
        for role in roles:
            parts.beat(session, parts.new_part(role))


def numbers(client: FlaskClient) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


def test_a_process_that_answers_is_live(client: FlaskClient) -> None:
    assert client.get("/health/live").json == {"status": "live"}


def test_ready_needs_a_worker_and_the_dispatcher(client: FlaskClient) -> None:
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json["parts"] == {"web": True, "database": True, "worker": 0, "dispatcher": 0}
    beat("worker")
    assert client.get("/health/ready").json["detail"] == "Not heard of lately: dispatcher."
    beat("worker", "dispatcher")
    response = client.get("/health/ready")
    assert (response.status_code, response.json["status"]) == (200, "ready")


def test_a_part_that_fell_silent_does_not_count(client: FlaskClient) -> None:
    beat("worker", "dispatcher")
    with transaction() as session:
        driver(session).execute("UPDATE parts SET seen_on = now() - interval '1 minute' WHERE role = 'worker'")
    assert client.get("/health/ready").json["parts"]["worker"] == 0


def test_ready_says_when_it_is_the_database(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_connection() -> None:
        raise sa.exc.OperationalError("connect", {}, psycopg.OperationalError("refused"))

    monkeypatch.setattr("models.db.engine", no_connection)
    response = client.get("/health/ready")
    assert (response.status_code, response.json["parts"]["database"]) == (503, False)
    assert client.get("/health/live").status_code == 200


def test_metrics_count_what_is_open_now(ann: Caller, work_all: Callable[[], None]) -> None:
    ann.send(upserts(3))
    before = numbers(ann.client)
    assert before["waybill_open_jobs", "queued", "small"] == 1
    assert before["waybill_open_items", "queued", "small"] == 3
    assert before["waybill_open_chunks", "open"] == 1
    work_all()
    after = numbers(ann.client)
    assert ("waybill_open_jobs", "queued", "small") not in after
    assert after["waybill_oldest_chunk_seconds",] == 0


def test_metrics_name_no_tenant(ann: Caller) -> None:
    ann.send(upserts(1))
    assert "north" not in ann.client.get("/metrics").text
