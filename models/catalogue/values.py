"""What becomes of stored values when their fields are changed: they are taken over where they fit, else dropped. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.catalogue.content import Content, Form, Shape

TEXTS = frozenset({"text", "textline", "code", "barcode"})
LIST_OF = {"textlist": "textline", "imagelist": "image", "filelist": "file", "recordlist": "record", "classlist": "class"}
ALIKE: tuple[frozenset[str], ...] = (TEXTS, frozenset({"image", "file"}))
Converter = Callable[[Any], Any]


def lost_or_changed(before: Form, after: Form) -> list[str]:
    """Return the gids of those fields whose stored values are not right any more."""
    present = {shape.gid: shape for shape in after.shapes}
    return [shape.gid for shape in before.shapes if _signature(shape) != _signature(present.get(shape.gid))]


def _signature(shape: Shape | None) -> Any:
    """Return what the stored form of a value depends on."""
    return shape and (shape.gid, shape.type, shape.is_localized, [_signature(part) for part in shape.parts])


def take_over(content: Content, before: Form, after: Form, languages: Sequence[str]) -> dict[str, Any]:
    """Return a content as the changed fields have it; the values of fields that are gone stay where they are, unseen."""
    present = {shape.gid: shape for shape in after.shapes}
    taken = dict(content)
    for old in before.shapes:
        new = present.get(old.gid)
        if old.gid in content and new is not None and _signature(old) != _signature(new):
            taken[old.gid] = _value(content[old.gid], old, new, languages)
    return {gid: value for gid, value in taken.items() if value is not None}


def _value(value: Any, old: Shape, new: Shape, languages: Sequence[str]) -> Any:
    """Return a stored value with its languages as the new field has it."""

    def single(part: Any) -> Any:
        return _retype(part, old, new, languages)

    if old.is_localized and isinstance(value, Mapping):
        by_language = {language: found for language, part in value.items() if (found := single(part)) is not None}
        if new.is_localized:
            return by_language or None
        return next((by_language[language] for language in languages if language in by_language), None)
    found = single(value)
    if new.is_localized and found is not None:
        return dict.fromkeys(languages, found)
    return found


def _retype(value: Any, old: Shape, new: Shape, languages: Sequence[str]) -> Any:
    if old.type in LIST_OF and new.type in LIST_OF:
        return _entries(value, lambda entry: _entry(entry, LIST_OF[old.type], LIST_OF[new.type], (old, new, languages)))
    if new.type in LIST_OF:
        found = _entry(value, old.type, LIST_OF[new.type], (old, new, languages))
        return None if found is None else [found]
    if old.type in LIST_OF:
        entries = _entries(value, lambda entry: _entry(entry, LIST_OF[old.type], new.type, (old, new, languages)))
        return entries[0] if entries else None
    return _entry(value, old.type, new.type, (old, new, languages))


def _entries(value: Any, convert: Converter) -> list[Any] | None:
    found = [convert(entry) for entry in value] if isinstance(value, list) else []
    return [entry for entry in found if entry is not None] or None


def _entry(value: Any, old_type: str, new_type: str, context: tuple[Shape, Shape, Sequence[str]]) -> Any:
    """Return one value, not a list, as another type has it; None where it does not fit."""
    old, new, languages = context
    if old_type == new_type == "class":
        return _class(value, old, new, languages)
    if old_type == new_type or any({old_type, new_type} <= alike for alike in ALIKE):
        return value
    if (old_type, new_type) == ("number", "decimal"):
        return float(value)
    if new_type in TEXTS and old_type in ("number", "decimal"):
        return str(value)
    return None


def _class(value: Any, old: Shape, new: Shape, languages: Sequence[str]) -> Any:
    if not isinstance(value, Mapping):
        return None
    present = {part.gid: part for part in new.parts}
    taken: dict[str, Any] = {}
    for part in old.parts:
        if part.gid in value and part.gid in present:
            was, will = _within(part, old), _within(present[part.gid], new)
            taken[part.gid] = _value(value[part.gid], was, will, languages)
    return {gid: part for gid, part in taken.items() if part is not None} or None


def _within(part: Shape, around: Shape) -> Shape:
    """Return a part as it is stored: in a localized class nothing is by language once more."""
    if not (around.is_localized and part.is_localized):
        return part
    return Shape(part.gid, part.name, part.type, False, part.is_required, part.labels, part.parts)
