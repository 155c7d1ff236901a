"""Extended definitions: what a base definition says and more, for some records. Pure but for storing.

An extension keeps only what it adds. A record of a base definition gets an extension of its own when something is added; a record
that has one shares it with the others that have it, so that an addition is there for all of them. A group are the children of one
parent that are no links; in it definitions are handed on. An extension that no record has any more is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from models import ids
from models.catalogue.changes import Done, Work
from models.catalogue.drafts import Draft
from models.catalogue.names import check_name, numbered
from models.catalogue.projects import lock_project
from models.catalogue.properties import refer, referred, resolved
from models.catalogue.rows import RecordNode
from models.catalogue.saying import set_definition
from models.catalogue.schema import load_schema
from models.catalogue.schema_items import CLASS, DEFINITION, FIELD, Item, Kind
from models.catalogue.schema_store import store
from models.errors import InvalidState, InvalidType, InvalidValue, NameTaken, NotFound

PARTS: Mapping[str, Kind] = {"classes": CLASS, "fields": FIELD}
Edit = Callable[[Draft, Item], Item]
USED = "SELECT EXISTS (SELECT FROM catalogue_records WHERE definition_id = %(id)s)"
GROUP = """
SELECT id, definition_id FROM catalogue_records
WHERE parent_id = %(parent)s AND canonical_id IS NULL AND status = 'published'
    AND definition_id = coalesce(%(definition)s::bigint, definition_id)
"""


def add(part: str, gid: str) -> Edit:
    """Return what adds a class or field to an extension."""

    def edit(draft: Draft, item: Item) -> Item:
        known = refer(draft.schema, PARTS[part], gid, f"/{PARTS[part]}")
        if known in draft.schema.merged(item).get(part, ()):
            raise InvalidState("The record's definition has it already.", gid=known)
        return _with(item, **{part: [*item.gids(part), known]})

    return edit


def remove(part: str, gid: str) -> Edit:
    """Return what takes a class or field out of an extension; what the base has stays."""

    def edit(_: Draft, item: Item) -> Item:
        if gid not in item.gids(part):
            raise NotFound("The record's definition was not extended by this.", gid=gid)
        return _with(item, **{part: [other for other in item.gids(part) if other != gid]})

    return edit


def list_field(key: str, gid: str) -> Edit:
    """Return what adds a field to a field list of an extension."""

    def edit(draft: Draft, item: Item) -> Item:
        known = refer(draft.schema, FIELD, gid, "/field")
        if known not in resolved(draft.schema, draft.schema.merged(item)):
            raise InvalidValue("This is none of the definition's fields.", pointer="/field")
        lists = dict(item.body.get("fieldlists") or {})
        return _with(item, fieldlists={**lists, key: list(dict.fromkeys([*lists.get(key, ()), known]))})

    return edit


def unlist_field(key: str, gid: str) -> Edit:
    """Return what takes a field out of a field list of an extension."""

    def edit(_: Draft, item: Item) -> Item:
        lists = dict(item.body.get("fieldlists") or {})
        if gid not in lists.get(key, ()):
            raise NotFound("The field list was not extended by this field.", gid=gid)
        return _with(item, fieldlists={**lists, key: [other for other in lists[key] if other != gid]})

    return edit


def restructure(given: Mapping[str, Any], fieldlists: Mapping[str, str]) -> Edit:
    """Return what gives an extension another name, base, classes, fields and field lists, as far as they are given."""

    def edit(draft: Draft, item: Item) -> Item:
        schema = draft.schema
        if given.get("base_definition") is not None:
            item = replace(item, original=refer(schema, DEFINITION, given["base_definition"], "/base_definition"))
        base = schema.by_gid[str(item.original)]
        if given.get("name") is not None:
            item = replace(item, name=_free(schema.extensions(base), item, given["name"]))
        for part, kind in PARTS.items():
            if given.get(part) is not None:
                item = _with(item, **{part: referred(schema, kind, given[part], part)})
        if given.get("fieldlists") is not None:
            item = _with(item, fieldlists=_lists(draft, item, given["fieldlists"], fieldlists))
        return item

    return edit


def _free(others: Sequence[Item], item: Item, name: Any) -> str:
    if not isinstance(name, str):
        raise InvalidType("`name` is a text.", pointer="/name")
    if any(other.name == name and other.gid != item.gid for other in others):
        raise NameTaken("Another extension of this definition has the name.", pointer="/name")
    return check_name(name)


def _lists(draft: Draft, item: Item, given: Any, known: Mapping[str, str]) -> dict[str, list[str]]:
    if not isinstance(given, dict):
        raise InvalidType("`fieldlists` is an object.", pointer="/fieldlists")
    if not given.keys() <= known.keys():
        raise InvalidValue("There is no such fieldlist in this project.", pointer="/fieldlists")
    fields = resolved(draft.schema, draft.schema.merged(item))
    lists = {key: referred(draft.schema, FIELD, gids, "fieldlists") for key, gids in given.items()}
    if not {gid for gids in lists.values() for gid in gids} <= fields:
        raise InvalidValue("A field list has fields of the definition.", pointer="/fieldlists")
    return lists


def _with(item: Item, **parts: Any) -> Item:
    return replace(item, body={**item.body, **parts})


def new_extension(draft: Draft, definition: Item) -> Item:
    """Return an extension like a definition's: of it, if that is none itself, else of its base with all that it adds."""
    base = draft.schema.original_of(definition) if definition.is_extended else definition
    name = numbered(definition.name, {other.name for other in draft.schema.extensions(base)})
    body = dict(definition.body) if definition.is_extended else {"classes": [], "fields": [], "fieldlists": {}}
    return Item(0, str(ids.new_token()), DEFINITION, name, original=base.gid, is_extended=True, body=body)


def extend(work: Work, node: RecordNode, edit: Edit, *, own: bool = False) -> tuple[Work, Done]:
    """Change the extension that a record has, or give it one; with `own` always a new one, for this record alone."""
    definition = work.schema.by_id[node.definition_id]
    draft = Draft(work.schema)
    fresh = own or not definition.is_extended
    item = edit(draft, new_extension(draft, definition) if fresh else definition)
    draft.put(item)
    work = _stored(work, draft)
    stored = work.schema.by_gid[item.gid]
    done = set_definition(work, [node.source_id], stored)[0] if fresh else Done(node.gid, node.id)
    return _swept(work, definition), done


def get_extension(work: Work, node: RecordNode) -> Item:
    """Return the extension that a record has. Raises InvalidState."""
    definition = work.schema.by_id[node.definition_id]
    if not definition.is_extended:
        raise InvalidState("The record's definition is not extended.")
    return definition


def revert(work: Work, node: RecordNode) -> tuple[Work, Done]:
    """Give a record the base of its extension again."""
    extension = get_extension(work, node)
    done = set_definition(work, [node.source_id], work.schema.original_of(extension))[0]
    return _swept(work, extension), done


def hand_on(work: Work, node: RecordNode, source: Item | None, definition: Item) -> Work:
    """Give a definition to those of a record's group that have `source`, or to all of them; links change with their originals."""
    values = {"parent": node.parent_id, "definition": source.id if source else None}
    members = dict(work.execute(GROUP, values))
    set_definition(work, list(members), definition)
    for definition_id in sorted({*members.values()} - {definition.id}):
        work = _swept(work, work.schema.by_id[definition_id])
    return work


def _stored(work: Work, draft: Draft) -> Work:
    """Store a draft; return what goes on with the schema as it is then."""
    store(work.session, work.project, draft)
    project = lock_project(work.session, work.project)
    return Work.on(work.session, project, load_schema(work.session, project))


def _swept(work: Work, definition: Item) -> Work:
    """Remove an extension that no record has any more."""
    if not definition.is_extended or work.execute(USED, {"id": definition.id}) == [(True,)]:
        return work
    draft = Draft(work.schema)
    draft.drop(definition.gid)
    return _stored(work, draft)
