"""How values that were sent become a record's content. Pure.

What does not fit is left out and told of in a report; the rest is taken. A class is taken whole or not at all. A localized field
changes in the languages that were sent; any other has one value, so several languages must not say different things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.catalogue.content import KEY, Content, Form, Shape
from models.catalogue.field_values import Reader, Unfit
from models.errors import InvalidType, InvalidValue, pointer_to
from models.settings import Limits

SHOWN = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value was not taken."""

    code: str
    detail: str
    name: str
    language: str
    field: str | None = None

    def dump(self, record: str) -> dict[str, Any]:
        """Return an entry of a validation report."""
        return {
            "record": record, "field": self.field, "name": self.name, "language": self.language,
            "code": self.code, "message": self.detail,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Merged:
    """A content with what was sent, the faults of what was not taken, and how many fields were."""

    content: Content
    faults: tuple[Fault, ...]
    taken: int


def check_languages(sent: Any, languages: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return `fields` as it was sent: language -> name -> value. Raises InvalidType, InvalidValue."""
    if not isinstance(sent, dict):
        raise InvalidType("`fields` is an object of languages.", pointer="/fields")
    for language, values in sent.items():
        if language not in languages:
            raise InvalidValue("This is no language of the project.", pointer=pointer_to("fields", language))
        if not isinstance(values, dict):
            raise InvalidType("The fields of a language are an object.", pointer=pointer_to("fields", language))
    return sent


def merge(form: Form, content: Content, sent: Mapping[str, Mapping[str, Any]], limits: Limits) -> Merged:
    """Return a content with the values that were sent, by the name or gid of their fields, or by `<name>/key`."""
    faults: list[Fault] = []
    fresh = dict(content)
    taken = 0
    for gid, values in _by_field(form, sent, faults).items():
        shape = form.by_word[gid]
        fitting = _fitting(shape, values, (limits, faults))
        if not fitting:
            continue
        try:
            _take(shape, fresh, fitting)
            taken += 1
        except Unfit as unfit:
            faults.append(Fault(unfit.code, unfit.detail, shape.name, next(iter(fitting)), shape.gid))
    return Merged(fresh, tuple(faults), taken)


def _by_field(form: Form, sent: Mapping[str, Mapping[str, Any]], faults: list[Fault]) -> dict[str, dict[str, tuple[Any, bool]]]:
    """Return the values by field and language, each with whether it is a key; of two names for one field, the key counts."""
    found: dict[str, dict[str, tuple[Any, bool]]] = {}
    for language, values in sent.items():
        for word, value in values.items():
            by_key = word.endswith(KEY)
            shape = form.by_word.get(word.removesuffix(KEY))
            if shape is None or (by_key and shape.labels is None):
                faults.append(Fault("unknown_field", "The record's definition has no such field.", word[:SHOWN], language))
                continue
            known = found.setdefault(shape.gid, {})
            if by_key or not known.get(language, (None, False))[1]:
                known[language] = (value, by_key)
    return found


def _fitting(shape: Shape, values: Mapping[str, tuple[Any, bool]], within: tuple[Limits, list[Fault]]) -> dict[str, Any]:
    limits, faults = within
    fitting = {}
    for language, (value, by_key) in values.items():
        try:
            fitting[language] = Reader(limits, language, by_key).read(shape, value)
        except Unfit as unfit:
            faults.append(Fault(unfit.code, unfit.detail, shape.name, language, shape.gid))
    whole = shape.is_localized or len(fitting) == len(values)
    return fitting if whole else {}


def _take(shape: Shape, content: dict[str, Any], fitting: Mapping[str, Any]) -> None:
    old = content.get(shape.gid)
    if shape.is_localized:
        value: Any = {**(old or {}), **fitting}
        value = {language: part for language, part in value.items() if part is not None} or None
    else:
        value = _agreed(shape, list(fitting.values()))
        value = carried(shape, old, value) if shape.mixed else value
    if value is None:
        content.pop(shape.gid, None)
    else:
        content[shape.gid] = value


def _agreed(shape: Shape, values: list[Any]) -> Any:
    first = values[0]
    for other in values[1:]:
        first = _joined(shape, first, other)
    return first


def _joined(shape: Shape, one: Any, other: Any) -> Any:
    """Return what two languages say together. Raises Unfit where they differ in what has no language."""
    if not shape.mixed or one is None or other is None:
        if one != other or type(one) is not type(other):
            raise Unfit("ambiguous_value", "The field is not localized, and the languages say different things.")
        return one
    if isinstance(one, list):
        if len(one) != len(other):
            raise Unfit("ambiguous_value", "The field is not localized, and the languages have lists of different length.")
        return [_joined(shape, first, second) for first, second in zip(one, other, strict=True)]
    joined: dict[str, Any] = {}
    for part in shape.parts:
        first, second = one.get(part.gid), other.get(part.gid)
        value = {**(first or {}), **(second or {})} or None if part.is_localized else _joined(part, first, second)
        if value is not None:
            joined[part.gid] = value
    return joined


def carried(shape: Shape, old: Any, new: Any) -> Any:
    """Return a class's new value with what the old one says in languages that were not sent."""
    if not isinstance(old, type(new)) or new is None:
        return new
    if isinstance(new, list):
        return [carried(shape, old[at], entry) if at < len(old) else entry for at, entry in enumerate(new)]
    kept = dict(new)
    for part in shape.parts:
        before = old.get(part.gid)
        if part.is_localized and before:
            kept[part.gid] = {**before, **(new.get(part.gid) or {})}
        elif part.mixed and part.gid in new:
            kept[part.gid] = carried(part, before, new[part.gid])
    return kept


def initial_content(form: Form, languages: Sequence[str], limits: Limits) -> dict[str, Any]:
    """Return what a new record says: the initial values of its fields, as far as they fit."""
    values: dict[str, dict[str, Any]] = {language: {} for language in languages}
    for gid, initial in form.initials.items():
        shape = form.by_word[gid]
        word = gid if shape.labels is None else gid + KEY
        for language in languages if shape.is_localized else languages[:1]:
            values[language][word] = initial.get(language if shape.labels is None else "key")
    return dict(merge(form, {}, values, limits).content)
