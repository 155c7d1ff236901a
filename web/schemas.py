"""The shapes of envelopes and parameters, never of evidence. What passes here is trusted afterwards.

A field refuses by raising the error whose code the client sees; what marshmallow itself finds missing is `invalid_request`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from werkzeug.datastructures import MultiDict

from models.classifications.sharing import SPELLINGS, parse_level
from models.classifications.state import Status
from models.errors import (
    InvalidCursor,
    InvalidDate,
    InvalidPageSize,
    InvalidRequest,
    InvalidText,
    InvalidType,
    InvalidValue,
    Refused,
    TextTooLong,
    UnknownField,
    pointer_to,
)
from models.jobs.values import JobStatus
from models.settings import settings

WHOLE = re.compile(r"[0-9]{1,9}")
MOST = 10**9 - 1
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
LONGEST_CURSOR = 4_096
LONGEST_WORD = 200
MOST_TAGS = 20


class Whole(fields.Field[int]):
    """A whole number, and nothing that merely looks like one: not true, 1.5, "٣" or 10^20. A query sends it as ASCII digits."""

    refusal: type[Refused] = InvalidType

    def __init__(self, *, least: int = 0, **more: Any) -> None:
        super().__init__(metadata={"type": "integer", "minimum": least, "maximum": MOST}, **more)
        self.least = least

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        text = isinstance(data, Query) and isinstance(value, str) and WHOLE.fullmatch(value)
        number = int(value) if text else value
        if type(number) is not int or not self.least <= number <= MOST:
            raise self.refusal(f"`{attr}` is a whole number from {self.least} to {MOST}.", pointer=pointer_to(str(attr)))
        return number


class PageSize(Whole):
    """How many items a page has; more than the limit is lowered to it, and the answer says so."""

    refusal = InvalidPageSize

    def __init__(self) -> None:
        super().__init__(least=1, data_key="page.size", load_default=lambda: settings().limits.page_default)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        return min(super()._deserialize(value, attr, data, **kwargs), settings().limits.page_size)


class PageCursor(fields.Field[str]):
    """A cursor as it was given, or null for the first page."""

    def __init__(self) -> None:
        shape = {"type": ["string", "null"], "minLength": 1, "maxLength": LONGEST_CURSOR}
        super().__init__(data_key="page.cursor", allow_none=True, load_default=None, metadata=shape)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str) or not value.isascii() or not 1 <= len(value) <= LONGEST_CURSOR:
            raise InvalidCursor("This is no cursor of ours: send `page.cursor` as it was given, or leave it out.")
        return value


class Word(fields.Field[str]):
    """One of a few words, in a query or a body."""

    def __init__(self, *words: str, **more: Any) -> None:
        super().__init__(metadata={"type": "string", "enum": list(words)}, load_default=more.pop("default", None), **more)
        self.words = words

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise InvalidValue(f"`{attr}` is one of {', '.join(self.words)}.", pointer=pointer_to(str(attr)))
        return value


class Text(fields.Field[str]):
    """A short text without control characters."""

    def __init__(self, **more: Any) -> None:
        shape = {"type": "string", "minLength": 1, "maxLength": LONGEST_WORD, "pattern": r"^[^\x00-\x1f\x7f]+$"}
        super().__init__(metadata=shape, load_default=None, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return _fit(value, pointer_to(str(attr)))


def _fit(value: Any, pointer: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidType("This is a text.", pointer=pointer)
    if len(value) > LONGEST_WORD:
        raise TextTooLong(f"This text has at most {LONGEST_WORD} characters.", pointer=pointer, limit=LONGEST_WORD)
    if UNFIT.search(value):
        raise InvalidText("This text has a control character in it.", pointer=pointer)
    return value


class Tags(fields.Field[tuple[str, ...]]):
    """Words by which a client finds its jobs again."""

    def __init__(self) -> None:
        item = {"type": "string", "minLength": 1, "maxLength": LONGEST_WORD, "pattern": r"^[^\x00-\x1f\x7f]+$"}
        super().__init__(load_default=(), metadata={"type": "array", "maxItems": MOST_TAGS, "items": item})

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > MOST_TAGS:
            raise InvalidType(f"`{attr}` is a list of at most {MOST_TAGS} texts.", pointer=pointer_to(str(attr)))
        return tuple(_fit(item, pointer_to(str(attr), at)) for at, item in enumerate(value))


class Moment(fields.Field[datetime]):
    """A time by RFC 3339, with its zone."""

    def __init__(self) -> None:
        super().__init__(load_default=None, metadata={"type": "string", "format": "date-time"})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        try:
            if isinstance(value, str) and MOMENT.fullmatch(value):
                return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # falls through to the one refusal
        raise InvalidDate(f"`{attr}` is a time such as 2026-11-22T12:00:00Z.", pointer=pointer_to(str(attr)))


class Flag(fields.Field[bool]):
    """True or false, and nothing that merely resembles them. A query sends the words."""

    WORDS = {"true": True, "false": False}

    def __init__(self, *, default: bool = False) -> None:
        super().__init__(load_default=default, metadata={"type": "boolean"})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        flag = self.WORDS.get(value) if isinstance(data, Query) and isinstance(value, str) else value
        if not isinstance(flag, bool):
            raise InvalidType(f"`{attr}` is true or false.", pointer=pointer_to(str(attr)))
        return flag


class ShareLevel(fields.Field[int]):
    """A share level, by name or number."""

    def __init__(self) -> None:
        numbers = {"type": "integer", "minimum": 1, "maximum": 4}
        words = {"type": "string", "enum": [word for word, level in SPELLINGS.items() if level]}
        super().__init__(required=True, metadata={"oneOf": [words, numbers]})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        level = parse_level(value, pointer_to(str(attr)))
        if level is None:
            raise InvalidValue("Publishing to the user alone publishes nothing.", pointer=pointer_to(str(attr)))
        return level


class Evidence(fields.Field[dict[str, Any]]):
    """Evidence as an operation has it; its cells are looked at by the rules."""

    def __init__(self) -> None:
        super().__init__(required=True, metadata={"type": "object", "additionalProperties": True})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidType("Evidence is a JSON object, from evidence key to value.", pointer=pointer_to(str(attr)))
        return value


class Whatever(fields.Raw):
    """A member that a grammar of the core reads: a selection."""


class Paged(Schema):
    """A page of something."""

    page_size = PageSize()
    page_cursor = PageCursor()


class JobListParameters(Paged):
    """Which jobs to list."""

    status = Word(*JobStatus)
    name = Text()
    tag = Text()
    created_after = Moment()
    created_before = Moment()


class ResultParameters(Paged):
    """Which outcomes of a job to list."""

    status = Word(*Status)


class RecordParameters(Schema):
    """How a record is shown."""

    data = Word("true", "false", "flat", default="true")
    config = Flag()


class NoParameters(Schema):
    """Nothing may be asked."""


class BulkEnvelope(Schema):
    """What may stand beside `records`. Runs of imports are accepted as old clients send them; every job is a run of its own."""

    import_id = Text(allow_none=True)
    status = Word("complete", allow_none=True)
    tags = Tags()


class SelectionBody(Schema):
    """What every request over a selection has."""

    selection = Whatever(required=True, metadata={"$ref": "#/components/schemas/Selection"})
    allow_all = Flag()


class BulkGetBody(SelectionBody, Paged):
    """Records of a selection, a page at a time."""

    data = fields.Raw(load_default=True, metadata={"enum": [True, False, "flat"]})


class BulkBody(SelectionBody):
    """An operation over a selection."""

    max_affected = Whole(allow_none=True, load_default=None)
    on_drift = Word("skip", "apply", default="skip")
    test = Flag()
    tags = Tags()


class BulkDeleteBody(BulkBody):
    """Delete or withdraw."""


class BulkPublishBody(BulkBody):
    """Publish at a level."""

    publish = ShareLevel()


class BulkPatchBody(BulkBody):
    """Merge the same evidence into every record."""

    patch = Evidence()
    editable = Flag()


class Query(dict[str, Any]):
    """Parameters of an address: all are texts."""


def parse_query(schema: type[Schema], arguments: MultiDict[str, str]) -> dict[str, Any]:
    """Return the parameters of an address. One sent twice is refused, and so is one nobody reads."""
    for name, values in arguments.lists():
        if len(values) > 1:
            raise InvalidRequest("A parameter is given once.", pointer=pointer_to(name))
    return parse(schema, Query(arguments.items()))


def parse(schema: type[Schema], data: Any) -> dict[str, Any]:
    """Return what a schema makes of an object. Raises the refusal of the first member that is not as it should be."""
    shape = schema(unknown=EXCLUDE)
    if not isinstance(data, dict):
        raise InvalidRequest("The body is a JSON object.")
    known = {field.data_key or name for name, field in shape.fields.items()}
    for name in data:
        if name not in known:
            raise UnknownField(f"`{name[:100]}` is not known here.", pointer=pointer_to(name))
    try:
        loaded: dict[str, Any] = shape.load(data)
    except ValidationError as error:
        name, texts = next(iter(error.normalized_messages().items()))
        raise InvalidRequest(f"`{name}`: {texts[0]}", pointer=pointer_to(name)) from None
    return loaded
