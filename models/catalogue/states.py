"""The states of schema items: committed ones, new ones, and working copies of committed ones. Pure.

Each function changes a draft and returns the item that came out; one that refuses has changed nothing, so that a list of items
can be gone through one by one. Extended definitions belong to records and have none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from models import ids
from models.catalogue.drafts import Draft
from models.catalogue.names import numbered
from models.catalogue.schema_items import CLASS, DEFINITION, FIELD, LAYOUT, Item, Kind, Schema
from models.errors import InUse, InvalidState, InvalidValue, NotFound, Refused

Change = Callable[[Draft, Item], Item]
OWNERS: tuple[Kind, ...] = (DEFINITION, CLASS)  # of layouts
TITLES = ("textline", "text", "code", "barcode")  # types of fields that a title is taken from by itself


@dataclass(frozen=True)
class Ended:
    """What became of one item of a list: the item that came out, or why not. A noop found it as it was to be.

    `touched` has the gids of all that was made, changed or dropped with it.
    """

    gid: str
    item: Item | None = None
    refused: Refused | None = None
    noop: bool = False
    touched: frozenset[str] = frozenset()


def each(draft: Draft, gids: Iterable[str], change: Change) -> list[Ended]:
    """Change definitions, classes and fields one after the other; what is refused does not stop the rest."""
    return [_one(draft, gid, change) for gid in gids]


def _one(draft: Draft, gid: str, change: Change) -> Ended:
    before = draft.schema
    item = before.by_gid.get(gid)
    if item is None or item.kind == LAYOUT:
        return Ended(gid, refused=NotFound("There is no such definition, class or field.", gid=gid))
    try:
        with draft.attempt():
            done = change(draft, item)
    except Refused as refused:
        return Ended(gid, refused=refused)
    return Ended(gid, done, noop=draft.schema is before, touched=draft.changed_since(before))


def editable(draft: Draft, item: Item) -> Item:
    """Return what is changed in an item's stead: the item itself while it is new or a working copy, else its working copy."""
    _check_not_extended(item)
    if not item.is_committed:
        return item
    return draft.working_copy_of(item) or _make_working_copy(draft, item)


def _make_working_copy(draft: Draft, item: Item) -> Item:
    layout = _layout(draft, item)
    copied = [replace(part, id=0, gid=_gid(), original=part.gid, is_working_copy=True) for part in (layout, item) if part]
    copy = copied[-1]
    if layout:
        copy = replace(copy, body={**copy.body, "layout": copied[0].gid})
    draft.put(*copied[:-1], copy)
    return copy


def commit(draft: Draft, item: Item) -> Item:
    """Make a new item, or what its working copy says, valid, with its layout and the new items that it refers to.

    An item without changes stays as it is.
    """
    _check_not_extended(item)
    copy = item if item.is_working_copy else draft.working_copy_of(item)
    before = draft.schema
    with draft.attempt():
        done = _apply(draft, copy) if copy else item
        if done.is_new:
            done = replace(done, is_new=False)
            draft.put(done)
        _commit_layout(draft, done)
        _commit_referred(draft, done)
        if draft.schema is not before:
            _settle(draft, done)
    return draft.schema.by_gid[done.gid]


def _settle(draft: Draft, done: Item) -> None:
    """Look at what else a committed item changes."""
    if done.kind in (CLASS, FIELD):
        check_circles(draft.schema)
    affected = [done] if done.kind == DEFINITION else referring(draft.schema, done) if done.kind == CLASS else ()
    for item in list(affected):
        mended = mend(draft.schema, item)
        if mended is not item:
            draft.put(mended)


def _apply(draft: Draft, copy: Item) -> Item:
    """Put what a working copy says into its original, and the same with its layout."""
    original = draft.schema.by_gid[str(copy.original)]
    body = dict(copy.body)
    layout = _layout(draft, copy)
    if layout:
        body["layout"] = original.layout
        draft.put(replace(draft.schema.by_gid[str(original.layout)], name=layout.name, body=layout.body))
    done = replace(original, name=copy.name, body=body)
    draft.put(done)
    draft.drop(copy.gid, layout.gid if layout else None)
    return done


def _commit_layout(draft: Draft, item: Item) -> None:
    layout = _layout(draft, item)
    if layout and layout.is_new:
        draft.put(replace(layout, is_new=False))


def _commit_referred(draft: Draft, item: Item) -> None:
    """Commit the new items that a committed one could not be read without."""
    for gid in [*item.gids("classes"), *item.gids("fields"), item.options.get("class")]:
        found = draft.schema.by_gid.get(gid or "")
        if found and found.is_new:
            done = replace(found, is_new=False)
            draft.put(done)
            _commit_layout(draft, done)
            _commit_referred(draft, done)


def check_circles(schema: Schema) -> None:
    """Refuse classes that hold themselves by way of fields of type class."""
    left = {item.gid: _held(schema, item) for item in schema.of_kind(CLASS) if item.is_committed}
    while left:
        done = {gid for gid, held in left.items() if not held & left.keys()}
        if not done:
            raise InvalidValue("Classes would hold each other in a circle.")
        left = {gid: held for gid, held in left.items() if gid not in done}


def _held(schema: Schema, item: Item) -> set[str]:
    return {str(schema.by_gid[gid].options.get("class")) for gid in item.gids("fields")}


def mend(schema: Schema, item: Item) -> Item:
    """Return a definition with a title field and field lists that fit its fields."""
    if item.is_extended or item.kind != DEFINITION:
        return item
    fields = schema.resolve(item)
    present = {field.gid for field in fields}
    lists = {key: [gid for gid in gids if gid in present] for key, gids in (item.body.get("fieldlists") or {}).items()}
    title = item.titlefield if item.titlefield in present else _first_title(fields)
    if (title, lists) == (item.titlefield, item.body.get("fieldlists")):
        return item
    return replace(item, body={**item.body, "titlefield": title, "fieldlists": lists})


def _first_title(fields: Iterable[Item]) -> str | None:
    return next((field.gid for field in fields if field.type in TITLES), None)


def revert(draft: Draft, item: Item) -> Item:
    """Drop an item's working copy with its layout; return the original."""
    copy = _copy_of(draft, item)
    draft.drop(copy.gid, copy.layout if copy.kind in OWNERS else None)
    return draft.schema.by_gid[str(copy.original)]


def save_as_new(draft: Draft, item: Item) -> Item:
    """Make an item's working copy an original of its own, committed, with another name if its own is taken."""
    copy = _copy_of(draft, item)
    layout = _layout(draft, copy)
    name = free_name(draft.schema, copy.kind, copy.name)
    with draft.attempt():
        if layout:
            draft.put(replace(layout, original=None, is_working_copy=False))
        done = replace(copy, name=name, original=None, is_working_copy=False, is_base=False)
        draft.put(done)
        _commit_referred(draft, done)
        check_circles(draft.schema)
    return done


def copy(draft: Draft, item: Item) -> Item:
    """Make a new item like a committed one without changes, with a layout of its own."""
    _check_not_extended(item)
    if not item.is_committed or draft.working_copy_of(item):
        raise InvalidState("Only a committed item without changes is copied.", gid=item.gid)
    layout = _layout(draft, item)
    made = replace(item, id=0, gid=_gid(), name=free_name(draft.schema, item.kind, item.name), is_new=True, is_base=False)
    if layout:
        shown = replace(layout, id=0, gid=_gid(), is_new=True)
        made = replace(made, body={**made.body, "layout": shown.gid})
        draft.put(shown)
    draft.put(made)
    return made


def delete(draft: Draft, item: Item) -> Item:
    """Remove an item nobody refers to, with its working copy and layouts. Of a working copy only itself is removed."""
    if item.is_working_copy:
        revert(draft, item)
        return item
    _check_not_extended(item)
    if item.is_base:
        raise InvalidState("The base definition of a project stays.", gid=item.gid)
    users = [user.gid for user in referring(draft.schema, item)]
    if users:
        raise InUse(f"Other items of the schema refer to this {item.kind}.", gid=item.gid, used_by=users[:20])
    found = draft.working_copy_of(item)
    gone = [part for part in (item, found) if part]
    draft.drop(*(part.gid for part in gone), *(part.layout for part in gone))
    return item


def referring(schema: Schema, item: Item) -> Iterator[Item]:
    """Yield the items that refer to one, its own working copy not among them."""
    for other in schema.by_gid.values():
        own = other.gid == item.gid or (other.is_working_copy and other.original == item.gid)
        if not own and (item.gid in references(other) or (other.is_extended and other.original == item.gid)):
            yield other


def references(item: Item) -> set[str | None]:
    """Return the gids of what an item refers to, its original and its layout not among them."""
    return {*item.gids("classes"), *item.gids("fields"), *item.gids("childdefinitions"), item.options.get("class")}


def free_name(schema: Schema, kind: Kind, name: str) -> str:
    """Return the name, or the first with a number behind it that no item of this kind has."""
    return numbered(name, {item.name for item in schema.of_kind(kind) if item.is_original})


def _copy_of(draft: Draft, item: Item) -> Item:
    _check_not_extended(item)
    found = item if item.is_working_copy else draft.working_copy_of(item)
    if found is None:
        raise InvalidState("There are no changes to this item.", gid=item.gid)
    return found


def _check_not_extended(item: Item) -> None:
    if item.is_extended:
        raise InvalidState("An extended definition is changed with its records, not here.", gid=item.gid)


def _layout(draft: Draft, item: Item) -> Item | None:
    return draft.schema.find(LAYOUT, item.layout) if item.kind in OWNERS else None


def _gid() -> str:
    return str(ids.new_token())
