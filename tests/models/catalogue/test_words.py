"""The words that are stored for searches: spelled alike by documents and questions, and always what the store takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.catalogue.words import MOST_BYTES, asset_words, fact, record_words, schema_words, split_words
from models.db import driver, transaction
from models.selection.catalogue_words import query_text, value_text
from models.selection.terms import parse_q

TITLE = "aaaaaaaa-0000-4000-8000-000000000001"
FLAG = "bbbbbbbb-0000-4000-8000-000000000002"
OTHER = "cccccccc-0000-4000-8000-000000000003"


@dataclass(frozen=True)
class Field:
    gid: str
    is_localized: bool


FIELDS = [Field(TITLE, True), Field(FLAG, False), Field(OTHER, False)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Red BOX, 12-b", ["red", "box", "12", "b"]),
        ("first_name", ["first", "name"]),
        ("Straße ﬁne", ["strasse", "fine"]),
        ("世界 kana カ", ["世", "界", "kana", "カ"]),
        ("it's", ["it", "s"]),
        ("& -- ''", []),
    ],
)
def test_words_are_what_stands_between_all_other_signs(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_words_have_their_language_their_place_and_their_weight() -> None:
    content = {TITLE: {"nl": "Rode doos", "en": "Red"}, FLAG: True, OTHER: ["big box", 4.0, OTHER], "unknown": "x"}
    assert record_words(7, content, FIELDS, TITLE).split(" ") == [
        "'=p7'", "'nl:rode':1A", "'nl:doos':2A", "'en:red':1A", "'=bbbbbbbb=true'", "'*:big':1", "'*:box':2", "'*:4':13",
        f"'={OTHER}'",
    ]  # fmt: skip


def test_tags_are_no_words_and_entities_are_what_they_stand_for() -> None:
    content = {TITLE: {"en": "<p class='x'>fish &amp; chips</p> 1 < 2"}}
    assert record_words(1, content, FIELDS) == "'=p1' 'en:fish':1 'en:chips':2 'en:1':3 'en:2':4"


def test_names_labels_and_metadata_are_told_apart_by_weight() -> None:
    metadata = {"a.b": {"type": "textline", "is_localized": True, "value": {"en": "note"}}, "c": {"value": 3}}
    words = asset_words(1, "Red_1.png", {"title": {"en": "box"}, "description": {"en": "old"}, "metadata": metadata})
    assert words == "'=p1' '*:red':1A '*:1':2A '*:png':3A 'en:box':1B 'en:old':12 'en:note':23 '*:3':14"
    assert schema_words(1, "name", {"label": {"nl": "Naam"}}) == "'=p1' '*:name':1A 'nl:naam':1B"


def test_references_and_flags_are_facts() -> None:
    assert fact(True, FLAG) == "=bbbbbbbb=true"
    assert fact(OTHER, FLAG) == f"={OTHER}"
    assert fact("text", FLAG) is None
    assert value_text(1, False, "*", FLAG) == "'=p1' & '=bbbbbbbb=false'"
    assert value_text(1, "a <b>", "en", TITLE) is None
    assert value_text(1, 4.0, "*", OTHER) == "'=p1' & '*:4'"


def test_a_very_long_record_stays_within_what_the_store_takes(database: str) -> None:
    text = " ".join(f"{'w' * 60}{number}" for number in range(20_000))
    words = record_words(1, {TITLE: {f"l{number}": text for number in range(8)}}, FIELDS)
    assert len(words) < 2 * MOST_BYTES
    with transaction() as session:
        row = driver(session).execute("SELECT length(%s::tsvector)", (words,)).fetchone()
    assert row is not None
    assert row[0] > 3_000


KEPT = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(KEPT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=6,
)  # fmt: skip
LANGUAGES = st.text(KEPT, min_size=1, max_size=5)


def test_whatever_is_stored_and_asked_the_store_can_read_it(database: str) -> None:
    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(LANGUAGES, VALUES, max_size=3), VALUES, st.text(), LANGUAGES)
    def check(texts: dict[str, Any], other: Any, q: str, language: str) -> None:
        words = record_words(1, {TITLE: texts, OTHER: other}, FIELDS, TITLE)
        asked = query_text(1, parse_q(q), language)
        with transaction() as session:
            driver(session).execute("SELECT %s::tsvector @@ %s::tsquery", (words, asked))
            for value in texts.values():
                implied = value_text(1, value, language, TITLE)
                if isinstance(value, str) and implied is not None:
                    own = record_words(1, {TITLE: {language: value}}, FIELDS)
                    row = driver(session).execute("SELECT %s::tsvector @@ %s::tsquery", (own, implied)).fetchone()
                    assert row == (True,), value

    check()
