"""Errors that are no chunk's fault."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from models.classifications import service
from models.classifications.scenes import Ask
from models.classifications.state import Operation, Target
from models.db import Session, driver, transaction
from models.jobs import ledger
from tests.factories import accounts, job
from worker import runner


def test_a_claim_that_the_database_cannot_take_just_now_ends_quietly(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        job_id = job(session)

    def fail(session: Session, *_: object) -> None:
        driver(session).execute("SELECT 1 / 0")

    monkeypatch.setattr(ledger, "claim", fail)
    with capture_logs() as logs:
        runner.work(job_id, 0)
    assert [(entry["event"], entry["sqlstate"]) for entry in logs] == [("claim_failed", "22012")]


def test_a_rule_that_finds_no_memory_ends_its_process_and_not_its_item(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def starve(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(service, "decide", starve)
    with transaction() as session:
        ann = accounts(session)["ann"]
        with pytest.raises(MemoryError):
            service.apply(session, service.Origin(ann), [Ask(Operation(Target(lab="north/one", lab_record_id="a")), "a")])
