"""What is to be delivered: written by the transaction that ends a job, taken out one by one by whoever delivers.

Each subscription's events are numbered under the lock of its row, which is taken last: a later number was committed later, and is
delivered later. A try is durable before it is made, so that a death leaves a trace; its number is the fence of its result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models.db import Session, driver
from models.feed.changes import Action, CcChange, announce
from models.settings import settings
from models.webhooks.safe import take_out

LEASE = 60  # seconds that a subscription is left to who took it; longer than any try
GONE = 410  # the answer by which a receiver wants nothing any more
UNREADABLE = "secret_unreadable"  # the reason of a subscription whose secret was stored under another secret key
SHOWN = 500  # characters of an error that are kept
QUEUE = """
WITH due AS (
    SELECT w.id, 'job.' || j.status AS event FROM jobs j JOIN webhooks w ON w.user_id = j.submitter_id
    WHERE j.id = %(job_id)s AND w.status = 'active' AND 'job.' || j.status = ANY(w.events) ORDER BY w.id FOR UPDATE OF w
), counted AS (
    UPDATE webhooks w SET sequence = sequence + 1, next_on = coalesce(next_on, clock_timestamp())
    FROM due WHERE w.id = due.id RETURNING w.id, w.sequence, due.event
)
INSERT INTO deliveries (webhook_id, sequence, job_id, token, event, body)
SELECT counted.id, counted.sequence, j.id, j.token, counted.event, jsonb_build_object(
    'type', counted.event, 'timestamp', to_char(j.finished_on AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'data', jsonb_build_object('sequence', counted.sequence, 'token', j.token, 'job', j.name, 'status', j.status,
        'outcome', j.outcome, 'total', j.total, 'succeeded', j.succeeded, 'noop', j.noop, 'failed', j.failed,
        'skipped', j.skipped, 'cancelled', j.cancelled, 'url', '/api/jobs/' || j.token,
        'error', CASE WHEN j.status = 'rejected' THEN j.info->'error'->'code' END)
)::text FROM counted, jobs j WHERE j.id = %(job_id)s
"""
TAKE = """
UPDATE webhooks SET next_on = clock_timestamp() + make_interval(secs => %(lease)s) WHERE id IN (
    SELECT id FROM webhooks WHERE status = 'active' AND next_on <= clock_timestamp() ORDER BY next_on LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
) RETURNING id
"""
LOCK = "SELECT FROM webhooks WHERE id = %(webhook_id)s AND status = 'active' FOR UPDATE"
HEAD = "SELECT id FROM deliveries WHERE webhook_id = %(webhook_id)s AND status = 'waiting' ORDER BY replayed_on, sequence LIMIT 1"
BEGIN = f"""
WITH head AS (
    UPDATE deliveries SET attempts = attempts + 1 WHERE id = ({HEAD}) RETURNING id, attempts, token, event, body
), tried AS (
    INSERT INTO delivery_attempts (delivery_id, no, started_on) SELECT id, attempts, clock_timestamp() FROM head
), held AS (
    UPDATE webhooks SET next_on = clock_timestamp() + make_interval(secs => %(lease)s)
    WHERE id = %(webhook_id)s AND EXISTS (SELECT FROM head)
    RETURNING url
)
SELECT head.id, head.attempts, head.token, head.event, head.body, held.url, extract(epoch FROM clock_timestamp())::bigint
FROM head, held
"""
NOTE = """
UPDATE delivery_attempts SET milliseconds = %(milliseconds)s, status = %(status)s, error = %(error)s
WHERE delivery_id = %(id)s AND no = %(no)s
"""
END = """
UPDATE deliveries SET status = CASE WHEN %(good)s THEN 'delivered'
    WHEN %(gone)s OR replayed_on IS NOT NULL OR attempts > %(pauses)s THEN 'failed' ELSE status END
WHERE id = %(id)s AND attempts = %(no)s AND status = 'waiting' RETURNING status, replayed_on IS NOT NULL
"""
# A replay is tried once, whatever the pause of what waits behind it.
NEXT = f"""
UPDATE webhooks SET next_on = CASE WHEN EXISTS ({HEAD}) THEN clock_timestamp() + make_interval(secs => %(pause)s) END
WHERE id = %(webhook_id)s
"""
SECRETS = """
SELECT secret, CASE WHEN old_until > clock_timestamp() THEN old_secret END FROM webhooks
WHERE id = %(webhook_id)s AND status = 'active' FOR UPDATE
"""
FORGOTTEN_AT_ONCE = 1_000  # each with its tries
FORGET = """
DELETE FROM deliveries WHERE id = ANY(ARRAY(
    SELECT id FROM deliveries WHERE created_on < now() - make_interval(days => %s) ORDER BY created_on LIMIT %s
    FOR UPDATE SKIP LOCKED
))
"""
DISABLE = """
UPDATE webhooks SET status = 'disabled', reason = %(reason)s, disabled_on = clock_timestamp(), next_on = NULL
WHERE id = %(webhook_id)s RETURNING user_id
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one delivery. `secrets` are those that are valid now, the newest first."""

    webhook_id: UUID
    id: UUID
    no: int
    token: UUID
    event: str
    body: bytes
    url: str
    secrets: tuple[str, ...]
    timestamp: int

    @property
    def message(self) -> str:
        """Return what the receiver knows this message by, the same at each try."""
        return f"msg_{self.id.hex}"


@dataclass(frozen=True, slots=True)
class Result:
    """How a try ended: what the receiver answered, or why nothing was answered."""

    milliseconds: int
    status: int | None = None
    error: str | None = None

    @property
    def good(self) -> bool:
        """Say whether the receiver has the message."""
        return self.error is None and self.status is not None and 200 <= self.status < 300


def queue_end(session: Session, job_id: int) -> None:
    """Note for each subscription of a job's submitter that the job has ended. The caller's transaction has just ended it."""
    driver(session).execute(QUEUE, {"job_id": job_id})


def take(session: Session, most: int) -> list[UUID]:
    """Return subscriptions for which something is due, and leave them to the caller for a while."""
    return [row[0] for row in driver(session).execute(TAKE, {"most": most, "lease": LEASE}).fetchall()]


def begin(session: Session, webhook_id: UUID) -> Attempt | None:
    """Begin a try of what is first in a subscription's turn; None where nothing is, or it is disabled or gone.

    Where its secret cannot be read, it is disabled: what is not signed is not sent.
    """
    values = {"webhook_id": webhook_id, "lease": LEASE}
    connection = driver(session)
    stored = connection.execute(SECRETS, values).fetchone()
    if stored is None:
        return None
    secret, old_secret = (take_out(webhook_id, one) for one in stored)
    if secret is None:
        _disable(session, webhook_id, UNREADABLE)
        return None
    row = connection.execute(BEGIN, values).fetchone()
    if row is None:
        connection.execute(NEXT, values | {"pause": 0})
        return None
    delivery_id, no, token, event, body, url, now = row
    secrets = (secret, old_secret) if old_secret else (secret,)
    return Attempt(webhook_id, delivery_id, no, token, event, body.encode(), url, secrets, now)


def end(session: Session, attempt: Attempt, result: Result) -> bool:
    """Note how a try ended; say whether the next delivery may be tried at once. Who was overtaken meanwhile decides nothing."""
    connection = driver(session)
    pauses = settings().webhook_pauses
    values: dict[str, Any] = {
        "webhook_id": attempt.webhook_id, "id": attempt.id, "no": attempt.no, "milliseconds": result.milliseconds,
        "status": result.status, "error": result.error and result.error[:SHOWN], "good": result.good,
        "gone": result.status == GONE, "pauses": len(pauses),
    }  # fmt: skip
    active = connection.execute(LOCK, values).fetchone() is not None
    connection.execute(NOTE, values)
    row = connection.execute(END, values).fetchone()
    if row is None or not active:
        return False
    status, replayed = row
    if values["gone"] or (status == "failed" and not replayed):
        _disable(session, attempt.webhook_id, "gone" if values["gone"] else "unreachable")
        return False
    pause = pauses[attempt.no - 1] if status == "waiting" else 0
    connection.execute(NEXT, values | {"pause": pause})
    return bool(status != "waiting")


def _disable(session: Session, webhook_id: UUID, reason: str) -> None:
    """Deliver nothing more to a subscription, and tell its owner on the feed."""
    row = driver(session).execute(DISABLE, {"webhook_id": webhook_id, "reason": reason}).fetchone()
    if row:
        announce(session, CcChange(Action.UPDATE, "webhooks", str(webhook_id), user_id=row[0]))


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be delivered, over all users; the age of the oldest in seconds."""

    waiting: int
    oldest: float
    disabled: int


def backlog(session: Session) -> Backlog:
    """Count what waits to be delivered by active subscriptions, and subscriptions that were disabled."""
    row = driver(session).execute(
        "SELECT count(*), coalesce(max(extract(epoch FROM clock_timestamp() - d.created_on)), 0)::float8, "
        "(SELECT count(*) FROM webhooks WHERE status = 'disabled') "
        "FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id WHERE d.status = 'waiting' AND w.status = 'active'"
    ).fetchone()  # fmt: skip
    return Backlog(*row) if row else Backlog(0, 0.0, 0)


def forget(session: Session) -> bool:
    """Forget some of the deliveries past the time that results are kept, with their tries; say whether there may be more."""
    return driver(session).execute(FORGET, (settings().results_days, FORGOTTEN_AT_ONCE)).rowcount == FORGOTTEN_AT_ONCE
