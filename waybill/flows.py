"""What the client does, without a connection and without a clock that sleeps: generators that ask for requests and pauses.

`Client` and `AsyncClient` run the same flows, each in its own way. Every POST has an idempotency key or is harmless to repeat, so
that requests are repeated when a connection breaks or the server asks for a pause.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from waybill.errors import Problem, Unreachable
from waybill.values import File, JobState
from waybill.wire import Answer, Flow, Lost, Pause, Request, get, keyed, patch, post

BASE = "/classification/api/classifications/v2/"
RECORDS = f"{BASE}record/"
BULK = f"{BASE}records/bulk/"
EXPORT = f"{BASE}record/"
IN_FLIGHT = "idempotency_key_in_flight"  # the first copy of this request is still being stored
PASSING = (429, 502, 503, 504)
REST = 0.5  # seconds between two looks at a job that comes to rest


@dataclass(frozen=True, slots=True)
class Patience:
    """How long trouble may last, and how long to wait in it. Times are seconds.

    The pauses double from `first` to `longest`; each is shortened by up to half at random, so that many clients do not come
    back at once. A pause that the server asks for is kept.
    """

    seconds: float = 60.0
    first: float = 0.2
    longest: float = 15.0

    def pause(self, attempt: int, asked: float | None) -> float:
        """Return how long to wait after this failed attempt, counted from 0."""
        grown = min(self.longest, self.first * 2.0 ** min(attempt, 30))
        return max(asked or 0.0, grown * (1 - random.random() / 2))


class Trouble:
    """How long it has been going wrong."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.over()

    def over(self) -> None:
        """Note that something went well."""
        self._begun, self._attempt = time.monotonic(), 0

    def pause(self, error: Problem | Unreachable) -> float:
        """Return how long to wait before trying again; raise the error where that would not help, or takes too long."""
        pause = self._patience.pause(self._attempt, getattr(error, "retry_after", None))
        if not _passes(error) or time.monotonic() - self._begun + pause > self._patience.seconds:
            raise error
        self._attempt += 1
        return pause


def ask(request: Request, patience: Patience) -> Flow[Answer]:
    """Send a request until it is answered. Raises Problem and Unreachable."""
    trouble = Trouble(patience)
    while True:
        found = yield from attempt(request)
        if isinstance(found, Answer):
            return found
        yield Pause(trouble.pause(found))


def attempt(request: Request) -> Flow[Answer | Problem | Unreachable]:
    """Send a request once; return what comes of it."""
    try:
        answer = yield request
    except Lost as lost:
        return Unreachable(str(lost))
    if answer is None:
        raise TypeError("a request is answered")
    return answer if answer.status < 300 else problem(answer)


def _passes(error: Problem | Unreachable) -> bool:
    return isinstance(error, Unreachable) or error.status in PASSING or error.code == IN_FLIGHT


def problem(answer: Answer) -> Problem:
    """Return a refusal; something between us and the server may have answered in its own way."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    return Problem(answer.status, _told(body) or {"code": f"http_{answer.status}", "detail": ""}, answer.retry_after)


def _told(body: Any) -> Mapping[str, Any] | None:
    """Return what a refusal says, in the words of a problem document; the project face has its own envelope."""
    if not isinstance(body, dict):
        return None
    result = body.get("result")
    if not isinstance(result, dict) or "code" not in result:
        return body if "code" in body else None
    info = result.get("info")
    said = info if isinstance(info, dict) else {}
    errors = [said] if "pointer" in said else []
    return {**body, **said, "code": said.get("code", result["code"]), "detail": result.get("message", ""), "errors": errors}


def value(request: Request, patience: Patience) -> Flow[Any]:
    """Return what a request is answered with, as JSON."""
    answer = yield from ask(request, patience)
    return _json(answer)


def _json(answer: Answer) -> Any:
    try:
        return answer.json()
    except ValueError:
        detail = "Is this a Waybill server? Its answer is not JSON."
        raise Problem(answer.status, {"code": "not_json", "detail": detail}) from None


def job(token: str, patience: Patience) -> Flow[JobState]:
    """Return how a job stands."""
    return _state((yield from ask(get(_job(token)), patience)))


def ended(token: str, patience: Patience) -> Flow[JobState]:
    """Ask about a job, as often as the server allows, until it has ended; return how."""
    looks, state = 0, (yield from job(token, patience))
    while not state.final:
        yield Pause(state.pause_after(looks))
        looks, state = looks + 1, (yield from job(token, patience))
    return state


def change(token: str, verb: str, patience: Patience) -> Flow[JobState]:
    """Ask something of a job that answers with its state."""
    return _state((yield from ask(post(f"{_job(token)}/{verb}"), patience)))


def rest(token: str, patience: Patience) -> Flow[JobState]:
    """Ask a job to pause, and wait until nothing of it is worked on, at most as long as trouble may last."""
    state, end = (yield from change(token, "pause", patience)), time.monotonic() + patience.seconds
    while state.pausing and time.monotonic() < end:
        yield Pause(REST)
        state = yield from job(token, patience)
    return state


def set_pace(token: str, pace: int | None, patience: Patience) -> Flow[JobState]:
    """Say how many items a second a job may do."""
    return _state((yield from ask(patch(_job(token), {"pace": pace}), patience)))


def child(token: str, verb: str, key: str, patience: Patience, body: Any = None) -> Flow[str]:
    """Ask for a job that follows from another one; return its token."""
    answer = yield from ask(post(f"{_job(token)}/{verb}", body, keyed(key)), patience)
    return token_in(_json(answer))


def send(request: Request, patience: Patience) -> Flow[str]:
    """Send what becomes a job; return its token. Raises ValueError where there is no operation in it."""
    answer = yield from ask(request, patience)
    return token_in(_json(answer))


def token_in(body: Mapping[str, Any]) -> str:
    """Return the job's token from an answer that waited for its end or one that did not."""
    token = body.get("job.token") or body.get("result", {}).get("job.token")
    if token is None:
        raise ValueError("there is no operation in what was sent")
    return str(token)


def purge(token: str, patience: Patience) -> Flow[None]:
    """Remove a job's items and outcomes."""
    yield from ask(Request("DELETE", _job(token)), patience)


def files(token: str, patience: Patience) -> Flow[list[File]]:
    """Return the files of an export job."""
    found = yield from value(get(f"{_job(token)}/files"), patience)
    return [File.parse(entry) for entry in found["files"]]


def export(parameters: Mapping[str, Any], key: str, patience: Patience) -> Flow[str]:
    """Ask for an export as a job; return its token."""
    asked = get(EXPORT, **parameters)
    headers = {"Prefer": "respond-async", **keyed(key)}
    return token_in((yield from value(Request("GET", asked.path, asked.query, headers), patience)))


def record(name: str | int) -> Request:
    """Return the request for one record, by `org/lab/record` or by its number."""
    return get(RECORDS + quote(str(name), safe="/."))


def results(token: str) -> str:
    """Return where a job's outcomes are."""
    return f"{_job(token)}/results"


def bulk(verb: str, selection: list[Any], parameters: Mapping[str, Any], key: str) -> Request:
    """Return the request for an operation over a selection; parameters that are None are left out."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return post(f"{BULK}{verb}", {"selection": selection, **given}, {"Prefer": "respond-async", **keyed(key)})


def count(selection: list[Any], *, allow_all: bool) -> Request:
    """Return the request for the size of a selection."""
    asked = {"selection": selection, "page.size": 1, "data": False}
    return post(f"{BULK}get", asked | ({"allow_all": True} if allow_all else {}))


def _job(token: str) -> str:
    return f"/api/jobs/{quote(token, safe='')}"


def _state(answer: Answer) -> JobState:
    return JobState.parse(_json(answer), 1.0 if answer.retry_after is None else answer.retry_after)
