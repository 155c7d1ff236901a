"""The `Idempotency-Key` of a request: a structured-field string (RFC 9651) such as `"8e03978e"`, or the same without quotes.

A key counts for one user, method and path. It is kept as long as its job's summary is, that of a single operation for
`WAYBILL_ANSWER_HOURS`.
"""

from __future__ import annotations

import re

from flask import request

from models import ids
from models.errors import InvalidIdempotencyKey

HEADER = "Idempotency-Key"
LONGEST = 255
QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
BARE = re.compile(r"[A-Za-z0-9_.:~+/=-]+")


def idempotency_key() -> str | None:
    """Return what names this request among the user's, None where the client gave no key. Raises InvalidIdempotencyKey."""
    header = request.headers.get(HEADER)
    if header is None:
        return None
    return scoped_key(parse_key(header))


def scoped_key(key: str) -> str:
    """Return what names this request among the user's by a key of the client's."""
    scope = f"{request.method} {request.path}\n{key}"
    return ids.digest(scope.encode("utf-8", "replace")).hex()


def parse_key(header: str) -> str:
    """Return the key in a header's value."""
    text = header.strip(" \t")
    quoted = QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if not 1 <= len(key) <= LONGEST or not (quoted or BARE.fullmatch(key)):
        detail = f"1 to {LONGEST} printable ASCII characters in quotes, or letters, digits and _.:~+/=- without."
        raise InvalidIdempotencyKey(f"An {HEADER} has {detail}")
    return key
