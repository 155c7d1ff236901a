"""What the end of a job leaves to be delivered, and the turns of deliveries."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import msgspec
import pytest

from models.db import driver, transaction
from models.errors import InvalidState, NotFound, TooManyAffected
from models.identity.principal import Principal
from models.jobs import ledger, service, submit
from models.jobs.ledger import Outcome
from models.jobs.values import Submission
from models.settings import settings
from models.webhooks import log, outbox, subscriptions
from models.webhooks.outbox import Attempt, Result
from models.webhooks.subscriptions import EVENTS, Webhook
from tests.factories import accounts, job

URL = "https://hooks.example.org/"
GOOD, BAD = Result(5, 204), Result(5, 500)


@pytest.fixture
def ann(database: str) -> Principal:
    with transaction() as session:
        return accounts(session)["ann"]


def subscribe(who: Principal, *events: str) -> Webhook:
    with transaction() as session:
        return subscriptions.create(session, who, URL, events or EVENTS)[0]


def rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with transaction() as session:
        return driver(session).execute(sql, values).fetchall()


def make(who: Principal) -> int:
    with transaction() as session:
        return job(session, submitter_id=who.user_id)


def end(job_id: int) -> None:
    with transaction() as session:
        mine = ledger.claim(session, job_id, 0)
    assert mine
    with transaction() as session:
        chunk = ledger.open_chunk(session, mine)
        ledger.finish(session, chunk, [Outcome(index, "succeeded") for index in chunk.indexes])


def begin(webhook: Webhook) -> Attempt | None:
    with transaction() as session:
        return outbox.begin(session, webhook.id)


def ended(attempt: Attempt | None, result: Result) -> bool:
    assert attempt
    with transaction() as session:
        return outbox.end(session, attempt, result)


def take() -> list[UUID]:
    with transaction() as session:
        return outbox.take(session, 10)


def test_each_subscription_of_the_submitter_gets_one_delivery(ann: Principal) -> None:
    first, second, deaf = subscribe(ann), subscribe(ann), subscribe(ann, "job.rejected")
    job_id = make(ann)
    end(job_id)
    found = {row[0] for row in rows("SELECT webhook_id FROM deliveries WHERE job_id = %s", job_id)}
    assert found == {first.id, second.id}
    assert deaf.id not in found
    body = msgspec.json.decode(rows("SELECT body FROM deliveries LIMIT 1")[0][0])
    assert body["type"] == "job.done"
    assert (body["data"]["total"], body["data"]["succeeded"], body["data"]["outcome"]) == (2, 2, "succeeded")


def test_what_is_rolled_back_is_not_delivered(ann: Principal) -> None:
    subscribe(ann)
    job_id = make(ann)
    with transaction() as session:
        mine = ledger.claim(session, job_id, 0)
    assert mine
    with pytest.raises(ZeroDivisionError), transaction() as session:
        ledger.finish(session, ledger.open_chunk(session, mine), [Outcome(0, "noop"), Outcome(1, "noop")])
        raise ZeroDivisionError
    assert rows("SELECT count(*) FROM deliveries") == [(0,)]


def test_a_rejected_and_a_cancelled_job_are_told_of(ann: Principal) -> None:
    subscribe(ann, "job.rejected")
    with transaction() as session:
        submit.reject(session, ann, Submission("bulk_classifications"), TooManyAffected("Too many.", limit=1))
    job_id = make(ann)
    token = str(rows("SELECT token FROM jobs WHERE id = %s", job_id)[0][0])
    with transaction() as session:
        service.cancel(session, ann, token)
    bodies = [msgspec.json.decode(row[0])["data"] for row in rows("SELECT body FROM deliveries ORDER BY sequence")]
    assert [(body["status"], body["error"], body["cancelled"]) for body in bodies] == [
        ("rejected", "too_many_affected", 0), ("rejected", "cancelled", 2),
    ]  # fmt: skip


def test_jobs_of_others_are_not_told_of(ann: Principal) -> None:
    subscribe(ann)
    with transaction() as session:
        other = job(session, submitter_id=ann.user_id + 1)
    end(other)
    assert rows("SELECT count(*) FROM deliveries") == [(0,)]


def test_jobs_that_end_at_once_are_numbered_without_gap(ann: Principal) -> None:
    subscribe(ann)
    subscribe(ann)
    jobs = [make(ann) for _ in range(8)]
    threads = [threading.Thread(target=end, args=(job_id,)) for job_id in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = rows("SELECT array_agg(sequence ORDER BY sequence) FROM deliveries GROUP BY webhook_id")
    assert found == [(list(range(1, 9)),)] * 2


def test_a_failed_delivery_holds_up_those_behind_it(ann: Principal) -> None:
    webhook = subscribe(ann)
    for _ in range(2):
        end(make(ann))
    assert take() == [webhook.id]
    assert take() == []  # left to who took it
    first = begin(webhook)
    assert not ended(first, BAD)
    assert take() == []  # it pauses
    again = begin(webhook)
    assert first and again
    assert (again.id, again.no, again.message) == (first.id, 2, first.message)
    assert ended(again, GOOD)
    second = begin(webhook)
    assert second
    assert second.id != first.id
    assert ended(second, GOOD)
    assert begin(webhook) is None
    assert rows("SELECT next_on FROM webhooks") == [(None,)]


def test_who_was_overtaken_decides_nothing(ann: Principal) -> None:
    webhook = subscribe(ann)
    end(make(ann))
    slow, quick = begin(webhook), begin(webhook)
    assert ended(quick, GOOD)
    assert not ended(slow, Result(5, 410))
    assert rows("SELECT status FROM webhooks") == [("active",)]
    assert rows("SELECT status FROM deliveries") == [("delivered",)]


def test_after_the_last_pause_a_webhook_is_disabled_and_can_be_enabled(ann: Principal) -> None:
    webhook = subscribe(ann)
    for _ in range(2):
        end(make(ann))
    tries = len(settings().webhook_pauses) + 1
    for _ in range(tries):
        assert not ended(begin(webhook), BAD)
    assert begin(webhook) is None
    end(make(ann))  # not told to a disabled one
    with transaction() as session:
        assert subscriptions.get(session, ann, str(webhook.id)).reason == "unreachable"
        subscriptions.enable(session, ann, str(webhook.id))
    assert take() == [webhook.id]
    assert rows("SELECT status, attempts FROM deliveries ORDER BY sequence") == [("failed", tries), ("waiting", 0)]
    assert ended(begin(webhook), GOOD)


def test_a_replay_goes_first_is_tried_once_and_holds_up_nothing(ann: Principal) -> None:
    webhook = subscribe(ann)
    for _ in range(2):
        end(make(ann))
    first = begin(webhook)
    assert ended(first, GOOD)
    assert first
    with transaction() as session:
        assert log.replay(session, webhook, str(first.id)).status == "waiting"
    again = begin(webhook)
    assert again
    assert (again.id, again.message, again.body) == (first.id, first.message, first.body)
    assert ended(again, BAD)  # the next one is tried at once
    assert rows("SELECT status FROM deliveries ORDER BY sequence") == [("failed",), ("waiting",)]
    assert [status for (status,) in rows("SELECT status FROM webhooks")] == ["active"]


def test_a_replay_needs_an_active_webhook_and_a_delivery(ann: Principal) -> None:
    webhook = subscribe(ann)
    with pytest.raises(NotFound), transaction() as session:
        log.replay(session, webhook, "00000000-0000-4000-8000-000000000000")
    with transaction() as session:
        driver(session).execute("UPDATE webhooks SET status = 'disabled'")
    with pytest.raises(InvalidState), transaction() as session:
        log.replay(session, webhook, "00000000-0000-4000-8000-000000000000")


def test_old_secrets_sign_for_a_day(ann: Principal) -> None:
    webhook = subscribe(ann)
    for _ in range(2):
        end(make(ann))
    with transaction() as session:
        _, secret = subscriptions.rotate(session, ann, str(webhook.id))
    attempt = begin(webhook)
    assert attempt
    assert len(attempt.secrets) == 2
    assert attempt.secrets[0] == secret
    with transaction() as session:
        driver(session).execute("UPDATE webhooks SET old_until = now() - interval '1 second'")
    attempt = begin(webhook)
    assert attempt
    assert attempt.secrets == (secret,)


def test_old_deliveries_are_forgotten_with_their_tries(ann: Principal) -> None:
    webhook = subscribe(ann)
    end(make(ann))
    ended(begin(webhook), GOOD)
    with transaction() as session:
        outbox.forget(session)
    assert rows("SELECT count(*) FROM deliveries") == [(1,)]
    with transaction() as session:
        driver(session).execute("UPDATE deliveries SET created_on = now() - interval '31 days'")
        outbox.forget(session)
    assert rows("SELECT count(*) FROM delivery_attempts") == [(0,)]
