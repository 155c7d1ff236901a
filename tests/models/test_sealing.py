"""What is sealed is opened by whoever has the secret alone, for the same purpose and under the same names."""

from __future__ import annotations

import pytest

from models.sealing import seal, unseal


@pytest.mark.parametrize(
    ("purpose", "names", "opened"),
    [("one", ("a", "b"), b"content"), ("other", ("a", "b"), None), ("one", ("b", "a"), None), ("one", ("a",), None)],
)
def test_a_seal_is_for_one_purpose_and_its_names(purpose: str, names: tuple[str, ...], opened: bytes | None) -> None:
    sealed = seal("one", b"content", ("a", "b"))
    assert b"content" not in sealed
    assert unseal(purpose, sealed, names) == opened


def test_what_nobody_sealed_is_not_opened() -> None:
    assert unseal("one", b"", ("a",)) is None
    assert unseal("one", bytes(40), ("a",)) is None
