"""What a record says: stored by the gids of fields, shown by their names, in every language that was asked for. Pure.

A localized field's value is stored by language. A field with a list of `values` stores the key of one (or of some), which is
shown as its label. A class's value is stored by the gids of its fields; a field localized within a class that is not, by language
there. What is empty is not stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from models.catalogue.schema_items import Item, Schema
from models.catalogue.words import NO_LANGUAGE, record_words

Content: TypeAlias = Mapping[str, Any]
Shown: TypeAlias = dict[str, Any]
CLASSES = ("class", "classlist")
KEY = "/key"


@dataclass(frozen=True)
class Shape:
    """A field as values of it are read and written. `parts` are the fields of its class, `labels` those of its values by key."""

    gid: str
    name: str
    type: str
    is_localized: bool
    is_required: bool
    labels: Mapping[str, Mapping[str, str]] | None
    parts: tuple[Shape, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Shape]:
        """The fields of the class by name and by gid."""
        return {word: part for part in self.parts for word in (part.name, part.gid)}

    @cached_property
    def mixed(self) -> bool:
        """Whether a value differs between languages in some of its parts only."""
        return not self.is_localized and any(part.is_localized or part.mixed for part in self.parts)

    def stored(self, content: Content, language: str) -> Any:
        """Return the stored value for a language, None where there is none."""
        value = content.get(self.gid)
        return value.get(language) if self.is_localized and value is not None else value

    def show(self, value: Any, language: str) -> Any:
        """Return a stored value as clients see it."""
        if value is None:
            return None
        if self.parts:
            return self._show_class(value, language)
        return self._label(value, language) if self.labels is not None else value

    def _show_class(self, value: Any, language: str) -> Any:
        if isinstance(value, list):
            return [self._show_class(entry, language) for entry in value]
        shown: Shown = {}
        for part in self.parts:
            inner = part.stored(value, language) if not self.is_localized else value.get(part.gid)
            part.put(shown, inner, language)
        return shown

    def _label(self, value: Any, language: str) -> Any:
        if isinstance(value, list):
            return [self._label(entry, language) for entry in value]
        return (self.labels or {}).get(value, {}).get(language) or value

    @cached_property
    def plain(self) -> bool:
        """Whether a value is shown as it is stored."""
        return not self.parts and self.labels is None

    def put(self, shown: Shown, value: Any, language: str) -> None:
        """Add a stored value to what is shown, with the key beside it where it is one of a list of values."""
        shown[self.name] = self.show(value, language)
        if self.labels is not None:
            shown[self.name + KEY] = value

    def searched(self, value: Any) -> Mapping[str, Any]:
        """Return what is found by a key of a list of values: the key itself, and the label in each language."""
        keys = value if isinstance(value, list) else [value]
        words: dict[str, list[str]] = {NO_LANGUAGE: list(keys)}
        for key in keys:
            for language, label in (self.labels or {}).get(key, {}).items():
                words.setdefault(language, []).append(label)
        return words


@dataclass(frozen=True)
class Form:
    """A definition as records of it are read and written."""

    definition: Item
    shapes: tuple[Shape, ...]
    titlefield: str | None
    project_id: int
    initials: Mapping[str, Mapping[str, Any]]

    @cached_property
    def by_word(self) -> Mapping[str, Shape]:
        """The fields by gid, and by name where that is not a gid too."""
        return {shape.name: shape for shape in self.shapes} | {shape.gid: shape for shape in self.shapes}

    def show(self, content: Content, languages: Sequence[str]) -> dict[str, Shown]:
        """Return every field in every language."""
        shared: Shown = {shape.name: content.get(shape.gid) for shape in self._shared}
        shown = {language: dict(shared) for language in languages}
        for shape in self._apart:
            for language in languages:
                shape.put(shown[language], shape.stored(content, language), language)
        return shown

    @cached_property
    def _shared(self) -> tuple[Shape, ...]:
        """The fields that are shown alike in all languages."""
        return tuple(shape for shape in self.shapes if shape.plain and not shape.is_localized)

    @cached_property
    def _apart(self) -> tuple[Shape, ...]:
        return tuple(shape for shape in self.shapes if not shape.plain or shape.is_localized)

    def title(self, content: Content, languages: Iterable[str]) -> dict[str, str]:
        """Return the title in each language, `""` where it has none."""
        shape = self.by_word.get(self.titlefield or "")
        return {language: _text(shape, content, language) for language in languages}

    def words(self, content: Content) -> str:
        """Return the words that a record of this definition is found by, as the text of a tsvector."""
        listed = {shape.gid for shape in self.shapes if shape.labels is not None and content.get(shape.gid) is not None}
        searched = {**content, **{gid: self._searched(self.by_word[gid], content[gid]) for gid in listed}}
        fields = [_Spoken(shape.gid, shape.is_localized or shape.gid in listed) for shape in self.shapes]
        return record_words(self.project_id, searched, fields, self.titlefield)

    def _searched(self, shape: Shape, value: Any) -> Mapping[str, Any]:
        if not shape.is_localized:
            return shape.searched(value)
        return {language: [*_flat(shape.searched(key).values())] for language, key in value.items()}

    def fitting(self, content: Content) -> dict[str, Any]:
        """Return what of a content this definition has fields for."""
        return {gid: value for gid, value in content.items() if gid in self.by_word}


@dataclass(frozen=True)
class _Spoken:
    gid: str
    is_localized: bool


def _flat(lists: Iterable[list[str]]) -> Iterator[str]:
    return iter(dict.fromkeys(text for texts in lists for text in texts))


def _text(shape: Shape | None, content: Content, language: str) -> str:
    value = shape.show(shape.stored(content, language), language) if shape else None
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


class Forms:
    """The forms of a schema's definitions, each made when it is first asked for."""

    def __init__(self, schema: Schema, project_id: int) -> None:
        self.schema = schema
        self.project_id = project_id
        self._known: dict[int, Form] = {}
        self._shapes: dict[str, Shape] = {}

    def of(self, definition: Item) -> Form:
        """Return the form of a definition."""
        if definition.id not in self._known:
            fields = self.schema.resolve(definition)
            shapes = tuple(self._shape(item, ()) for item in fields)
            initials = {item.gid: item.body["initial"] for item in fields if isinstance(item.body.get("initial"), dict)}
            titlefield = self.schema.merged(definition).get("titlefield")
            self._known[definition.id] = Form(definition, shapes, titlefield, self.project_id, initials)
        return self._known[definition.id]

    def by_id(self, definition_id: int) -> Form:
        """Return the form of a stored definition."""
        return self.of(self.schema.by_id[definition_id])

    def _shape(self, item: Item, above: Sequence[str]) -> Shape:
        if item.gid not in self._shapes:
            within = item.type in CLASSES and item.gid not in above  # a class that holds itself ends here
            parts = [self._shape(part, [*above, item.gid]) for part in self.schema.class_fields(item)] if within else []
            shape = Shape(item.gid, item.name, item.type, item.is_localized, item.is_required, labels_of(item), tuple(parts))
            if above:
                return shape
            self._shapes[item.gid] = shape
        return self._shapes[item.gid]


def labels_of(item: Item) -> dict[str, dict[str, str]] | None:
    """Return the labels of a field's list of values by key and language, None where it has no such list."""
    values = item.options.get("values")
    if not isinstance(values, list) or not values:
        return None
    return {
        str(value["key"]): {language: str(label) for language, label in value.items() if language != "key" and label}
        for value in values
    }
