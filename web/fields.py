"""What a member of a body or a parameter may be. A field refuses by raising the error whose code the client sees."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from marshmallow import fields

from models.errors import (
    InvalidCursor,
    InvalidDate,
    InvalidPageSize,
    InvalidText,
    InvalidType,
    InvalidValue,
    Refused,
    TextTooLong,
    pointer_to,
)
from models.ids import parse_version, stamp
from models.jobs.values import FASTEST
from models.settings import settings

WHOLE = re.compile(r"[0-9]{1,9}")
MOST = 10**9 - 1
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
LONGEST_CURSOR = 4_096
LATEST = 10**10  # seconds since 1970
VERSION = r"^(current|[1-9][0-9]{0,9}(\.[0-9]{1,6})?)$"
LONGEST_WORD = 200
MOST_TAGS = 20
SHORT_TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_WORD, "pattern": r"^[^\x00-\x1f\x7f]+$"}


class Query(dict[str, Any]):
    """Parameters of an address: all are texts."""


def nothing() -> None:
    """Stand for what was not sent. A function, since a plain None would make null an allowed value."""


class Whole(fields.Field[int]):
    """A whole number, and nothing that merely looks like one: not true, 1.5, "٣" or 10^20. A query sends it as ASCII digits."""

    refusal: type[Refused] = InvalidType

    def __init__(self, *, least: int = 0, most: int = MOST, **more: Any) -> None:
        super().__init__(metadata={"type": "integer", "minimum": least, "maximum": most}, **more)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        text = isinstance(data, Query) and isinstance(value, str) and WHOLE.fullmatch(value)
        number = int(value) if text else value
        if type(number) is not int or not self.least <= number <= self.most:
            raise self.refusal(f"`{attr}` is a whole number from {self.least} to {self.most}.", pointer=pointer_to(str(attr)))
        return number


class PageSize(Whole):
    """How many items a page has; more than the limit is lowered to it, and the answer says so."""

    refusal = InvalidPageSize

    def __init__(self, name: str = "page.size") -> None:
        super().__init__(least=1, data_key=name, load_default=lambda: settings().limits.page_default)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        return min(super()._deserialize(value, attr, data, **kwargs), settings().limits.page_size)


class Pace(Whole):
    """Items a second; null, and by default none, is as fast as it goes."""

    def __init__(self, *, required: bool = False) -> None:
        more: dict[str, Any] = {"required": True} if required else {"load_default": None}
        super().__init__(least=1, most=FASTEST, allow_none=True, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        whole = int(value) if isinstance(value, float) and value.is_integer() else value  # JSON has one kind of number
        return super()._deserialize(whole, attr, data, **kwargs)


class PageCursor(fields.Field[str]):
    """A cursor as it was given; a body may also say null, for the first page."""

    def __init__(self, *, allow_none: bool = False) -> None:
        shape = {"type": "string", "minLength": 1, "maxLength": LONGEST_CURSOR}
        super().__init__(data_key="page.cursor", allow_none=allow_none, load_default=nothing, metadata=shape)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str) or not value.isascii() or not 1 <= len(value) <= LONGEST_CURSOR:
            raise InvalidCursor("This is no cursor of ours: send `page.cursor` as it was given, or leave it out.")
        return value


class Word(fields.Field[str]):
    """One of a few words, in a query or a body."""

    def __init__(self, *words: str, allow_none: bool = False) -> None:
        shape = {"type": "string", "enum": [*words, *([None] if allow_none else [])]}
        super().__init__(metadata=shape, load_default=nothing, allow_none=allow_none)
        self.words = words

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise InvalidValue(f"`{attr}` is one of {', '.join(self.words)}.", pointer=pointer_to(str(attr)))
        return value


class Text(fields.Field[str]):
    """A short text without control characters."""

    def __init__(self, *, allow_none: bool = False, longest: int = LONGEST_WORD) -> None:
        super().__init__(metadata=SHORT_TEXT | {"maxLength": longest}, load_default=nothing, allow_none=allow_none)
        self.longest = longest

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return _fit(value, pointer_to(str(attr)), self.longest)


def _fit(value: Any, pointer: str, longest: int = LONGEST_WORD) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidType("This is a text.", pointer=pointer)
    if len(value) > longest:
        raise TextTooLong(f"This text has at most {longest} characters.", pointer=pointer, limit=longest)
    if UNFIT.search(value):
        raise InvalidText("This text has a control character in it.", pointer=pointer)
    return value


class Tags(fields.Field[tuple[str, ...]]):
    """Words by which a client finds its jobs again."""

    def __init__(self) -> None:
        shape = {"type": "array", "maxItems": MOST_TAGS, "items": dict(SHORT_TEXT)}
        super().__init__(load_default=(), metadata=shape)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > MOST_TAGS:
            raise InvalidType(f"`{attr}` is a list of at most {MOST_TAGS} texts.", pointer=pointer_to(str(attr)))
        return tuple(_fit(item, pointer_to(str(attr), at)) for at, item in enumerate(value))


class Moment(fields.Field[datetime]):
    """A time by RFC 3339, with its zone."""

    def __init__(self, **more: Any) -> None:
        default: dict[str, Any] = {} if more.get("required") else {"load_default": nothing}
        super().__init__(metadata={"type": "string", "format": "date-time"}, **default, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        try:
            if isinstance(value, str) and MOMENT.fullmatch(value):
                return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # falls through to the one refusal
        raise InvalidDate(f"`{attr}` is a time such as 2026-11-22T12:00:00Z.", pointer=pointer_to(str(attr)))


def _read_version(value: Any) -> int | None:
    """Return UNIX seconds, a number or text, in microseconds; None for what is neither."""
    text = f"{value:.6f}" if type(value) in (int, float) and 0 <= value <= LATEST else value
    return parse_version(text) if isinstance(text, str) else None


class PastMoment(Moment):
    """A time by RFC 3339, with its zone, or UNIX seconds; read as microseconds since 1970."""

    def __init__(self) -> None:
        super().__init__()
        seconds = {"type": "number", "minimum": 0, "maximum": LATEST}
        self.metadata = {"anyOf": [{"type": "string", "format": "date-time"}, seconds]}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:  # type: ignore[override]
        version = _read_version(value)
        return stamp(super()._deserialize(value, attr, data, **kwargs)) if version is None else version


class Version(fields.Field[int]):
    """A version, UNIX seconds such as 1557189685.485863; `current` is the present one, and reads as 0."""

    TEXT: ClassVar[dict[str, Any]] = {"type": "string", "pattern": VERSION}
    CURRENT = 0

    def __init__(self, **more: Any) -> None:
        default: dict[str, Any] = {} if more.get("required") else {"load_default": nothing}
        super().__init__(metadata=dict(self.TEXT), **default, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if value == "current":
            return self.CURRENT
        version = _read_version(value)
        if not version:
            raise InvalidValue(f"`{attr}` is a version, such as 1557189685.485863.", pointer=pointer_to(str(attr)))
        return version


class NumberedVersion(Version):
    """A version in a body, where it may be a number too."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.metadata = {"anyOf": [self.TEXT, {"type": "number", "minimum": 1, "maximum": LATEST}]}


class Flag(fields.Field[bool]):
    """True or false, and nothing that merely resembles them. A query sends the words."""

    WORDS: ClassVar[dict[str, bool]] = {"true": True, "false": False}

    def __init__(self, *, default: bool = False) -> None:
        super().__init__(load_default=default, metadata={"type": "boolean"})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        flag = self.WORDS.get(value) if isinstance(data, Query) and isinstance(value, str) else value
        if not isinstance(flag, bool):
            raise InvalidType(f"`{attr}` is true or false.", pointer=pointer_to(str(attr)))
        return flag


class RecordData(fields.Field[str]):
    """How much of the evidence comes with a record; a body may say true and false too."""

    WORDS = ("true", "false", "flat")

    def __init__(self) -> None:
        shape = {"anyOf": [{"type": "string", "enum": list(self.WORDS)}, {"type": "boolean"}]}
        super().__init__(load_default="true", metadata=shape)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        word = str(value).lower() if isinstance(value, bool) else value
        if not isinstance(word, str) or word not in self.WORDS:
            raise InvalidValue(f"`{attr}` is true, false or flat.", pointer=pointer_to(str(attr)))
        return word


class Indexes(fields.Field[tuple[int, ...]]):
    """Numbers of items with commas between them, none where there is no such parameter."""

    FORM = r"^[0-9]{1,9}(,[0-9]{1,9}){0,99}$"

    def __init__(self) -> None:
        super().__init__(load_default=tuple, metadata={"type": "string", "pattern": self.FORM})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> tuple[int, ...]:
        if not isinstance(value, str) or not re.fullmatch(self.FORM, value, re.ASCII) or value.endswith("\n"):
            raise InvalidValue("A list of one to a hundred numbers is expected, such as 3,17.", pointer=pointer_to(str(attr)))
        return tuple(map(int, value.split(",")))
