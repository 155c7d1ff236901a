"""Signatures of the Standard Webhooks specification 1.0: HMAC-SHA256 over `id.timestamp.body`, one a valid secret. Pure."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"


def as_secret(key: bytes) -> str:
    """Return a key as the specification writes it."""
    return PREFIX + b64encode(key).decode("ascii")


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """Return the signature of one message by one secret."""
    key = b64decode(secret.removeprefix(PREFIX))
    content = f"{message}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, content, "sha256")).decode("ascii")


def signed_headers(secrets: Sequence[str], message: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Return the headers by which a receiver knows who sent a message, and that it is whole and new."""
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, message, timestamp, body) for secret in secrets),
    }
