"""One large upload that is cut again and again: how fast it becomes a job, and the memory of the web meanwhile.

python -m bench --only uploads --upload 2000000000
"""

from __future__ import annotations

import base64
import json
import random
import socket
import struct
import tempfile
import time
import zlib
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import urlsplit

from bench.documents import name
from bench.measures import Row
from bench.stand import Stand

RECORD = "/classification/api/classifications/v2/record/"
TEXT = 2_000  # bytes of one operation that no packing makes smaller
CUTS = 5
PIECE = 1024 * 1024
MEMORY = 200  # MiB
LONGEST = 7_200.0  # seconds
NOTICED = 1.0  # seconds after which the server has seen that a connection broke off


def uploads(product: Stand, size: int) -> list[Row]:
    """Upload a packed file of about so many bytes, cut five times, and wait until each line has its outcome."""
    before = product.peak("web")
    with tempfile.TemporaryFile() as file:
        lines, packed = _fill(file, size)
        began = time.perf_counter()
        place = _begin(product, packed)
        dice = random.Random(1)
        for _ in range(CUTS):
            offset = _offset(product, place)
            _cut(product, place, (file, offset, packed), dice.randrange(1, (packed - offset) // 3))
        offset = _offset(product, place)
        sent = time.perf_counter()
        answer = _rest(product, place, (file, offset, packed))
        accepted = time.perf_counter()
    after = product.peak("web")
    job = _wait(product, answer["result"]["job.token"])
    done = time.perf_counter() - accepted
    if (job["total"], job["remaining"], job["succeeded"]) != (lines, 0, lines):
        raise RuntimeError(f"not each line has its outcome: {job}")
    told = f"{lines:,} lines, one job; received and stored after {accepted - began:.0f} s"
    return [
        Row(f"peak memory of web, upload of {packed / 1e9:.2f} GB / 200 MiB", [after / MEMORY], "<= 1.0",
            f"{before:.0f} MiB -> {after:.0f} MiB; {told}"),
        Row("what five cuts cost, of the time to receive", [(sent - began) / (accepted - began)], "",
            f"{sent - began:.0f} s with cuts, {accepted - sent:.0f} s for the rest and storing; worked on for {done:.0f} s"),
    ]  # fmt: skip


def _fill(file: IO[bytes], size: int) -> tuple[int, int]:
    """Write packed lines; return how many, and the file's size."""
    lines = size // (TEXT + TEXT // 20)
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16, strategy=zlib.Z_HUFFMAN_ONLY)  # all that is to be had
    for line in _lines(lines):
        file.write(packer.compress(line))
    file.write(packer.flush())
    return lines, file.tell()


def _lines(number: int) -> Iterator[bytes]:
    dice = random.Random(7)
    for at in range(number):
        note = base64.b64encode(dice.randbytes(TEXT)).decode()
        yield json.dumps({"id": name(at), "upsert": {"condition": {"note": note}}}).encode() + b"\n"


def _begin(product: Stand, size: int) -> str:
    headers = {
        "Content-Type": "application/x-ndjson", "Content-Encoding": "gzip", "Upload-Complete": "?0", "Upload-Length": str(size),
    }  # fmt: skip
    answer = product.session.post(product.url + RECORD, headers=headers, timeout=60)
    answer.raise_for_status()
    return answer.headers["Location"]


def _offset(product: Stand, place: str) -> int:
    return int(product.session.head(product.url + place, timeout=60).headers["Upload-Offset"])


def _cut(product: Stand, place: str, of: tuple[IO[bytes], int, int], sent: int) -> None:
    """Announce all that is left, send a part of it, and break the connection off."""
    file, offset, size = of
    with _patch(product, place, offset, size) as connection:
        file.seek(offset)
        while sent > 0 and (piece := file.read(min(PIECE, sent))):
            connection.sendall(piece)
            sent -= len(piece)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(NOTICED)


def _rest(product: Stand, place: str, of: tuple[IO[bytes], int, int]) -> Any:
    file, offset, size = of
    with _patch(product, place, offset, size) as connection:
        file.seek(offset)
        while piece := file.read(PIECE):
            connection.sendall(piece)
        told = b"".join(iter(lambda: connection.recv(PIECE), b""))
    head, _, body = told.partition(b"\r\n\r\n")
    if b" 202 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(f"the upload was answered {told[:1000]!r}")
    return json.loads(body)


def _patch(product: Stand, place: str, offset: int, size: int) -> socket.socket:
    address = urlsplit(product.url)
    head = [
        f"PATCH {place} HTTP/1.1", f"Host: {address.netloc}", f"Authorization: {product.session.headers['Authorization']!s}",
        "Content-Type: application/partial-upload", f"Upload-Offset: {offset}", "Upload-Complete: ?1", "Connection: close",
        f"Content-Length: {size - offset}", "", "",
    ]  # fmt: skip
    connection = socket.create_connection((str(address.hostname), address.port or 80), LONGEST)
    connection.sendall("\r\n".join(head).encode())
    return connection


def _wait(product: Stand, token: str) -> dict[str, Any]:
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        job: dict[str, Any] = product.session.get(f"{product.url}/api/jobs/{token}", timeout=30).json()
        if job["status"] in ("done", "rejected"):
            return job
        time.sleep(5)
    raise RuntimeError(f"job {token} did not end within {LONGEST} s")
