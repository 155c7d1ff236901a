"""The grammar of q."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.selection.terms import Query, Term, parse_q


@pytest.mark.parametrize(
    ("text", "must", "plain", "banned"),
    [
        ("+cms 225", ["cms"], ["225"], []),
        ('+"splice region" -benign', ["splice region"], [], ["benign"]),
        ('"never closed', [], ["never closed"], []),
        ("a a +a", ["a"], ["a"], []),
        ("% _ \\", [], ["%", "_", "\\"], []),
        ('""', [], [], []),
        (" \t\n", [], [], []),
        ("co-occurs c.316A>G", [], ["co-occurs", "c.316A>G"], []),
    ],
)
def test_terms_are_told_apart(text: str, must: list[str], plain: list[str], banned: list[str]) -> None:
    query = parse_q(text)

    assert [[term.text for term in part] for part in (query.must, query.plain, query.banned)] == [must, plain, banned]


def test_a_star_at_the_end_of_two_letters_makes_a_prefix() -> None:
    assert parse_q('cardio* a* "b*"').plain == (Term("cardio", prefix=True), Term("a*"), Term("b*"))


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    assert isinstance(parse_q(text), Query)
