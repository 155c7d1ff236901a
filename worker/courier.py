"""Delivers webhooks, beside the dispatcher's loop and never in its way. Two may run: one at a time serves a subscription."""

from __future__ import annotations

import threading
from uuid import UUID

import structlog

from models.db import DATABASE_ERRORS, transaction
from models.settings import settings
from models.webhooks import outbox
from models.webhooks.outbox import Attempt, Result
from models.webhooks.signing import signed_headers
from worker.posting import post

SENDERS = 8  # subscriptions served at the same time: a slow receiver takes one place
BURST = 50  # deliveries to one subscription before others have their turn
log = structlog.get_logger()


class Courier:
    """Looks for what is due and serves each subscription in a thread of its own."""

    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping
        self.places = threading.BoundedSemaphore(SENDERS)

    def start(self) -> None:
        """Begin, in a thread that ends with the process: a try that is cut off is made again."""
        threading.Thread(target=self._run, name="courier", daemon=True).start()

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                while self.look():
                    pass
            except DATABASE_ERRORS as error:
                log.warning("courier_waits", error=type(error).__name__)
            self.stopping.wait(settings().dispatch_tick)

    def look(self) -> bool:
        """Take one subscription for which something is due, and begin to serve it; say whether there was."""
        if not self.places.acquire(blocking=False):
            return False
        taken: list[UUID] = []
        try:
            with transaction() as session:
                taken = outbox.take(session, 1)
        finally:
            if not taken:
                self.places.release()
        for webhook_id in taken:
            threading.Thread(target=self._serve, args=(webhook_id,), name="sender", daemon=True).start()
        return bool(taken)

    def _serve(self, webhook_id: UUID) -> None:
        try:
            for _ in range(BURST):
                if self.stopping.is_set() or not deliver(webhook_id):
                    return
        except DATABASE_ERRORS as error:  # it is taken up again when its lease has run out
            log.warning("sender_waits", webhook=str(webhook_id), error=type(error).__name__)
        finally:
            self.places.release()


def deliver(webhook_id: UUID) -> bool:
    """Try what is first in a subscription's turn; say whether the next may be tried at once."""
    with transaction() as session:
        attempt = outbox.begin(session, webhook_id)
    if attempt is None:
        return False
    headers = signed_headers(attempt.secrets, attempt.message, attempt.timestamp, attempt.body)
    result = post(attempt.url, headers, attempt.body)
    with transaction() as session:
        goes_on = outbox.end(session, attempt, result)
    _say(attempt, result)
    return goes_on


def _say(attempt: Attempt, result: Result) -> None:
    said = {
        "token": str(attempt.token), "webhook": str(attempt.webhook_id), "message": attempt.message, "attempt": attempt.no,
        "status": result.status, "ms": result.milliseconds,
    }  # fmt: skip
    if result.good:
        log.info("webhook_delivered", **said)
    else:
        log.warning("webhook_not_delivered", error=result.error, **said)
