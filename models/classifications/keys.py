"""The registry of evidence keys: what may be said about a record, under which names (contract sections 6.1, 8 and 19).

The keys are data (`evidence_keys.json`); a new value type is one closure in `normalise.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from models.classifications.choices import Choice, Option, compile_choice, compile_choices
from models.classifications.normalise import BY_TYPE, SPECIAL, Normalise, Normalised, Validation
from models.classifications.sharing import level_name
from models.classifications.state import Level

__all__ = ["Key", "KeySet", "Normalise", "Normalised", "Option", "Validation", "canonical", "dump_keys", "key_set"]

MEMO_SIZE = 20_000  # spellings remembered; clients repeat a few hundred
MEMO_LENGTH = 200  # characters of a spelling worth remembering
NOT_IN_NAMES = re.compile(r"[^\w\s:]")
MAX_SHARE_LEVELS = {
    "lab": Level.LAB,
    "institution": Level.ORGANISATION,  # three keys still have the level's old name
    "organisation": Level.ORGANISATION,
    "logged_in_users": Level.LOGGED_IN_USERS,
    "public": Level.PUBLIC,
}


@dataclass(frozen=True, slots=True)
class Key:
    """One evidence key. `normalise` maps a JSON value to (stored value, validations) and raises InvalidType, InvalidNumber."""

    name: str
    short_key: str  # the name without its namespace
    namespace: str | None
    label: str
    value_type: str  # one of A B C D F I L M N S T U
    category: str
    order: int
    position: int
    options: tuple[Option, ...]
    mandatory: bool
    system_locked: bool
    hide: bool
    copy_consensus: bool
    max_share_level: Level
    allow_custom_values: bool
    default_strength: str | None
    normalise: Normalise
    names_user: bool  # values are usernames or e-mail addresses


class Spellings(dict[str, "Key | None"]):
    """Spelling -> the key that is meant, for those met so far; any other is looked up as it is asked for."""

    def __init__(self, known: Mapping[str, Key], find: Callable[[str], Key | None]) -> None:
        super().__init__(known)
        self._find = find
        self._most = len(known) + MEMO_SIZE

    def __missing__(self, spelling: str) -> Key | None:
        key = self._find(canonical(spelling))
        if len(spelling) <= MEMO_LENGTH and len(self) < self._most:
            self[spelling] = key
        return key


class KeySet:
    """Evidence keys in position order, found by any spelling of their names.

    `spelled[spelling]` is the key that a client means, or None (6.1): any case, other characters as spaces, with or without its
    namespace. A plain subscript, since every cell of every operation is found so.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self._ordered = tuple(sorted(keys, key=lambda key: key.position))
        self._by_name = {key.name: key for key in self._ordered}
        self._by_tail: dict[str, Key] = {}
        for key in self._ordered:
            if key.namespace is not None:
                self._by_tail.setdefault(key.short_key, key)
        self.spelled = Spellings({**self._by_tail, **self._by_name}, self._named)
        self._readable = {level: self._names_up_to(level) for level in Level}

    def get(self, name: str) -> Key | None:
        """Return the key of this full name."""
        return self._by_name.get(name)

    def all(self) -> tuple[Key, ...]:
        """Return all keys in position order."""
        return self._ordered

    def find(self, spelling: str) -> Key | None:
        """Return the key that a client means by a spelling, see `spelled`."""
        return self.spelled[spelling]

    def readable(self, level: Level) -> frozenset[str]:
        """Return the names of the keys that a reader of this relation to a record sees (12.1)."""
        return self._readable[level]

    def _named(self, name: str) -> Key | None:
        if name in self._by_name:
            return self._by_name[name]
        _, colon, tail = name.partition(":")
        return self._by_name.get(tail) if colon else self._by_tail.get(name)

    def _names_up_to(self, level: Level) -> frozenset[str]:
        return frozenset(key.name for key in self._ordered if key.max_share_level >= level)


def canonical(spelling: str) -> str:
    """Return a key name as the registry writes names: `Affected  Status!` is `affected_status`."""
    return "_".join(NOT_IN_NAMES.sub(" ", spelling.lower()).split())


@lru_cache(maxsize=1)
def key_set() -> KeySet:
    """Return the registered keys."""
    return KeySet(map(parse_key, _described()))


def parse_key(described: dict[str, Any]) -> Key:
    """Return a key from its description in `evidence_keys.json`."""
    options = tuple(map(_option, described.get("options", ())))
    return Key(
        name=described["key"],
        short_key=described.get("short_key", described["key"]),
        namespace=described.get("namespace"),
        label=described["label"],
        value_type=described["value_type"],
        category=described["category"],
        order=described["order"],
        position=described["position"],
        options=options,
        mandatory=described["mandatory"],
        system_locked=described["immutable"],
        hide=described["hide"],
        copy_consensus=described["copy_consensus"],
        max_share_level=MAX_SHARE_LEVELS[described["max_share_level"]],
        allow_custom_values=described["allow_custom_values"],
        default_strength=described.get("default_strength"),
        normalise=_compile(described, options),
        names_user=described["value_type"] == "U",
    )


def _described() -> list[dict[str, Any]]:
    resource = files("models.classifications").joinpath("evidence_keys.json").read_bytes()
    described: list[dict[str, Any]] = json.loads(resource)["keys"]
    return described


def _option(described: dict[str, Any]) -> Option:
    lists = {name: tuple(described.get(name, ())) for name in ("aliases", "namespaces")}
    return Option(**{**described, **lists})


def _compile(described: dict[str, Any], options: tuple[Option, ...]) -> Normalise:
    choice = Choice(options, described["allow_custom_values"], described.get("default_strength"))
    match described["value_type"]:
        case "S" | "C":
            return compile_choice(choice)
        case "M":
            return compile_choices(choice)
        case code:
            return SPECIAL.get(described["key"], BY_TYPE[code])


def dump_keys() -> list[dict[str, Any]]:
    """Return the key list endpoint's elements (section 19) in display order; null, empty and false members are left out."""
    return [_dump(key) for key in key_set().all()]


def _dump(key: Key) -> dict[str, Any]:
    return _filled(
        {
            "key": key.name,
            "short_key": key.short_key if key.namespace else None,
            "namespace": key.namespace,
            "label": key.label,
            "evidence_category": key.category,
            "value_type": key.value_type,
            "order": key.order,
            "position": key.position,
            "options": [_filled(asdict(option)) for option in key.options],
            "allow_custom_values": key.allow_custom_values,
            "default_strength": key.default_strength,
            "hide": key.hide,
            "mandatory": key.mandatory,
            "immutable": key.system_locked,
            "copy_consensus": key.copy_consensus,
            "max_share_level": level_name(key.max_share_level),
        }
    )


def _filled(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, False, "", (), []) or type(value) is int}
