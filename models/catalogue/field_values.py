"""Which values fit a field of which type, and how they are kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from models.catalogue.content import KEY, Shape
from models.catalogue.gids import read_gid
from models.settings import Limits

SINGLE = {"image", "file", "record", "fieldpicker"}
LISTS = {"imagelist": "image", "filelist": "file", "recordlist": "record", "textlist": "textline"}
LINE_TYPES = {"textline", "code", "barcode"}
MOST_ENTRIES = 10_000  # of one list
LARGEST = 2**63
SHOWN = 60


class Unfit(Exception):
    """A value that does not fit its field."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values that were sent in one language. `by_key` says that a value names keys of the field's list of values."""

    limits: Limits
    language: str
    by_key: bool = False

    def read(self, shape: Shape, value: Any) -> Any:
        """Return a value as it is stored, None for an empty one. Raises Unfit."""
        if value is None or value in ("", []):
            if shape.is_required:
                raise Unfit("required", "The field must not be empty.")
            return None
        if shape.labels is not None:
            return self._listed(shape, value)
        if shape.type == "class":
            return self._class(shape, value)
        if shape.type == "classlist":
            return [self._class(shape, entry) for entry in self._list(value)]
        single = LISTS.get(shape.type)
        if single:
            return [self._single(single, entry) for entry in self._list(value)]
        return self._single(shape.type, value)

    def _list(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Unfit("invalid_type", "The field's value is a list.")
        if len(value) > MOST_ENTRIES:
            raise Unfit("too_long", f"A list has at most {MOST_ENTRIES} entries.")
        return value

    def _single(self, kind: str, value: Any) -> Any:
        return CHECKS[kind](self, value)

    def text(self, value: Any) -> str:
        """Return a text of any number of lines."""
        if not isinstance(value, str):
            raise Unfit("invalid_type", "The field's value is a text.")
        if len(value) > self.limits.text:
            raise Unfit("too_long", f"A text has at most {self.limits.text} characters.")
        return value

    def line(self, value: Any) -> str:
        """Return a text of one line."""
        if "\n" in self.text(value) or "\r" in value:
            raise Unfit("invalid_value", "The field's value is one line.")
        return str(value)

    def number(self, value: Any) -> int:
        """Return a whole number."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise Unfit("invalid_type", "The field's value is a whole number.")
        if not -LARGEST <= value < LARGEST:
            raise Unfit("invalid_value", "The number is too large.")
        return value

    def decimal(self, value: Any) -> int | float:
        """Return a number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unfit("invalid_type", "The field's value is a number.")
        if isinstance(value, int) and not -LARGEST <= value < LARGEST:
            raise Unfit("invalid_value", "The number is too large.")
        return value

    def boolean(self, value: Any) -> bool:
        """Return true or false."""
        if not isinstance(value, bool):
            raise Unfit("invalid_type", "The field's value is true or false.")
        return value

    def reference(self, value: Any) -> str:
        """Return a gid; what it names need not be there."""
        if not isinstance(value, str):
            raise Unfit("invalid_type", "The field's value is a gid.")
        gid = read_gid(value)
        if gid is None:
            raise Unfit("invalid_value", "The field's value is no gid.")
        return gid

    def _listed(self, shape: Shape, value: Any) -> Any:
        """Return the key, or keys, of what is in the field's list of values, sent by key or by label."""
        if shape.type != "textlist":
            return self._key(shape, value)
        return [self._key(shape, entry) for entry in self._list(value)]

    def _key(self, shape: Shape, value: Any) -> str:
        text = self.text(value)
        labels = shape.labels or {}
        if text in labels:
            return text
        by_label = () if self.by_key else self._labelled(labels, text)
        for key in by_label:
            return key
        raise Unfit("not_listed", "The field's list of values has no such entry.")

    def _labelled(self, labels: Mapping[str, Mapping[str, str]], text: str) -> Iterator[str]:
        yield from (key for key, label in labels.items() if label.get(self.language) == text)

    def _class(self, shape: Shape, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Unfit("invalid_type", "The field's value is an object.")
        read: dict[str, Any] = {}
        for part, (inner, by_key) in self._parts(shape, value).items():
            found = Reader(self.limits, self.language, by_key).within(shape.by_name[part], inner)
            if found is not None:
                localized = shape.by_name[part].is_localized and not shape.is_localized
                read[part] = {self.language: found} if localized else found
        return read

    def within(self, part: Shape, value: Any) -> Any:
        """Return the value of a field within a class. Raises Unfit with the field's name."""
        try:
            return self.read(part, value)
        except Unfit as unfit:
            raise Unfit(unfit.code, f"{part.name}: {unfit.detail}") from None

    def _parts(self, shape: Shape, value: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
        found: dict[str, tuple[Any, bool]] = {part.gid: (None, False) for part in shape.parts}
        for word, inner in value.items():
            by_key = word.endswith(KEY)
            part = shape.by_name.get(word.removesuffix(KEY))
            if part is None or (by_key and part.labels is None):
                raise Unfit("unknown_field", f"The class has no field {word[:SHOWN]!r}.")
            if by_key or not found[part.gid][1]:
                found[part.gid] = (inner, by_key)
        return found


CHECKS: Mapping[str, Callable[[Reader, Any], Any]] = {
    "text": Reader.text,
    "number": Reader.number,
    "decimal": Reader.decimal,
    "boolean": Reader.boolean,
    **dict.fromkeys(LINE_TYPES, Reader.line),
    **dict.fromkeys(SINGLE, Reader.reference),
}
