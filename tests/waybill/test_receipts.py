"""What is no receipt, or none of this server, is said to be so; it never ends in an error of the program."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from waybill.receipts import Mismatch, Receipt

KEY = Ed25519PrivateKey.generate()


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(facts: dict[str, Any]) -> str:
    parts = [{"alg": "EdDSA", "kid": "one"}, facts]
    text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    return f"{text}.{encoded(KEY.sign(text.encode()))}"


KEYS = {"keys": [{"kid": "one", "crv": "Ed25519", "x": encoded(KEY.public_key().public_bytes_raw())}]}
GENUINE = signed({"token": "a-job"})


def test_a_genuine_receipt_is_that_of_its_job_alone() -> None:
    Receipt(GENUINE).verify(KEYS, "a-job")
    with pytest.raises(Mismatch, match="that of job a-job"):
        Receipt(GENUINE).verify(KEYS, "another")


@pytest.mark.parametrize("jws", ["", "hello", "a.b", "a.b.c", GENUINE[:-1], GENUINE[:-4], f"{GENUINE}A", f"{GENUINE[:-4]}ÄÄÄÄ"])
def test_what_is_not_genuine_is_a_mismatch(jws: str) -> None:
    with pytest.raises(Mismatch):
        Receipt(jws).verify(KEYS)


@pytest.mark.parametrize("content", [b"{", b"{}", b'{"token": "a-job"}', b"{\xff"])
def test_a_file_without_a_receipt_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(Mismatch, match="is no receipt"):
        Receipt.load(tmp_path / "file")


def test_facts_of_what_is_no_receipt_are_a_mismatch() -> None:
    with pytest.raises(Mismatch, match="no receipt"):
        _ = Receipt("hello").facts
