"""What a chunk holds: its items as they were sent, one JSON array.

What a client sent is compressed, a quarter to write and to read again; what the database froze itself is the plain array.
"""

from __future__ import annotations

from collections.abc import Iterable

from backports import zstd

from models.strictness import split_array

LEVEL = 1
MAGIC = b"\x28\xb5\x2f\xfd"  # how every zstd frame begins, and no JSON


def pack(raws: Iterable[bytes]) -> bytes:
    """Return items as a payload."""
    return zstd.compress(b"[" + b",".join(raws) + b"]", LEVEL)


def unpack(payload: bytes) -> list[bytes]:
    """Return a payload's items."""
    return split_array(zstd.decompress(payload) if payload.startswith(MAGIC) else payload)
