"""What the dispatcher removes when its time is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.db import driver, transaction
from models.settings import settings
from worker.dispatcher import keep_house

LOST_RECEIPT = "INSERT INTO receipts (job_id, jws) VALUES (0, 'of a job that is forgotten')"


@pytest.fixture(params=["WAYBILL_EXPORTS", "WAYBILL_UPLOADS"])
def out_of_reach(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let one of the folders be a place that the system refuses to look at."""
    monkeypatch.setenv(request.param, str(tmp_path / ("a" * 300)))
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.usefixtures("out_of_reach")
def test_files_that_are_out_of_reach_keep_nothing_else_from_being_removed(database: str) -> None:
    with transaction() as session:
        driver(session).execute(LOST_RECEIPT)
    keep_house()
    with transaction() as session:
        assert driver(session).execute("SELECT count(*) FROM receipts").fetchone() == (0,)
