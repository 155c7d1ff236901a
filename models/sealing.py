"""Keys for what is sealed with the installation's secret: a purpose each, so that nothing sealed for one is opened for another.

A seal is AES-SIV, which needs no dice: the same thing sealed twice is the same. It is opened by whoever has the secret alone,
and under the names that it was sealed with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from models import ids
from models.settings import settings

TAG = 16  # bytes by which a sealed thing is longer


def seal(purpose: str, content: bytes, names: Sequence[str]) -> bytes:
    """Return content sealed with the newest key."""
    return next(_keys(purpose)).encrypt(content, [name.encode() for name in names])


def unseal(purpose: str, sealed: bytes, names: Sequence[str]) -> bytes | None:
    """Return what was sealed; None where it was sealed with another secret, under other names, or by nobody."""
    if len(sealed) < TAG:
        return None
    for key in _keys(purpose):
        try:
            return key.decrypt(sealed, [name.encode() for name in names])
        except InvalidTag:
            continue
    return None


def _keys(purpose: str) -> Iterator[AESSIV]:
    """List the keys, the newest first: that one seals, both open, so that the secret can be changed while seals are out."""
    secrets = settings().secrets
    if not secrets:
        raise LookupError("WAYBILL_SECRET_KEY is not set")
    for secret in secrets[:2]:
        halves = [ids.digest(f"waybill {purpose}, half {half}: {secret}".encode()) for half in (1, 2)]
        yield AESSIV(b"".join(halves))
