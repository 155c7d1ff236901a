"""Values as cells of a table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.exports.texts import citations, guard, unguard, value_text

RISKY = st.text(st.sampled_from("'=+-@\t\r\n a1\uff1d\ufeff"), max_size=6)


@given(st.one_of(st.text(max_size=9), RISKY))
def test_a_guard_can_be_taken_away_again(text: str) -> None:
    assert unguard(guard(text)) == text


@given(RISKY)
def test_nothing_that_is_guarded_begins_like_a_formula(text: str) -> None:
    first = guard(text).lstrip(" \ufeff")[:1]
    assert first not in set("=+-@\uff1d") and guard(text)[:1] not in set("\t\r\n")


@pytest.mark.parametrize(("value", "key", "text", "label"), [
    (None, "age", "", ""),
    (True, "nmd_escaping_variant", "TRUE", "TRUE"),
    (0.5, "allele_frequency", "0.5", "0.5"),
    (["autosomal_dominant", "x_linked"], "mode_of_inheritance", "autosomal_dominant, x_linked", None),
    ("hemizygous", "zygosity", "hemizygous", "Hemizygous"),
    ("not an option", "zygosity", "not an option", "not an option"),
])  # fmt: skip
def test_values(value: Any, key: str, text: str, label: str | None) -> None:
    assert value_text(value, key) == text
    assert label is None or value_text(value, key, labels=True) == label


def test_citations_are_named_once() -> None:
    cells = {"literature": {"value": "PMID:2574002, PMID: 9450897"}, "zygosity": {"note": "see PubMed 2574002 and PMC123456"}}
    assert citations(cells) == "PMID: 2574002, PMID: 9450897"
