"""What the page shows beyond the rest of the API: how the service does, and what a job's items were as they were sent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, request

from models import ids
from models.db import transaction
from models.jobs import service as jobs
from models.jobs.inputs import Input, list_inputs
from models.jobs.numbers import Numbers, count_open, look_back
from models.parts import list_parts
from web.answers import answer
from web.auth import principal, sign_in
from web.schemas import FigureParameters, InputParameters, parse_query

MINUTE = 60

api = Blueprint("figures", __name__, url_prefix="/api")
api.before_request(sign_in)


@api.get("/figures")
def get_figures() -> Response:
    """Tell how much is open, which parts run, and what was done lately; no tenant is named."""
    ask = parse_query(FigureParameters, request.args)
    with transaction() as session:
        past = look_back(session, ask["minutes"] * MINUTE, principal().user_id if ask["mine"] else None)
        numbers, parts = count_open(session), list_parts(session)
    shown = [part | {"started_on": ids.iso(part["started_on"])} for part in parts]
    return answer({"parts": shown, "open": _dump_open(numbers), "past": asdict(past)})


def _dump_open(numbers: Numbers) -> dict[str, Any]:
    def by_status(values: Any) -> list[dict[str, Any]]:
        return [{"queue": queue, "status": status, "count": count} for (queue, status), count in values.items()]

    return {
        "jobs": by_status(numbers.jobs),
        "items": by_status(numbers.items),
        "chunks": dict(numbers.chunks),
        "attempts": sum(numbers.attempts.values()),
        "oldest_chunk": round(numbers.oldest_chunk, 3),
        "longest_silence": round(numbers.longest_silence, 3),
    }


@api.get("/jobs/<token>/inputs")
def get_inputs(token: str) -> Response:
    """Show items of a job as they were sent: `index` is a list of at most a hundred numbers with commas between them."""
    asked = parse_query(InputParameters, request.args)["index"]
    with transaction() as session:
        found = list_inputs(session, jobs.get_job(session, principal(), token), list(asked))
    return answer({"inputs": [_dump_input(one) for one in found]})


def _dump_input(one: Input) -> dict[str, Any]:
    return {"index": one.index, "line": one.line, "ref": one.ref, "text": one.text}
