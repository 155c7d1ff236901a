"""Values of keys with options: select, multi-select and criteria (contract section 8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from models.classifications.normalise import FINE, NOTHING, Normalise, Normalised, Validation, as_text, plain, scalars

LONGEST_ECHO = 60
SEPARATOR = re.compile(r",|\|_")
IN_BRACKETS = re.compile(r"\s*\([^()]*\)$")
TOO_MANY = (Validation("error", "too_many_values", "Only one value can be chosen."),)


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a select, multi-select or criteria key."""

    key: str
    label: str = ""
    index: int | None = None
    aliases: tuple[str, ...] = ()
    default: bool = False
    override: bool = False
    namespace: str | None = None
    namespaces: tuple[str, ...] = ()
    bucket: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What the normalisation of a key with options depends on. A default strength makes it a criterion."""

    options: tuple[Option, ...]
    allow_custom_values: bool = False
    default_strength: str | None = None


def compile_choice(choice: Choice) -> Normalise:
    """Return the closure of a select or criteria key."""
    exact: dict[str, Normalised] = {option.key: (option.key, FINE) for option in choice.options}
    find = _finder(choice.options)
    criteria = choice.default_strength is not None
    flags = {True: choice.default_strength, False: "NM"}

    def normalise(value: Any) -> Normalised:
        if type(value) is str and value in exact:
            return exact[value]
        item = plain(value)
        if item is None:
            return NOTHING
        if isinstance(item, list):
            return item, TOO_MANY if not criteria else (_not_an_option(item),)
        key = flags[item] if criteria and isinstance(item, bool) else find(as_text(item))
        if key is not None:
            return exact[key]
        return (as_text(item), FINE) if choice.allow_custom_values else (item, (_not_an_option(item),))

    return normalise


def compile_choices(choice: Choice) -> Normalise:
    """Return the closure of a multi-select key: option keys, each once, in alphabetical order."""
    exact = {option.key for option in choice.options}
    find = _finder(choice.options)

    def normalise(value: Any) -> Normalised:
        if type(value) is list:
            known = {item for item in value if type(item) is str and item in exact}
            if known and len(known) == len(value):
                return sorted(known), FINE
        texts = _elements(value)
        found = {text: find(text) for text in texts}
        keys = sorted({key or text for text, key in found.items()})
        if not keys:
            return NOTHING
        bad = () if choice.allow_custom_values else tuple(_not_an_option(text) for text, key in found.items() if key is None)
        return keys, bad

    return normalise


def _elements(value: Any) -> list[str]:
    if isinstance(value, str):
        value = SEPARATOR.split(value)
    if not isinstance(value, list):
        value = [] if value is None or value == {} else [value]
    return list(map(as_text, scalars(value)))


def _not_an_option(item: Any) -> Validation:
    return _invalid_value(as_text(item)[:LONGEST_ECHO])


@lru_cache(maxsize=2048)
def _invalid_value(echo: str) -> Validation:
    return Validation("error", "invalid_value", f"Not an option of this key: {echo}")


def _finder(options: tuple[Option, ...]) -> Callable[[str], str | None]:
    """Return the option matching of section 8: the key as it is, any spelling in any case, then with `_` for `-` and space."""
    exact = {option.key: option.key for option in options}
    loose = _spellings(options)
    looser: dict[str, str] = {}
    for spelling, key in loose.items():
        looser.setdefault(_underscored(spelling), key)

    def find(text: str) -> str | None:
        lower = text.lower()
        return exact.get(text) or loose.get(lower) or looser.get(_underscored(lower))

    return find


def _underscored(text: str) -> str:
    return text.replace("-", "_").replace(" ", "_")


def _spellings(options: tuple[Option, ...]) -> dict[str, str]:
    """Return every spelling in lower case -> option key. Keys come before labels and aliases, and the first option wins.

    A label's closing bracket may be left out ("Likely Pathogenic" for "Likely Pathogenic (4)") where one option alone has it.
    """
    labels = [(option.label or option.key.replace("_", " "), option.key) for option in options]
    aliases = [(alias, option.key) for option in options for alias in option.aliases]
    spellings: dict[str, str] = {}
    for spelling, key in [(option.key, option.key) for option in options] + labels + aliases:
        spellings.setdefault(spelling.lower(), key)
    shortened = [IN_BRACKETS.sub("", label).lower() for label, _ in labels]
    for short, (_, key) in zip(shortened, labels, strict=True):
        if short and shortened.count(short) == 1:
            spellings.setdefault(short, key)
    return spellings
