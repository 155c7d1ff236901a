"""The properties that schema items are made and changed with, read and checked. Pure.

What is not given, or null, stays as it is; only a unit and a title field are taken away by null. Labels and initial values merge
language by language, null removes one; everything else is replaced whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from models.catalogue.gids import read_gid
from models.catalogue.metadata import parse_metadata
from models.catalogue.project import Project
from models.catalogue.schema_items import CLASS, DEFINITION, FIELD, Item, Kind, Schema
from models.errors import InvalidType, InvalidValue, NotFound, pointer_to

FIELD_TYPES = frozenset({
    "text", "textline", "textlist", "code", "barcode", "number", "decimal", "boolean", "class", "classlist",
    "image", "imagelist", "file", "filelist", "record", "recordlist", "fieldpicker",
})  # fmt: skip
OF_CLASSES = ("class", "classlist")
OF_VALUES = ("textline", "textlist")
MOST_VALUES = 5_000  # of a field with values to choose from
LONGEST = 1_000
MOST_LISTED = 1_000
LISTS: Mapping[str, Kind] = {"classes": CLASS, "fields": FIELD, "childdefinitions": DEFINITION}
EMPTY: Mapping[Kind, Mapping[str, Any]] = {
    DEFINITION: {
        "label": {}, "classes": [], "fields": [], "titlefield": None, "fieldlists": {}, "layout": None,
        "childdefinitions": [], "metadata": {},
    },
    CLASS: {"label": {}, "fields": [], "layout": None, "metadata": {}},
    FIELD: {
        "label": {}, "type": "textline", "options": {}, "is_localized": False, "is_required": False, "initial": {},
        "unit": None, "metadata": {},
    },
}  # fmt: skip

Properties = Mapping[str, Any]


def with_properties(schema: Schema, project: Project, item: Item, given: Properties) -> dict[str, Any]:
    """Return the body of an item with some of its properties changed. Raises InvalidType, InvalidValue, NotFound."""
    body = {**EMPTY[item.kind], **item.body}
    wanted = {name: value for name, value in given.items() if value is not None or name in ("unit", "titlefield")}
    if "label" in wanted:
        body["label"] = _merge_texts(body["label"], wanted["label"], project.languages, "label")
    if "metadata" in wanted:
        body["metadata"] = parse_metadata(_object(wanted["metadata"], "metadata"), project.languages)
    for part in LISTS.keys() & body.keys() & wanted.keys():
        body[part] = referred(schema, LISTS[part], wanted[part], part)
    if item.kind == FIELD:
        _change_field(schema, project, body, wanted)
    if item.kind == DEFINITION:
        _change_definition(schema, project, body, wanted)
    return body


def referred(schema: Schema, kind: Kind, gids: Any, name: str) -> list[str]:
    """Return gids of originals for a list of gids, each once."""
    if not isinstance(gids, list) or len(gids) > MOST_LISTED:
        raise InvalidType(f"`{name}` is a list of up to {MOST_LISTED} gids.", pointer=pointer_to(name))
    return list(dict.fromkeys(refer(schema, kind, gid, pointer_to(name, at)) for at, gid in enumerate(gids)))


def refer(schema: Schema, kind: Kind, gid: Any, pointer: str) -> str:
    """Return the gid by which an item is referred to: that of its original. Raises InvalidValue, NotFound."""
    known = read_gid(gid)
    if known is None:
        raise InvalidValue("This is no gid.", pointer=pointer)
    found = schema.find(kind, known)
    if found is None:
        raise NotFound(f"There is no {kind} {known} in this project.", pointer=pointer, gid=known)
    return schema.original_of(found).gid


def _change_definition(schema: Schema, project: Project, body: dict[str, Any], wanted: Properties) -> None:
    if "titlefield" in wanted:
        title = wanted["titlefield"]
        body["titlefield"] = None if title is None else refer(schema, FIELD, title, "/titlefield")
        if title is not None and body["titlefield"] not in resolved(schema, body):
            raise InvalidValue("The title field is one of the definition's fields.", pointer="/titlefield")
    for key, gids in _object(wanted.get("fieldlists", {}), "fieldlists").items():
        if key not in project.fieldlists:
            raise InvalidValue("This is no fieldlist of the project.", pointer=pointer_to("fieldlists", key[:LONGEST]))
        body["fieldlists"] = {**body["fieldlists"], key: referred(schema, FIELD, gids, "fieldlists")}


def resolved(schema: Schema, body: Mapping[str, Any]) -> set[str]:
    """Return the gids of a definition's fields, its classes' among them."""
    own = set(body.get("fields") or ())
    return own.union(*(schema.by_gid[gid].gids("fields") for gid in body.get("classes") or ()))


def _change_field(schema: Schema, project: Project, body: dict[str, Any], wanted: Properties) -> None:
    for name in ("is_localized", "is_required"):
        if name in wanted:
            body[name] = _flag(wanted[name], name)
    if "type" in wanted:
        body["type"] = _type(wanted["type"])
    if "unit" in wanted:
        body["unit"] = None if wanted["unit"] is None else _text(wanted["unit"], "unit")
    if "options" in wanted:
        body["options"] = {**body["options"], **_options(schema, project, _object(wanted["options"], "options"))}
    if "initial" in wanted:
        initial = _object(wanted["initial"], "initial")
        _check_languages(initial, project.languages, "initial")
        merged = {**body["initial"], **initial}
        body["initial"] = {language: value for language, value in merged.items() if value is not None}
    body["options"] = _fitting(body["type"], body["options"])


def _fitting(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a field of this type can have."""
    dropped = (set() if kind in OF_CLASSES else {"class"}) | (set() if kind in OF_VALUES else {"values", "value_labels"})
    return {name: value for name, value in options.items() if name not in dropped}


def _options(schema: Schema, project: Project, options: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(options)
    if checked.get("class") is not None:
        checked["class"] = refer(schema, CLASS, checked["class"], "/options/class")
    if checked.get("values") is not None:
        checked["values"] = _values(checked["values"], project.languages)
    if "value_labels" in checked:
        checked["value_labels"] = _flag(checked["value_labels"], "options/value_labels")
    return checked


def _values(values: Any, languages: Collection[str]) -> list[dict[str, Any]]:
    """Return what a field offers to choose from: {"key", language: label}."""
    if not isinstance(values, list) or len(values) > MOST_VALUES or not all(isinstance(value, Mapping) for value in values):
        raise InvalidType(f"`values` is a list of up to {MOST_VALUES} objects.", pointer="/options/values")
    keys = [value.get("key") for value in values]
    if not all(isinstance(key, str) and key for key in keys) or len(set(keys)) < len(keys):
        raise InvalidValue("Each of the values has a key of its own.", pointer="/options/values")
    for value in values:
        labels = {language: text for language, text in value.items() if language != "key"}
        _merge_texts({}, labels, languages, "options/values")
    return [dict(value) for value in values]


def _merge_texts(present: Mapping[str, str], given: Any, languages: Collection[str], name: str) -> dict[str, str]:
    texts = _object(given, name)
    _check_languages(texts, languages, name)
    for text in texts.values():
        if text is not None:
            _text(text, name)
    return {language: text for language, text in {**present, **texts}.items() if text is not None}


def _check_languages(given: Mapping[str, Any], languages: Collection[str], name: str) -> None:
    strange = [language for language in given if language not in languages]
    if strange:
        raise InvalidValue("This is no language of the project.", pointer=pointer_to(name, strange[0][:LONGEST]))


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidType(f"`{name}` is an object.", pointer=pointer_to(name))
    return value


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidType(f"`{name}` is true or false.", pointer=f"/{name}")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise InvalidType(f"`{name}` is a text of up to {LONGEST} characters.", pointer=f"/{name}")
    return value


def _type(value: Any) -> str:
    if not isinstance(value, str) or value not in FIELD_TYPES:
        raise InvalidValue(f"A field is of type {', '.join(sorted(FIELD_TYPES))}.", pointer="/type")
    return value
