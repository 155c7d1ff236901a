"""Evidence values as a table's cells (contract section 18.2), and what keeps a spreadsheet from running them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from models.classifications.keys import key_set
from models.classifications.references import articles, references
from models.classifications.state import Cell, Evidence

# What a spreadsheet takes for a formula begins so, behind blanks too. An apostrophe before it makes it a text; one that was
# there already is doubled, so that a reader who takes one away from each such text has what was stored.
FORMULA = re.compile(r"'*[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n]")

ONTOLOGIES = frozenset(("MONDO", "OMIM", "ORPHA", "DOID", "HP"))


def guard(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return "'" + text if text and not text[0].isalnum() and FORMULA.match(text) else text


def unguard(text: str) -> str:
    """Return what `guard` was given."""
    return text[1:] if text.startswith("'") and FORMULA.match(text[1:]) else text


def number(text: Any) -> bool:
    """Say whether a value is a number, which may begin with a minus and is no formula."""
    return isinstance(text, (int, float)) and not isinstance(text, bool)


def value_text(value: Any, key: str, *, labels: bool = False) -> str:
    """Return a value as text: lists joined by commas, booleans in capitals, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(value_text(item, key, labels=labels) for item in value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    text = str(value)
    return option_labels(key).get(text, text) if labels else text


def part_text(cell: Cell | None, key: str, part: str, *, labels: bool = False) -> str:
    """Return one member of a cell as text."""
    if cell is None:
        return ""
    return value_text(cell.get("value"), key, labels=labels) if part == "value" else cell.get(part) or ""


@lru_cache(maxsize=1_024)
def option_labels(key: str) -> Mapping[str, str]:
    """Return option -> label of a key; an option without a label stands for itself."""
    found = key_set().get(key)
    return {option.key: option.label or option.key for option in found.options} if found else {}


def terms(condition: str) -> str:
    """Return the terms of ontologies that a condition names by their ids, each once: `MONDO:0009352, OMIM:236200`."""
    return ", ".join([found["id"] for found in references(condition) if found["db"] in ONTOLOGIES]) if condition else ""


def citations(evidence: Evidence) -> str:
    """Return the publications that a record names, each once: `PMID: 123, PMID: 456`."""
    texts = (text for cell in evidence.values() for text in (cell.get("value"), cell.get("note")) if type(text) is str)
    return ", ".join(articles(texts))
