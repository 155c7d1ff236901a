"""Webhooks: subscriptions, the log of their deliveries, replays. One's own alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request
from marshmallow import Schema, fields

from models import ids
from models.db import transaction
from models.errors import Empty, InvalidType, InvalidValue, pointer_to
from models.selection.cursor import seal
from models.settings import settings
from models.strictness import decode_strict
from models.webhooks import log, subscriptions
from models.webhooks.log import Delivery, DeliveryQuery
from models.webhooks.subscriptions import EVENTS, Webhook
from models.webhooks.targets import LONGEST_URL, parse_target, resolve
from web.answers import answer
from web.auth import principal, sign_in
from web.fields import Word
from web.paging import open_page, paged
from web.schemas import NoParameters, Paged, parse, parse_query

api = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")
api.before_request(sign_in)
URL_SHAPE = {"type": "string", "format": "uri", "pattern": "^https://", "maxLength": LONGEST_URL}
EVENT_SHAPE = {"type": "array", "items": {"enum": list(EVENTS)}, "minItems": 1, "uniqueItems": True}


class Address(fields.Field[str]):
    """The address of a webhook: https, and of the public internet."""

    def __init__(self) -> None:
        super().__init__(required=True, metadata=dict(URL_SHAPE))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise InvalidType(f"`{attr}` is a text.", pointer=pointer_to(str(attr)))
        resolve(parse_target(value))
        return value


class Events(fields.Field[tuple[str, ...]]):
    """Which events to be told of; all, where nothing is said."""

    def __init__(self) -> None:
        super().__init__(load_default=EVENTS, metadata=dict(EVENT_SHAPE))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise InvalidType(f"`{attr}` is a list.", pointer=pointer_to(str(attr)))
        if not value:
            raise Empty("Without an event there is nothing to tell.", pointer=pointer_to(str(attr)))
        for at, event in enumerate(value):
            if event not in EVENTS or event in value[:at]:
                raise InvalidValue(f"An event is one of {', '.join(EVENTS)}, named once.", pointer=pointer_to(str(attr), at))
        return tuple(value)


class WebhookBody(Schema):
    """A new webhook."""

    url = Address()
    events = Events()


class DeliveryParameters(Paged):
    """Which deliveries to list."""

    status = Word(*log.STATUSES)


@api.post("")
def create() -> Response:
    """Make a webhook. Its secret is told here and never again."""
    ask = parse(WebhookBody, decode_strict(request.get_data(cache=False), settings().limits))
    with transaction() as session:
        made, secret = subscriptions.create(session, principal(), ask["url"], ask["events"])
    return answer(_dump(made) | {"secret": secret}, 201, {"Location": f"/api/webhooks/{made.id}"})


@api.get("")
def list_webhooks() -> Response:
    """List one's own webhooks."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        found = subscriptions.list_mine(session, principal())
    return answer({"webhooks": [_dump(one) for one in found]})


@api.get("/<webhook>")
def get(webhook: str) -> Response:
    """Tell how a webhook stands."""
    parse_query(NoParameters, request.args)
    with transaction() as session:
        return answer(_dump(subscriptions.get(session, principal(), webhook)))


@api.delete("/<webhook>")
def delete(webhook: str) -> Response:
    """Delete a webhook with its log; nothing more is delivered to it."""
    with transaction() as session:
        subscriptions.delete(session, principal(), webhook)
    return Response(status=204)


@api.post("/<webhook>/rotate")
def rotate(webhook: str) -> Response:
    """Give a webhook a new secret, told here and never again; for a day the one before signs beside it."""
    with transaction() as session:
        found, secret = subscriptions.rotate(session, principal(), webhook)
    return answer(_dump(found) | {"secret": secret})


@api.post("/<webhook>/enable")
def enable(webhook: str) -> Response:
    """Deliver to a disabled webhook again."""
    with transaction() as session:
        return answer(_dump(subscriptions.enable(session, principal(), webhook)))


@api.post("/<webhook>/disable")
def disable(webhook: str) -> Response:
    """Deliver nothing more to a webhook until it is enabled."""
    with transaction() as session:
        return answer(_dump(subscriptions.disable(session, principal(), webhook)))


@api.get("/<webhook>/deliveries")
def list_deliveries(webhook: str) -> Response:
    """List what was or is to be delivered, newest first, with each try."""
    ask = parse_query(DeliveryParameters, request.args)
    size, cursor, binding = open_page(ask, f"deliveries of {webhook}")
    before = int(cursor.place[0] or 0) if cursor.place else None
    with transaction() as session:
        whose = subscriptions.get(session, principal(), webhook)
        found = log.list_deliveries(session, whose, DeliveryQuery(ask["status"], before, size + 1))
    page = found[:size]
    following = seal(binding, (page[-1].sequence,), cursor.issued) if len(found) > size else None
    return paged({"deliveries": [_dump_delivery(one) for one in page]}, size, following)


@api.post("/<webhook>/deliveries/<delivery>/replay")
def replay(webhook: str, delivery: str) -> Response:
    """Deliver something again, by the same id."""
    with transaction() as session:
        whose = subscriptions.get(session, principal(), webhook)
        return answer(
            _dump_delivery(log.replay(session, whose, delivery)), 202, {"Location": f"/api/webhooks/{webhook}/deliveries"}
        )


@api.post("/<webhook>/deliveries/replay")
def replay_failed(webhook: str) -> Response:
    """Deliver everything that failed again."""
    with transaction() as session:
        replayed = log.replay_failed(session, subscriptions.get(session, principal(), webhook))
    return answer({"replayed": replayed}, 202, {"Location": f"/api/webhooks/{webhook}/deliveries"})


def _dump(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": str(webhook.id),
        "url": webhook.url,
        "events": webhook.events,
        "status": webhook.status,
        "reason": webhook.reason,
        "sequence": webhook.sequence,
        "created_on": ids.iso(webhook.created_on),
        "old_secret_until": ids.iso(webhook.old_secret_until),
        "disabled_on": ids.iso(webhook.disabled_on),
        "waiting": webhook.waiting,
        "next_try_on": ids.iso(webhook.next_on),
        "last_delivery": webhook.last and _dump_last(webhook.last),
    }


def _dump_last(last: Mapping[str, Any]) -> dict[str, Any]:
    tried_on = last["tried_on"] and datetime.fromisoformat(last["tried_on"]).astimezone(UTC)
    return {"status": last["status"], "event": last["event"], "job.token": last["token"], "tried_on": ids.iso(tried_on)}


def _dump_delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "webhook_id": f"msg_{delivery.id.hex}",
        "sequence": delivery.sequence,
        "event": delivery.event,
        "job.token": str(delivery.token),
        "status": delivery.status,
        "created_on": ids.iso(delivery.created_on),
        "replayed_on": ids.iso(delivery.replayed_on),
        "attempts": [
            {**attempt, "started_on": ids.iso(datetime.fromisoformat(attempt["started_on"]).astimezone(UTC))}
            for attempt in delivery.attempts
        ],
    }
