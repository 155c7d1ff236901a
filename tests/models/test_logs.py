"""Log lines: JSON with what was bound, and of errors their kind and place alone."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from models.logs import configure_log


@pytest.fixture
def loud() -> Iterator[None]:
    before = structlog.get_config()
    configure_log("info")
    yield
    structlog.configure(**before)


def test_a_line_has_the_jobs_token_and_no_words_of_an_error(loud: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure_log("info")  # to the stream that is captured
    log = structlog.get_logger()
    with structlog.contextvars.bound_contextvars(token="a-token"):
        try:
            int("Jane Doe")
        except ValueError:
            log.exception("item_unstorable", index=3)
    log.debug("not told")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == 1
    assert (lines[0]["event"], lines[0]["token"], lines[0]["index"], lines[0]["error"]) == (
        "item_unstorable",
        "a-token",
        3,
        "ValueError",
    )
    assert "test_a_line_has_the_jobs_token" in lines[0]["frames"][-1]
    assert "Jane" not in str(lines)
