"""What `validation` finds: `is_empty`, nothing in the language of the search; `not_translated`, nothing there but something in
another language; `any`, not translated, or stored as something that its field no longer is. Empties alone are not among `any`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from models.catalogue.schema_items import DEFINITION, Item, Schema
from models.selection.catalogue_operands import ASSETS, RECORDS
from models.selection.grammar import Condition

Truth: TypeAlias = sa.ColumnElement[bool]

SEEN = "seen"
"""How the relation of a scope is called in SQL."""

STORED_AS = {
    "textlist": "array",
    "number": "number",
    "decimal": "number",
    "boolean": "boolean",
    "class": "object",
    "classlist": "array",
    "imagelist": "array",
    "filelist": "array",
    "recordlist": "array",
}
A_TEXT = "string"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where conditions are asked: a relation of items of one kind, the project's schema, the language of the search."""

    kind: str
    seen: sa.FromClause
    project_id: int
    schema: Schema
    language: str


def _empty(value: str) -> str:
    return f"""(coalesce({value}, 'null') IN ('null', '""', '[]', '{{}}'))"""


def _parts(value: str) -> str:
    """Return SQL for the members of an object, none where the value is no object."""
    return f"jsonb_each(CASE WHEN jsonb_typeof({value}) = 'object' THEN {value} END)"


def _untranslated(value: str) -> str:
    return (
        f"({_empty(f'({value}) -> :language')} AND EXISTS (SELECT FROM {_parts(value)} AS other (language, text) "
        f"WHERE other.language <> 'key' AND NOT {_empty('other.text')}))"
    )


def _field(operator: str, whole: str, localized: str, wanted: str) -> str:
    """Return SQL for a field's stored value; `localized` is SQL too, `wanted` the JSON type that the value or its parts have."""
    if operator == "is_empty":
        return _empty(f"CASE WHEN {localized} THEN ({whole}) -> :language ELSE {whole} END")
    untranslated = f"({localized} AND {_untranslated(whole)})"
    if operator == "not_translated":
        return untranslated
    misfit = (
        f"(NOT {_empty(whole)} AND CASE WHEN {localized} THEN jsonb_typeof({whole}) <> 'object' OR EXISTS ("
        f"SELECT FROM {_parts(whole)} AS part (language, value) WHERE NOT {_empty('part.value')} "
        f"AND jsonb_typeof(part.value) <> {wanted}) ELSE jsonb_typeof({whole}) <> {wanted} END)"
    )
    return f"({untranslated} OR {misfit})"


ONE_FIELD = "seen.definition_id = ANY(CAST(:definitions AS bigint[])) AND {truth}"
ANY_FIELD = """
EXISTS (
    SELECT FROM jsonb_each_text(CAST(:checks AS jsonb) -> CAST(seen.definition_id AS text)) AS checked (gid, form) WHERE {truth}
)
"""


def _member(name: str) -> dict[str, str]:
    value = f"(seen.body -> '{name}')"
    lacks = _untranslated(value)
    return {"is_empty": f"({_empty(value)} OR {_empty(f'{value} -> :language')})", "not_translated": lacks, "any": lacks}


def _inside(rows: str, whole: str, lacks: str) -> dict[str, str]:
    found = f"EXISTS (SELECT FROM {rows} WHERE {lacks})"
    return {"is_empty": _empty(whole), "not_translated": found, "any": found}


VALUES = "(seen.body -> 'options' -> 'values')"
METADATA = "(seen.body -> 'metadata')"
OF_FIELDS = ("initial", "values")
PARTS: dict[str, dict[str, str]] = {
    "title": _member("title"),
    "description": _member("description"),
    "label": _member("label"),
    "initial": _member("initial"),
    "metadata": _inside(
        f"{_parts(METADATA)} AS entry (name, said)",
        METADATA,
        f"entry.said -> 'is_localized' = 'true' AND {_untranslated('entry.said -> ' + repr('value'))}",
    ),
    "values": _inside(
        f"jsonb_array_elements(CASE WHEN jsonb_typeof({VALUES}) = 'array' THEN {VALUES} END) AS entry (label)",
        VALUES,
        _untranslated("entry.label"),
    ),
}
CHECKED = {ASSETS: ("title", "description"), "schema": ("label", "metadata", *OF_FIELDS)}


def fails(condition: Condition, scope: Scope) -> Truth:
    """Return a condition about `validation` as SQL. Its operand is the field or part to look at, None for all."""
    if scope.kind == RECORDS:
        field: Item | None = condition.operand
        return _fields_fail(condition.operator, scope) if field is None else _field_fails(condition.operator, field, scope)
    names = [condition.operand] if condition.operand else CHECKED[scope.kind]
    return _raw(" OR ".join(f"({_of_part(name, condition.operator)})" for name in names), scope)


def _field_fails(operator: str, field: Item, scope: Scope) -> Truth:
    having = [item.id for item in scope.schema.of_kind(DEFINITION) if field in scope.schema.resolve(item)]
    form = (str(field.is_localized).lower(), f"'{STORED_AS.get(field.type, A_TEXT)}'")
    sql = ONE_FIELD.replace("{truth}", _field(operator, "(seen.content -> :gid)", *form))
    return _raw(sql, scope, definitions=f"{{{','.join(map(str, having))}}}", gid=field.gid)


def _fields_fail(operator: str, scope: Scope) -> Truth:
    forms = ("(seen.content -> checked.gid)", "starts_with(checked.form, '*')", "ltrim(checked.form, '*')")
    return _raw(ANY_FIELD.replace("{truth}", _field(operator, *forms)), scope, checks=json.dumps(_checks(scope.schema)))


def _of_part(name: str, operator: str) -> str:
    return f"seen.kind = 'field' AND {PARTS[name][operator]}" if name in OF_FIELDS else PARTS[name][operator]


def _raw(sql: str, scope: Scope, **values: Any) -> Truth:
    text = sa.text(f"({sql})")
    names = [name for name in ("language", *values) if f":{name}" in sql]
    known = {"language": scope.language, **values}
    bound = text.bindparams(*(sa.bindparam(name, known[name], sa.Text, unique=True) for name in names))
    return sa.type_coerce(bound, sa.Boolean)


def _checks(schema: Schema) -> dict[str, dict[str, str]]:
    """Return the fields by definition, each with the JSON type it is stored as, an asterisk before it where in each language."""
    found: dict[str, dict[str, str]] = {}
    for definition in schema.of_kind(DEFINITION):
        fields = schema.resolve(definition)
        forms = {field.gid: "*" * field.is_localized + STORED_AS.get(field.type, A_TEXT) for field in fields}
        found[str(definition.id)] = forms
    return found
