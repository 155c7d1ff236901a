"""What JSON parsers let through and no store can keep; and where one JSON value ends among others.

`decode_strict` costs little more than decoding: the decoder itself checks types with limits, and a value that is written again as
it was sent had no member twice and no number that changed. What is not proven so is read a second time, slowly.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, NoReturn, Union

import msgspec

from models import errors
from models.errors import pointer_to
from models.settings import Limits

BLANKS = b" \t\r\n"
LEAST_INT, LARGEST_INT = -(2**63), 2**63 - 1
DOUBLE_DIGITS = 17  # significant decimal digits that tell any two doubles apart
NUMBER_CHARACTERS = 400
TYPED_DEPTH = 6  # the typed decoder doubles with each level; deeper operations are rare and read slowly
STACK_DEPTH = 200  # no setting makes the decoders' own recursion a danger
POINTER_CHARACTERS = 1_000

_RAW = msgspec.json.Decoder(msgspec.Raw)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_PLAIN = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()
_UNFIT = re.compile("[\0\ud800-\udfff]")

_REST = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'  # of a text
_TEXT = rb'"' + _REST + rb'"'
_FLAT = rb'(?:[^"\[\]{}]++|' + _TEXT + rb")*+"
_CELLS = rb'(?:[^"\[\]{}]++|' + _TEXT + rb"|[\[{]" + _FLAT + rb"[\]}])*+"  # whole values at a step, for speed only
_PATCH = rb'(?:[^"\[\]{}]++|' + _TEXT + rb"|[\[{]" + _CELLS + rb"[\]}])*+"
_INSIDE = re.compile(_CELLS, re.DOTALL)
_BETWEEN = re.compile(rb'(?:[^"\[\]{},]++|' + _TEXT + rb"|[\[{]" + _PATCH + rb"[\]}])*+", re.DOTALL)
_TEXT_REST = re.compile(_REST, re.DOTALL)
_TOKEN = re.compile(rb"[ \t\r\n:]*+(?:(" + _TEXT + rb')|([\[{])|([\]}])|(,)|([^ \t\r\n\[\]{}",:]++))', re.DOTALL)
_BRACKETS = re.compile(rb"[\[{][\[{ \t\r\n]*+|[\]}][\]} \t\r\n]*+")
_CLOSING = re.compile(rb"[\]}]")


def decode_strict(raw: bytes, limits: Limits) -> Any:
    """Return one JSON value, each member and number as it was sent.

    Raises InvalidEncoding, InvalidJson (`line`, `column`), or with the pointer of the first such place within the value: TooDeep,
    TooManyKeys, TextTooLong (all three with `limit`), DuplicateKey, InvalidText, InvalidNumber.
    """
    try:
        value = _decoder(limits.depth, limits.keys, limits.text if len(raw) > limits.text else None)(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_slowly(raw, limits)
    if (b"\\" in raw and b"\\u0000" in raw) or not _faithful(raw, value):
        _Walk(limits).over(raw)
    return value


@lru_cache(maxsize=8)
def _decoder(depth: int, keys: int, text: int | None) -> Callable[[bytes], Any]:
    """Return a decoder that knows the limits. It may refuse what is within them (a deeper nesting), never the other way round."""
    string: Any = str if text is None else Annotated[str, msgspec.Meta(max_length=text)]  # lengths cost a quarter of the time
    scalar = Union[None, bool, float, Annotated[int, msgspec.Meta(ge=LEAST_INT, le=LARGEST_INT)], string]  # noqa: UP007
    kind: Any = scalar
    for _ in range(min(depth, TYPED_DEPTH)):
        kind = Union[scalar, list[kind], Annotated[dict[string, kind], msgspec.Meta(max_length=keys)]]  # noqa: UP007
    return msgspec.json.Decoder(kind).decode


def _faithful(raw: bytes, value: Any) -> bool:
    """Say whether `value` is all that `raw` says. Written again it would be shorter without its doubled members."""
    written = _ENCODER.encode(value)
    if written == raw or written == msgspec.json.format(raw, indent=-1):
        return True
    try:
        _SECOND.decode(raw.decode())
    except _SuspectError:
        return False
    return True


class _SuspectError(Exception):
    """Something for the walk to name."""


def _members(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise _SuspectError


def _fraction(number: str) -> None:
    if not _kept(number):
        raise _SuspectError


_SECOND = json.JSONDecoder(object_pairs_hook=_members, parse_float=_fraction)
_SYNTAX = json.JSONDecoder(object_pairs_hook=len, parse_float=len, parse_int=len, parse_constant=len)  # builds next to nothing


def _kept(number: str) -> bool:
    """Say whether a number survives as a 64-bit whole number or as a double: in range, and with no digit lost that was sent."""
    if len(number) > NUMBER_CHARACTERS:
        return False
    if number.lstrip("-").isdigit():
        return LEAST_INT <= int(number) <= LARGEST_INT
    value = float(number)
    digits = re.split("[eE]", number)[0].replace(".", "").strip("-0")
    if not math.isfinite(value) or (digits and value == 0):
        return False
    return len(digits) <= DOUBLE_DIGITS or Decimal(number) == Decimal(repr(value))


def _decode_slowly(raw: bytes, limits: Limits) -> Any:
    if fault := find_syntax_fault(raw):
        raise_syntax(raw, *fault)
    _Walk(limits).over(raw)
    try:
        return _PLAIN.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise errors.InvalidJson(f"Not readable: {error}") from error


def find_syntax_fault(raw: bytes) -> tuple[int, str] | None:
    """Return the byte and the kind of the first error, None if `raw` is one JSON value in a wide sense.

    Halves of surrogate pairs, NaN and any number pass, and so does all that follows a nesting too deep to read: `decode_strict`
    refuses those by their own codes. Raises InvalidEncoding.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise errors.InvalidEncoding(f"Not UTF-8 at byte {error.start}.") from error
    with suppress(msgspec.DecodeError, RecursionError):
        _RAW.decode(raw)
        return None
    try:
        _SYNTAX.decode(text)
    except json.JSONDecodeError as error:
        return len(text[: error.pos].encode()), error.msg.rstrip(": ")
    except RecursionError:
        return None
    return None


def raise_syntax(raw: bytes, at: int, message: str) -> NoReturn:
    """Raise InvalidJson for byte `at` of `raw`."""
    before = raw[:at].decode(errors="ignore")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    raise errors.InvalidJson(f"Line {line}, column {column}: {message}.", line=line, column=column)


class _Walk:
    """Reads a value token by token and raises at the first one that cannot be kept; its syntax is known to be good."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._depth = min(limits.depth, STACK_DEPTH)
        self._path: list[Any] = []  # one step for each open container: the name or the index that is being read
        self._names: list[set[str] | None] = []  # of each open container, None for arrays
        self._naming = False

    def over(self, raw: bytes) -> None:
        for token in _TOKEN.finditer(raw.strip(BLANKS)):  # trailing blanks would be searched from each of them
            match token.lastindex:
                case 1:
                    self._string(token[1])
                case 2:
                    self._open(token[2])
                case 3:
                    self._path.pop()
                    self._names.pop()
                    self._naming = False
                case 4:
                    self._next()
                case _:
                    self._scalar(token[5])

    def _open(self, bracket: bytes) -> None:
        if len(self._path) >= self._depth:
            raise errors.TooDeep(f"Nested more than {self._depth} levels deep.", pointer=_place(self._path), limit=self._depth)
        self._naming = bracket == b"{"
        self._path.append("" if self._naming else 0)
        self._names.append(set() if self._naming else None)

    def _next(self) -> None:
        self._naming = self._names[-1] is not None
        if not self._naming:
            self._path[-1] += 1

    def _string(self, token: bytes) -> None:
        text: str = json.loads(token.decode()) if b"\\" in token else token[1:-1].decode()
        names = self._names[-1] if self._naming else None
        if names is None:
            self._text(text, self._path)
        else:
            self._name(text, names)

    def _name(self, name: str, names: set[str]) -> None:
        around, limit = self._path[:-1], self._limits.keys
        self._text(name, around)
        if name in names:
            raise errors.DuplicateKey("An object names one member twice.", pointer=_place([*around, name]))
        names.add(name)
        if len(names) > limit:
            raise errors.TooManyKeys(f"An object with more than {limit} members.", pointer=_place(around), limit=limit)
        self._path[-1] = name
        self._naming = False

    def _text(self, text: str, path: list[Any]) -> None:
        limit = self._limits.text
        if len(text) > limit:
            raise errors.TextTooLong(f"A text of {len(text)} characters, more than {limit}.", pointer=_place(path), limit=limit)
        if _UNFIT.search(text):
            raise errors.InvalidText("A text with NUL or half a surrogate pair.", pointer=_place(path))

    def _scalar(self, token: bytes) -> None:
        if token not in (b"true", b"false", b"null") and not _kept(token.decode()):
            raise errors.InvalidNumber("A number that cannot be kept exactly.", pointer=_place(self._path))


def _place(path: list[Any]) -> str:
    """Return the pointer of a path, or of the nearest place around it that can be told in a few words."""
    while len(pointer := pointer_to(*path)) > POINTER_CHARACTERS:
        path = path[:-1]
    return pointer


class Borders:
    """Finds where a value ends by texts and brackets alone, in a piece that may still grow. Each byte is looked at once."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.depth = 0
        self._in_text = False

    def find(self, piece: bytes) -> int | None:
        """Return the place of the comma or closing bracket after the value; None asks for a longer piece."""
        while self.at < len(piece):
            if self._in_text:
                self.at = self._end(_TEXT_REST, piece)
                if piece[self.at : self.at + 1] != b'"':
                    return None
                self.at += 1
                self._in_text = False
            self.at = self._end(_INSIDE if self.depth else _BETWEEN, piece)
            if run := _BRACKETS.match(piece, self.at):
                if not self._cross(run):
                    return self.at
            elif self.at < len(piece):
                if piece[self.at : self.at + 1] == b",":
                    return self.at
                self.at += 1
                self._in_text = True
        return None

    def _end(self, pattern: re.Pattern[bytes], piece: bytes) -> int:
        found = pattern.match(piece, self.at)
        return found.end() if found else self.at

    def _cross(self, run: re.Match[bytes]) -> bool:
        """Step over a run of brackets, False at one that closes what was open before the value."""
        number = len(run[0].translate(None, BLANKS))
        if run[0][:1] in b"[{":
            self.depth += number
            self.at = run.end()
            return True
        crossed = min(number, self.depth)
        if crossed:
            self.at = next(islice(_CLOSING.finditer(run.string, self.at), crossed - 1, None)).end()
        self.depth -= crossed
        return crossed > 0


def split_array(payload: bytes) -> list[bytes]:
    """Return the items of an array that was joined from accepted items, also those that the decoder cannot even skip."""
    try:
        return [bytes(raw) for raw in _RAWS.decode(payload)]
    except (msgspec.DecodeError, RecursionError):
        return list(_split_exactly(payload))


def _split_exactly(payload: bytes) -> Iterator[bytes]:
    start = payload.index(b"[") + 1
    borders = Borders(start)
    while (end := borders.find(payload)) is not None:
        yield payload[start:end].strip(BLANKS)
        if payload[end : end + 1] != b",":
            return
        start = borders.at = end + 1
    raise errors.InvalidJson("The array has no end.")
