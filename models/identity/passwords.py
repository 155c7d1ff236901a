"""Passwords as scrypt digests: `scrypt$<cost>$<salt>$<digest>`, both parts base64. The password itself is never kept."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode

from models import ids

COST = 2**14
BLOCK, LANES = 8, 1
MEMORY = 64 * 1024 * 1024
LENGTH = 32
LONGEST = 1_000  # characters of a password
PATTERN = r"^scrypt\$(16384|32768|65536)\$[A-Za-z0-9+/]{22,88}={0,2}\$[A-Za-z0-9+/]{43}=$"
_PARTS = re.compile(PATTERN)


def digest_password(password: str) -> str:
    """Return what an accounts file keeps of a password: each time another text."""
    salt = ids.digest(ids.new_secret().encode())[:16]
    return f"scrypt${COST}${b64encode(salt).decode()}${b64encode(_scrypt(password, salt, COST)).decode()}"


def matches(password: str, digest: str | None) -> bool:
    """Say whether this is the password. Without a digest it takes as long to say no."""
    known = _PARTS.match(digest or "")
    if known is None or digest is None or len(password) > LONGEST:
        _scrypt("", b"nobody's", COST)
        return False
    _, cost, salt, expected = digest.split("$")
    return hmac.compare_digest(_scrypt(password, b64decode(salt), int(cost)), b64decode(expected))


def _scrypt(password: str, salt: bytes, cost: int) -> bytes:
    text = password.encode("utf-8", "replace")
    return hashlib.scrypt(text, salt=salt, n=cost, r=BLOCK, p=LANES, maxmem=2 * MEMORY, dklen=LENGTH)
