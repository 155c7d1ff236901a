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
from models.webhooks.outbox import UNREADABLE
from models.webhooks.safe import lock_up, take_out
from models.webhooks.signing import as_secret

EVENTS = ("job.done", "job.rejected")
MOST = 20  # webhooks of one user
OLD_SECRET_HOURS = 24  # that both secrets sign after a rotation
MOST_COUNTED = 1_000  # of what waits; more are not counted
COLUMNS = f"""
id, url, events, status, reason, sequence, created_on, CASE WHEN old_until > clock_timestamp() THEN old_until END, disabled_on,
CASE WHEN status = 'active' THEN next_on END,
(SELECT count(*) FROM (
    SELECT FROM deliveries d WHERE d.webhook_id = webhooks.id AND d.status = 'waiting' LIMIT {MOST_COUNTED}
) waiting), (
    SELECT jsonb_build_object('status', d.status, 'event', d.event, 'token', d.token, 'tried_on', (
        SELECT max(a.started_on) FROM delivery_attempts a WHERE a.delivery_id = d.id
    )) FROM deliveries d WHERE d.webhook_id = webhooks.id AND d.status <> 'waiting' ORDER BY d.sequence DESC LIMIT 1
)
"""
BY_OWNER = "by_owner"  # the reason of one that its owner has disabled
MINE = "id = %(id)s AND user_id = %(user_id)s"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription as its owner reads it. `old_secret_until` is set while two secrets sign.

    `waiting` counts what is still to be delivered, up to MOST_COUNTED; `last` is the newest delivery that has ended: status,
    event, token and `tried_on`.
    """

    id: UUID
    url: str
    events: tuple[str, ...]
    status: str
    reason: str | None
    sequence: int
    created_on: datetime
    old_secret_until: datetime | None
    disabled_on: datetime | None = None
    next_on: datetime | None = None
    waiting: int = 0
    last: Mapping[str, Any] | None = None


def create(session: Session, principal: Principal, url: str, events: Sequence[str]) -> tuple[Webhook, str]:
    """Make a webhook to an address that was looked at; return it and its secret, which is not told again.

    Raises InvalidState where the user has as many as may be.
    """
    connection = driver(session)
    connection.execute("SELECT FROM users WHERE id = %s FOR UPDATE", (principal.user_id,))
    row = connection.execute("SELECT count(*) FROM webhooks WHERE user_id = %s", (principal.user_id,)).fetchone()
    if row and row[0] >= MOST:
        raise InvalidState(f"A user has at most {MOST} webhooks.", limit=MOST)
    secret, webhook_id = _new_secret(), ids.new_token()
    values = {"id": webhook_id, "user_id": principal.user_id, "url": url, "events": list(events)}
    values["secret"] = lock_up(webhook_id, secret)
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


ROTATE = f"""
UPDATE webhooks SET secret = %(secret)s, old_secret = CASE WHEN %(readable)s THEN secret END,
    old_until = CASE WHEN %(readable)s THEN clock_timestamp() + make_interval(hours => %(hours)s) END
WHERE {MINE} RETURNING {COLUMNS}
"""
ENABLE = f"""
UPDATE webhooks SET status = 'active', reason = NULL, disabled_on = NULL, next_on = coalesce(next_on, clock_timestamp())
WHERE {MINE} RETURNING {COLUMNS}
"""
SWITCH_OFF = f"""
UPDATE webhooks SET status = 'disabled', reason = '{BY_OWNER}', disabled_on = clock_timestamp(), next_on = NULL
WHERE {MINE} AND status = 'active' RETURNING {COLUMNS}
"""


def rotate(session: Session, principal: Principal, text: str) -> tuple[Webhook, str]:
    """Give a webhook a new secret; the one before signs beside it for a day, if it can still be read. Raises NotFound.

    A webhook that was disabled since its secret could not be read is enabled by it.
    """
    found, readable = _locked(session, principal, text)
    secret = _new_secret()
    values = _mine(principal, text) | {"secret": lock_up(found.id, secret), "hours": OLD_SECRET_HOURS, "readable": readable}
    rotated = _one(session, ROTATE, values)
    return enable(session, principal, text) if found.reason == UNREADABLE else rotated, secret


def enable(session: Session, principal: Principal, text: str) -> Webhook:
    """Deliver again to a webhook that was disabled, what still waits at once.

    Raises NotFound, InvalidState where its secret cannot be read.
    """
    if not _locked(session, principal, text)[1]:
        raise InvalidState("The secret of this webhook cannot be read any more; rotate it, which enables the webhook too.")
    return _one(session, ENABLE, _mine(principal, text))


def disable(session: Session, principal: Principal, text: str) -> Webhook:
    """Deliver nothing more to a webhook until it is enabled; one that is disabled stays as it is. Raises NotFound."""
    found, _ = _locked(session, principal, text)
    return found if found.status == "disabled" else _one(session, SWITCH_OFF, _mine(principal, text))


def _locked(session: Session, principal: Principal, text: str) -> tuple[Webhook, bool]:
    """Lock one's own webhook; return it, and whether its secret can be read. Raises NotFound."""
    values = _mine(principal, text)
    row = driver(session).execute(f"SELECT secret FROM webhooks WHERE {MINE} FOR UPDATE", values).fetchone()
    if row is None:
        raise NotFound("There is no such webhook.")
    return get(session, principal, text), take_out(values["id"], row[0]) is not None


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
