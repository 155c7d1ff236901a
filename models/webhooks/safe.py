"""A webhook's secret as it is stored: sealed for that webhook with the installation's secret, and useless without it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from uuid import UUID

from models.sealing import seal, unseal

PURPOSE = "webhooks"
FORMAT = "waybill webhook secret 1"


def lock_up(webhook_id: UUID, secret: str) -> str:
    """Return a secret as it is stored."""
    return b64encode(seal(PURPOSE, secret.encode(), (FORMAT, webhook_id.hex))).decode("ascii")


def take_out(webhook_id: UUID, stored: str | None) -> str | None:
    """Return a webhook's secret; None where it has none, or one that was stored under another installation's secret."""
    content = unseal(PURPOSE, b64decode(stored), (FORMAT, webhook_id.hex)) if stored else None
    return None if content is None else content.decode()
