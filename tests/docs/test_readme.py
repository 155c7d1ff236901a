"""The README names what is there: settings with their defaults, make targets, files."""

from __future__ import annotations

import re

from docs.generators import settings
from tests.docs.blocks import PAGES, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_settings_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\| (.+) \|$", README, re.MULTILINE)
    known = {one.name: (one.name, one.default, one.meaning) for one in settings.read()}
    assert len(rows) >= 8
    assert rows == [known[name] for name, _, _ in rows]


def test_every_make_target_that_is_named_exists() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:\w+=\w+ )?make (\w+)`", text)) | set(re.findall(r"^make (\w+)$", text, re.MULTILINE))
    assert named <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))


def test_every_file_that_is_linked_exists() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
