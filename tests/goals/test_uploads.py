"""X20: uploads that are cut and go on. `python -m bench --only uploads` measures the same with 2 GB."""

from __future__ import annotations

import base64
import gzip
import json
import random
import socket
import struct
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.goals.conftest import RECORD, Client, World, query
from tests.processes import descendants, wait_for

LINES = 1_000
TEXT = 24_000  # bytes of one line that no packing makes smaller
CUTS = 5
MIB = 1024 * 1024
MEMORY = 200 * MIB
STEP = 256 * 1024


def packed(name: str, number: int) -> bytes:
    dice = random.Random(7)
    operations = (
        {"id": f"north/one/{name}-{at}", "upsert": {"condition": {"note": base64.b64encode(dice.randbytes(TEXT)).decode()}}}
        for at in range(number)
    )
    return gzip.compress(b"".join(json.dumps(operation).encode() + b"\n" for operation in operations), 1)


def begin(client: Client, size: int) -> str:
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    headers |= {"Upload-Complete": "?0", "Upload-Length": str(size)}
    answer = client.call("POST", RECORD, data=b"", headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def offset_of(client: Client, place: str) -> int:
    answer = client.call("HEAD", place)
    assert (answer.status_code, answer.headers["Upload-Complete"]) == (200, "?0")
    return int(answer.headers["Upload-Offset"])


def cut(client: Client, place: str, offset: int, rest: bytes, sent: int) -> None:
    """Announce all that is left, send a part of it, and break the connection off."""
    address = urlsplit(client.url)
    head = [
        f"PATCH {place} HTTP/1.1", f"Host: {address.netloc}", f"Authorization: {client.session.headers['Authorization']!s}",
        "Content-Type: application/partial-upload", f"Upload-Offset: {offset}", "Upload-Complete: ?1",
        f"Content-Length: {len(rest)}", "", "",
    ]  # fmt: skip
    with socket.create_connection((str(address.hostname), address.port or 80)) as connection:
        connection.sendall("\r\n".join(head).encode())
        connection.sendall(rest[:sent])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def memory_of(pid: int) -> int:
    """Return the peak of a process and of those below it, each for itself: the largest."""
    texts = (Path(f"/proc/{one}/status").read_text() for one in [pid, *descendants(pid)])
    return max(int(text.split("VmHWM:")[1].split()[0]) for text in texts) * 1024


def test_x20_an_upload_that_is_cut_five_times_is_one_job_with_all_lines(world: World) -> None:
    ann, body = world.ann, packed("cut", LINES)
    dice, offsets = random.Random(1), [0]
    place = begin(ann, len(body))
    for _ in range(CUTS):
        offset = offset_of(ann, place)
        left = len(body) - offset
        cut(ann, place, offset, body[offset:], dice.randrange(left // 8, left // 3))
        wait_for(lambda before=offset: _noted(place) > before, 30)
        offsets.append(offset_of(ann, place))
    assert offsets == sorted(set(offsets)), "each part moved the offset"
    headers = {"Content-Type": "application/partial-upload", "Upload-Offset": str(offsets[-1]), "Upload-Complete": "?1"}
    answer = ann.call("PATCH", place, data=body[offsets[-1] :], headers=headers)
    assert (answer.status_code, answer.headers["Upload-Complete"]) == (202, "?1")
    job = ann.end(answer)
    assert (job["total"], job["succeeded"]) == (LINES, LINES)
    assert [row["line"] for row in ann.results(job["token"])] == list(range(1, LINES + 1))
    assert query("SELECT count(*) FROM jobs WHERE total = %s", LINES) == [(1,)]
    assert memory_of(world.parts.pid("web")) < MEMORY


def _noted(place: str) -> Any:
    return query("SELECT received FROM uploads WHERE id = %s", place.rpartition("/")[2])[0][0]
