"""Cursors give themselves back to their owner alone, whole, in time, and for their own list."""

from __future__ import annotations

import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import CursorExpired, CursorMismatch, InvalidCursor
from models.selection.cursor import Binding, open_cursor, query_digest, seal
from models.settings import settings

NOW = datetime(2024, 3, 4, 9, 30, 0, 123_456, tzinfo=UTC)
MINE = Binding("records", 7, query_digest({"selection": ["1"]}))


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def _use(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("WAYBILL_SECRET_KEY", secret)
    settings.cache_clear()


def test_a_cursor_gives_its_place_back() -> None:
    cursor = open_cursor(seal(MINE, ("abc", 10, None), NOW), MINE, NOW)

    assert cursor.place == ("abc", 10, None)
    assert cursor.issued == NOW


def test_a_cursor_is_url_safe_and_tells_nothing() -> None:
    text = seal(MINE, ("not for your eyes", 1), NOW)

    assert set(text) <= set(string.ascii_letters + string.digits + "-_")
    assert "eyes" not in text


def test_one_changed_character_makes_it_invalid() -> None:
    text = seal(MINE, ("abc", 10), NOW)
    for at in range(len(text)):
        for other in "A-z_9=+/ é":
            if other != text[at]:
                with pytest.raises(InvalidCursor):
                    open_cursor(text[:at] + other + text[at + 1 :], MINE, NOW)


@pytest.mark.parametrize("text", ["", "x", "=", "null", "0", "é" * 40, "A" * 5_000, "A" * 64, "\x00", None, 7, [], True])
def test_garbage_is_invalid(text: object) -> None:
    with pytest.raises(InvalidCursor):
        open_cursor(text, MINE, NOW)


@given(st.text(max_size=200))
def test_any_text_is_invalid(text: str) -> None:
    with pytest.raises(InvalidCursor):
        open_cursor(text, MINE, NOW)


@pytest.mark.parametrize(
    ("other", "refusal"),
    [
        (Binding("records", 8, MINE.digest), InvalidCursor),
        (Binding("jobs", 7, MINE.digest), InvalidCursor),
        (Binding("records", 7, query_digest({"selection": ["2"]})), CursorMismatch),
    ],
    ids=["another user", "another list", "another query"],
)
def test_a_cursor_is_bound(other: Binding, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        open_cursor(seal(MINE, (1,), NOW), other, NOW)


def test_a_cursor_lasts_a_day() -> None:
    text = seal(MINE, (1,), NOW)

    assert open_cursor(text, MINE, NOW + timedelta(hours=24)).place == (1,)
    with pytest.raises(CursorExpired):
        open_cursor(text, MINE, NOW + timedelta(hours=24, seconds=1))


def test_two_keys_open_and_the_first_seals(keys: pytest.MonkeyPatch) -> None:
    _use(keys, "old")
    early = seal(MINE, (1,), NOW)
    _use(keys, "new,old")
    late = seal(MINE, (2,), NOW)

    assert open_cursor(early, MINE, NOW).place == (1,)
    _use(keys, "new")
    assert open_cursor(late, MINE, NOW).place == (2,)
    with pytest.raises(InvalidCursor):
        open_cursor(early, MINE, NOW)


def test_without_a_key_nothing_is_sealed(keys: pytest.MonkeyPatch) -> None:
    _use(keys, " , ")
    with pytest.raises(LookupError):
        seal(MINE, (1,), NOW)


def test_the_order_of_members_makes_no_other_query() -> None:
    assert query_digest({"a": 1, "b": [1, 2]}) == query_digest({"b": [1, 2], "a": 1})
    assert query_digest({"a": 1, "b": [1, 2]}) != query_digest({"a": 1, "b": [2, 1]})
