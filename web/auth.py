"""Credentials in a request -> Principal; nothing else.

A key is taken from `Authorization: Bearer <key>` only: one in the query string would end up in logs and histories.
"""

from __future__ import annotations

from flask import g, request

from models.db import transaction
from models.errors import Unauthorized
from models.identity.principal import Principal
from models.identity.service import REFUSAL, authenticate


def sign_in() -> None:
    """Find out who asks, before anything of the body is read. Raises Unauthorized."""
    key = _bearer(request.headers.get("Authorization", ""))
    with transaction() as session:
        g.principal = authenticate(session, key)


def _bearer(header: str) -> str:
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthorized(REFUSAL)
    return key.strip()


def principal() -> Principal:
    """Return who asks."""
    who: Principal = g.principal
    return who
