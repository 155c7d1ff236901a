"""One's webhooks, addresses that are told when jobs end: `client.webhooks`.

What the server would do twice if it were told twice is sent once: a second webhook, or a second secret that ends the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote

from waybill import flows
from waybill.aiojobs import AsyncRunner
from waybill.errors import Problem, WaybillError
from waybill.flows import Patience
from waybill.jobs import Runner
from waybill.pages import AsyncPages, Pager, Pages
from waybill.wire import Answer, Flow, Request, get, post

WEBHOOKS = "/api/webhooks"
EVENTS = ("job.done", "job.rejected")
DELIVERY = ("waiting", "delivered", "failed")
ONCE = "It is not known whether this was done, so it was not sent again: `waybill webhooks list` shows what there is."


@dataclass(frozen=True, slots=True)
class Webhook:
    """How a webhook stands: active, or disabled for a `reason`. Moments are such as 2026-11-22T12:00:00.000001Z.

    `waiting` counts what is still to be delivered, up to 1,000; `last_delivery` has status, event, job.token and tried_on of the
    newest one that has ended. While `old_secret_until` is to come, a secret that was replaced signs too.
    """

    id: str
    url: str
    events: Sequence[str]
    status: str
    reason: str | None
    sequence: int
    created_on: str
    old_secret_until: str | None
    disabled_on: str | None
    waiting: int
    next_try_on: str | None
    last_delivery: Mapping[str, Any] | None

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """Return a webhook from an entry of `GET /api/webhooks`."""
        return cls(**{name: body[name] for name in cls.__dataclass_fields__})

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WebhookSecret(Webhook):
    """A webhook with the secret that signs what it is told; no other answer has it."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is told of one job to one webhook: waiting, delivered or failed. `webhook_id` is the id that comes with it.

    Each of `attempts` has no, started_on, milliseconds, status (of the answer) and error.
    """

    id: str
    webhook_id: str
    sequence: int
    event: str
    token: str
    status: str
    created_on: str
    replayed_on: str | None
    attempts: Sequence[Mapping[str, Any]]

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Delivery:
        """Return a delivery from an entry of `GET /api/webhooks/<id>/deliveries`."""
        return cls(**{name: body["job.token" if name == "token" else name] for name in cls.__slots__})

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table: one level, with what came of the last try."""
        last = self.attempts[-1] if self.attempts else {}
        tried = {"tries": len(self.attempts), "answer": last.get("status"), "error": last.get("error")}
        return {name: value for name, value in self.dump().items() if name != "attempts"} | tried


def _address(webhook: str, *more: str) -> str:
    return "/".join((WEBHOOKS, *(quote(part, safe="") for part in (webhook, *more))))


def _listed(patience: Patience) -> Flow[list[Webhook]]:
    return [Webhook.parse(entry) for entry in (yield from flows.value(get(WEBHOOKS), patience))["webhooks"]]


def _one(request: Request, patience: Patience) -> Flow[Webhook]:
    return Webhook.parse((yield from flows.value(request, patience)))


def _made(url: str, events: Iterable[str] | None) -> Flow[WebhookSecret]:
    return (yield from _once(post(WEBHOOKS, {"url": url} | ({} if events is None else {"events": [*events]}))))


def _once(request: Request) -> Flow[WebhookSecret]:
    """Send what is not to be done twice. Raises Problem and Unreachable."""
    found = yield from flows.attempt(request)
    if isinstance(found, WaybillError):
        if not isinstance(found, Problem) or found.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            found.add_note(ONCE)
        raise found
    return WebhookSecret.parse(found.json())


def _deleted(webhook: str, patience: Patience) -> Flow[None]:
    """Delete a webhook. Where an answer was lost, that there is none any more is what was asked for."""
    request = Request("DELETE", _address(webhook))
    found = yield from flows.attempt(request)
    if isinstance(found, Answer):
        return
    if isinstance(found, Problem) and found.status not in flows.PASSING:
        raise found
    try:
        yield from flows.ask(request, patience)
    except Problem as problem:
        if problem.status != HTTPStatus.NOT_FOUND:
            raise


def _delivery_pager(webhook: str, status: str | None, size: int) -> Pager[Delivery]:
    query = {"status": status, "page.size": size}
    return Pager(
        lambda cursor: get(_address(webhook, "deliveries"), **query, **{"page.cursor": cursor}),
        lambda body: [*map(Delivery.parse, body["deliveries"])],
    )


def _replayed(webhook: str, delivery: str, patience: Patience) -> Flow[Delivery]:
    return Delivery.parse((yield from flows.value(post(_address(webhook, "deliveries", delivery, "replay")), patience)))


def _all_replayed(webhook: str, patience: Patience) -> Flow[int]:
    return int((yield from flows.value(post(_address(webhook, "deliveries", "replay")), patience))["replayed"])


class Webhooks:
    """One's webhooks, for programs that wait."""

    def __init__(self, client: Runner) -> None:
        self._client = client

    def list(self) -> list[Webhook]:
        """Return all of them, oldest first."""
        return self._client.run(_listed(self._client.patience))

    def get(self, webhook: str) -> Webhook:
        """Return one by its id."""
        return self._client.run(_one(get(_address(webhook)), self._client.patience))

    def create(self, url: str, events: Iterable[str] | None = None) -> WebhookSecret:
        """Make one that is told of these events, of all where nothing is said. Its secret is told here and never again.

        It is sent once: raises Unreachable where the answer is lost, and then it may have been made.
        """
        return self._client.run(_made(url, events))

    def rotate(self, webhook: str) -> WebhookSecret:
        """Give it a new secret; for a day the one before signs beside it. Sent once, as `create`."""
        return self._client.run(_once(post(_address(webhook, "rotate"))))

    def enable(self, webhook: str) -> Webhook:
        """Let it be told again, what waits first."""
        return self._client.run(_one(post(_address(webhook, "enable")), self._client.patience))

    def disable(self, webhook: str) -> Webhook:
        """Let it be told nothing more, until it is enabled."""
        return self._client.run(_one(post(_address(webhook, "disable")), self._client.patience))

    def delete(self, webhook: str) -> None:
        """Remove it with the log of its deliveries."""
        self._client.run(_deleted(webhook, self._client.patience))

    def deliveries(self, webhook: str, status: str | None = None, *, size: int = 100) -> Pages[Delivery]:
        """Return what was or is to be delivered, newest first."""
        return Pages(self._client.run, self._client.patience, [lambda: _delivery_pager(webhook, status, size)])

    def replay(self, webhook: str, delivery: str) -> Delivery:
        """Deliver something again, by the same id."""
        return self._client.run(_replayed(webhook, delivery, self._client.patience))

    def replay_failed(self, webhook: str) -> int:
        """Deliver everything that failed again, in its order; return how many there are."""
        return self._client.run(_all_replayed(webhook, self._client.patience))


class AsyncWebhooks:
    """One's webhooks, for programs that run many things at once; `Webhooks` says what each of these does."""

    def __init__(self, client: AsyncRunner) -> None:
        self._client = client

    async def list(self) -> list[Webhook]:
        """Return all of them, oldest first."""
        return await self._client.run(_listed(self._client.patience))

    async def get(self, webhook: str) -> Webhook:
        """Return one by its id."""
        return await self._client.run(_one(get(_address(webhook)), self._client.patience))

    async def create(self, url: str, events: Iterable[str] | None = None) -> WebhookSecret:
        """Make one that is told of these events, of all where nothing is said; see `Webhooks.create`."""
        return await self._client.run(_made(url, events))

    async def rotate(self, webhook: str) -> WebhookSecret:
        """Give it a new secret; for a day the one before signs beside it."""
        return await self._client.run(_once(post(_address(webhook, "rotate"))))

    async def enable(self, webhook: str) -> Webhook:
        """Let it be told again, what waits first."""
        return await self._client.run(_one(post(_address(webhook, "enable")), self._client.patience))

    async def disable(self, webhook: str) -> Webhook:
        """Let it be told nothing more, until it is enabled."""
        return await self._client.run(_one(post(_address(webhook, "disable")), self._client.patience))

    async def delete(self, webhook: str) -> None:
        """Remove it with the log of its deliveries."""
        await self._client.run(_deleted(webhook, self._client.patience))

    def deliveries(self, webhook: str, status: str | None = None, *, size: int = 100) -> AsyncPages[Delivery]:
        """Return what was or is to be delivered, newest first."""
        return AsyncPages(self._client.run, self._client.patience, [lambda: _delivery_pager(webhook, status, size)])

    async def replay(self, webhook: str, delivery: str) -> Delivery:
        """Deliver something again, by the same id."""
        return await self._client.run(_replayed(webhook, delivery, self._client.patience))

    async def replay_failed(self, webhook: str) -> int:
        """Deliver everything that failed again, in its order; return how many there are."""
        return await self._client.run(_all_replayed(webhook, self._client.patience))
