"""The top-level object of a bulk body, read member by member around its `records`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from models.errors import BodyTooLarge, DuplicateKey, InvalidType, Refused, TooDeep, UnknownField, pointer_to
from models.settings import Limits
from models.strictness import BLANKS, Borders, decode_strict, find_syntax_fault
from web.splitter import Window

RECORDS = "records"
TEXTS = ("import_id", "status")
LISTS = ("tags",)
FLAGS = ("atomic",)
NUMBERS = ("pace",)
DECODABLE = 1_000  # levels that no decoder reads, so that more of the body cannot change the answer
SHOWN = 100  # characters of a client's own words in an answer

_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it was sent, and where its value begins in the body."""

    name: str
    raw: bytes
    offset: int

    def check_syntax(self, window: Window) -> None:
        """Raise InvalidJson where the value is not JSON."""
        fault = find_syntax_fault(self.raw)
        if fault:
            window.refuse(self.offset + fault[0], fault[1])

    def decode(self, limits: Limits) -> Any:
        """Return the value. Raises what `decode_strict` raises, with pointers into the object."""
        try:
            return decode_strict(self.raw, replace(limits, depth=limits.depth - 1))
        except Refused as refused:
            refused.pointer = pointer_to(self.name) + (refused.pointer or "")
            raise


class Members:
    """Reads the members of an object whose `{` is read; with `first` false, what follows one of its values."""

    def __init__(self, window: Window, limits: Limits, *, first: bool = True) -> None:
        self._window = window
        self._limits = limits
        self._first = first
        self._size = 0

    def rest(self) -> list[Member]:
        """Return all members that follow."""
        members = []
        while (name := self.name()) is not None:
            members.append(self.value(name))
        return members

    def name(self) -> str | None:
        """Return the next name and stand at its value; None, and behind the object, at its end. Raises InvalidJson."""
        window = self._window
        if window.blanks() == b"}":
            window.at += 1
            return None
        if not self._first:
            self._expect(b",", "Expecting ',' delimiter")
        self._first = False
        window.blanks()
        name = self._text()
        self._expect(b":", "Expecting ':' delimiter")
        window.blanks()
        return name

    def value(self, name: str) -> Member:
        """Return the member whose name was read. Its syntax is not looked at. Raises InvalidJson, BodyTooLarge or TooDeep."""
        window = self._window
        borders = Borders(window.at)
        while (border := borders.find(window.held)) is None:
            self._grow(name, borders)
        raw = window.held[window.at : border].rstrip(BLANKS)
        if not raw:
            window.refuse(window.offset, "Expecting value")
        if window.held[border : border + 1] == b"]":
            window.refuse(window.start + border, "Expecting ',' delimiter")
        self._size += len(raw)
        self._check_size(self._size)
        member = Member(name, raw, window.offset)
        window.at = border
        return member

    def _expect(self, byte: bytes, message: str) -> None:
        if self._window.blanks() != byte:
            self._window.refuse(self._window.offset, message)
        self._window.at += 1

    def _text(self) -> str:
        window = self._window
        if window.held[window.at : window.at + 1] != b'"':
            window.refuse(window.offset, "Expecting property name enclosed in double quotes")
        while not (found := _TEXT.match(window.held, window.at)):
            self._check_size(window.left)
            start = window.offset
            if not window.more():
                window.refuse(start, "Unterminated string starting at")
        Member("", found[0], window.offset).check_syntax(window)
        window.at = found.end()
        name: str = json.loads(found[0].decode())
        return name

    def _grow(self, name: str, borders: Borders) -> None:
        window, limits = self._window, self._limits
        hopeless = window.left > limits.item_bytes or borders.depth > DECODABLE
        borders.at -= window.at
        if not hopeless and window.more():
            return
        begun = Member(name, window.held[window.at :], window.offset)
        if borders.depth > DECODABLE:
            begun.decode(limits)
        self._check_size(window.left)
        begun.check_syntax(window)
        if borders.depth > limits.depth:
            raise TooDeep(f"Nested more than {limits.depth} levels deep.", limit=limits.depth)
        window.refuse(window.start + len(window.held), "Expecting ',' delimiter")

    def _check_size(self, size: int) -> None:
        limit = self._limits.item_bytes
        if size > limit:
            raise BodyTooLarge(f"An object of more than {limit} bytes.", limit=limit)


def read_envelope(members: list[Member], window: Window, limits: Limits) -> Mapping[str, Any]:
    """Return the values of the members beside `records`.

    Raises UnknownField, DuplicateKey, InvalidType and what `decode_strict` raises, with pointers into the body.
    """
    envelope: dict[str, Any] = {}
    for member in members:
        if member.name not in (RECORDS, *TEXTS, *LISTS, *FLAGS, *NUMBERS):
            raise UnknownField(f"Nobody reads {member.name[:SHOWN]!a}.", pointer=_pointer(member.name))
        if member.name in (*envelope, RECORDS):
            raise DuplicateKey("An object names one member twice.", pointer=pointer_to(member.name))
        envelope[member.name] = _read(member, window, limits)
    return envelope


def _pointer(name: str) -> str | None:
    """Return the pointer to a member that may have any name."""
    return pointer_to(name) if len(name) <= SHOWN and name.isprintable() else None


def _read(member: Member, window: Window, limits: Limits) -> Any:
    member.check_syntax(window)
    pointer = pointer_to(member.name)
    value = member.decode(limits)
    if member.name in TEXTS and not isinstance(value, str | None):
        raise InvalidType(f"`{member.name}` is a text.", pointer=pointer)
    if member.name in LISTS and not (value is None or _is_texts(value)):
        raise InvalidType(f"`{member.name}` is a list of texts.", pointer=pointer)
    if member.name in FLAGS and not isinstance(value, bool | None):
        raise InvalidType(f"`{member.name}` is true or false.", pointer=pointer)
    if member.name in NUMBERS and not (value is None or type(value) in (int, float)):
        raise InvalidType(f"`{member.name}` is a number.", pointer=pointer)
    return value


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
