"""Zip, written as it goes: nothing but the open entry is held, the directory of what was written waits in a temporary file.

Every entry is written in the 64-bit form, so that no size has to be known beforehand. The directory at the end shows that all is
there. The library's writer keeps an object for each entry, which for a record an entry is more than the records themselves.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterator
from datetime import datetime

LEVEL = 1  # three times as fast as the usual 6, for a tenth more bytes
FLAGS = 0x0808  # sizes follow the data; names are UTF-8
VERSION = 45  # the first that knows 64-bit sizes
DEFLATED = 8
FULL32, FULL16 = 0xFFFFFFFF, 0xFFFF
SPOOL = 1024 * 1024
PIECE = 256 * 1024


class Zip:
    """One archive. Entries come one after the other: `open`, `write`, `close`; then `end`. All return bytes to send."""

    def __init__(self, moment: datetime) -> None:
        self.directory = tempfile.SpooledTemporaryFile(max_size=SPOOL)  # noqa: SIM115 - closed by `end` or `abandon`
        self.time = _dos_time(moment)
        self.at = self.count = 0
        self.name = b""
        self.began = self.size = self.packed = self.crc = 0
        self.deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)

    def open(self, name: str) -> bytes:
        """Begin an entry."""
        self.name, self.began = name.encode(), self.at
        self.size = self.packed = self.crc = 0
        self.deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        extra = struct.pack("<HHQQ", 1, 16, 0, 0)
        head = struct.pack(
            "<4s5H3L2H", b"PK\x03\x04", VERSION, FLAGS, DEFLATED, *self.time, 0, FULL32, FULL32, len(self.name), len(extra)
        )
        return self._sent(head + self.name + extra)

    def write(self, data: bytes) -> bytes:
        """Return more of the open entry."""
        self.crc = zlib.crc32(data, self.crc)
        self.size += len(data)
        return self._packed(self.deflate.compress(data))

    def close(self) -> bytes:
        """End the open entry."""
        last = self._packed(self.deflate.flush())
        tail = struct.pack("<4sLQQ", b"PK\x07\x08", self.crc, self.packed, self.size)
        extra = struct.pack("<HHQQQ", 1, 24, self.size, self.packed, self.began)
        self.directory.write(
            struct.pack(
                "<4s6H3L5H2L", b"PK\x01\x02", (3 << 8) | VERSION, VERSION, FLAGS, DEFLATED, *self.time, self.crc, FULL32, FULL32,
                len(self.name), len(extra), 0, 0, 0, 0o100644 << 16, FULL32,
            )
        )  # fmt: skip
        self.directory.write(self.name + extra)
        self.count += 1
        return last + self._sent(tail)

    def end(self) -> Iterator[bytes]:
        """Give the directory."""
        began, size = self.at, self.directory.tell()
        self.directory.seek(0)
        while piece := self.directory.read(PIECE):
            yield self._sent(piece)
        self.abandon()
        end64 = struct.pack(
            "<4sQ2H2L4Q", b"PK\x06\x06", 44, (3 << 8) | VERSION, VERSION, 0, 0, self.count, self.count, size, began
        )
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, self.at, 1)
        count = min(self.count, FULL16)
        yield self._sent(
            end64 + locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, min(size, FULL32), min(began, FULL32), 0)
        )

    def abandon(self) -> None:
        """Let go of the directory."""
        self.directory.close()

    def _packed(self, data: bytes) -> bytes:
        self.packed += len(data)
        return self._sent(data)

    def _sent(self, data: bytes) -> bytes:
        self.at += len(data)
        return data


def _dos_time(moment: datetime) -> tuple[int, int]:
    day = (max(moment.year, 1980) - 1980) << 9 | moment.month << 5 | moment.day
    return moment.hour << 11 | moment.minute << 5 | moment.second // 2, day
