"""What REDCap checks when it takes a data dictionary, and a file for it: written from its documentation, not from our code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

NAME = re.compile(r"[a-z](?:[a-z0-9]|_(?!_))*(?<!_)")
TYPES = {"text", "notes", "radio", "dropdown", "calc", "file", "checkbox", "yesno", "truefalse", "slider", "descriptive"}
CODE = re.compile(r"-?[A-Za-z0-9_]+")
VALIDATIONS = {
    "integer": re.compile(r"[-+]?\d+"),
    "number": re.compile(r"[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?"),
    "date_dmy": re.compile(r"(0[1-9]|[12]\d|3[01])/(0[1-9]|1[0-2])/\d{4}"),
}


def choices_of(line: dict[str, str]) -> list[tuple[str, str]]:
    """Return the choices of a field: `code, label | code, label`."""
    pairs = (choice.split(",", 1) for choice in line["Choices, Calculations, OR Slider Labels"].split("|"))
    return [(code.strip(), label.strip()) for code, label in pairs]


def check_dictionary(lines: Sequence[dict[str, str]]) -> None:
    names = [line["Variable / Field Name"] for line in lines]
    assert len(set(names)) == len(names)
    for line in lines:
        name = line["Variable / Field Name"]
        assert NAME.fullmatch(name) and len(name) <= 100, name
        assert re.fullmatch(r"[a-z0-9_]+", line["Form Name"]) and line["Field Label"], name
        assert line["Field Type"] in TYPES, name
        validation = line["Text Validation Type OR Show Slider Number"]
        assert validation in {"", *VALIDATIONS} and (not validation or line["Field Type"] == "text"), name
        if line["Field Type"] in ("radio", "dropdown"):
            codes = [code for code, label in choices_of(line) if label]
            assert codes and len(set(codes)) == len(codes) == len(choices_of(line)), name
            assert all(CODE.fullmatch(code) for code in codes), name
        else:
            assert not line["Choices, Calculations, OR Slider Labels"], name


def check_file(rows: Sequence[dict[str, Any]], lines: Sequence[dict[str, str]]) -> None:
    fields = {line["Variable / Field Name"]: line for line in lines}
    ids = [row["vc_record_id"] for row in rows]
    assert all(ids) and len(set(ids)) == len(ids), "the first field names each record, once"
    for row in rows:
        assert None not in row and next(iter(row)) == "vc_record_id"
        for name, value in row.items():
            field = fields[name]
            if not value:
                continue
            if field["Field Type"] in ("radio", "dropdown"):
                assert value in dict(choices_of(field)), (name, value)
            validation = field["Text Validation Type OR Show Slider Number"]
            assert not validation or VALIDATIONS[validation].fullmatch(value), (name, value)
