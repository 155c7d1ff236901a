"""What a condition about records, assets or schema items may say: properties with their operators, operands as values. Pure.

Names in operands are resolved against the project's schema: a gid that names nothing is a dangling reference and finds nothing,
a name that names nothing is a mistake and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from models.catalogue.gids import read_gid
from models.catalogue.schema_items import CLASS, DEFINITION, FIELD, Item, Schema
from models.errors import InvalidSelection
from models.selection.grammar import Combination, Condition, Filter

RECORDS, ASSETS, SCHEMA = "records", "assets", "schema"
TIMES = frozenset({"<", ">", "between"})
VALIDATION = frozenset({"any", "is_empty", "not_translated"})
TEXT = frozenset({"is", "q"})
VALUE = frozenset({"is", "in", "<", ">", "between"})
FLAG = frozenset({"is_true", "is_false"})
PROPERTIES: dict[str, dict[str, frozenset[str]]] = {
    RECORDS: {
        "created_on": TIMES,
        "updated_on": TIMES,
        "validation": VALIDATION,
        "definition": frozenset({"is"}),
        "classes": frozenset({"has"}),
        "value": VALUE,
    },
    ASSETS: {
        "created_on": TIMES,
        "updated_on": TIMES,
        "validation": VALIDATION,
        "name": TEXT,
        "type": frozenset({"is"}),
        "ext": frozenset({"is"}),
        "path": frozenset({"is"}),
    },
    SCHEMA: {"validation": VALIDATION, "name": TEXT, "label": TEXT, "is_committed": FLAG, "type": frozenset({"is"})},
}
OPERATORS = frozenset().union(*(operators for properties in PROPERTIES.values() for operators in properties.values()))
VALIDATED = {ASSETS: ("title", "description"), SCHEMA: ("label", "metadata", "initial", "values")}
TYPES = {
    "image": "svg png jpg jpeg gif webp tif tiff bmp avif heic ico psd ai eps",
    "video": "mp4 mov avi mkv webm wmv m4v mpg mpeg ogv",
    "audio": "mp3 wav ogg flac m4a aac wma oga",
    "document": "pdf doc docx odt rtf txt md html htm epub pages",
    "spreadsheet": "xls xlsx ods csv tsv numbers",
    "presentation": "ppt pptx odp key",
    "archive": "zip tar gz tgz bz2 xz 7z rar",
}
KINDS = (DEFINITION, CLASS, FIELD)
LONGEST = 1_000  # values of one list, characters of one name
LONGEST_PATH = 50
FAR = 100_000.0  # days
LATEST = 253_402_300_800.0  # seconds since 1970 at the end of the year 9999

Reader: TypeAlias = Callable[[Condition, Schema], Any]


@dataclass(frozen=True, slots=True)
class FieldValue:
    """What a field's value is compared with. `values` has the stored forms of the operand; without a field nothing is found."""

    field: Item | None
    values: tuple[Any, ...]


def properties(kind: str) -> Mapping[str, frozenset[str]]:
    """Return the properties of a kind of items, with their operators."""
    return PROPERTIES[kind]


def read_filter(tree: Filter, kind: str, schema: Schema) -> Filter:
    """Return a filter with its operands read. Raises InvalidSelection."""
    if isinstance(tree, Combination):
        return replace(tree, terms=tuple(read_filter(term, kind, schema) for term in tree.terms))
    operators = PROPERTIES[kind][tree.name]
    if tree.operator not in operators:
        raise unfit(tree, f"`{tree.name}` takes {', '.join(sorted(operators))}.", 1)
    return replace(tree, operand=_reader(tree, kind)(tree, schema))


def _reader(condition: Condition, kind: str) -> Reader:
    match condition.name:
        case "created_on" | "updated_on":
            return _span if condition.operator == "between" else _days
        case "validation":
            return _record_field if kind == RECORDS else _part_of(kind)
        case "definition":
            return _definitions
        case "classes":
            return _definitions_having
        case "value":
            return _value
        case "type":
            return _extensions if kind == ASSETS else _schema_kind
        case "path":
            return _path
        case "is_committed":
            return _nothing
        case _:
            return _text


def unfit(condition: Condition, detail: str, *path: int) -> InvalidSelection:
    """Return the refusal of a part of a condition."""
    return InvalidSelection(detail, pointer=condition.pointer + "".join(f"/{step}" for step in path))


def _text(condition: Condition, _: Schema | None = None) -> str:
    value = condition.operand
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or not value.isprintable():
        raise unfit(condition, f"`{condition.name}` is compared with a text.", 2)
    return value.strip()


def _nothing(condition: Condition, _: Schema | None = None) -> None:
    if condition.operand is not None:
        raise unfit(condition, f"`{condition.operator}` takes no operand.", 2)


def _days(condition: Condition, _: Schema | None = None) -> float:
    """Read [n, "days"]."""
    value = condition.operand
    fits = isinstance(value, list) and len(value) == 2 and type(value[0]) in (int, float) and value[1] == "days"
    if not fits or not 0 <= value[0] <= FAR:
        raise unfit(condition, f'`{condition.operator}` takes [number, "days"]: fewer or more than that many days ago.', 2)
    return float(value[0])


def _span(condition: Condition, _: Schema | None = None) -> tuple[float, float]:
    """Read [from, until] in seconds since 1970."""
    value = condition.operand
    fits = isinstance(value, list) and len(value) == 2 and all(type(moment) in (int, float) for moment in value)
    if not fits or not all(0 <= moment <= LATEST for moment in value):
        raise unfit(condition, "`between` takes [from, until] in seconds since 1970.", 2)
    return float(value[0]), float(value[1])


def _record_field(condition: Condition, schema: Schema) -> Item | None:
    """Read the optional name, or gid, of a field."""
    value = condition.operand
    if value is None or value == []:
        return None
    name = value[0] if isinstance(value, list) and len(value) == 1 else value
    found = schema.named(FIELD, name) or schema.find(FIELD, read_gid(name)) if isinstance(name, str) else None
    if found is None:
        raise unfit(condition, "There is no such field in this project.", 2)
    return found


def _part_of(kind: str) -> Reader:
    def read(condition: Condition, _: Schema) -> str | None:
        value = condition.operand
        name = value[0] if isinstance(value, list) and len(value) == 1 else value or None
        if name is not None and name not in VALIDATED[kind]:
            raise unfit(condition, f"What can be checked is {', '.join(VALIDATED[kind])}.", 2)
        return name

    return read


def _definitions(condition: Condition, schema: Schema) -> tuple[int, ...]:
    """Read a definition as the ids of itself and its extensions, which are its for whoever asks."""
    gid = read_gid(condition.operand)
    if gid is None:
        raise unfit(condition, "`definition` is compared with the gid of a definition.", 2)
    found = schema.find(DEFINITION, gid)
    return (found.id, *(item.id for item in schema.extensions(found))) if found else ()


def _definitions_having(condition: Condition, schema: Schema) -> tuple[int, ...]:
    """Read a class, by name or gid, as the ids of the definitions that have it."""
    name = condition.operand
    found = schema.named(CLASS, name) or schema.find(CLASS, read_gid(name)) if isinstance(name, str) else None
    if found is None:
        raise unfit(condition, "There is no such class in this project.", 2)
    having = [item for item in schema.of_kind(DEFINITION) if found in schema.classes(item)]
    return tuple(item.id for item in having)


def _value(condition: Condition, schema: Schema) -> FieldValue:
    """Read [field gid, value], for `in` and `between` [field gid, [value, ...]]."""
    pair = condition.operand
    gid = read_gid(pair[0]) if isinstance(pair, list) and len(pair) == 2 else None
    if gid is None:
        raise unfit(condition, "`value` takes [gid of a field, value].", 2)
    field = schema.find(FIELD, gid)
    if condition.operator == "is":
        return FieldValue(field, _stored(pair[1], field))
    if condition.operator == "in":
        values = pair[1]
        if not isinstance(values, list) or not 1 <= len(values) <= LONGEST:
            raise unfit(condition, f"`in` takes [gid of a field, [up to {LONGEST:,} values]].", 2, 1)
        return FieldValue(field, tuple(form for value in values for form in _stored(value, field)))
    return FieldValue(field, _numbers(condition, pair[1]))


def _stored(value: Any, field: Item | None) -> tuple[Any, ...]:
    """Return the forms in which a value may be stored: itself, and the key of a list of values that it is a label of."""
    listed = field.options.get("values") if field is not None else None
    keys = [entry.get("key") for entry in listed or () if value in [text for name, text in entry.items() if name != "key"]]
    return (value, *(key for key in keys if key != value))


def _numbers(condition: Condition, value: Any) -> tuple[Any, ...]:
    values = value if condition.operator == "between" else [value]
    wanted = 2 if condition.operator == "between" else 1
    if not isinstance(values, list) or len(values) != wanted or not all(type(number) in (int, float) for number in values):
        raise unfit(condition, f"`{condition.operator}` compares a field with {wanted} number{'s' * (wanted - 1)}.", 2, 1)
    return tuple(values)


def _extensions(condition: Condition, _: Schema) -> tuple[str, ...]:
    """Read a kind of files as the extensions that are of it; `folder` finds none, since a search finds files only."""
    word = _text(condition).lower()
    if word not in TYPES:
        raise unfit(condition, f"`type` is one of {', '.join(TYPES)}.", 2)
    return tuple(TYPES[word].split())


def _schema_kind(condition: Condition, _: Schema) -> str:
    word = _text(condition).lower()
    if word not in KINDS:
        raise unfit(condition, f"`type` is one of {', '.join(KINDS)}.", 2)
    return word


def _path(condition: Condition, _: Schema) -> tuple[str, ...]:
    """Read a folder's pathname as the names of the folders on the way; the root is none of them."""
    steps = tuple(step for step in _text(condition).split("/") if step)
    if len(steps) > LONGEST_PATH:
        raise unfit(condition, f"A path has at most {LONGEST_PATH} folders.", 2)
    return steps
