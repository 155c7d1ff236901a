"""Is it alive, can it work. Nothing here names a tenant; numbers are in `web.metrics`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Blueprint, Response

from models.db import DATABASE_ERRORS, transaction
from models.errors import Unavailable
from models.parts import list_parts
from web.answers import answer, problem

api = Blueprint("health", __name__)
NEEDED = ("worker", "dispatcher")


@api.get("/health/live")
def live() -> Response:
    """Say that this process answers."""
    return answer({"status": "live"})


@api.get("/health/ready")
def ready() -> Response:
    """Say whether work sent now would be done: the database answers, a worker and the dispatcher were heard of lately."""
    parts = _parts()
    found = Counter(part["role"] for part in parts or ())
    body: dict[str, Any] = {"web": True, "database": parts is not None} | {role: found[role] for role in NEEDED}
    missing = ["database"] if parts is None else [role for role in NEEDED if not found[role]]
    if missing:
        return problem(Unavailable(f"Not heard of lately: {', '.join(missing)}."), {"parts": body})
    return answer({"status": "ready", "parts": body})


def _parts() -> list[dict[str, Any]] | None:
    try:
        with transaction() as session:
            return list_parts(session)
    except DATABASE_ERRORS:
        return None
