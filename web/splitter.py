"""Cuts a spooled body into its items without decoding them, in memory that does not grow with the body.

An array is cut in windows. A part of a window that decodes between brackets of its own was cut between two items, for one added
bracket cannot close what an item left open; so likely borders are tried first. Where none is right, texts and brackets count.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import IO, NoReturn

import msgspec

from models.errors import BodyTooLarge, InvalidJson, TooDeep
from models.settings import Limits
from models.strictness import BLANKS, Borders, find_syntax_fault

WINDOW = 256 * 1024
HEAD = 8  # bytes in which items of one writer begin alike
REACH = 16 * 1024
CUT_LITERAL = 12  # a literal or an escape that was cut is reported this near to the cut
CONTINUATIONS = bytes(range(0x80, 0xC0))

Piece = tuple[int | None, bytes]  # the number of a line, where there are lines, and an item

_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_BLANKS = re.compile(rb"[ \t\r\n]*+")
_SEAM = re.compile(rb"\}[ \t\r\n]*+(,)[ \t\r\n]*+\{")


class Window:
    """The part of a body that is held: it begins at byte `start` of the body, and `held[at:]` is still to be read."""

    def __init__(self, file: IO[bytes], offset: int, step: int) -> None:
        self.step = step
        self.start = offset
        self.held = b""
        self.at = 0
        self._file = file

    @property
    def offset(self) -> int:
        """Return the place of the next byte in the body."""
        return self.start + self.at

    @property
    def left(self) -> int:
        return len(self.held) - self.at

    def more(self) -> bool:
        """Drop what is read and hold at least as much again, so that growing stays linear; False at the body's end."""
        rest = self.held[self.at :]
        self.start += self.at
        self.at = 0
        self._file.seek(self.start + len(rest))
        part = self._file.read(max(self.step, len(rest)))
        self.held = rest + part
        return bool(part)

    def blanks(self) -> bytes:
        """Step over blanks; return the byte that follows, or nothing at the body's end."""
        while True:
            blanks = _BLANKS.match(self.held, self.at)
            self.at = blanks.end() if blanks else self.at
            if self.left or not self.more():
                return self.held[self.at : self.at + 1]

    def refuse(self, offset: int, message: str) -> NoReturn:
        """Raise InvalidJson for a byte of the body."""
        line, column = locate(self._file, offset)
        raise InvalidJson(f"Line {line}, column {column}: {message}.", line=line, column=column)


def locate(file: IO[bytes], offset: int) -> tuple[int, int]:
    """Return the line and the column of a byte, in characters, both from 1."""
    file.seek(0)
    line = column = 1
    while offset and (part := file.read(min(offset, WINDOW))):
        offset -= len(part)
        line += part.count(b"\n")
        end = part.rfind(b"\n") + 1
        column = (1 if end else column) + len(part[end:].translate(None, CONTINUATIONS))
    return line, column


class ArrayItems:
    """The items of an array. `window` stands after its opening bracket, and in the end after the closing one."""

    def __init__(self, window: Window, limits: Limits) -> None:
        self._window = window
        self._limits = limits
        self._index = 0
        self._ended = False

    def batches(self) -> Iterator[list[bytes]]:
        """Yield the items in batches that fit a window. Raises InvalidJson, BodyTooLarge or TooDeep."""
        if self._window.blanks() == b"]":
            self._window.at += 1
            return
        while not self._ended:
            yield self._guessed() or self._counted()

    def _guessed(self) -> list[bytes]:
        window = self._window
        if window.left < window.step:
            window.more()
        window.blanks()
        for border in _likely_borders(window.held, window.at):
            try:
                raws = _RAWS.decode(b"[" + window.held[window.at : border] + b"]")
            except (msgspec.DecodeError, RecursionError):
                continue
            if raws:
                return self._accept([bytes(raw) for raw in raws], border)
        return []

    def _accept(self, items: list[bytes], border: int) -> list[bytes]:
        if border - self._window.at > self._limits.item_bytes:
            for item in items:
                self._measure(item)
                self._index += 1
        else:
            self._index += len(items)
        self._window.at = border + 1
        return items

    def _counted(self) -> list[bytes]:
        """Return all items that end within the window, and at least one."""
        items: list[bytes] = []
        while not self._ended and (border := self._border(growing=not items)) is not None:
            items.append(self._take(border))
        return items

    def _border(self, *, growing: bool) -> int | None:
        if growing:
            self._window.blanks()
        borders = Borders(self._window.at)
        while (border := borders.find(self._window.held)) is None:
            if not growing:
                return None
            self._grow(borders)
        return border

    def _grow(self, borders: Borders) -> None:
        if self._window.left > self._limits.item_bytes:
            self._refuse_long(borders.depth)
        borders.at -= self._window.at
        if not self._window.more():
            self._refuse_cut(borders.depth)

    def _take(self, border: int) -> bytes:
        window = self._window
        piece = window.held[window.at : border].lstrip(BLANKS)
        offset = window.start + border - len(piece)
        item = piece.rstrip(BLANKS)
        fault = find_syntax_fault(item)
        if fault:
            window.refuse(offset + fault[0], fault[1])
        self._measure(item)
        if window.held[border : border + 1] == b"}":
            window.refuse(window.start + border, "Expecting ',' or ']'")
        self._ended = window.held[border : border + 1] == b"]"
        window.at = border + 1
        self._index += 1
        return item

    def _measure(self, item: bytes) -> None:
        if len(item) > self._limits.item_bytes:
            raise self._too_long()

    def _too_long(self) -> BodyTooLarge:
        limit = self._limits.item_bytes
        return BodyTooLarge(f"Item {self._index} is larger than {limit} bytes.", limit=limit, index=self._index)

    def _refuse_cut(self, depth: int) -> NoReturn:
        """Refuse an item that the body's end cuts."""
        window = self._window
        fault = find_syntax_fault(window.held[window.at :])
        if fault:
            window.refuse(window.offset + fault[0], fault[1])
        self._check_depth(depth)
        window.refuse(window.start + len(window.held), "Expecting ',' or ']'")

    def _check_depth(self, depth: int) -> None:
        limit = self._limits.depth
        if depth > limit:
            raise TooDeep(f"Item {self._index} is nested more than {limit} levels deep.", limit=limit, index=self._index)

    def _refuse_long(self, depth: int) -> NoReturn:
        """Refuse an item without an end: it is too long, unless its beginning is no JSON already."""
        window = self._window
        piece = window.held[window.at : window.at + self._limits.item_bytes].decode(errors="ignore").encode()
        at, message = find_syntax_fault(piece) or (len(piece), "")
        if at < len(piece) - CUT_LITERAL and not message.startswith("Unterminated"):
            window.refuse(window.offset + at, message)
        self._check_depth(depth)
        raise self._too_long()


def _likely_borders(held: bytes, at: int) -> Iterator[int]:
    """Yield a few commas that may stand between items, the likeliest first."""
    head = held.rfind(held[at : at + HEAD], at + 1)
    comma = held.rfind(b",", at, max(head, at))
    if comma > at and not held[comma + 1 : head].strip(BLANKS):
        yield comma
    seams = deque(_SEAM.finditer(held, max(at, len(held) - REACH)), 2) or deque(_SEAM.finditer(held, at), 2)
    yield from (seam.start(1) for seam in reversed(seams))
    last = held.rfind(b",", at)
    if not seams and last > at:
        yield last


class Lines:
    """The lines of a body that are not blank, with their numbers from 1. They may end in LF or CR LF, the last one in neither."""

    def __init__(self, window: Window, limits: Limits) -> None:
        self._window = window
        self._limits = limits
        self._number = 0

    def batches(self) -> Iterator[list[Piece]]:
        """Yield the lines in batches that fit a window. Raises BodyTooLarge, and InvalidJson for a CR within a line."""
        window = self._window
        while window.more():
            end = window.held.rfind(b"\n")
            if end >= 0:
                window.at = end + 1
                yield self._number_all(window.held[:end].split(b"\n"))
            elif window.left > self._limits.item_bytes:
                self._refuse_long(self._number + 1)
        if window.left:
            yield self._number_all([window.held[window.at :]])

    def _number_all(self, lines: list[bytes]) -> list[Piece]:
        numbered: list[Piece] = []
        for line in lines:
            self._number += 1
            text = line[:-1] if line.endswith(b"\r") else line
            if len(text) > self._limits.item_bytes:
                self._refuse_long(self._number)
            if b"\r" in text:
                refuse_line(text, self._number, text.index(b"\r"), "A carriage return within the line")
            if text.strip(b" \t"):
                numbered.append((self._number, text))
        return numbered

    def _refuse_long(self, number: int) -> NoReturn:
        limit = self._limits.item_bytes
        raise BodyTooLarge(f"Line {number} is larger than {limit} bytes.", limit=limit, line=number)


def refuse_line(text: bytes, number: int, at: int, message: str) -> NoReturn:
    """Raise InvalidJson for byte `at` of a line."""
    column = len(text[:at].decode(errors="ignore")) + 1
    raise InvalidJson(f"Line {number}, column {column}: {message}.", line=number, column=column)
