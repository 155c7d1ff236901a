"""A project's settings as values: channels, orderings and fieldlists in display order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from models.errors import InvalidValue, NotFound

ALL_CHANNEL = "__all__"
ALL_CHANNEL_NAME = "All"
LONGEST_NAME = 200
MOST = 200  # channels, orderings or fieldlists of one project

Settings = Mapping[str, Any]
Part = Literal["channels", "orderings", "fieldlists"]


def names_by_key(settings: Settings, part: str) -> dict[str, str]:
    """Return the names of a part by key, in display order."""
    return {str(entry["key"]): str(entry["name"]) for entry in settings.get(part) or ()}


def with_entry(settings: Settings, part: Part, key: str, name: str) -> dict[str, Any]:
    """Return the settings with one entry more, last. Raises InvalidValue."""
    entries = names_by_key(settings, part)
    if len(entries) >= MOST:
        raise InvalidValue(f"A project has at most {MOST} {part}.", limit=MOST)
    _check_name(part, name, entries)
    return _put(settings, part, entries | {key: name})


def with_name(settings: Settings, part: Part, key: str, name: str) -> dict[str, Any]:
    """Return the settings with another name for an entry. Raises NotFound, InvalidValue."""
    entries = names_by_key(settings, part)
    _check_known(part, key, entries)
    _check_name(part, name, {other: text for other, text in entries.items() if other != key})
    return _put(settings, part, entries | {key: name})


def without(settings: Settings, part: Part, keys: list[str]) -> dict[str, Any]:
    """Return the settings without some entries. Raises NotFound for one that is not there."""
    entries = names_by_key(settings, part)
    for key in keys:
        _check_known(part, key, entries)
    return _put(settings, part, {key: name for key, name in entries.items() if key not in keys})


def _check_known(part: str, key: str, entries: Mapping[str, str]) -> None:
    if key not in entries:
        raise NotFound(f"There is no such key among the {part} of this project.", key=key[:LONGEST_NAME])


def _check_name(part: str, name: str, others: Mapping[str, str]) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidValue(f"A name has 1 to {LONGEST_NAME} printable characters.", pointer="/name")
    taken = {ALL_CHANNEL_NAME, *others.values()} if part == "channels" else set(others.values())
    if name in taken:
        raise InvalidValue(f"Another one of the {part} has this name.", pointer="/name")


def _put(settings: Settings, part: str, entries: Mapping[str, str]) -> dict[str, Any]:
    return {**settings, part: [{"key": key, "name": name} for key, name in entries.items()]}
