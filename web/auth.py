"""Credentials in a request -> Principal; nothing else.

A key is taken from `Authorization: Bearer <key>` only: one in the query string would end up in logs and histories.
"""

from __future__ import annotations

from flask import g, request

from models.db import transaction
from models.errors import Unauthorized
from models.identity.principal import Principal
from models.identity.service import REFUSAL, authenticate
from models.identity.tokens import authenticate_token, is_token
from web import quotas


def sign_in() -> None:
    """Find out who asks, before anything of the body is read. Raises Unauthorized, QuotaExceeded."""
    key = _bearer(request.headers.get("Authorization", ""))
    with quotas.guessing(key):
        _authenticate(key)
    quotas.admit(g.principal)


def _authenticate(key: str) -> None:
    with transaction() as session:
        if is_token(key):
            signed = authenticate_token(session, key)
            g.principal, g.token = signed.principal, signed.token
        else:
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
