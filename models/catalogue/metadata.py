"""Metadata of definitions, classes, fields and assets: values under dotted names, each with a type of its own. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from models.catalogue.gids import read_gid
from models.errors import InvalidType, InvalidValue, NotFound, pointer_to

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
LONGEST = 200
MOST = 500  # entries of one item
DEFAULT = "textline"
REFERENCES = ("image", "file", "record", "fieldpicker")
TEXTS = ("textline", "text", "code", "barcode")
TYPES = frozenset({*TEXTS, *REFERENCES, "number", "decimal", "boolean", "textlist"})

Metadata = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Entry:
    """What an entry is to be; `type` and `is_localized` of None leave what is there, or are textline and not localized."""

    name: str
    type: str | None = None
    is_localized: bool | None = None
    value: Any = None
    has_value: bool = True


def parse_metadata(metadata: Mapping[str, Any], languages: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return a whole set of metadata as it is kept. Raises InvalidValue, InvalidType."""
    found: dict[str, dict[str, Any]] = {}
    for name, given in metadata.items():
        if not isinstance(given, Mapping):
            raise InvalidType("An entry of metadata is an object.", pointer=pointer_to("metadata", name[:LONGEST]))
        entry = Entry(name, given.get("type"), given.get("is_localized"), given.get("value"))
        found = with_entry(found, entry, languages)
    return found


def with_entry(metadata: Metadata, entry: Entry, languages: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return metadata with one entry set. Raises InvalidValue, InvalidType."""
    if len(entry.name) > LONGEST or not NAME.fullmatch(entry.name):
        raise InvalidValue("A name of metadata is made of names with dots between them.", pointer="/name")
    present = metadata.get(entry.name, {})
    kind = entry.type if entry.type is not None else present.get("type", DEFAULT)
    localized = entry.is_localized if entry.is_localized is not None else present.get("is_localized", False)
    value = entry.value if entry.has_value else present.get("value")
    if kind not in TYPES:
        raise InvalidValue(f"Metadata is of type {', '.join(sorted(TYPES))}.", pointer="/type")
    if not isinstance(localized, bool):
        raise InvalidType("`is_localized` is true or false.", pointer="/is_localized")
    _check_value(kind, value, languages if localized else None)
    kept = {name: dict(other) for name, other in metadata.items()}
    kept[entry.name] = {"type": kind, "is_localized": localized, "value": value}
    if len(kept) > MOST:
        raise InvalidValue(f"An item has at most {MOST} entries of metadata.", limit=MOST)
    return kept


def without_entry(metadata: Metadata, name: str) -> dict[str, dict[str, Any]]:
    """Return metadata without an entry. Raises NotFound."""
    if name not in metadata:
        raise NotFound("There is no metadata of this name.")
    return {other: dict(entry) for other, entry in metadata.items() if other != name}


def _check_value(kind: str, value: Any, languages: Collection[str] | None) -> None:
    if languages is None or value is None:
        _check_single(kind, value)
        return
    if not isinstance(value, Mapping) or not value.keys() <= set(languages):
        raise InvalidValue("A localized value is an object with languages of the project.", pointer="/value")
    for part in value.values():
        _check_single(kind, part)


def _check_single(kind: str, value: Any) -> None:
    if value is None:
        return
    if kind in REFERENCES:
        fits = read_gid(value) == value
    elif kind in TEXTS:
        fits = isinstance(value, str)
    elif kind == "textlist":
        fits = isinstance(value, list) and all(isinstance(text, str) for text in value)
    elif kind == "boolean":
        fits = isinstance(value, bool)
    else:
        fits = type(value) is int or (kind == "decimal" and type(value) is float)
    if not fits:
        raise InvalidValue(f"The value does not fit the type {kind}.", pointer="/value")
