"""The web killed while an upload comes in: what it said it has, it has."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import socket
from urllib.parse import urlsplit

import pytest
import requests

from models.db import driver, transaction
from tests.factories import accounts
from tests.processes import Parts, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
RECORD = "/classification/api/classifications/v2/record/"
KEY = {"Authorization": "Bearer key-for-tests-ann"}
LINES = 400
SAFE = 8 * 1024 * 1024  # bytes after which the web brings to disk what has come


def body() -> bytes:
    dice = random.Random(3)
    texts = (base64.b64encode(dice.randbytes(60_000)).decode() for _ in range(LINES))
    operations = ({"id": f"nowhere/lab/{at}", "upsert": {"condition": {"note": text}}} for at, text in enumerate(texts))
    return gzip.compress(b"".join(json.dumps(operation).encode() + b"\n" for operation in operations), 1)


def received(place: str) -> int:
    with transaction() as session:
        found = driver(session).execute("SELECT received FROM uploads WHERE id = %s", (place.rpartition("/")[2],)).fetchone()
        return int(found[0]) if found else 0


def test_an_upload_goes_on_where_a_killed_web_has_said_that_it_was(parts: Parts) -> None:
    with transaction() as session:
        accounts(session)
    sent = body()
    digest = base64.b64encode(hashlib.sha256(sent).digest()).decode()
    kind = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip", "Repr-Digest": f"sha-256=:{digest}:"}
    begun = requests.post(parts.url + RECORD, headers=KEY | kind | {"Upload-Complete": "?0"}, timeout=30)
    place = begun.headers["Location"]

    address = urlsplit(parts.url)
    head = [
        f"PATCH {place} HTTP/1.1", f"Host: {address.netloc}", f"Authorization: {KEY['Authorization']}",
        "Content-Type: application/partial-upload", "Upload-Offset: 0", "Upload-Complete: ?1", f"Content-Length: {len(sent)}",
    ]  # fmt: skip
    with socket.create_connection((str(address.hostname), address.port or 80)) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + sent[: SAFE + SAFE // 2])
        wait_for(lambda: received(place) >= SAFE, 30)
        parts.restart("web")
    parts.wait_ready()

    seen = requests.head(parts.url + place, headers=KEY, timeout=30).headers
    offset = int(seen["Upload-Offset"])
    assert (seen["Upload-Complete"], SAFE <= offset <= SAFE + SAFE // 2) == ("?0", True)
    rest = {"Content-Type": "application/partial-upload", "Upload-Offset": str(offset), "Upload-Complete": "?1"}
    answer = requests.patch(parts.url + place, sent[offset:], headers=KEY | rest, timeout=60)
    assert answer.status_code == 202, answer.text
    address_of_job = parts.url + answer.headers["Location"]

    def ended() -> bool:
        """the job has ended"""
        return bool(requests.get(address_of_job, headers=KEY, timeout=30).json()["status"] == "done")

    wait_for(ended, 60, 0.5)
    job = requests.get(address_of_job, headers=KEY, timeout=30).json()
    assert (job["total"], job["failed"]) == (LINES, LINES)
