"""What REDCap's fields are made of: their names, types and codes, and the data dictionary that says so (contract section 18.2).

REDCap takes small letters, digits and underscores as a name, a code for each choice, and what its validation lets through. A
value that a field cannot take goes into the note beside it, so that a file can be imported as it is and says all that is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from models.classifications.keys import Key, key_set
from models.classifications.state import Cell
from models.exports.format import Column
from models.exports.texts import number, option_labels, value_text

FORM = "variant_classifications"
OUTSIDE = re.compile(r"[^a-z0-9]+")
DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
CODED = "SC"
BOOLEANS = (("TRUE", "True"), ("FALSE", "False"))
VALIDATIONS = {"D": "date_dmy", "L": "number", "N": "number", "I": "integer"}
REPEATED = ("id", "lab", "lab_record_id", "version", "evidence_weights", "citations")
LABELS = ("ID", "Lab", "Lab record ID", "Version", "Evidence weights", "Citations")
HEADER = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)",
    "Required Field?", "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?",
    "Field Annotation",
)  # fmt: skip


class Field(NamedTuple):
    """One line of the dictionary, as far as it differs from line to line."""

    name: str
    label: str
    kind: str = "text"
    choices: str = ""
    validation: str = ""
    section: str = ""


def key_name(key: str) -> str:
    """Return a key's name as REDCap takes it: `acmg:bp4` is `acmg_bp4`, a digit in front gets an x."""
    name = OUTSIDE.sub("_", key.lower()).strip("_")
    return f"x{name}" if name[:1].isdigit() else name


def field_name(column: Column) -> str:
    """Return the name of a column: `vc_zygosity_2` for the second record's value, `vc_zygosity_n2` for its note."""
    return f"vc_{key_name(column.key)}_{'n' if column.part == 'note' else ''}{column.place}"


@lru_cache(maxsize=1_024)
def codes(key: str) -> Mapping[str, str]:
    """Return option -> code: its index, or where another option has that already, the next number above all."""
    found = key_set().get(key)
    options = found.options if found else ()
    following = max((option.index or 0 for option in options), default=0) + 1
    given: dict[str, str] = {}
    for option in options:
        code = option.index
        if code is None or str(code) in given.values():
            code, following = following, following + 1
        given[option.key] = str(code)
    return given


def field_text(cell: Cell, key: str) -> tuple[str, str]:
    """Return what a key's field takes of a value, and what it cannot take."""
    value = cell.get("value")
    if value is None:
        return "", ""
    found = key_set().get(key)
    text = _taken(value, found) if found else value_text(value, key)
    return (text, "") if text is not None else ("", value_text(value, key))


def _taken(value: Any, key: Key) -> str | None:
    if key.value_type in CODED and key.options:
        code = codes(key.name).get(value) if isinstance(value, str) else None
        return value_text(value, key.name) if code is None and key.allow_custom_values else code
    match key.value_type:
        case "B":
            return value_text(value, key.name) if isinstance(value, bool) else None
        case "D":
            return _day(value)
        case "L" | "N":
            return str(value) if number(value) else None
        case "I":
            return str(value) if type(value) is int else None
        case kind:
            return value_text(value, key.name, labels=kind == "M")


def _day(value: Any) -> str | None:
    found = DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        return date(*map(int, found.groups())).strftime("%d/%m/%Y") if found else None
    except ValueError:  # no such day
        return None


def dictionary(repeats: int) -> list[list[str]]:
    """Return the data dictionary for so many records a row, header first."""
    fields = [Field("vc_record_id", "Record ID"), Field("vc_count", "Number of classifications", validation="integer")]
    for place in range(1, repeats + 1):
        fields += _repeated(place)
    return [list(HEADER), *map(_line, fields)]


def _repeated(place: int) -> Iterable[Field]:
    section = f"Classification {place}"
    for name, label in zip(REPEATED, LABELS, strict=True):
        kind = {"id": "integer", "version": "number"}.get(name, "")
        yield Field(f"vc_{name}_{place}", label, validation=kind, section=section if name == "id" else "")
    for key in key_set().all():
        yield _described(key, place)
        yield Field(field_name(Column(key.name, "note", place)), f"{key.label} note", "notes")


def _described(key: Key, place: int) -> Field:
    name = field_name(Column(key.name, "value", place))
    if key.value_type == "B":
        return Field(name, key.label, "radio", _choices(BOOLEANS))
    if key.value_type in CODED and key.options and not key.allow_custom_values:
        labels = option_labels(key.name)
        return Field(name, key.label, "dropdown", _choices((code, labels[option]) for option, code in codes(key.name).items()))
    return Field(name, key.label, "notes" if key.value_type == "T" else "text", "", VALIDATIONS.get(key.value_type, ""))


def _choices(choices: Iterable[tuple[str, str]]) -> str:
    return " | ".join(f"{code}, {label.replace('|', '/')}" for code, label in choices)


def _line(field: Field) -> list[str]:
    head = [field.name, FORM, field.section, field.kind, field.label, field.choices, "", field.validation]
    return head + [""] * (len(HEADER) - len(head))
