"""A job's receipt in the hands of a client: what was sent and what became of it, by digests that are computed here again.

    receipt = job.receipt()
    job.save_ledger("ledger.ndjson")
    receipt.verify(client.receipt_keys())
    receipt.compare(items="sent.ndjson.gz", ledger="ledger.ndjson")

Comparing needs nothing but this package; verifying the signature needs `cryptography` (pip install 'waybill[receipts]').
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from waybill.errors import MissingPackage, WaybillError
from waybill.flows import Patience, ask
from waybill.wire import Flow, Pause, Request, get

ALGORITHM = "EdDSA"
KEYS = "/.well-known/jwks.json"
BLANKS = b" \t\r\n"
Items = str | Path | Iterable[bytes]
"""A file of operations as it was sent, or the operations themselves, each as it was sent."""


class Mismatch(WaybillError):
    """A receipt is not genuine, or something is not what it is about."""


@dataclass(frozen=True)
class Receipt:
    """A receipt as it was signed (a compact JWS). `facts` is what it says; it can be trusted after `verify`."""

    jws: str

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What the receipt says of the job, the input and the ledger."""
        return _object(self.jws.partition(".")[2].rpartition(".")[0])

    @classmethod
    def load(cls, path: str | Path) -> Receipt:
        """Return a receipt from a file: what `waybill receipt` wrote, or the bare JWS. Raises Mismatch."""
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
            return cls(json.loads(text)["jws"] if text.startswith("{") else text)
        except (ValueError, KeyError):
            raise Mismatch(f"{path} is no receipt") from None

    def verify(self, keys: Mapping[str, Any], token: str | None = None) -> None:
        """Verify the signature by a JSON Web Key Set, and that the receipt is that of job `token`.

        Raises Mismatch, and MissingPackage where `cryptography` is not there.
        """
        try:
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError:
            raise MissingPackage("cryptography is not installed: pip install 'waybill[receipts]'") from None
        signed, _, signature = self.jws.rpartition(".")
        head = _object(signed.partition(".")[0])
        found = [key for key in keys.get("keys", ()) if key.get("kid") == head.get("kid") and key.get("crv") == "Ed25519"]
        if head.get("alg") != ALGORITHM or not found:
            raise Mismatch("the receipt is signed by a key that is not known")
        try:
            Ed25519PublicKey.from_public_bytes(_bytes(found[0]["x"])).verify(_bytes(signature), signed.encode())
        except (InvalidSignature, ValueError):
            raise Mismatch("the signature is not right: the receipt was changed, or not issued by this server") from None
        if token is not None and self.facts["token"] != token:
            raise Mismatch(f"the receipt is that of job {self.facts['token']}")

    def compare(self, *, items: Items | None = None, ledger: str | Path | None = None) -> None:
        """Compare what was sent, or a ledger that was downloaded, with the receipt. Raises Mismatch.

        Of items that are given one by one no more are drawn than the receipt is about.
        """
        if items is not None:
            told, several = self.facts["input"], not isinstance(items, str | Path)
            sent = islice(_items(items), told["items"] if several else None)
            _compare("items that were sent", (told["items"], told["sha256"]), _digest(sent))
        if ledger is not None:
            told = self.facts["ledger"]
            with Path(ledger).open("rb") as file:
                _compare("rows of the ledger", (told["rows"], told["sha256"]), _digest(file))


def _compare(what: str, told: tuple[int, str], found: tuple[int, str]) -> None:
    if told[0] != found[0]:
        raise Mismatch(f"the receipt is about {told[0]:,} {what}, and here are {found[0]:,}")
    if told[1] != found[1]:
        raise Mismatch(f"the {what} are not those of the receipt: SHA-256 is {found[1]}, and was {told[1]}")


def _items(items: Items) -> Iterator[bytes]:
    from waybill.mapping import Mapped
    from waybill.sources import open_source

    if not isinstance(items, str | Path):
        given: Iterable[bytes] = items
    else:
        nothing = Mapped("upsert", None, None, {}, list, ignore_unknown=True, delimiter=",")
        given = open_source(Path(items), str(items), None, nothing).lines()
    return (stripped + b"\n" for item in given if (stripped := item.strip(BLANKS)))


def _digest(pieces: Iterable[bytes]) -> tuple[int, str]:
    seal, count = hashlib.sha256(), 0
    for piece in pieces:
        seal.update(piece)
        count += 1
    return count, seal.hexdigest()


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(_bytes(text))
    except ValueError:
        raise Mismatch("this is no receipt") from None
    return found if isinstance(found, dict) else {}


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def fetch(token: str, patience: Patience) -> Flow[Receipt]:
    """Return a job's receipt; that of a large job is waited for while the server makes it. Raises Problem."""
    while True:
        answer = yield from ask(get(f"/api/jobs/{token}/receipt"), patience)
        if answer.status == 200:
            return Receipt(str(answer.json()["jws"]))
        yield Pause(1.0 if answer.retry_after is None else answer.retry_after)


def ledger(token: str) -> Request:
    """Return the request for the ledger that a job's receipt is about."""
    return get(f"/api/jobs/{token}/receipt/ledger")
