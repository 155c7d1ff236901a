"""Undoes a body's transfer coding in small steps: compression, character coding, and the caps on both sides."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, NoReturn

from backports import zstd
from werkzeug.http import parse_options_header

from models.errors import (
    BodyTooLarge,
    InvalidEncoding,
    InvalidJson,
    InvalidRequest,
    UnsupportedContentEncoding,
    UnsupportedMediaType,
)

STEP = 64 * 1024
MOST_MEMBERS = 65_536  # of one compressed body; a member may be empty, and costs more than it weighs
ZSTD_WINDOW = 23  # 8 MiB, all that RFC 9659 allows in HTTP
JSON = "application/json"
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")

Pieces = Iterator[bytes]


@dataclass(frozen=True)
class Expectation:
    """What the request's headers say, and the cap."""

    content_length: int | None
    limit: int


def is_line_based(content_type: str | None) -> bool:
    """Say whether a body of this type is read line by line. Raises UnsupportedMediaType, InvalidEncoding if not UTF-8."""
    kind, options = parse_options_header(content_type)
    if kind.lower() not in (JSON, *LINES):
        raise UnsupportedMediaType(f"Send one of {JSON}, {', '.join(LINES)}.", accepted=[JSON, *LINES])
    if options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise InvalidEncoding("Send UTF-8.")
    return kind.lower() != JSON


def unpacker(content_encoding: str | None) -> Callable[[Pieces], Pieces]:
    """Return the reader of a content encoding. Raises UnsupportedContentEncoding."""
    name = (content_encoding or "identity").strip().lower()
    if name not in _UNPACKERS:
        raise UnsupportedContentEncoding("Send gzip, zstd or no Content-Encoding.", accepted=["gzip", "zstd", "identity"])
    return _UNPACKERS[name]


def read_capped(stream: BinaryIO, expected: Expectation) -> Pieces:
    """Yield what is sent. Raises BodyTooLarge, and InvalidRequest when it is less than the headers say."""
    if expected.content_length is not None and expected.content_length > expected.limit:
        _refuse_size(expected.limit)
    count = 0
    while piece := stream.read(STEP):
        count += len(piece)
        if count > expected.limit:
            _refuse_size(expected.limit)
        yield piece
    if expected.content_length is not None and count < expected.content_length:
        raise InvalidRequest(f"The body ended after {count} of {expected.content_length} bytes.")


def spool(pieces: Pieces, file: IO[bytes], limit: int) -> int:
    """Write text to a file and return its size. Raises BodyTooLarge, InvalidEncoding, and InvalidJson if all of it is blank."""
    text = _Utf8()
    size, blank = 0, True
    for piece in pieces:
        size += len(piece)
        if size > limit:
            _refuse_size(limit)
        text.check(piece)
        blank = blank and not piece.strip(b" \t\r\n")
        file.write(piece)
    text.check(b"", final=True)
    if blank:
        raise InvalidJson("Line 1, column 1: The body is empty.", line=1, column=1)
    file.seek(0)
    beginning = file.read(4)
    if beginning.startswith(codecs.BOM_UTF8) or b"\0" in beginning:
        raise InvalidEncoding("Send UTF-8 without a byte order mark.")
    return size


def _refuse_size(limit: int) -> NoReturn:
    raise BodyTooLarge(f"The body is larger than {limit} bytes.", limit=limit)


class _Utf8:
    """Checks that pieces together are UTF-8, without keeping them."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._amid = False  # a character is cut between two pieces

    def check(self, piece: bytes, *, final: bool = False) -> None:
        if not self._amid and piece.isascii():
            return
        try:
            self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            raise InvalidEncoding("The body is not UTF-8, or compressed in another way than its headers say.") from error
        self._amid = bool(self._decoder.getstate()[0])


def _as_is(pieces: Pieces) -> Pieces:
    return pieces


def _gunzip(pieces: Pieces) -> Pieces:
    reader, begun, members = zlib.decompressobj(zlib.MAX_WBITS | 16), False, 0
    for piece in pieces:
        data, full = piece, False
        while data or full:
            if reader.eof:
                members = _count(members)
                reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
            begun = True
            try:
                text = reader.decompress(data, STEP)
            except zlib.error as error:
                raise InvalidEncoding("The body is not gzip.") from error
            yield text
            full = len(text) == STEP and not reader.eof
            data = reader.unused_data if reader.eof else reader.unconsumed_tail
    if begun and not reader.eof:
        raise InvalidEncoding("The gzip body is cut short.")


def _unzstd(pieces: Pieces) -> Pieces:
    reader, begun, members = _zstd_reader(), False, 0
    for piece in pieces:
        data, full = piece, False
        while data or full:
            if reader.eof:
                members = _count(members)
                reader = _zstd_reader()
            begun = True
            try:
                yield reader.decompress(data, STEP)
            except zstd.ZstdError as error:
                raise InvalidEncoding("The body is not zstd, or its window is larger than 8 MiB.") from error
            full = not reader.eof and not reader.needs_input
            data = reader.unused_data if reader.eof else b""
    if begun and not reader.eof:
        raise InvalidEncoding("The zstd body is cut short.")


def _zstd_reader() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW})


def _count(members: int) -> int:
    if members >= MOST_MEMBERS:
        raise InvalidEncoding(f"More than {MOST_MEMBERS} compressed members.")
    return members + 1


_UNPACKERS: dict[str, Callable[[Pieces], Pieces]] = {
    "identity": _as_is, "": _as_is, "gzip": _gunzip, "x-gzip": _gunzip, "zstd": _unzstd,
}  # fmt: skip
