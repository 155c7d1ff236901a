"""The words that searches look for, as the text of a tsvector: made here, once a write, so that the index only stores. Pure.

A lexeme is `<language>:<word>`, or `*:<word>` where a text has no language. Weights say where a word stands: A in a name or a
title field, B in a label or an asset's title, D elsewhere. Words of one text follow each other, those of the next begin after a
gap, so that a phrase never spans two. What is no word is a fact: `=p<project>`, by which one index serves many projects, `=<gid>`
for what is referred to, `=<start of the field's gid>=true`.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

NO_LANGUAGE = "*"
LONGEST_WORD = 100
LONGEST_TEXT = 100_000  # characters of a text that are searched
MOST_BYTES = 400_000  # of lexemes and places, well below what a tsvector holds
LAST_PLACE = 16_000
MOST_PLACES = 250  # of one lexeme
GAP = 10
SPELLED_SINGLY = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"  # scripts that put no space between words
WORD = re.compile(rf"[{SPELLED_SINGLY}]|[^\W_{SPELLED_SINGLY}]+")
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
GID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Field(Protocol):
    """What the words of a record need to know of a field."""

    @property
    def gid(self) -> Any:
        """The field's gid, as a UUID or its text."""

    @property
    def is_localized(self) -> bool:
        """Whether its value is one for each language."""


def split_words(text: str) -> list[str]:
    """Return the words of a text in their order, as documents and questions both spell them."""
    return [word[:LONGEST_WORD] for word in WORD.findall(unicodedata.normalize("NFKC", text).casefold())]


def record_words(project_id: int, content: Mapping[str, Any], fields: Iterable[Field], titlefield: Any = None) -> str:
    """Return the tsvector text of a record: `content` as it is stored, `fields` all those of its definition and its classes.

    Values of fields that the definition has not are not found. A link has no words of its own: store `''`.
    """
    words = _Words(project_id)
    for field in fields:
        gid = str(field.gid)
        value = content.get(gid)
        if value is not None:
            weight = "A" if gid == str(titlefield) else ""
            for language, part in _by_language(value, localized=field.is_localized):
                words.add_value(part, language, weight, gid)
    return words.dump()


def asset_words(project_id: int, name: str, body: Mapping[str, Any]) -> str:
    """Return the tsvector text of an asset: `body` has `title` and `description` (by language) and `metadata`."""
    words = _Words(project_id)
    words.add_text(name, NO_LANGUAGE, "A")
    for member, weight in (("title", "B"), ("description", "")):
        for language, text in (body.get(member) or {}).items():
            words.add_value(text, language, weight)
    _add_metadata(words, body.get("metadata"))
    return words.dump()


def schema_words(project_id: int, name: str, body: Mapping[str, Any]) -> str:
    """Return the tsvector text of a definition, class or field: `body` has `label` (by language) and `metadata`."""
    words = _Words(project_id)
    words.add_text(name, NO_LANGUAGE, "A")
    for language, text in (body.get("label") or {}).items():
        words.add_value(text, language, "B")
    _add_metadata(words, body.get("metadata"))
    return words.dump()


def fact(value: Any, field_gid: str) -> str | None:
    """Return the lexeme of a value that has no words: a reference, true or false. None for others."""
    if isinstance(value, bool):
        return f"={field_gid[:8]}={str(value).lower()}"
    return f"={value}" if isinstance(value, str) and GID.fullmatch(value) else None


def project_fact(project_id: int) -> str:
    """Return the lexeme that everything of a project has."""
    return f"=p{project_id}"


def quoted(lexeme: str) -> str:
    """Return a lexeme as a tsvector or tsquery writes it."""
    doubled = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def _add_metadata(words: _Words, metadata: Mapping[str, Any] | None) -> None:
    for member in (metadata or {}).values():
        for language, part in _by_language(member.get("value"), localized=bool(member.get("is_localized"))):
            words.add_value(part, language, "")


def _by_language(value: Any, *, localized: bool) -> Iterator[tuple[str, Any]]:
    if localized and isinstance(value, Mapping):
        yield from value.items()
    elif value is not None:
        yield NO_LANGUAGE, value


class _Words:
    """Lexemes with their places, within a budget: what is beyond it is not found."""

    def __init__(self, project_id: int) -> None:
        self.places: dict[str, list[str]] = {project_fact(project_id): []}
        self.next: dict[str, int] = {}
        self.left = MOST_BYTES

    def add_value(self, value: Any, language: str, weight: str, gid: str = "") -> None:
        """Add all that a value holds, in lists and objects too; the names of members are not words."""
        found = fact(value, gid)
        if found is not None:
            self.place(found, "")
        elif isinstance(value, str):
            self.add_text(value, language, weight)
        elif isinstance(value, int | float):
            self.add_text(dump_number(value), language, weight)
        elif isinstance(value, Mapping):
            for part in value.values():
                self.add_value(part, language, weight, gid)
        elif isinstance(value, list | tuple):
            for part in value:
                self.add_value(part, language, weight, gid)

    def add_text(self, text: str, language: str, weight: str) -> None:
        """Add the words of a text, tags left out."""
        text = text[:LONGEST_TEXT]
        if "<" in text:
            text = TAG.sub(" ", text)
        if "&" in text:
            text = html.unescape(text)
        found, start = split_words(text), self.next.get(language, 1)
        for at, word in enumerate(found, start):
            self.place(f"{language}:{word}", f"{min(at, LAST_PLACE)}{weight}")
        self.next[language] = start + len(found) + GAP

    def place(self, lexeme: str, place: str) -> None:
        """Note that a lexeme stands somewhere; without a place it is a fact."""
        known = self.places.get(lexeme)
        cost = 4 + (0 if known is not None else 8 + len(lexeme.encode("utf-8", "replace")))
        if cost > self.left or (known is not None and (not place or len(known) >= MOST_PLACES)):
            return
        self.left -= cost
        self.places.setdefault(lexeme, []).extend([place] if place else [])

    def dump(self) -> str:
        return " ".join(f"{quoted(lexeme)}:{','.join(at)}" if at else quoted(lexeme) for lexeme, at in self.places.items())


def dump_number(value: float) -> str:
    """Return a number as the one text that names it: 225 for 225.0 too."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
