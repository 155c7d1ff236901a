"""Refs come once each, in memory and on disk."""

from __future__ import annotations

from contextlib import closing

import pytest

from models.errors import DuplicateRef
from web import refs
from web.refs import Refs


@pytest.fixture(params=[refs.HELD, 5])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many are kept in memory, or few."""
    monkeypatch.setattr(refs, "HELD", request.param)


def add(*values: object, longest: int = 200) -> list[str | None]:
    with closing(Refs()) as known:
        texts = [known.add(value, index, longest) for index, value in enumerate(values)]
        known.check()
    return texts


def test_each_once_is_fine(held: None) -> None:
    long = "x" * 150
    assert add("a", 1, long, None, {}, "\0", "é\ud800", *range(2, 200)) == [
        "a", "1", long, None, None, None, "é\ud800", *map(str, range(2, 200)),
    ]  # fmt: skip
    assert add("x" * 201) == [None]


@pytest.mark.parametrize("twice", ["a", "x" * 100, 7])
@pytest.mark.parametrize("first", [0, 3, 50])
def test_the_same_twice_is_found(held: None, twice: object, first: int) -> None:
    values: list[object] = [f"other {number}" for number in range(100)]
    values[first] = values[90] = twice
    with pytest.raises(DuplicateRef) as caught:
        add(*values)
    assert caught.value.members["indexes"] == [first, 90]


def test_a_number_and_its_text_are_the_same(held: None) -> None:
    with pytest.raises(DuplicateRef):
        add(*(f"other {number}" for number in range(20)), "7", 7)
