"""What one client may send: the same numbers that refusals name."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response

from models.settings import settings
from web.answers import answer

api = Blueprint("limits", __name__)


@api.get("/api/limits")
def get_limits() -> Response:
    """Tell the limits, and how long things are kept."""
    known = settings()
    times = {
        "default_wait_seconds": known.default_wait,
        "cursor_hours": known.cursor_hours,
        "results_days": known.results_days,
        "jobs_days": known.jobs_days,
        "idempotency_key_days": known.jobs_days,
        "idempotency_answer_hours": known.answer_hours,
        "jobs_at_a_time": known.tenant_jobs,
    }
    return answer(asdict(known.limits) | times)
