"""Tokens of a session (JWT): who signed in, and by what. A token holds no right: each request looks the rights up anew.

A token lives as long as it says, and no longer than the API key or password it was given for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import jwt
import sqlalchemy as sa

from models import ids
from models.db import Session
from models.errors import NotFound, Unauthorized
from models.identity.passwords import matches
from models.identity.principal import Principal
from models.identity.service import REFUSAL, authenticate, principal_of
from models.identity.tables import api_keys, users
from models.settings import settings

ALGORITHM = "HS256"
ISSUER = "waybill"
LONGEST = 2_000
WRONG_LOGIN = "There is no such user, or this is not the password."

_live_key = sa.select(api_keys.c.user_id).where(
    api_keys.c.id == sa.bindparam("key_id"),
    api_keys.c.revoked_on.is_(None),
    sa.or_(api_keys.c.expires_on.is_(None), api_keys.c.expires_on > sa.bindparam("now")),
)
_password_of = sa.select(users.c.password_digest).where(users.c.id == sa.bindparam("user_id"))
_by_name = sa.select(users.c.id, users.c.password_digest).where(users.c.username == sa.bindparam("username"))
_key_id = sa.select(api_keys.c.id).where(api_keys.c.digest == sa.bindparam("digest"))


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
    key_id = session.execute(_key_id, {"digest": ids.digest(key.encode())}).scalar_one()
    return Signed(principal, _issue({"sub": str(principal.user_id), "key": key_id}))


def sign_in_by_password(session: Session, username: str, password: str) -> Signed:
    """Return whose name and password these are, with a token. Raises Unauthorized."""
    row = session.execute(_by_name, {"username": username}).first()
    if not matches(password, row.password_digest if row else None) or row is None:
        raise Unauthorized(WRONG_LOGIN)
    claims = {"sub": str(row.id), "pwd": _fingerprint(row.password_digest)}
    return Signed(principal_of(session, row.id), _issue(claims))


def authenticate_token(session: Session, token: str) -> Signed:
    """Return whose token this is, with the token to go on with: a new one once half of its time is over. Raises Unauthorized."""
    claims = _open(token)
    user_id = int(claims["sub"])
    _check_source(session, claims, user_id)
    try:
        principal = principal_of(session, user_id)
    except NotFound:
        raise Unauthorized(REFUSAL) from None
    return Signed(principal, _renewed(token, claims))


def _check_source(session: Session, claims: dict[str, Any], user_id: int) -> None:
    if "key" in claims:
        live = session.execute(_live_key, {"key_id": claims["key"], "now": ids.now()}).scalar() == user_id
    else:
        digest = session.execute(_password_of, {"user_id": user_id}).scalar()
        live = digest is not None and _fingerprint(digest) == claims.get("pwd")
    if not live:
        raise Unauthorized(REFUSAL)


def _renewed(token: str, claims: dict[str, Any]) -> str:
    half = (claims["iat"] + claims["exp"]) / 2
    source: dict[str, Any] = {name: claims[name] for name in ("sub", "key", "pwd") if name in claims}
    return token if ids.now().timestamp() < half else _issue(source)


def _issue(claims: dict[str, Any]) -> str:
    now = int(ids.now().timestamp())
    times = {"iat": now, "exp": now + settings().token_seconds, "iss": ISSUER}
    return jwt.encode(claims | times, _keys()[0], algorithm=ALGORITHM)


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


def _fingerprint(digest: str) -> str:
    return ids.digest(digest.encode())[:9].hex()
