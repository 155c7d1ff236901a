"""The grammar of selections: which items, in which order. Pure; a face says through `Face` what its items are.

A selection is a list. Its entries are ids, and objects with `search` or `children`, each with an `exclude` of its own.
Refusals carry the JSON pointer of the place, beginning with `/selection`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from models.errors import InvalidSelection, Refused, TooManyItems, pointer_to
from models.settings import settings

ROOT = "selection"
COMBINATIONS = frozenset({"and", "or", "not"})
ENTRY_MEMBERS = {
    "search": frozenset({"search", "exclude"}),
    "children": frozenset({"children", "exclude", "channel", "ordering"}),
}


class Kind(StrEnum):
    """The kinds of entries beside ids."""

    SEARCH = "search"
    CHILDREN = "children"


@dataclass(frozen=True, slots=True)
class Face:
    """What the grammar must know of a face.

    `parse_id` turns any id form into the one text that names the item, and raises Refused. `find_name` turns the name in a
    condition into the full name of a property or key, None for unknown ones.
    """

    kinds: frozenset[Kind]
    parse_id: Callable[[Any], str]
    find_name: Callable[[str], str | None]
    operators: frozenset[str]
    search_members: frozenset[str] = frozenset({"q", "filter"})


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter. `pointer` is the condition's own; its parts are /0, /1 and /2."""

    name: str
    operator: str
    operand: Any
    pointer: str


@dataclass(frozen=True, slots=True)
class Combination:
    """Conditions joined by `and` or `or`, or one turned round by `not`."""

    word: str
    terms: tuple[Filter, ...]


Filter: TypeAlias = Condition | Combination


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids that follow each other in the selection, each with its pointer."""

    ids: tuple[str, ...]
    pointers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """The hits of a query. Without q and filter it has none, unless it means `everything`."""

    q: str | None
    filter: Filter | None
    exclude: tuple[str, ...]
    language: str | None
    everything: bool
    pointer: str


@dataclass(frozen=True, slots=True)
class Children:
    """The children of an item."""

    parent: str
    exclude: tuple[str, ...]
    channel: str | None
    ordering: str | None
    pointer: str


Entry: TypeAlias = Ids | Search | Children


@dataclass(frozen=True, slots=True)
class Selection:
    """A parsed selection: entries in their order."""

    entries: tuple[Entry, ...]


def conditions(tree: Filter | None) -> Iterator[Condition]:
    """List the conditions of a filter, from left to right."""
    match tree:
        case Condition():
            yield tree
        case Combination():
            for term in tree.terms:
                yield from conditions(term)


def parse_selection(value: object, face: Face, *, allow_all: bool = False) -> Selection:
    """Return a selection as sent; raise InvalidSelection or, beyond a limit, TooManyItems."""
    if not isinstance(value, list):
        raise InvalidSelection("A selection is a list.", pointer=pointer_to(ROOT))
    if not value:
        raise InvalidSelection("The selection is empty.", pointer=pointer_to(ROOT))
    return _Parser(face, allow_all).parse(value)


class _Parser:
    """Counts over the whole selection what the limits are about."""

    def __init__(self, face: Face, allow_all: bool) -> None:
        self.face = face
        self.allow_all = allow_all
        self.items = 0
        self.terms = 0

    def parse(self, value: list[Any]) -> Selection:
        entries: list[Entry] = []
        run: list[tuple[str, str]] = []
        for at, item in enumerate(value):
            if _names_kind(item):
                entries.extend(_ids(run))
                run = []
                entries.append(self.entry(item, at))
                continue
            run.append((self.id(item, ROOT, at), pointer_to(ROOT, at)))
        return Selection((*entries, *_ids(run)))

    def id(self, value: Any, *path: str | int) -> str:
        self.count_item(*path)
        try:
            return self.face.parse_id(value)
        except Refused as refused:
            raise InvalidSelection(refused.detail, pointer=pointer_to(*path)) from refused

    def count_item(self, *path: str | int) -> None:
        self.items += 1
        limit = settings().limits.selection_entries
        if self.items > limit:
            detail = f"A selection has at most {limit} entries."
            raise TooManyItems(detail, pointer=pointer_to(*path), limit=limit)

    def count_term(self, *path: str | int) -> None:
        self.terms += 1
        limit = settings().limits.filter_terms
        if self.terms > limit:
            raise TooManyItems(f"A selection has at most {limit} conditions.", pointer=pointer_to(*path), limit=limit)

    def entry(self, item: Mapping[str, Any], at: int) -> Entry:
        self.count_item(ROOT, at)
        if "search" in item and "children" in item:
            raise InvalidSelection("An entry is a search or children, not both.", pointer=pointer_to(ROOT, at))
        kind = Kind.SEARCH if "search" in item else Kind.CHILDREN
        if kind not in self.face.kinds:
            raise InvalidSelection(f"`{kind}` means nothing here.", pointer=pointer_to(ROOT, at, kind))
        _refuse_unknown(item, ENTRY_MEMBERS[kind], ROOT, at)
        exclude = self.exclude(item.get("exclude"), ROOT, at, "exclude")
        return self.search(item["search"], at, exclude) if kind is Kind.SEARCH else self.children(item, at, exclude)

    def exclude(self, value: Any, *path: str | int) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise InvalidSelection("`exclude` is a list of ids.", pointer=pointer_to(*path))
        return tuple(self.id(item, *path, at) for at, item in enumerate(value))

    def children(self, item: Mapping[str, Any], at: int, exclude: tuple[str, ...]) -> Children:
        parent = self.id(item["children"], ROOT, at, "children")
        channel = _text(item.get("channel"), ROOT, at, "channel")
        ordering = _text(item.get("ordering"), ROOT, at, "ordering")
        return Children(parent, exclude, channel, ordering, pointer_to(ROOT, at))

    def search(self, value: Any, at: int, exclude: tuple[str, ...]) -> Search:
        path = (ROOT, at, "search")
        if not isinstance(value, dict):
            raise InvalidSelection("`search` is an object.", pointer=pointer_to(*path))
        _refuse_unknown(value, self.face.search_members, *path)
        self.count_term(*path)
        q = _text(value.get("q"), *path, "q")
        tree = self.filter(value.get("filter"), 0, *path, "filter") if value.get("filter") not in (None, []) else None
        everything = self.allow_all and not q and tree is None
        return Search(q or None, tree, exclude, _text(value.get("language"), *path, "language"), everything, pointer_to(*path))

    def filter(self, value: Any, depth: int, *path: str | int) -> Filter:
        if depth > settings().limits.depth:
            raise InvalidSelection("The filter is nested too deeply.", pointer=pointer_to(*path))
        if not isinstance(value, list) or not value or not isinstance(value[0], str):
            raise InvalidSelection("A condition is a list [name, operator, operand].", pointer=pointer_to(*path))
        if value[0] in COMBINATIONS:
            return self.combination(value, depth, *path)
        return self.condition(value, *path)

    def combination(self, value: list[Any], depth: int, *path: str | int) -> Combination:
        """Read ["and", a, b] and the longer spelling ["and", "", [a, b]]; so with `or`; ["not", a] and ["not", "", a]."""
        word, start, terms = value[0], 1, value[1:]
        if terms and terms[0] == "":
            terms, start = terms[1:], 2
            if word != "not" and len(terms) == 1 and isinstance(terms[0], list):
                path, start, terms = (*path, 2), 0, terms[0]
        if not terms or (word == "not" and len(terms) != 1):
            wants = "one condition" if word == "not" else "at least one condition"
            raise InvalidSelection(f"`{word}` needs {wants}.", pointer=pointer_to(*path))
        return Combination(word, tuple(self.filter(term, depth + 1, *path, at) for at, term in enumerate(terms, start)))

    def condition(self, value: list[Any], *path: str | int) -> Condition:
        self.count_term(*path)
        name = self.face.find_name(value[0])
        if name is None:
            raise InvalidSelection(f"`{value[0][:80]}` is neither a property nor a key.", pointer=pointer_to(*path, 0))
        if len(value) < 2 or not isinstance(value[1], str) or value[1] not in self.face.operators:
            known = ", ".join(sorted(self.face.operators))
            where = pointer_to(*path, 1) if len(value) > 1 else pointer_to(*path)
            raise InvalidSelection(f"The second part of a condition is an operator: {known}.", pointer=where)
        if len(value) > 3:
            raise InvalidSelection("A condition has at most three parts.", pointer=pointer_to(*path, 3))
        return Condition(name, value[1], value[2] if len(value) == 3 else None, pointer_to(*path))


def _names_kind(item: object) -> bool:
    return isinstance(item, dict) and not item.keys().isdisjoint(Kind)


def _ids(run: list[tuple[str, str]]) -> list[Ids]:
    return [Ids(tuple(text for text, _ in run), tuple(pointer for _, pointer in run))] if run else []


def _refuse_unknown(value: Mapping[str, Any], known: frozenset[str], *path: str | int) -> None:
    for name in value:
        if name not in known:
            raise InvalidSelection(f"`{str(name)[:80]}` is not a member of this object.", pointer=pointer_to(*path, name))


def _text(value: Any, *path: str | int) -> str | None:
    if value is None or isinstance(value, str):
        limit = settings().limits.text
        if value and (len(value) > limit or "\x00" in value or _has_surrogate(value)):
            raise InvalidSelection("This text cannot be used.", pointer=pointer_to(*path))
        return value.strip() if value else value
    raise InvalidSelection("This is a text.", pointer=pointer_to(*path))


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


def dump_selection(selection: Selection) -> list[Any]:
    """Return a selection as JSON that `parse_selection`, allowing all, reads again; entries that name nothing are left out."""
    return [item for entry in selection.entries for item in _dump_entry(entry)]


def _dump_entry(entry: Entry) -> list[Any]:
    match entry:
        case Ids():
            return list(entry.ids)
        case Search(q=None, filter=None, everything=False):
            return []
        case Search():
            asked = {"q": entry.q, "filter": entry.filter and _dump_filter(entry.filter), "language": entry.language}
            return [_with_exclude({"search": {k: v for k, v in asked.items() if v is not None}}, entry.exclude)]
        case Children():
            named = {"children": entry.parent, "channel": entry.channel, "ordering": entry.ordering}
            return [_with_exclude({k: v for k, v in named.items() if v is not None}, entry.exclude)]


def _with_exclude(item: dict[str, Any], exclude: tuple[str, ...]) -> dict[str, Any]:
    return {**item, "exclude": list(exclude)} if exclude else item


def _dump_filter(tree: Filter) -> list[Any]:
    if isinstance(tree, Combination):
        return [tree.word, *(_dump_filter(term) for term in tree.terms)]
    return [tree.name, tree.operator] if tree.operand is None else [tree.name, tree.operator, tree.operand]
