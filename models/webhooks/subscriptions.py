"""A user's webhooks: made with an address and a secret that is told once, rotated, enabled again, deleted."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models import ids
from models.db import Session, driver
from models.errors import InvalidState, NotFound
from models.identity.principal import Principal
from models.webhooks.signing import as_secret

EVENTS = ("job.done", "job.rejected")
MOST = 20  # webhooks of one user
OLD_SECRET_HOURS = 24  # that both secrets sign after a rotation
COLUMNS = "id, url, events, status, reason, sequence, created_on, CASE WHEN old_until > clock_timestamp() THEN old_until END"
MINE = "id = %(id)s AND user_id = %(user_id)s"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription as its owner reads it. `old_secret_until` is set while two secrets sign."""

    id: UUID
    url: str
    events: tuple[str, ...]
    status: str
    reason: str | None
    sequence: int
    created_on: datetime
    old_secret_until: datetime | None


def create(session: Session, principal: Principal, url: str, events: Sequence[str]) -> tuple[Webhook, str]:
    """Make a webhook to an address that was looked at; return it and its secret, which is not told again.

    Raises InvalidState where the user has as many as may be.
    """
    connection = driver(session)
    connection.execute("SELECT FROM users WHERE id = %s FOR UPDATE", (principal.user_id,))
    row = connection.execute("SELECT count(*) FROM webhooks WHERE user_id = %s", (principal.user_id,)).fetchone()
    if row and row[0] >= MOST:
        raise InvalidState(f"A user has at most {MOST} webhooks.", limit=MOST)
    secret = _new_secret()
    values = {"id": ids.new_token(), "user_id": principal.user_id, "url": url, "events": list(events), "secret": secret}
    sql = "INSERT INTO webhooks (id, user_id, url, events, secret) VALUES (%(id)s, %(user_id)s, %(url)s, %(events)s, %(secret)s)"
    return _one(session, f"{sql} RETURNING {COLUMNS}", values), secret


def _new_secret() -> str:
    return as_secret(urlsafe_b64decode(ids.new_secret() + "="))


def list_mine(session: Session, principal: Principal) -> list[Webhook]:
    """Return one's own webhooks, oldest first."""
    sql = f"SELECT {COLUMNS} FROM webhooks WHERE user_id = %s ORDER BY created_on, id"
    return [_webhook(row) for row in driver(session).execute(sql, (principal.user_id,)).fetchall()]


def get(session: Session, principal: Principal, text: str) -> Webhook:
    """Return one's own webhook. Raises NotFound."""
    return _one(session, f"SELECT {COLUMNS} FROM webhooks WHERE {MINE}", _mine(principal, text))


def delete(session: Session, principal: Principal, text: str) -> None:
    """Delete a webhook with its deliveries. Raises NotFound."""
    _one(session, f"DELETE FROM webhooks WHERE {MINE} RETURNING {COLUMNS}", _mine(principal, text))


def rotate(session: Session, principal: Principal, text: str) -> tuple[Webhook, str]:
    """Give a webhook a new secret; the one before signs beside it for a day. Raises NotFound."""
    values = _mine(principal, text) | {"secret": _new_secret(), "hours": OLD_SECRET_HOURS}
    sql = "UPDATE webhooks SET old_secret = secret, old_until = clock_timestamp() + make_interval(hours => %(hours)s)"
    return _one(session, f"{sql}, secret = %(secret)s WHERE {MINE} RETURNING {COLUMNS}", values), str(values["secret"])


def enable(session: Session, principal: Principal, text: str) -> Webhook:
    """Deliver again to a webhook that was disabled, what still waits at once. Raises NotFound."""
    sql = "UPDATE webhooks SET status = 'active', reason = NULL, next_on = coalesce(next_on, clock_timestamp())"
    return _one(session, f"{sql} WHERE {MINE} RETURNING {COLUMNS}", _mine(principal, text))


def _mine(principal: Principal, text: str) -> dict[str, Any]:
    return {"id": parse_id(text, "webhook"), "user_id": principal.user_id}


def parse_id(text: str, what: str) -> UUID:
    """Return an id in its one spelling, or refuse as if nobody had it."""
    try:
        found = UUID(text)
    except ValueError:
        raise NotFound(f"There is no such {what}.") from None
    if str(found) != text:
        raise NotFound(f"There is no such {what}.")
    return found


def _one(session: Session, sql: str, values: Mapping[str, Any]) -> Webhook:
    row = driver(session).execute(sql, values).fetchone()
    if row is None:
        raise NotFound("There is no such webhook.")
    return _webhook(row)


def _webhook(row: tuple[Any, ...]) -> Webhook:
    return Webhook(row[0], row[1], tuple(row[2]), *row[3:])
