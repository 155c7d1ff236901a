"""Definitions, classes, fields and layouts as values, and a project's schema as a whole. Pure.

Items refer to each other by gid, always by that of an original, never of a working copy; only a working copy of a definition or
class has a layout of its own, which is a working copy too. An extended definition keeps only what it adds to its base.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from models.errors import NotFound

Kind = Literal["definition", "class", "field", "layout"]
DEFINITION: Kind = "definition"
CLASS: Kind = "class"
FIELD: Kind = "field"
LAYOUT: Kind = "layout"
KINDS: tuple[Kind, ...] = (LAYOUT, FIELD, CLASS, DEFINITION)  # who is referred to comes first
LOCAL_PARTS = ("classes", "fields", "childdefinitions")


@dataclass(frozen=True)
class Item:
    """One schema item. `id` is 0 until it is stored; `original` is the gid of what this is a working copy or extension of."""

    id: int
    gid: str
    kind: Kind
    name: str
    original: str | None = None
    is_new: bool = False
    is_working_copy: bool = False
    is_base: bool = False
    is_extended: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_committed(self) -> bool:
        """Whether it is neither new nor a working copy."""
        return not self.is_new and not self.is_working_copy

    @property
    def is_original(self) -> bool:
        """Whether others may refer to it: no working copy, no extension."""
        return not self.is_working_copy and not self.is_extended

    @property
    def type(self) -> str:
        """The type of a field."""
        return str(self.body["type"])

    @property
    def is_localized(self) -> bool:
        """Whether a field's value is one for each language."""
        return bool(self.body.get("is_localized"))

    @property
    def is_required(self) -> bool:
        """Whether a field may not be empty."""
        return bool(self.body.get("is_required"))

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of a field."""
        return self.body.get("options") or {}

    @property
    def titlefield(self) -> str | None:
        """The gid of the field that a definition's records take their title from."""
        return self.body.get("titlefield")

    @property
    def layout(self) -> str | None:
        """The gid of the layout of a definition or class."""
        return self.body.get("layout")

    def gids(self, part: str) -> list[str]:
        """Return a list of gids in the body: `fields`, `classes`, `childdefinitions`."""
        return list(self.body.get(part) or ())


@dataclass(frozen=True)
class Schema:
    """All items of one project at one moment."""

    by_gid: Mapping[str, Item]
    stamp: object = None

    @classmethod
    def of(cls, items: Iterable[Item], stamp: object = None) -> Schema:
        """Return a schema of items."""
        return cls({item.gid: item for item in items}, stamp)

    @cached_property
    def by_id(self) -> Mapping[int, Item]:
        """All stored items by their short id."""
        return {item.id: item for item in self.by_gid.values() if item.id}

    @cached_property
    def working_copies(self) -> Mapping[str, Item]:
        """The working copies by their original's gid."""
        return {str(item.original): item for item in self.by_gid.values() if item.is_working_copy}

    @cached_property
    def base(self) -> Item:
        """The project's base definition."""
        return next(item for item in self.by_gid.values() if item.is_base and item.is_committed)

    @cached_property
    def _resolved(self) -> dict[str, tuple[Item, ...]]:
        return {}

    def of_kind(self, *kinds: Kind) -> Iterator[Item]:
        """Yield the items of some kinds."""
        return (item for item in self.by_gid.values() if item.kind in kinds)

    def find(self, kind: Kind, gid: str | None) -> Item | None:
        """Return an item, or None."""
        item = self.by_gid.get(gid or "")
        return item if item is not None and item.kind == kind else None

    def get(self, kind: Kind, gid: str) -> Item:
        """Return an item. Raises NotFound."""
        item = self.find(kind, gid)
        if item is None:
            raise NotFound(f"There is no {kind} {gid} in this project.", gid=gid)
        return item

    def original_of(self, item: Item) -> Item:
        """Return the original of a working copy or extension, and any other item itself."""
        return self.by_gid[item.original] if item.original else item

    def named(self, kind: Kind, name: str) -> Item | None:
        """Return the committed original of a name, or None."""
        return self._names.get((kind, name))

    @cached_property
    def _names(self) -> dict[tuple[str, str], Item]:
        return {(item.kind, item.name): item for item in self.by_gid.values() if item.is_committed and item.is_original}

    def merged(self, item: Item) -> Mapping[str, Any]:
        """Return an item's body as clients see it: that of an extended definition is its base's with what it adds."""
        if not item.is_extended:
            return item.body
        base = self.by_gid[str(item.original)].body
        added = {part: [*base.get(part, ()), *_new_ones(item.gids(part), base.get(part, ()))] for part in LOCAL_PARTS}
        own = {name: item.body[name] for name in ("label", "metadata") if item.body.get(name)}
        return {**base, **own, **added, "fieldlists": _joined(base.get("fieldlists", {}), item.body.get("fieldlists", {}))}

    def resolve(self, definition: Item) -> tuple[Item, ...]:
        """Return the fields of a definition, those of its classes after its own, each once."""
        if definition.gid not in self._resolved:
            self._resolved[definition.gid] = tuple(self._fields(self.merged(definition)))
        return self._resolved[definition.gid]

    def _fields(self, body: Mapping[str, Any]) -> Iterator[Item]:
        gids = list(body.get("fields", ()))
        for gid in body.get("classes", ()):
            gids += self.by_gid[gid].gids("fields")
        return (self.by_gid[gid] for gid in dict.fromkeys(gids))

    def classes(self, definition: Item) -> list[Item]:
        """Return the classes of a definition."""
        return [self.by_gid[gid] for gid in self.merged(definition).get("classes", ())]

    def class_fields(self, of: Item) -> list[Item]:
        """Return what a field of type class or classlist holds: the fields of its class; nothing while it has none."""
        found = self.find(CLASS, of.options.get("class"))
        return [self.by_gid[gid] for gid in found.gids("fields")] if found else []

    def childdefinitions(self, definition: Item) -> list[Item]:
        """Return the definitions that records below may have, the committed ones."""
        found = [self.by_gid[gid] for gid in self.merged(definition).get("childdefinitions", ()) if gid in self.by_gid]
        return [item for item in found if item.is_committed]

    def extensions(self, base: Item) -> list[Item]:
        """Return the extended definitions of a base definition."""
        return [item for item in self.by_gid.values() if item.is_extended and item.original == base.gid]

    def surroundings(self, item: Item) -> Iterator[Item]:
        """Yield all that a client must know to read an item, itself last: base, layout, classes, fields, deeper classes."""
        seen: dict[str, Item] = {}
        self._collect(item, seen)
        return reversed(seen.values())

    def _collect(self, item: Item, seen: dict[str, Item]) -> None:
        if item.gid in seen:
            return
        seen[item.gid] = item
        body = self.merged(item)
        referred = [
            item.original,
            body.get("layout"),
            item.options.get("class"),
            *body.get("classes", ()),
            *body.get("fields", ()),
        ]
        for gid in referred:
            if gid and gid in self.by_gid:
                self._collect(self.by_gid[gid], seen)


def _new_ones(gids: Iterable[str], known: Iterable[str]) -> list[str]:
    present = set(known)
    return [gid for gid in gids if gid not in present]


def _joined(base: Mapping[str, list[str]], added: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {key: list(dict.fromkeys([*base.get(key, ()), *added.get(key, ())])) for key in {**base, **added}}
