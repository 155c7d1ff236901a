"""The log of a webhook's deliveries with each try, and replaying one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from models.db import Session, driver
from models.errors import InvalidState, NotFound
from models.webhooks.subscriptions import Webhook, parse_id

STATUSES = ("waiting", "delivered", "failed")
COLUMNS = """
SELECT d.id, d.sequence, d.event, d.token, d.status, d.created_on, d.replayed_on, coalesce((
    SELECT jsonb_agg(jsonb_build_object('no', a.no, 'started_on', a.started_on, 'milliseconds', a.milliseconds,
        'status', a.status, 'error', a.error) ORDER BY a.no) FROM delivery_attempts a WHERE a.delivery_id = d.id
), '[]') FROM deliveries d
"""
REPLAY = """
UPDATE deliveries SET status = 'waiting', replayed_on = CASE WHEN status = 'waiting' THEN replayed_on ELSE clock_timestamp() END
WHERE id = %(id)s AND webhook_id = %(webhook_id)s
"""


# Of one moment, so that they come in the order of their numbers.
REPLAY_FAILED = """
UPDATE deliveries SET status = 'waiting', replayed_on = now() WHERE webhook_id = %(webhook_id)s AND status = 'failed'
"""
TRY_NOW = "UPDATE webhooks SET next_on = clock_timestamp() WHERE id = %(webhook_id)s"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is delivered of one event to one webhook, and how each try ended."""

    id: UUID
    sequence: int
    event: str
    token: UUID
    status: str
    created_on: datetime
    replayed_on: datetime | None
    attempts: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Which deliveries to list: newest first, those before `before` by their sequence."""

    status: str | None = None
    before: int | None = None
    size: int = 100


def list_deliveries(session: Session, webhook: Webhook, query: DeliveryQuery) -> list[Delivery]:
    """Return a webhook's deliveries, newest first."""
    sql = (
        f"{COLUMNS} WHERE d.webhook_id = %(webhook_id)s AND (%(status)s::text IS NULL OR d.status = %(status)s) "
        "AND (%(before)s::bigint IS NULL OR d.sequence < %(before)s) ORDER BY d.sequence DESC LIMIT %(size)s"
    )
    values = {"webhook_id": webhook.id, "status": query.status, "before": query.before, "size": query.size}
    return [Delivery(*row) for row in driver(session).execute(sql, values).fetchall()]


def replay(session: Session, webhook: Webhook, text: str) -> Delivery:
    """Deliver something again now, before what waits and by the same id; what waits is tried now.

    Raises NotFound, InvalidState where the webhook is disabled.
    """
    values = {"id": parse_id(text, "delivery"), "webhook_id": webhook.id}
    _lock_active(session, webhook)
    connection = driver(session)
    if connection.execute(REPLAY, values).rowcount != 1:
        raise NotFound("There is no such delivery.")
    connection.execute(TRY_NOW, values)
    row = connection.execute(f"{COLUMNS} WHERE d.id = %(id)s", values).fetchone()
    if row is None:
        raise NotFound("There is no such delivery.")
    return Delivery(*row)


def replay_failed(session: Session, webhook: Webhook) -> int:
    """Deliver everything that failed again now, in its order; return how many there are.

    Raises InvalidState where the webhook is disabled.
    """
    _lock_active(session, webhook)
    replayed = driver(session).execute(REPLAY_FAILED, {"webhook_id": webhook.id}).rowcount
    if replayed:
        driver(session).execute(TRY_NOW, {"webhook_id": webhook.id})
    return replayed


def _lock_active(session: Session, webhook: Webhook) -> None:
    lock = "SELECT status FROM webhooks WHERE id = %s FOR UPDATE"
    if driver(session).execute(lock, (webhook.id,)).fetchone() != ("active",):
        raise InvalidState("This webhook is disabled; enable it first.")
