"""Structured fields: what has not the right form counts as not sent."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest

from web.structured import flag, integer, sha256_of

DIGEST = hashlib.sha256(b"x").digest()
TEXT = b64encode(DIGEST).decode()


@pytest.mark.parametrize(("text", "expected"), [
    ("?1", True), ("?0", False), (" ?1 ", True), (None, None), ("", None), ("1", None), ("true", None), ("?2", None),
    ("?1, ?0", None),
])  # fmt: skip
def test_booleans(text: str | None, expected: bool | None) -> None:
    assert flag(text) is expected


@pytest.mark.parametrize(("text", "expected"), [
    ("0", 0), ("42", 42), (" 7\t", 7), ("007", 7), ("9" * 15, 10**15 - 1), ("9" * 16, None), ("-1", None), ("1.0", None),
    ("", None), (None, None), ("\uff11", None), ("1;a", None),
])  # fmt: skip
def test_integers_that_are_not_negative(text: str | None, expected: int | None) -> None:
    assert integer(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    (f"sha-256=:{TEXT}:", DIGEST), (f"md5=:AAAA:, sha-256=:{TEXT}:", DIGEST), (f"sha-512=:{TEXT}:", None),
    ("sha-256=:AAAA:", None), ("sha-256=:A:", None), (f"sha-256={TEXT}", None), ("", None), (None, None),
])  # fmt: skip
def test_digests(text: str | None, expected: bytes | None) -> None:
    assert sha256_of(text) == expected
