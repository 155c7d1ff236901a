"""The signature under receipts: Ed25519 as a JWS (RFC 7515, RFC 8037), with a key that follows from the installation's secret.

Whoever changes the secret signs with another key from then on. The public keys of all that was ever signed stay known, so that
old receipts can be verified.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models import ids
from models.db import Session, driver
from models.settings import settings

ALGORITHM = "EdDSA"
TYPE = "waybill-receipt+jws"
PURPOSE = b"waybill receipts 1:"
KEEP = "INSERT INTO receipt_keys (kid, public_key) VALUES (%s, %s) ON CONFLICT (kid) DO NOTHING"


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and its name, its thumbprint (RFC 7638)."""

    kid: str
    public: bytes

    def as_jwk(self) -> Mapping[str, str]:
        """Return it as a JSON Web Key."""
        return {"kty": "OKP", "crv": "Ed25519", "x": _text(self.public), "kid": self.kid, "use": "sig", "alg": ALGORITHM}


def sign(session: Session, payload: bytes) -> str:
    """Return a payload with its signature, as a compact JWS; the key's public half is kept."""
    private = _private_keys()[0]
    key = _public(private)
    driver(session).execute(KEEP, (key.kid, key.public))
    return jwt.PyJWS().encode(payload, private, ALGORITHM, {"kid": key.kid, "typ": TYPE})


def list_keys(session: Session) -> list[Key]:
    """Return the public keys: those that may sign now, the newest first, then those that did before."""
    current = [_public(private) for private in _private_keys()]
    known = {key.kid for key in current}
    rows = driver(session).execute("SELECT kid, public_key FROM receipt_keys ORDER BY created_on DESC, kid").fetchall()
    return [*current, *(Key(kid, bytes(public)) for kid, public in rows if kid not in known)]


def _private_keys() -> list[Ed25519PrivateKey]:
    """Return the keys, the newest first."""
    return [Ed25519PrivateKey.from_private_bytes(ids.digest(PURPOSE + secret.encode())) for secret in settings().secrets]


def _public(private: Ed25519PrivateKey) -> Key:
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    named = {"crv": "Ed25519", "kty": "OKP", "x": _text(public)}
    return Key(_text(ids.digest(msgspec.json.encode(named))), public)


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
