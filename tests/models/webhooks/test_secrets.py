"""Secrets of webhooks are stored sealed, and one that cannot be read any more is said so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.db import driver, transaction
from models.errors import InvalidState
from models.identity.principal import Principal
from models.jobs import ledger
from models.jobs.ledger import Outcome
from models.settings import settings
from models.webhooks import outbox, subscriptions
from models.webhooks.safe import lock_up, take_out
from models.webhooks.subscriptions import EVENTS, Webhook
from tests.factories import accounts, job

URL = "https://hooks.example.org/"


@pytest.fixture
def ann(database: str) -> Principal:
    with transaction() as session:
        return accounts(session)["ann"]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def use(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("WAYBILL_SECRET_KEY", secret)
    settings.cache_clear()


def subscribe(who: Principal) -> tuple[Webhook, str]:
    with transaction() as session:
        return subscriptions.create(session, who, URL, EVENTS)


def end_a_job(who: Principal) -> None:
    with transaction() as session:
        mine = ledger.claim(session, job(session, submitter_id=who.user_id), 0)
    assert mine
    with transaction() as session:
        chunk = ledger.open_chunk(session, mine)
        ledger.finish(session, chunk, [Outcome(index, "succeeded") for index in chunk.indexes])


def begin(webhook: Webhook) -> outbox.Attempt | None:
    with transaction() as session:
        return outbox.begin(session, webhook.id)


def found(who: Principal, webhook: Webhook) -> Webhook:
    with transaction() as session:
        return subscriptions.get(session, who, str(webhook.id))


def stored() -> list[Any]:
    with transaction() as session:
        return driver(session).execute("SELECT to_jsonb(w)::text FROM webhooks w").fetchall()


def test_the_table_holds_no_plain_secret(ann: Principal) -> None:
    webhook, first = subscribe(ann)
    with transaction() as session:
        _, second = subscriptions.rotate(session, ann, str(webhook.id))
    text = repr(stored())
    for secret in (first, second):
        assert secret.startswith("whsec_")
        assert secret not in text
        assert secret.removeprefix("whsec_") not in text
    assert "whsec_" not in text
    end_a_job(ann)
    attempt = begin(webhook)
    assert attempt
    assert attempt.secrets == (second, first)


def test_a_sealed_secret_is_one_webhooks_alone() -> None:
    mine, other = uuid4(), uuid4()
    sealed = lock_up(mine, "whsec_secret")
    assert take_out(mine, sealed) == "whsec_secret"
    assert take_out(other, sealed) is None
    assert take_out(UUID(int=0), None) is None


def test_a_changed_secret_key_disables_a_webhook_until_its_secret_is_rotated(ann: Principal, keys: pytest.MonkeyPatch) -> None:
    webhook, first = subscribe(ann)
    end_a_job(ann)
    use(keys, "another key altogether")
    assert begin(webhook) is None
    now = found(ann, webhook)
    assert (now.status, now.reason, now.waiting) == ("disabled", "secret_unreadable", 1)
    with pytest.raises(InvalidState, match="rotate it"), transaction() as session:
        subscriptions.enable(session, ann, str(webhook.id))
    with transaction() as session:
        rotated, second = subscriptions.rotate(session, ann, str(webhook.id))
    assert second != first
    assert (rotated.status, rotated.reason, rotated.old_secret_until) == ("active", None, None)
    attempt = begin(webhook)
    assert attempt
    assert attempt.secrets == (second,)


def test_while_two_secret_keys_are_set_nothing_is_lost(ann: Principal, keys: pytest.MonkeyPatch) -> None:
    webhook, first = subscribe(ann)
    end_a_job(ann)
    use(keys, f"a new key,{settings().secret_key}")
    attempt = begin(webhook)
    assert attempt
    assert attempt.secrets == (first,)
    with transaction() as session:
        _, second = subscriptions.rotate(session, ann, str(webhook.id))
    use(keys, "a new key")
    attempt = begin(webhook)
    assert attempt
    assert attempt.secrets == (second,)  # the one before was sealed with the old key


def test_an_owner_disables_and_enables_a_webhook(ann: Principal) -> None:
    webhook, _ = subscribe(ann)
    end_a_job(ann)
    with transaction() as session:
        disabled = subscriptions.disable(session, ann, str(webhook.id))
        assert subscriptions.disable(session, ann, str(webhook.id)) == disabled
    assert (disabled.status, disabled.reason, disabled.next_on) == ("disabled", "by_owner", None)
    assert begin(webhook) is None
    with transaction() as session:
        enabled = subscriptions.enable(session, ann, str(webhook.id))
    assert (enabled.status, enabled.disabled_on, enabled.waiting) == ("active", None, 1)
    assert begin(webhook)
