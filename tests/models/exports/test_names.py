"""Names of zip entries never lead out of the folder, whatever a value says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.exports import names


@given(st.text(max_size=400))
def test_a_step_is_a_plain_name(text: str) -> None:
    name = names.clean(text)
    assert name and name.isprintable() and len(name.encode()) <= names.LONGEST + 1
    assert not set(name) & set('/\\:*?"<>|\0') and not name.startswith((".", "-", "~")) and not name.endswith((".", " "))
    assert names.clean(name) == name


@pytest.mark.parametrize(("text", "name"), [
    ("F03432", "F03432"), ("Müller", "Müller"), ("../../etc/passwd", "_._.._etc_passwd"), ("a\\b", "a_b"), ("C:", "C_"),
    ("CON", "_CON"), ("nul.txt", "_nul.txt"), ("COM1", "_COM1"), ("COM10", "COM10"), ("..", "_"), (".", "_"), ("", "_"),
    (" x. ", "x"), ("a\0b", "a_b"), ("a\u202eb", "a_b"), ("-rf", "_rf"), ("Mu\u0308ller", "Müller"),
])  # fmt: skip
def test_examples(text: str, name: str) -> None:
    assert names.clean(text) == name


def test_long_names_are_cut_and_stay_apart() -> None:
    first, second = (names.clean("x" * 200 + end) for end in "ab")
    assert first != second and len(first) == len(second) == names.LONGEST


def test_names_that_some_system_takes_for_one_are_told_apart() -> None:
    assert names.fold("Straße") == names.fold("STRASSE")
    assert names.told_apart("x", "=1") != names.told_apart("x", "=2")
