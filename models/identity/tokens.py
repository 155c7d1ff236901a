"""Tokens of a session (JWT): who signed in, and by what. A token holds no right: each request looks the rights up anew.

A token lives as long as it says, and no longer than the API key or password it was given for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import jwt
import sqlalchemy as sa

from models import ids
from models.db import Session
from models.errors import NotFound, Unauthorized
from models.identity.passwords import matches
from models.identity.principal import Credential, Principal
from models.identity.service import REFUSAL, authenticate, principal_of
from models.identity.standing import fingerprint, stand
from models.identity.tables import users
from models.settings import settings

ALGORITHM = "HS256"
ISSUER = "waybill"
LONGEST = 2_000
WRONG_LOGIN = "There is no such user, or this is not the password."

_by_name = sa.select(users.c.id, users.c.password_digest).where(users.c.username == sa.bindparam("username"))


@dataclass(frozen=True)
class Signed:
    """Who asks, and the token to go on with."""

    principal: Principal
    token: str


def is_token(credential: str) -> bool:
    """Say whether a credential has the form of a token; API keys never have it."""
    return credential.startswith("eyJ") and credential.count(".") == 2


def sign_in_by_key(session: Session, key: str) -> Signed:
    """Return whose key this is, with a token. Raises Unauthorized."""
    principal = authenticate(session, key)
    return Signed(principal, _issue(principal))


def sign_in_by_password(session: Session, username: str, password: str) -> Signed:
    """Return whose name and password these are, with a token. Raises Unauthorized."""
    row = session.execute(_by_name, {"username": username}).first()
    if not matches(password, row.password_digest if row else None) or row is None:
        raise Unauthorized(WRONG_LOGIN)
    principal = replace(principal_of(session, row.id), by=Credential(password=fingerprint(row.password_digest)))
    return Signed(principal, _issue(principal))


def authenticate_token(session: Session, token: str) -> Signed:
    """Return whose token this is, with the token to go on with: a new one once half of its time is over. Raises Unauthorized."""
    claims = _open(token)
    try:
        found = principal_of(session, int(claims["sub"]))
    except NotFound:
        raise Unauthorized(REFUSAL) from None
    principal = replace(found, by=Credential(claims.get("key"), claims.get("pwd")))
    if not stand(session, [principal])[0]:
        raise Unauthorized(REFUSAL)
    return Signed(principal, _renewed(token, claims, principal))


def _renewed(token: str, claims: dict[str, Any], who: Principal) -> str:
    half = (claims["iat"] + claims["exp"]) / 2
    return token if ids.now().timestamp() < half else _issue(who)


def _issue(who: Principal) -> str:
    now = int(ids.now().timestamp())
    claims: dict[str, Any] = {"sub": str(who.user_id), "iat": now, "exp": now + settings().token_seconds, "iss": ISSUER}
    source = {"key": who.by.key_id, "pwd": who.by.password} if who.by else {}
    claims |= {name: value for name, value in source.items() if value is not None}
    return jwt.encode(claims, _keys()[0], algorithm=ALGORITHM)


def _open(token: str) -> dict[str, Any]:
    if len(token) > LONGEST:
        raise Unauthorized(REFUSAL)
    for key in _keys():
        try:
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[ALGORITHM], issuer=ISSUER, options={"require": ["exp", "iat", "sub"]}
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidTokenError:
            break
        return claims
    raise Unauthorized(REFUSAL)


def _keys() -> list[bytes]:
    """Return the signing key and its predecessors: the secret key may be a list, the newest first."""
    secrets = [part.strip() for part in settings().secret_key.split(",") if part.strip()]
    return [hashlib.sha256(b"waybill token 1:" + secret.encode()).digest() for secret in secrets]
