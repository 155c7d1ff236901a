"""Filters over records, assets and schema items as SQL over a relation of theirs. Operands are read already.

A condition is true, false or unknown where something is missing, and unknown counts as false; what is turned round is therefore
`IS NOT TRUE`. What the words of an item imply is asked of the index first, what they cannot say of the value itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import reduce
from operator import and_, or_
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSQUERY

from models import ids
from models.catalogue.schema_items import Item
from models.catalogue.tables import assets
from models.catalogue.words import NO_LANGUAGE
from models.selection.catalogue_operands import SCHEMA, FieldValue
from models.selection.catalogue_validation import Scope, fails
from models.selection.catalogue_words import query_text, value_text
from models.selection.grammar import Condition, Filter
from models.selection.terms import parse_q

Truth: TypeAlias = sa.ColumnElement[bool]
Value: TypeAlias = sa.ColumnElement[Any]

EMPTIES: list[Any] = [None, "", [], {}]
WEIGHTS = {"name": "A", "label": "B"}


def compile_filter(tree: Filter, scope: Scope) -> Truth:
    """Return a filter that was read as SQL."""
    if isinstance(tree, Condition):
        return _compile(tree, scope)
    terms = [compile_filter(term, scope) for term in tree.terms]
    return reduce(or_, terms) if tree.word == "or" else reduce(and_, terms) if tree.word == "and" else _otherwise(terms[0])


def _otherwise(truth: Truth) -> Truth:
    return sa.type_coerce(truth, sa.Boolean).self_group().is_not(sa.true())


def matches_words(scope: Scope, text: str) -> Truth:
    """Say whether an item's words answer a tsquery."""
    return scope.seen.c.words.op("@@", is_comparison=True)(sa.cast(sa.literal(text, sa.Text), TSQUERY))


def implied(tree: Filter, scope: Scope) -> Truth | None:
    """Return what the index can say of a filter: true wherever the filter is. None where it can say nothing."""
    text = _implied(tree, scope)
    return None if text is None else matches_words(scope, text)


def _implied(tree: Filter, scope: Scope) -> str | None:
    if isinstance(tree, Condition):
        return _implied_values(tree, scope) if tree.name == "value" and tree.operator in ("is", "in") else None
    asked = [_implied(term, scope) for term in tree.terms]
    known = [f"({text})" for text in asked if text is not None]
    if tree.word == "and":
        return " & ".join(known) or None
    return " | ".join(known) if tree.word == "or" and len(known) == len(asked) else None


def _implied_values(condition: Condition, scope: Scope) -> str | None:
    operand: FieldValue = condition.operand
    if operand.field is None:
        return None
    language = scope.language if operand.field.is_localized else NO_LANGUAGE
    asked = [value_text(scope.project_id, value, language, operand.field.gid) for value in operand.values]
    known = [f"({text})" for text in asked if text is not None]
    return " | ".join(known) if known and len(known) == len(asked) else None


def _compile(condition: Condition, scope: Scope) -> Truth:
    return COMPILE[condition.name](condition, scope)


def _when(condition: Condition, scope: Scope) -> Truth:
    moment = scope.seen.c[condition.name]
    if condition.operator == "between":
        first, last = (sa.func.to_timestamp(seconds) for seconds in condition.operand)
        return sa.and_(moment >= first, moment <= last)
    ago = ids.now() - timedelta(days=condition.operand)
    return sa.and_(moment > ago) if condition.operator == "<" else sa.and_(moment < ago)


def _definition(condition: Condition, scope: Scope) -> Truth:
    return scope.seen.c.definition_id == sa.any_(sa.literal(list(condition.operand), ARRAY(sa.BigInteger)))


def _value(condition: Condition, scope: Scope) -> Any:
    operand: FieldValue = condition.operand
    if operand.field is None:
        return sa.false()
    stored = _stored(scope, operand.field)
    if condition.operator in ("is", "in"):
        return reduce(or_, [_same(stored, value) for value in operand.values])
    number: Any = sa.case((sa.func.jsonb_typeof(stored) == "number", sa.cast(stored, sa.Numeric)))
    match condition.operator:
        case "<":
            return number < operand.values[0]
        case ">":
            return number > operand.values[0]
        case _:
            return sa.and_(number >= operand.values[0], number <= operand.values[1])


def _stored(scope: Scope, field: Item) -> Value:
    """Return a field's value in the language of the search as jsonb, NULL where there is none."""
    path = (field.gid, scope.language) if field.is_localized else (field.gid,)
    return sa.func.jsonb_extract_path(scope.seen.c.content, *path, type_=JSONB)


def _same(stored: Value, value: Any) -> Any:
    """Say whether a stored value is this one, or a list that has it."""
    if value in EMPTIES:
        return _empty(stored)
    if isinstance(value, list | dict):
        return stored == _json(value)
    return stored.op("@>", is_comparison=True)(_json(value))


def _json(value: Any) -> Value:
    return sa.cast(sa.literal(json.dumps(value), sa.Text), JSONB)


def _empty(stored: Value) -> Truth:
    return sa.func.coalesce(stored, _json(None)).in_([_json(value) for value in EMPTIES])


def _text(condition: Condition, scope: Scope) -> Any:
    """Compare a name or label: `is` the whole of it in any case, `q` its words. A label is that of the search's language."""
    column = scope.seen.c.name if condition.name == "name" else scope.seen.c.body["label"][scope.language].astext
    if condition.operator == "is":
        return sa.func.lower(column) == condition.operand.lower()
    text = query_text(scope.project_id, parse_q(condition.operand), scope.language, WEIGHTS[condition.name])
    return sa.false() if text is None else matches_words(scope, text)


def _type(condition: Condition, scope: Scope) -> Any:
    if scope.kind == SCHEMA:
        return sa.and_(scope.seen.c.kind == condition.operand)
    return sa.func.lower(scope.seen.c.type) == sa.any_(sa.literal(list(condition.operand), ARRAY(sa.Text)))


def _extension(condition: Condition, scope: Scope) -> Any:
    return sa.func.lower(scope.seen.c.type) == condition.operand.lower().removeprefix(".")


def _path(condition: Condition, scope: Scope) -> Truth:
    """Say whether an asset is in a folder: its parent is found by the folders' names from the root on."""
    within = (assets.c.project_id == scope.project_id, assets.c.status == "published")
    folder: Any = sa.select(assets.c.id).where(*within, assets.c.parent_id.is_(None)).scalar_subquery()
    for name in condition.operand:
        table = assets.alias()
        folder = sa.select(table.c.id).where(table.c.parent_id == folder, table.c.name == name, table.c.status == "published")
        folder = folder.scalar_subquery()
    return sa.and_(scope.seen.c.parent_id == folder)


def _committed(condition: Condition, scope: Scope) -> Truth:
    committed = sa.and_(sa.not_(scope.seen.c.is_new), sa.not_(scope.seen.c.is_working_copy))
    return committed if condition.operator == "is_true" else sa.not_(committed)


COMPILE: dict[str, Callable[[Condition, Scope], Truth]] = {
    "created_on": _when,
    "updated_on": _when,
    "definition": _definition,
    "classes": _definition,
    "value": _value,
    "name": _text,
    "label": _text,
    "type": _type,
    "ext": _extension,
    "path": _path,
    "is_committed": _committed,
    "validation": fails,
}
