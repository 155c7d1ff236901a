"""Making and changing schema items. A change of a committed item makes a working copy, or changes the one that it has. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from models import ids
from models.catalogue.drafts import Draft
from models.catalogue.layouts import new_layout, parse_layout, with_shown, without_shown
from models.catalogue.metadata import Entry, with_entry, without_entry
from models.catalogue.names import check_name
from models.catalogue.project import Project
from models.catalogue.properties import EMPTY, LISTS, Properties, refer, resolved, with_properties
from models.catalogue.schema_items import DEFINITION, FIELD, LAYOUT, Item, Kind
from models.catalogue.states import OWNERS, editable, free_name, mend
from models.errors import InvalidType, InvalidValue, NameTaken, NotFound

MOST_ITEMS = 20_000  # of one project's schema


@dataclass(frozen=True)
class Place:
    """A list within an item, by its name or as `fieldlists/<key>`; what is added stands before `before`, or last."""

    part: str
    gid: str
    before: str | None = None


def create(draft: Draft, project: Project, kind: Kind, given: Properties) -> Item:
    """Make a new item; without a name it gets its kind's, with a number if need be."""
    if len(draft.schema.by_gid) >= MOST_ITEMS:
        raise InvalidValue(f"A project has at most {MOST_ITEMS} schema items.", limit=MOST_ITEMS)
    name = free_name(draft.schema, kind, kind) if given.get("name") is None else _name(given)
    item = Item(0, str(ids.new_token()), kind, name, is_new=True, body=EMPTY[kind])
    _check_free(draft, item)
    item = replace(item, body=with_properties(draft.schema, project, item, given))
    if kind in OWNERS:
        shown = new_layout([*item.gids("fields"), *item.gids("classes")])
        layout = Item(0, str(ids.new_token()), LAYOUT, name, is_new=True, body=shown)
        draft.put(layout)
        item = replace(item, body={**item.body, "layout": layout.gid})
    return _put(draft, item)


def modify(draft: Draft, project: Project, item: Item, given: Properties) -> Item:
    """Change properties of an item; return what has the changes."""
    with draft.attempt():
        item = editable(draft, item)
        if given.get("name") is not None:
            item = replace(item, name=_name(given))
            _check_free(draft, item)
        return _put(draft, replace(item, body=with_properties(draft.schema, project, item, given)))


def modify_layout(draft: Draft, item: Item, given: Properties) -> Item:
    """Change the layout of a definition or class; return what has the changes."""
    with draft.attempt():
        item = editable(draft, item)
        layout = draft.get(LAYOUT, str(item.layout))
        components = given.get("components")
        if not isinstance(components, Mapping | None):
            raise InvalidType("`components` is an object.", pointer="/components")
        root, name = given.get("root"), given.get("name")
        if not isinstance(root, str | None) or not isinstance(name, str | None):
            raise InvalidType("`root` and `name` are texts.")
        present = layout.body
        body = parse_layout(root or present.get("root"), present["components"] if components is None else components)
        draft.put(replace(layout, name=layout.name if name is None else check_name(name), body=body))
        return item


def add(draft: Draft, project: Project, item: Item, place: Place) -> Item:
    """Put an item into a list of another, where it is not there yet; return what has the changes."""
    return _relist(draft, project, item, place, _added)


def move(draft: Draft, project: Project, item: Item, place: Place) -> Item:
    """Move a member of a list; return what has the changes. Raises NotFound for who is no member."""
    return _relist(draft, project, item, place, _moved)


def remove(draft: Draft, project: Project, item: Item, place: Place) -> Item:
    """Take a member out of a list; return what has the changes. Raises NotFound for who is no member."""
    return _relist(draft, project, item, place, _removed)


Relist = Callable[[list[str], Place], list[str]]


def _added(present: list[str], place: Place) -> list[str]:
    return present if place.gid in present else _inserted(present, place)


def _moved(present: list[str], place: Place) -> list[str]:
    return _inserted(_removed(present, place), place)


def _removed(present: list[str], place: Place) -> list[str]:
    if place.gid not in present:
        raise NotFound(f"It is none of the {place.part.partition('/')[0]}.", gid=place.gid)
    return [gid for gid in present if gid != place.gid]


def _inserted(present: list[str], place: Place) -> list[str]:
    if place.before is None:
        return [*present, place.gid]
    if place.before not in present:
        raise NotFound("What it is to stand before is not in the list.", gid=place.before)
    at = present.index(place.before)
    return [*present[:at], place.gid, *present[at:]]


def _relist(draft: Draft, project: Project, item: Item, place: Place, change: Relist) -> Item:
    part, _, key = place.part.partition("/")
    kind = LISTS.get(part, FIELD)
    before = place.before and refer(draft.schema, kind, place.before, "/before")
    place = replace(place, gid=refer(draft.schema, kind, place.gid, f"/{kind}"), before=before)
    with draft.attempt():
        item = editable(draft, item)
        body = dict(item.body)
        if key:
            body["fieldlists"] = _field_lists(draft, project, item, place, change)
        else:
            body[part] = change(item.gids(part), place)
        return _put(draft, replace(item, body=body))


def _field_lists(draft: Draft, project: Project, item: Item, place: Place, change: Relist) -> dict[str, list[str]]:
    key = place.part.partition("/")[2]
    if key not in project.fieldlists:
        raise NotFound("There is no such fieldlist in this project.")
    if place.gid not in resolved(draft.schema, item.body):
        raise InvalidValue("This is none of the definition's fields.", pointer="/field")
    lists = {name: list(gids) for name, gids in (item.body.get("fieldlists") or {}).items()}
    return {**lists, key: change(lists.get(key, []), place)}


def set_metadata(draft: Draft, project: Project, item: Item, entry: Entry) -> Item:
    """Set one entry of an item's metadata; return what has the changes."""
    with draft.attempt():
        item = editable(draft, item)
        metadata = with_entry(item.body.get("metadata") or {}, entry, project.languages)
        return _put(draft, replace(item, body={**item.body, "metadata": metadata}))


def clear_metadata(draft: Draft, item: Item, name: str) -> Item:
    """Remove one entry of an item's metadata; return what has the changes. Raises NotFound."""
    with draft.attempt():
        item = editable(draft, item)
        metadata = without_entry(item.body.get("metadata") or {}, name)
        return _put(draft, replace(item, body={**item.body, "metadata": metadata}))


def _put(draft: Draft, item: Item) -> Item:
    """Put an item into the draft with a layout that shows what it has, and a title field and lists that fit."""
    before = draft.schema.by_gid.get(item.gid)
    layout = draft.schema.find(LAYOUT, item.layout)
    if layout and before:
        draft.put(_showing(layout, before, item))
    draft.put(item)
    if item.kind == DEFINITION:
        item = mend(draft.schema, item)
        draft.put(item)
    return item


def _showing(layout: Item, before: Item, after: Item) -> Item:
    shown, wanted = _content(before), _content(after)
    body: Mapping[str, Any] = without_shown(layout.body, [gid for gid in shown if gid not in wanted])
    for gid in wanted:
        if gid not in shown:
            body = with_shown(body, gid)
    return replace(layout, body=body)


def _content(item: Item) -> list[str]:
    return [*item.gids("fields"), *item.gids("classes")]


def _name(given: Properties) -> str:
    if not isinstance(given["name"], str):
        raise InvalidType("`name` is a text.", pointer="/name")
    return check_name(given["name"])


def _check_free(draft: Draft, item: Item) -> None:
    """Raise NameTaken where another item of the kind has the name; an original and its working copy may share one."""
    family = item.original or item.gid
    for other in draft.schema.of_kind(item.kind):
        if other.name == item.name and not other.is_extended and family not in (other.gid, other.original):
            raise NameTaken(f"Another {item.kind} has the name {item.name}.", pointer="/name", gid=other.gid)
