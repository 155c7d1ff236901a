"""Answers of single operations, kept for repeats with the same idempotency key. Jobs keep their key themselves.

The key is taken in the operation's own transaction: what was not carried out leaves no key behind, and may be tried again.
"""

from __future__ import annotations

from datetime import timedelta

import psycopg.errors

from models import ids
from models.db import Session, driver
from models.errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from models.identity.principal import Principal
from models.settings import settings

FORGOTTEN_AT_ONCE = 1_000
TAKE = """
INSERT INTO answers (user_id, idempotency_key, body_digest) VALUES (%s, %s, %s)
ON CONFLICT (user_id, idempotency_key) DO NOTHING
"""
FORGET = """
DELETE FROM answers WHERE (user_id, idempotency_key) IN (
    SELECT user_id, idempotency_key FROM answers WHERE created_on < %s ORDER BY created_on LIMIT %s FOR UPDATE SKIP LOCKED
)
"""
IN_FLIGHT = "The first request with this Idempotency-Key is still being carried out."
REUSED = "This Idempotency-Key was used with another request."


def take(session: Session, principal: Principal, key: str, body_digest: bytes) -> bytes | None:
    """Take a key for this transaction, or return the answer that the first request with it was given.

    Raises IdempotencyKeyReused where the key belongs to another body or to a job, IdempotencyKeyInFlight while the first
    request with it is being carried out.
    """
    connection = driver(session)
    job = connection.execute("SELECT FROM jobs WHERE submitter_id = %s AND idempotency_key = %s", (principal.user_id, key))
    if job.fetchone() is not None:
        raise IdempotencyKeyReused(REUSED)
    try:
        taken = connection.execute(TAKE, (principal.user_id, key, body_digest)).rowcount
    except psycopg.errors.LockNotAvailable as error:
        raise IdempotencyKeyInFlight(IN_FLIGHT) from error
    return None if taken else _answer(session, principal, key, body_digest)


def _answer(session: Session, principal: Principal, key: str, body_digest: bytes) -> bytes:
    row = driver(session).execute(
        "SELECT body_digest, answer FROM answers WHERE user_id = %s AND idempotency_key = %s", (principal.user_id, key)
    ).fetchone()  # fmt: skip
    if row is None or row[1] is None:
        raise IdempotencyKeyInFlight(IN_FLIGHT)
    if bytes(row[0]) != body_digest:
        raise IdempotencyKeyReused(REUSED)
    return bytes(row[1])


def keep(session: Session, principal: Principal, key: str, answer: bytes) -> None:
    """Keep what the request that took the key is answered."""
    driver(session).execute(
        "UPDATE answers SET answer = %s WHERE user_id = %s AND idempotency_key = %s", (answer, principal.user_id, key)
    )


def refuse_taken(session: Session, principal: Principal, key: str | None) -> None:
    """Raise IdempotencyKeyReused where a single operation has the key that a job comes with."""
    if key is None:
        return
    found = driver(session).execute("SELECT FROM answers WHERE user_id = %s AND idempotency_key = %s", (principal.user_id, key))
    if found.fetchone() is not None:
        raise IdempotencyKeyReused(REUSED)


def forget(session: Session) -> int:
    """Remove some of the answers past their time; return how many."""
    oldest = ids.now() - timedelta(hours=settings().answer_hours)
    return driver(session).execute(FORGET, (oldest, FORGOTTEN_AT_ONCE)).rowcount
