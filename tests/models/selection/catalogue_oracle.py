"""What a selection of the project face names, by looking at every item: slow, plain, and written without the product's search."""

from __future__ import annotations

import re
from typing import Any

from models import ids
from models.catalogue.project_settings import ALL_CHANNEL
from tests.models.selection.catalogue_world import FIELDS, LANGUAGES, PARTS, STATES, Item, World, gid_of

TYPES = {"image": ("png", "svg"), "document": ("pdf",), "video": ()}
NAMES = {gid_of("field", name): name for name in FIELDS}
FIELDS_OF = {"thing": PARTS["thing"], "other": PARTS["other"], "thing, extended": [*PARTS["thing"], *PARTS["more"]]}


def found(world: World, kind: str, search: dict[str, Any], item: Item) -> bool:
    """Say whether a search finds an item."""
    if item.deleted or (kind == "assets" and not item.is_file):
        return False
    shown = world.records[item.shown_by] if item.shown_by else item
    if shown.deleted:
        return False
    q, tree = search.get("q") or "", search.get("filter") or None
    if not q.strip() and tree is None:
        return False
    language = search["language"]
    return (not q.strip() or answers(q, texts(kind, shown, language))) and (tree is None or holds(tree, kind, shown, language))


def texts(kind: str, item: Item, language: str) -> list[list[str]]:
    """Return what is searched in a language, as lists of words that follow each other."""
    if kind == "assets":
        spoken = [item.content[part].get(language, "") for part in ("title", "description")]
        return [words(text) for text in [item.name, *spoken]]
    said: list[str] = []
    for gid, value in item.content.items():
        name = NAMES[gid]
        values = [value.get(language)] if FIELDS[name].get("is_localized") else value if isinstance(value, list) else [value]
        if name == "state":
            labels = next(entry for entry in STATES if entry["key"] == value)
            values = [value, labels.get(language)]
        said += [str(part) for part in values if part is not None and not isinstance(part, bool) and name != "near"]
    return [words(text) for text in said]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def terms(q: str) -> list[tuple[str, str]]:
    """Return (sign, text) for each term."""
    return [(sign, phrase or word) for sign, phrase, word in re.findall(r'([+-]?)(?:"([^"]*)"|(\S+))', q)]


def has(term: str, lists: list[list[str]]) -> bool:
    prefix = term.endswith("*")
    wanted = words(term)
    for said in lists:
        for at in range(len(said) - len(wanted) + 1):
            part = said[at : at + len(wanted)]
            if part == wanted or (prefix and part[:-1] == wanted[:-1] and part[-1].startswith(wanted[-1])):
                return True
    return False


def answers(q: str, lists: list[list[str]]) -> bool:
    asked = terms(q)
    must = [term for sign, term in asked if sign == "+"]
    plain = [term for sign, term in asked if sign == ""]
    banned = [term for sign, term in asked if sign == "-"]
    if any(has(term, lists) for term in banned) or not all(has(term, lists) for term in must):
        return False
    return bool(must) or not plain or any(has(term, lists) for term in plain)


def score(world: World, kind: str, search: dict[str, Any], item: Item) -> int:
    """Return how many of the plain terms an item has."""
    shown = world.records[item.shown_by] if item.shown_by else item
    lists = texts(kind, shown, search["language"])
    return len({term for sign, term in terms(search.get("q") or "") if sign == "" and has(term, lists)})


def holds(tree: list[Any], kind: str, item: Item, language: str) -> bool:
    """Say whether a filter is true."""
    word = tree[0]
    if word in ("and", "or", "not"):
        inner = tree[2] if word != "not" else [tree[2]]
        held = [holds(term, kind, item, language) for term in inner]
        return all(held) if word == "and" else any(held) if word == "or" else not held[0]
    return _holds(tree, kind, item, language)


def _holds(condition: list[Any], kind: str, item: Item, language: str) -> bool:
    name, operator, operand = (*condition, None)[:3]
    match name:
        case "updated_on":
            if operator == "between":
                return bool(operand[0] <= item.updated_on.timestamp() <= operand[1])
            age = (ids.now() - item.updated_on).total_seconds() / 86_400
            return bool(age < operand[0] if operator == "<" else age > operand[0])
        case "definition":
            known = {gid_of("definition", each): each for each in FIELDS_OF}.get(operand, "")
            return item.definition == known or (known == "thing" and item.definition == "thing, extended")
        case "classes":
            return item.definition == "thing, extended"
        case "value":
            return _value(item, operator, operand, language)
        case "validation":
            return _fails(kind, item, operator, operand, language)
        case "name":
            return item.name.lower() == operand.lower() if operator == "is" else answers(operand, [words(item.name)])
        case "type":
            return item.name.rpartition(".")[2] in TYPES[operand]
        case _:
            return item.name.rpartition(".")[2] == operand


def _value(item: Item, operator: str, operand: list[Any], language: str) -> bool:
    gid, wanted = operand
    stored = item.content.get(gid)
    if gid in NAMES and FIELDS[NAMES[gid]].get("is_localized"):
        stored = (stored or {}).get(language)
    if gid not in NAMES:
        return False
    if operator in ("is", "in"):
        values = wanted if operator == "in" else [wanted]
        if NAMES[gid] == "state":
            labels = {entry[language]: entry["key"] for entry in STATES for language in LANGUAGES if language in entry}
            values = [*values, *(labels[value] for value in values if value in labels)]
        return any(_same(stored, value) for value in values)
    if stored is None or isinstance(stored, bool) or not isinstance(stored, int):
        return False
    return stored < wanted if operator == "<" else stored > wanted if operator == ">" else wanted[0] <= stored <= wanted[1]


def _same(stored: Any, value: Any) -> bool:
    if value is None:
        return stored is None
    if isinstance(stored, list) and not isinstance(value, list):
        return value in stored
    return bool(type(stored) is type(value) and stored == value)


def _fails(kind: str, item: Item, operator: str, part: str | None, language: str) -> bool:
    if kind == "assets":
        values = [(item.content[name], True) for name in ([part] if part else ["title", "description"])]
    else:
        names = [name for name in FIELDS_OF[item.definition] if part in (None, name)]
        values = [(item.content.get(gid_of("field", name)), bool(FIELDS[name].get("is_localized"))) for name in names]
    return any(_empty(value, localized, operator, language) for value, localized in values)


def _empty(value: Any, localized: bool, operator: str, language: str) -> bool:
    here = (value or {}).get(language) if localized else value
    elsewhere = localized and any((value or {}).get(other) for other in LANGUAGES if other != language)
    return here in (None, []) and (operator == "is_empty" or elsewhere)


def members(world: World, kind: str, entry: Any) -> list[int | str] | set[int]:
    """Return what one entry names: a list in its order, or for a search a set, whose order is by rank."""
    items = world.records if kind == "records" else world.assets
    by_gid = {item.gid: item for item in items.values()}
    if isinstance(entry, str):
        return [by_gid[entry].id] if entry in by_gid else [entry]
    excluded = set(entry.get("exclude") or ())
    if "search" in entry:
        return {item.id for item in items.values() if item.gid not in excluded and found(world, kind, entry["search"], item)}
    if entry["children"] not in by_gid:
        return [entry["children"]]
    parent = by_gid[entry["children"]].id
    below = [item for item in items.values() if item.parent == parent and not item.deleted and item.gid not in excluded]
    if entry.get("channel") not in (None, ALL_CHANNEL):
        below = [item for item in below if entry["channel"] in item.channels]
    return [item.id for item in sorted(below, key=lambda item: _place(kind, item, entry.get("ordering")))]


def _place(kind: str, item: Item, ordering: str | None) -> tuple[Any, ...]:
    if kind == "assets":
        return (item.is_file, item.name.lower(), item.name)
    return (item.places.get(ordering, 1_000) if ordering else 0, item.id)
