"""Schema items and queries as clients read them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.catalogue.project import Project
from models.catalogue.schema_items import CLASS, DEFINITION, FIELD, LAYOUT, Item, Kind, Schema

PLURALS: Mapping[Kind, str] = {DEFINITION: "definitions", CLASS: "classes", FIELD: "fields", LAYOUT: "layouts"}


def dump_items(project: Project, schema: Schema, items: Iterable[Item]) -> dict[str, dict[str, Any]]:
    """Return items by type and gid, as `data` holds them. Each appears once however often it is given."""
    data: dict[str, dict[str, Any]] = {}
    for item in items:
        data.setdefault(PLURALS[item.kind], {})[item.gid] = dump_item(project, schema, item)
    return data


def dump_schema(project: Project, schema: Schema, *, extended: bool = True) -> dict[str, dict[str, Any]]:
    """Return the whole schema, each type of item with a place, without the extended definitions if they are not wanted."""
    wanted = (item for item in schema.by_gid.values() if extended or not item.is_extended)
    return {plural: {} for plural in PLURALS.values()} | dump_items(project, schema, wanted)


def dump_around(project: Project, schema: Schema, items: Iterable[Item]) -> dict[str, dict[str, Any]]:
    """Return items with all that a client needs to read them: layouts, classes, fields, the base of an extended definition."""
    needed = {near.gid: near for item in items for near in schema.surroundings(item)}
    return dump_items(project, schema, needed.values())


def dump_item(project: Project, schema: Schema, item: Item) -> dict[str, Any]:
    """Return an item as clients read it."""
    body = schema.merged(item)
    states = {"is_new": item.is_new, "is_working_copy": item.is_working_copy}
    common = {"gid": item.gid, "original": item.original, "name": item.name, **states}
    match item.kind:
        case "definition":
            return common | _definition(project, item, body)
        case "class":
            return common | {name: body.get(name) for name in ("label", "fields", "layout", "metadata")}
        case "field":
            return common | _field(body)
        case "layout":
            return common | {"root": body.get("root"), "components": body.get("components") or {}}


def _definition(project: Project, item: Item, body: Mapping[str, Any]) -> dict[str, Any]:
    lists = body.get("fieldlists") or {}
    return {
        "label": body.get("label") or {},
        "classes": body.get("classes") or [],
        "fields": body.get("fields") or [],
        "titlefield": body.get("titlefield"),
        "fieldlists": {key: lists.get(key) or [] for key in project.fieldlists},
        "layout": body.get("layout"),
        "childdefinitions": body.get("childdefinitions") or [],
        "metadata": body.get("metadata") or {},
        "is_base": item.is_base,
        "is_extended": item.is_extended,
    }


def _field(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "label": body.get("label") or {},
        "type": body["type"],
        "options": body.get("options") or {},
        "is_localized": bool(body.get("is_localized")),
        "is_required": bool(body.get("is_required")),
        "initial": body.get("initial") or {},
        "unit": body.get("unit"),
        "metadata": body.get("metadata") or {},
    }
