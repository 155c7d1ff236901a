"""Answers that are kept for repeats, and forgotten in time."""

from __future__ import annotations

from models import idempotency
from models.db import driver, transaction
from tests.factories import accounts


def test_answers_are_forgotten_after_their_time_and_not_before(database: str) -> None:
    with transaction() as session:
        ann = accounts(session)["ann"]
        for key in ("old", "new"):
            assert idempotency.take(session, ann, key, b"x") is None
            idempotency.keep(session, ann, key, key.encode())
        driver(session).execute("UPDATE answers SET created_on = now() - interval '49 hours' WHERE idempotency_key = 'old'")
        assert idempotency.forget(session) == 1
        assert idempotency.take(session, ann, "new", b"x") == b"new"
