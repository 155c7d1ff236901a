"""Each goal that the product claims has a test that is named after it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CLAIMED = [
    *(f"p{number:02}" for number in range(1, 51)),
    *(f"x{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)),
]
NAMED = set(re.findall(r"(?<=_)([px]\d\d)(?=_)", " ".join(re.findall(r"def (test_\w+)", "".join(
    file.read_text(encoding="utf-8") for file in TESTS.rglob("test_*.py")
)))))  # fmt: skip


@pytest.mark.parametrize("goal", CLAIMED)
def test_a_test_is_named_after(goal: str) -> None:
    assert goal in NAMED
