"""Evidence values by type (contract section 8): what a client sent becomes what is stored, with what is wrong about it.

A value is never refused for its content. Every type has a closure from a JSON value to (stored value, validations), and stored
values pass through it unchanged. Only what has no place in a cell is refused: objects, nested arrays, numbers without bound.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from models.errors import InvalidNumber, InvalidType

INTEGER_LIMIT = 2**63
SAFE_INTEGER = 2**53  # no rule refuses a whole number below this one
LONGEST_INTEGER = 1000  # bits; beyond it a number is no identifier of anything
LAYERS = 8  # of escaping in one text; deeper ones are kept as sent
INLINE_TAGS = frozenset(["div", "b", "i", "u", "strong", "em", "sup", "sub"])
TRUE_WORDS = frozenset(["true", "y", "yes", "t", "1"])
FALSE_WORDS = frozenset(["false", "n", "no", "f", "0"])
DAYS_IN_UNIT = {"month": 30.4375, "week": 7.0, "day": 1.0}
DAYS_IN_YEAR = 365.25

TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)(?:\s+[\w-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))*\s*/?>")
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
AGE = re.compile(r"([0-9]+(?:\.[0-9]*)?)[\s_-]*(month|week|day)?")


@dataclass(frozen=True, slots=True)
class Validation:
    """What is wrong about a value. Severity `error` keeps a record from being published, `warning` does not."""

    severity: str
    code: str
    message: str


Validations: TypeAlias = tuple[Validation, ...]
Normalised: TypeAlias = tuple[Any, Validations]
Normalise: TypeAlias = Callable[[Any], Normalised]

FINE: Validations = ()
NOTHING: Normalised = (None, FINE)
NOT_BOOLEAN = (Validation("error", "invalid_value", "Neither true nor false."),)
NOT_DATE = (Validation("warning", "invalid_date", "Not a date of the form yyyy-mm-dd."),)
NOT_UNIT = (Validation("warning", "invalid_unit", "Not a number from 0 to 1."),)
NOT_FLOAT = (Validation("warning", "invalid_float", "Not a number."),)
NOT_INTEGER = (Validation("warning", "invalid_integer", "Not a whole number."),)


def plain(value: Any) -> Any:
    """Return a JSON value as the types see it: trimmed, nothing empty, an array of one as its element. Raises InvalidType."""
    if isinstance(value, list):
        items = scalars(value)
        return items if len(items) > 1 else items[0] if items else None
    return _scalar(value) if value != {} else None


def scalars(values: Iterable[Any]) -> list[Any]:
    """Return the elements of an array that are not empty, trimmed. Raises InvalidType for nested arrays and objects."""
    return [item for item in map(_scalar, values) if item is not None]


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\xa0", " ").strip() or None
    if isinstance(value, (dict, list)):
        raise InvalidType("An evidence value is a text, a number, true, false, null or an array of these.")
    return value


def as_text(item: Any) -> str:
    """Return a scalar as text, an array joined by commas. Raises InvalidNumber for integers without bound."""
    if isinstance(item, str):
        return item
    if isinstance(item, list):
        return ", ".join(map(as_text, item))
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int) and item.bit_length() > LONGEST_INTEGER:
        raise InvalidNumber("The number is too large.")
    return str(item)


def normalise_text(value: Any) -> Normalised:
    """Any scalar as text, markup kept (multi-line text, users, notes)."""
    if type(value) is not str:
        item = plain(value)
        return NOTHING if item is None else (as_text(item), FINE)
    text = value.strip()
    if "\xa0" in text:
        text = text.replace("\xa0", " ")
    return (text, FINE) if text else NOTHING


def _normalise_free_text(value: Any) -> Normalised:
    if type(value) is str and not ("<" in value or "&" in value or "\xa0" in value):
        text = value.strip()
        return (text, FINE) if text else NOTHING
    normalised = normalise_text(value)
    marked = normalised[0]
    if marked is None or ("<" not in marked and "&" not in marked):
        return normalised
    return without_markup(marked) or None, FINE


def without_markup(text: str) -> str:
    """Remove inline tags and entities, unless there is another tag or the text is an address. Doing it again changes nothing."""
    current = text
    for _ in range(LAYERS):
        cleaned = _without_one_layer(current)
        if cleaned == current:
            return cleaned
        current = cleaned
    return text


def _without_one_layer(text: str) -> str:
    if text.startswith("http") or any(tag[1].lower() not in INLINE_TAGS for tag in TAG.finditer(text)):
        return text
    decoded = ENTITY.sub(lambda found: html.unescape(found[0]), TAG.sub("", text))
    return decoded.replace("\xa0", " ").strip()


def _normalise_gene(value: Any) -> Normalised:
    text = _normalise_free_text(value)[0]
    return (text and text.upper(), FINE)


def _normalise_hgvs(value: Any) -> Normalised:
    text = _normalise_free_text(value)[0]
    return (text and "".join(text.split()), FINE)


def _normalise_boolean(value: Any) -> Normalised:
    item = plain(value)
    if item is None or isinstance(item, bool):
        return item, FINE
    if not isinstance(item, str):
        return (bool(item), FINE) if item in (0, 1) else (item, NOT_BOOLEAN)
    word = item.casefold()
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return word in TRUE_WORDS, FINE
    return item.upper(), NOT_BOOLEAN


def _normalise_date(value: Any) -> Normalised:
    item = plain(value)
    if item is None:
        return NOTHING
    return item, FINE if isinstance(item, str) and _is_date(item) else NOT_DATE


def _is_date(text: str) -> bool:
    found = DATE.fullmatch(text)
    if found is None:
        return False
    try:
        date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return False
    return True


def _normalise_float(value: Any) -> Normalised:
    if type(value) is float:
        return value + 0.0, FINE  # turns -0.0 into 0.0
    item = plain(value)
    if item is None:
        return NOTHING
    number = _number(item)
    return (item, NOT_FLOAT) if number is None else (number, FINE)


def _normalise_unit(value: Any) -> Normalised:
    number, found = _normalise_float(value)
    if number is None or (not found and 0 <= number <= 1):
        return number, FINE
    return number, NOT_UNIT


def _number(item: Any) -> float | None:
    if isinstance(item, str):
        number = float(item) if NUMBER.fullmatch(item) else math.inf
        return number + 0.0 if math.isfinite(number) else None
    if isinstance(item, (bool, list)):
        return None
    if isinstance(item, int) and abs(item) >= INTEGER_LIMIT:
        raise InvalidNumber("The number needs more than 64 bits.")
    return float(item) + 0.0


def _normalise_integer(value: Any) -> Normalised:
    if type(value) is int and -INTEGER_LIMIT < value < INTEGER_LIMIT:
        return value, FINE
    item = plain(value)
    if item is None:
        return NOTHING
    if isinstance(item, str):
        number = int(item) if INTEGER.fullmatch(item) else INTEGER_LIMIT
        return (number, FINE) if abs(number) < INTEGER_LIMIT else (item, NOT_INTEGER)
    if isinstance(item, (bool, list)):
        return item, NOT_INTEGER
    if abs(item) >= INTEGER_LIMIT:
        raise InvalidNumber("The number needs more than 64 bits.")
    return int(item), FINE


def _normalise_age(value: Any) -> Normalised:
    text = normalise_text(value)[0]
    return (text and blurred_age(text), FINE)


def blurred_age(text: str) -> str:
    """Return the decade that an age falls in, which says less about the patient; a text without a leading number as it is."""
    found = AGE.match(text.lower())
    if found is None:
        return text
    if found[2] == "week" and "gest" in text.lower():
        return "prenatal"
    years = float(found[1]) * (DAYS_IN_UNIT[found[2]] / DAYS_IN_YEAR if found[2] else 1)
    if years >= 80:
        return "80+"
    decade = int(years) // 10 * 10
    return f"{decade}-{decade + 9}"


BY_TYPE: dict[str, Normalise] = {
    "F": _normalise_free_text,
    "T": normalise_text,
    "U": normalise_text,
    "A": _normalise_age,
    "B": _normalise_boolean,
    "D": _normalise_date,
    "N": _normalise_unit,
    "L": _normalise_float,
    "I": _normalise_integer,
}
SPECIAL: dict[str, Normalise] = {"gene_symbol": _normalise_gene, "c_hgvs": _normalise_hgvs}


def harmless(raw: Any) -> bool:
    """Say whether a value that is no text needs no repair, and no rule can refuse it."""
    kind = type(raw)
    if kind is list:
        return all(type(item) is str and "&" not in item for item in raw)
    return kind is float or (kind is int and -SAFE_INTEGER < raw < SAFE_INTEGER)


def repaired(raw: Any) -> Any:
    """Undo the escaping of < and > that some clients send (6.2)."""
    if type(raw) is str:
        return raw if "&" not in raw else raw.replace("&gt;", ">").replace("&lt;", "<")
    return list(map(repaired, raw)) if type(raw) is list else raw
