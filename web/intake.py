"""Bytes in, items out: a body is spooled with caps, its shape is found, and the items of many are handed on as they were sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, Literal, cast

import msgspec
from flask import request

from models.errors import BodyTooLarge, InvalidRequest, TooManyItems
from models.jobs.values import Item, Key, group_name
from models.settings import Limits, settings
from models.strictness import decode_strict, find_syntax_fault
from web.envelope import RECORDS, Member, Members, read_envelope
from web.quotas import count_bytes
from web.refs import Refs
from web.splitter import WINDOW, ArrayItems, Lines, Piece, Window, refuse_line
from web.unpack import STEP, Expectation, Pieces, is_line_based, read_capped, spool, unpacker

HELD = 1024 * 1024  # bytes of a body that stay in memory; more goes to a file
COUNTED = 10  # times the limit of items up to which too many are counted

LaneKey = Callable[[Any], Key]

_NO_MORE_MEMBERS = re.compile(rb"\}\s*\]\s*\}\s*\Z")


class _Head(msgspec.Struct, gc=False):
    """The members of an item that intake reads."""

    id: Any = None
    ref: Any = None
    group: Any = None


class _RawHead(msgspec.Struct, gc=False):
    """The same, where one of them holds what cannot be decoded."""

    id: msgspec.Raw = msgspec.Raw(b"null")
    ref: msgspec.Raw = msgspec.Raw(b"null")
    group: msgspec.Raw = msgspec.Raw(b"null")


_HEAD = msgspec.json.Decoder(_Head)
_RAW_HEAD = msgspec.json.Decoder(_RawHead)


def receive(  # noqa: PLR0913 - what a request says of its body, and how it is read
    stream: BinaryIO,
    *,
    content_type: str | None,
    content_encoding: str | None,
    content_length: int | None,
    limits: Limits,
    window: int = WINDOW,
    folder: str | None = None,
) -> AbstractContextManager[Body]:
    """Take in a body whole, and hold it until the context ends, in `folder` if it is large.

    Raises UnsupportedMediaType, UnsupportedContentEncoding, InvalidEncoding, BodyTooLarge (`limit`), InvalidRequest for a body
    that is no object, array or lines or ends early, InvalidJson or TooDeep as far as it is read to tell one item from many.
    """
    line_based = is_line_based(content_type)
    pieces = unpacker(content_encoding)(read_capped(stream, Expectation(content_length, limits.body_bytes)))
    return _spooled(pieces, line_based, (limits, window), folder)


@contextmanager
def receive_request() -> Iterator[Body]:
    """Take in the body of this request as `receive` does, and count it for its user."""
    with receive(
        cast(BinaryIO, request.stream),
        content_type=request.headers.get("Content-Type"),
        content_encoding=request.headers.get("Content-Encoding"),
        content_length=request.content_length,
        limits=settings().limits,
    ) as body:
        count_bytes(body.size)
        yield body


@contextmanager
def _spooled(pieces: Pieces, line_based: bool, read: tuple[Limits, int], folder: str | None) -> Iterator[Body]:
    seal = hashlib.sha256()
    with SpooledTemporaryFile(max_size=HELD, dir=folder) as file:
        size = spool(_sealed(pieces, seal), file, read[0].body_bytes)
        source = _Source(file, size, *read)
        shape = _Shape("bulk", None, 0) if line_based else _survey(source)
        yield Body(source, shape, seal.digest(), line_based)


def _sealed(pieces: Pieces, seal: Any) -> Pieces:
    for piece in pieces:
        seal.update(piece)
        yield piece


@dataclass(frozen=True, slots=True)
class _Source:
    file: IO[bytes]
    size: int
    limits: Limits
    step: int

    def window(self, offset: int) -> Window:
        return Window(self.file, offset, self.step)

    def check_size(self) -> None:
        """Raise BodyTooLarge for a body that is one item, and too large for one."""
        limit = self.limits.item_bytes
        if self.size > limit:
            raise BodyTooLarge(f"An object of more than {limit} bytes.", limit=limit)

    def whole(self) -> bytes:
        """Return a body that is one item. Raises BodyTooLarge."""
        self.check_size()
        self.file.seek(0)
        return self.file.read()


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a body is. `before` has the members before `records`, None where there are no members."""

    kind: Literal["single", "bulk"]
    before: list[Member] | None
    items_at: int


def _survey(source: _Source) -> _Shape:
    window = source.window(0)
    match window.blanks():
        case b"[":
            return _Shape("bulk", None, window.offset + 1)
        case b"{":
            return _survey_object(source, window)
        case b"":
            window.refuse(window.offset, "Expecting value")
    decode_strict(source.whole(), source.limits)
    raise InvalidRequest("Send an object, an array of operations, or an object with `records`.")


def _survey_object(source: _Source, window: Window) -> _Shape:
    window.at += 1
    members = Members(window, source.limits)
    before: list[Member] = []
    while (name := members.name()) is not None:
        if name == RECORDS and window.blanks() == b"[":
            return _Shape("bulk", before, window.offset + 1)
        before.append(members.value(name))
        if name == RECORDS:
            before[-1].check_syntax(window)
            raise InvalidRequest("`records` is an array of operations.", pointer="/records")
    if window.blanks():
        window.refuse(window.offset, "Extra data")
    source.check_size()
    return _Shape("single", None, 0)


class Body:
    """A body that was taken in. `kind` says whether to ask for `single()` or for `items()`; `digest` is its SHA-256."""

    def __init__(self, source: _Source, shape: _Shape, digest: bytes, line_based: bool) -> None:
        self.kind = shape.kind
        self.digest = digest
        self.size = source.size
        self.line_based = line_based
        self._source = source
        self._shape = shape
        self._envelope: Mapping[str, Any] | None = None

    def single(self) -> Any:
        """Return the one object. Raises what `decode_strict` raises."""
        return decode_strict(self._source.whole(), self._source.limits)

    @property
    def envelope(self) -> Mapping[str, Any]:
        """Return the members beside `records`: import_id and status are texts, tags a list of texts; each may be null.

        Raises UnknownField, DuplicateKey, InvalidType and what `decode_strict` raises. Where members may follow `records`, they
        are found by way of the items, and what `items` raises is raised here.
        """
        if self._envelope is None and self._shape.before is None:
            self._envelope = {}
        if self._envelope is None and self._nothing_follows():
            self._envelope = self._read_envelope([])
        if self._envelope is None:
            for _ in self._limited(self._pieces()):
                pass
        return self._envelope or {}

    def each(self, lane_key: LaneKey) -> Iterable[Item]:
        """Return what yields the items each time that it is gone through."""
        return _Items(self, lane_key)

    def items(self, lane_key: LaneKey) -> Iterator[Item]:
        """Yield the items in order, as they were sent; one that is no operation comes too, without a key.

        Nothing of the body counts when it raises: InvalidJson (`line`, `column`), TooManyItems (`limit`, `actual`), BodyTooLarge
        (`limit`, and `index` or `line`), TooDeep, DuplicateRef (`indexes`), and what `envelope` raises.
        """
        assert self.kind == "bulk"
        refs = Refs()
        index = 0
        with closing(refs):
            for pieces in self._limited(self._pieces()):
                for line, raw in pieces:
                    head = _read_head(raw, line)
                    text = refs.add(head.ref, index, self._source.limits.text)
                    group = None if head.group is None else group_name(head.group)
                    yield Item(index, raw, None if head.id is None else lane_key(head.id), text, line, group)
                    index += 1
            refs.check()

    def _pieces(self) -> Iterator[list[Piece]]:
        window = self._source.window(self._shape.items_at)
        if self.line_based:
            yield from Lines(window, self._source.limits).batches()
            return
        for batch in ArrayItems(window, self._source.limits).batches():
            yield [(None, raw) for raw in batch]
        if self._shape.before is not None:
            self._envelope = self._read_envelope(Members(window, self._source.limits, first=False).rest())
        if window.blanks():
            window.refuse(window.offset, "Extra data")

    def _read_envelope(self, after: list[Member]) -> Mapping[str, Any]:
        return read_envelope([*(self._shape.before or ()), *after], self._source.window(0), self._source.limits)

    def _nothing_follows(self) -> bool:
        """Say whether the body ends with `records`: no member that may stand after it ends with an array of objects."""
        self._source.file.seek(max(self._shape.items_at, self._source.size - STEP))
        return _NO_MORE_MEMBERS.search(self._source.file.read()) is not None

    def _limited(self, batches: Iterator[list[Piece]]) -> Iterator[list[Piece]]:
        limit = self._source.limits.operations
        total = 0
        for batch in batches:
            total += len(batch)
            if total <= limit:
                yield batch
            if total > COUNTED * limit:
                break
        if total > limit:
            more = "at least " if total > COUNTED * limit else ""
            raise TooManyItems(f"{more}{total} items, and the limit is {limit}.".capitalize(), limit=limit, actual=total)


@dataclass(frozen=True, slots=True)
class _Items:
    body: Body
    lane_key: LaneKey

    def __iter__(self) -> Iterator[Item]:
        return self.body.items(self.lane_key)


def _read_head(raw: bytes, line: int | None) -> _Head:
    """Return what intake reads of an item, None for what it has not or what cannot be read. A line may prove to be no JSON."""
    try:
        return _HEAD.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        fault = None if line is None else find_syntax_fault(raw)
        if fault and line is not None:
            refuse_line(raw, line, *fault)
        return _read_odd_head(raw)


def _read_odd_head(raw: bytes) -> _Head:
    try:
        head = _RAW_HEAD.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return _Head()
    return _Head(*map(_decode_or_none, (head.id, head.ref, head.group)))


def _decode_or_none(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
