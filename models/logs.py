"""How all parts log: one JSON object a line, without what an error's message may quote of a patient's values."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

MOST_FRAMES = 12


def configure_log(level: str) -> None:
    """Write events as JSON lines to stderr, from `level` on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            name_error,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(level.upper(), logging.INFO)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def name_error(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say of an error what it is and where it came from. Its message stays out: a driver's may quote values."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exception() if given else None
    if error is not None:
        event["error"] = type(error).__name__
        event["frames"] = frames(error)
    return event


def frames(error: BaseException) -> list[str]:
    """Return where an error came from, the innermost place last."""
    found = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return found[-MOST_FRAMES:]
