"""Filters over classification records as SQL over the relation of `visibility.visible_records`. Operands are read already.

A condition is true, false or unknown where something is missing, and unknown counts as false; what is turned round is therefore
`IS NOT TRUE`. Values are bound, names come from the registry of keys. A cell beyond its key's ceiling for the caller is missing,
and where an operator needs its key's type, so is a value of another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from models.classifications.keys import Key, key_set
from models.classifications.state import Level
from models.identity.tables import labs, organisations
from models.selection.grammar import Condition, Filter
from models.selection.operands import PROPERTIES
from models.selection.words import matches_text

Truth: TypeAlias = sa.ColumnElement[bool]
Value: TypeAlias = sa.ColumnElement[Any]

C_TEXT = sa.Text(collation="C")
DATE_SHAPE = r"^\d{4}-\d{1,2}-\d{1,2}$"
ORGANISATION_LABS = sa.select(labs.c.id).join(organisations, organisations.c.id == labs.c.organisation_id)


def compile_filter(tree: Filter, seen: sa.Subquery) -> Truth:
    """Return a filter that was read as SQL."""
    if isinstance(tree, Condition):
        return _compile(tree, seen)
    terms = [compile_filter(term, seen) for term in tree.terms]
    match tree.word:
        case "and":
            return sa.and_(*terms)
        case "or":
            return sa.or_(*terms)
        case _:
            return _otherwise(terms[0])


def _otherwise(truth: Truth) -> Truth:
    return sa.type_coerce(truth, sa.Boolean).self_group().is_not(sa.true())


def _compile(condition: Condition, seen: sa.Subquery) -> Truth:
    return COMPILE[condition.operator](_subject(condition.name, seen), condition.operand)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a condition is about: the value that is compared, whether there is one, and whether it is one of several."""

    value: Value
    present: Truth
    among: Callable[[Sequence[Any]], Truth]


def _subject(name: str, seen: sa.Subquery) -> _Subject:
    key = None if name in PROPERTIES else key_set().get(name)
    if key is not None:
        return _key(key, _cell(key, seen))
    if name in ("lab", "organisation"):
        return _owner(ORGANISATION_LABS if name == "organisation" else sa.select(labs.c.id), seen)
    column = seen.c["share_level" if name == "publish" else name]
    return _Subject(column, column.is_not(None), column.in_)


def _owner(named: sa.Select[Any], seen: sa.Subquery) -> _Subject:
    group_name = organisations.c.group_name if named is ORGANISATION_LABS else labs.c.group_name

    def among(names: Sequence[str]) -> Truth:
        return seen.c.lab_id == sa.any_(sa.func.array(named.where(group_name.in_(names)).scalar_subquery()))

    return _Subject(seen.c.lab_id, sa.true(), among)


def _cell(key: Key, seen: sa.Subquery) -> Value:
    """Return the value of a cell as jsonb; NULL where there is none or the caller may not see it."""
    value = sa.func.jsonb_extract_path(seen.c.evidence, key.name, "value", type_=JSONB)
    if key.max_share_level >= Level.LOGGED_IN_USERS:
        return value
    return sa.case((seen.c.ceiling <= int(key.max_share_level), value))


def _key(key: Key, cell: Value) -> _Subject:
    present = sa.func.jsonb_typeof(cell) != "null"
    match key.value_type:
        case "M":
            return _Subject(cell, present, lambda lists: sa.or_(*(cell == _json(options) for options in lists)))
        case "B":
            return _Subject(cell, present, lambda flags: sa.or_(*(cell == _json(flag) for flag in flags)))
        case "N" | "L" | "I":
            value: Value = sa.case((sa.func.jsonb_typeof(cell) == "number", sa.cast(cell, sa.Numeric)))
        case "D":
            value = _day(_text(cell))
        case _:
            value = _text(cell)
    return _Subject(value, present, value.in_)


def _text(cell: Value) -> Value:
    return sa.type_coerce(cell.op("#>>")(sa.literal_column("'{}'")), C_TEXT)


def _day(text: Value) -> Value:
    """Return a date text as yyyy-mm-dd, which sorts; NULL for other texts. The stored form may lack leading zeros."""
    month, day = (sa.func.lpad(sa.func.split_part(text, "-", part), 2, "0") for part in (2, 3))
    padded = sa.func.concat(sa.func.split_part(text, "-", 1), "-", month, "-", day)
    return sa.case((text.regexp_match(DATE_SHAPE), sa.type_coerce(padded, C_TEXT)))


def _json(value: Any) -> Value:
    return sa.cast(sa.literal(json.dumps(value), sa.Text), JSONB)


COMPILE: dict[str, Callable[[_Subject, Any], Truth]] = {
    "is": lambda subject, operand: subject.among([operand]),
    "is_not": lambda subject, operand: _otherwise(subject.among([operand])),
    "in": lambda subject, operand: subject.among(operand),
    "has": lambda subject, operand: subject.value.op("@>", is_comparison=True)(_json(operand)),
    "q": lambda subject, operand: matches_text(subject.value, operand),
    "exists": lambda subject, _: subject.present,
    "missing": lambda subject, _: _otherwise(subject.present),
    "<": lambda subject, operand: subject.value < operand,
    ">": lambda subject, operand: subject.value > operand,
    "between": lambda subject, operand: sa.and_(subject.value >= operand[0], subject.value <= operand[1]),
}
