"""What a condition about a classification record may say: which operators fit which name, and operands as the values stored.

Operands are read through the key set: `["clinical_significance", "is", "vous"]` asks for `VUS`. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias

from models import ids
from models.classifications.keys import Key, key_set
from models.classifications.normalise import BY_TYPE
from models.classifications.sharing import parse_level
from models.classifications.variants import normalise_key
from models.errors import InvalidSelection, Refused
from models.selection.grammar import Combination, Condition, Filter

Read: TypeAlias = Callable[[Any], Any]

EQUALITY = frozenset({"is", "is_not", "in"})
PRESENCE = frozenset({"exists", "missing"})
ORDER = frozenset({"<", ">", "between"})
TIMES = EQUALITY | PRESENCE | ORDER
OPERATORS = TIMES | {"has", "q"}
BY_VALUE_TYPE: dict[str, frozenset[str]] = {
    **dict.fromkeys("FTUA", EQUALITY | PRESENCE | {"q"}),
    **dict.fromkeys("SCB", EQUALITY | PRESENCE),
    **dict.fromkeys("DNLI", EQUALITY | PRESENCE | ORDER),
    "M": EQUALITY | PRESENCE | {"has"},
}
LONGEST_LIST = 1_000
NO_TIME = "A time is UNIX seconds or RFC 3339 text with an offset, such as 2024-05-01T12:00:00Z."
LATEST = 253_402_300_800  # seconds since 1970 at the end of the year 9999


def find_name(name: str) -> str | None:
    """Return the full name of the property or key that a condition names, None for unknown ones."""
    if name in PROPERTIES:
        return name
    key = key_set().find(name)
    return key.name if key else None


def read_filter(tree: Filter) -> Filter:
    """Return a filter with its operands as stored values. Raises InvalidSelection where one does not fit its name."""
    if isinstance(tree, Combination):
        return replace(tree, terms=tuple(map(read_filter, tree.terms)))
    operators, read = _rules(tree.name)
    if tree.operator not in operators:
        raise _unfit(tree, f"`{tree.name}` takes {', '.join(sorted(operators))}.", 1)
    return replace(tree, operand=_operand(tree, read))


def _rules(name: str) -> tuple[frozenset[str], Read]:
    """Return the operators and the reader of operands for a full name; the grammar lets no unknown name through."""
    if name in PROPERTIES:
        return PROPERTIES[name]
    key = key_set().get(name)
    if key is None:
        raise LookupError(name)
    return BY_VALUE_TYPE[key.value_type], _key_reader(key)


def _key_reader(key: Key) -> Read:
    match key.value_type:
        case "N" | "L" | "I":
            return _number
        case "D":
            return partial(_day, key)
        case _:
            return partial(_stored, key)


def _operand(condition: Condition, read: Read) -> Any:
    match condition.operator:
        case "exists" | "missing":
            if condition.operand is not None:
                raise _unfit(condition, f"`{condition.operator}` takes no operand.", 2)
            return None
        case "in":
            return _list(condition, read, (1, LONGEST_LIST))
        case "between":
            return _list(condition, read, (2, 2))
        case "q":
            return _read(condition, _text, condition.operand, 2)
        case _:
            return _read(condition, read, condition.operand, 2)


def _list(condition: Condition, read: Read, sizes: tuple[int, int]) -> list[Any]:
    items = condition.operand
    if not isinstance(items, list) or not sizes[0] <= len(items) <= sizes[1]:
        wants = "[from, until], both included" if sizes[0] == sizes[1] else f"of at most {sizes[1]:,} values"
        raise _unfit(condition, f"`{condition.operator}` takes a list {wants}.", 2)
    return [_read(condition, read, item, 2, at) for at, item in enumerate(items)]


def _read(condition: Condition, read: Read, value: Any, *path: int) -> Any:
    try:
        stored = None if value is None else read(value)
    except Refused as refused:
        raise _unfit(condition, refused.detail, *path) from refused
    if stored is None:
        raise _unfit(condition, f"`{condition.name}` {condition.operator} needs a value.", *path)
    return stored


def _unfit(condition: Condition, detail: str, *path: int) -> InvalidSelection:
    return InvalidSelection(detail, pointer=condition.pointer + "".join(f"/{step}" for step in path))


def _stored(key: Key, value: Any) -> Any:
    stored, problems = key.normalise(value)
    if problems:
        raise InvalidSelection(f"{key.name}: {problems[0].message}")
    return _text(stored) if isinstance(stored, str) else stored


def _day(key: Key, value: Any) -> str:
    """Read a date as yyyy-mm-dd, which sorts; the key takes dates without the leading zeros too."""
    stored = _stored(key, value)
    if stored is None:
        raise InvalidSelection("This is a date, yyyy-mm-dd.")
    year, month, day = stored.split("-")
    return f"{year}-{month:0>2}-{day:0>2}"


def _number(value: Any) -> Decimal:
    stored, problems = BY_TYPE["I" if type(value) is int else "L"](value)
    if problems or stored is None or not math.isfinite(stored):
        raise InvalidSelection("This is a number.")
    return Decimal(repr(stored))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidSelection("This is a text.")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidSelection("No record holds this text.")
    return value.strip()


def _variant(value: Any) -> str:
    """Read a variant in any spelling that its key has: `hg38:chr12:g.102852851delA` asks for the same as the key itself."""
    return normalise_key(_text(value))


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidSelection("This is true or false.")
    return value


def _stamp(value: Any) -> int:
    """Read a time, UNIX seconds or RFC 3339 text with an offset, as microseconds since 1970."""
    if type(value) in (int, float) and 0 <= value < LATEST:
        return int((Decimal(repr(value)) * ids.MICRO).to_integral_value())
    version = ids.parse_version(value) if isinstance(value, str) else None
    return ids.stamp(_moment_text(value)) if version is None else version


def _moment_text(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidSelection(NO_TIME) from None
    if moment.tzinfo is None or not 1970 <= moment.year < 9999:
        raise InvalidSelection(NO_TIME)
    return moment


def _moment(value: Any) -> datetime:
    return ids.moment(_stamp(value))


PROPERTIES: dict[str, tuple[frozenset[str], Read]] = {
    "lab": (EQUALITY, _text),
    "organisation": (EQUALITY, _text),
    "publish": (EQUALITY | ORDER, parse_level),
    "withdrawn": (frozenset({"is", "is_not"}), _flag),
    "created_on": (TIMES, _moment),
    "updated_on": (TIMES, _moment),
    "published_on": (TIMES, _moment),
    "version": (TIMES, _stamp),
    "variant": (EQUALITY | PRESENCE, _variant),
}
