"""Structured fields (RFC 9651) of requests, as far as uploads have them. What has not the right form is told as None."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error

INTEGER = re.compile(r"0*([0-9]{1,15})")
SHA256 = re.compile(r"(?:^|,)[ \t]*sha-256=:([A-Za-z0-9+/=]*):")
SIZE = 32


def flag(text: str | None) -> bool | None:
    """Return a boolean."""
    return {"?1": True, "?0": False}.get((text or "").strip(" \t"))


def integer(text: str | None) -> int | None:
    """Return an integer that is not negative."""
    found = INTEGER.fullmatch((text or "").strip(" \t"))
    return int(found[1]) if found else None


def sha256_of(text: str | None) -> bytes | None:
    """Return the SHA-256 that a digest field (RFC 9530) has."""
    found = SHA256.search(text or "")
    if found is None:
        return None
    try:
        digest = b64decode(found[1], validate=True)
    except Base64Error:
        return None
    return digest if len(digest) == SIZE else None
