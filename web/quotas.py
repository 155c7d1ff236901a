"""How much one user may ask for, and one address may guess: counted per machine, told in every answer (RateLimit headers).

The names of the policies are those of the draft: `req` requests, `bytes` of bodies, `jobs` that are open at the same time; the
last is counted in the database, where a job is submitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

from flask import Flask, Response, g, request

from models import ids
from models.errors import QuotaExceeded, Unauthorized
from models.identity.principal import Principal
from models.settings import settings
from web.tallies import Window, shared

MINUTE = 60
KNOWN_SECONDS = 600.0  # that a key which was right is let through although others from its address are wrong
requests_used = Window(shared, "req", MINUTE)
bytes_used = Window(shared, "bytes", MINUTE)
wrong_keys = Window(shared, "wrong", MINUTE)
right_keys = Window(shared, "right", KNOWN_SECONDS)


def install(app: Flask) -> None:
    """Tell the quotas in every answer to somebody known."""
    app.after_request(_tell)


def admit(who: Principal) -> None:
    """Count this request and the body it announces. Raises QuotaExceeded."""
    now, name = ids.monotonic(), str(who.user_id)
    for policy, window, amount, quota in _policies():
        used, left = window.used(name, now)
        if amount and used + amount > quota:
            raise exceeded(policy, f"At most {quota} of {policy!r} in {MINUTE} seconds.", left)
        window.use(name, amount, now)


def _policies() -> Iterator[tuple[str, Window, float, int]]:
    limits = settings().limits
    yield "req", requests_used, 1, limits.requests_per_minute
    yield "bytes", bytes_used, request.content_length or 0, limits.bytes_per_minute


def count_bytes(number: int) -> None:
    """Count a body whose length was not announced, after it was read."""
    if request.content_length is None:
        bytes_used.use(str(g.principal.user_id), number, ids.monotonic())


def exceeded(policy: str, detail: str, seconds: float) -> QuotaExceeded:
    """Return the refusal that names a policy and when to come again."""
    more: dict[str, Any] = {"violated-policies": [policy]}
    return QuotaExceeded(detail, retry_after=max(1, ceil(seconds)), **more)


def _tell(response: Response) -> Response:
    who: Principal | None = g.get("principal")
    if who is None:
        return response
    limits = settings().limits
    policies = [
        f'"req";q={limits.requests_per_minute};w={MINUTE}',
        f'"bytes";q={limits.bytes_per_minute};qu="content-bytes";w={MINUTE}',
        f'"jobs";q={limits.open_jobs};qu="concurrent-requests"',
    ]
    now, name = ids.monotonic(), str(who.user_id)
    states = []
    for policy, window, _, quota in _policies():
        used, left = window.used(name, now)
        states.append(f'"{policy}";r={max(0, quota - int(used))};t={ceil(left)}')
    response.headers["RateLimit-Policy"] = ", ".join(policies)
    response.headers["RateLimit"] = ", ".join(states)
    return response


@contextmanager
def guessing(credential: str) -> Iterator[None]:
    """Let a credential be tried, a key or a name with its password. Raises QuotaExceeded where too many were wrong."""
    check_guessing(credential)
    try:
        yield
    except Unauthorized:
        note_wrong(credential)
        raise
    note_right(credential)


def check_guessing(key: str) -> None:
    """Refuse an address that has sent too many wrong keys, before the database is asked. Raises QuotaExceeded.

    Who signed in lately with this very key is let through: nobody can lock out those who share an address, or a proxy.
    """
    now = ids.monotonic()
    used, left = wrong_keys.used(_address(), now)
    if used >= settings().wrong_keys and not right_keys.used(_mark(key), now)[0]:
        raise exceeded("wrong-keys", "Too many wrong keys came from this address.", left)


def note_wrong(key: str) -> None:
    """Count a key that is nobody's; one that was right a moment ago is no longer let through."""
    now = ids.monotonic()
    wrong_keys.use(_address(), 1, now)
    mark = _mark(key)
    right_keys.use(mark, -right_keys.used(mark, now)[0], now)


def note_right(key: str) -> None:
    """Remember for a while that a key was right, by its digest."""
    now = ids.monotonic()
    if not right_keys.used(_mark(key), now)[0]:
        right_keys.use(_mark(key), 1, now)


def _address() -> str:
    return request.remote_addr or ""


def _mark(key: str) -> str:
    return ids.digest(key.encode("utf-8", "replace")).hex()
