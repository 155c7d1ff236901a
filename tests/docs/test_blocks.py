"""Every block of the guide is of a known kind: run by a test, marked with a reason, or data that is what it says."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.docs.blocks import COMMANDS, PAGES, Block, read

DATA: dict[str, Callable[[str], Any]] = {"yaml": yaml.safe_load, "json": json.loads, "toml": tomllib.loads}
SHOWN = ("text", "http", "", "{toctree}", "{waybill}")  # pictures and examples of what is seen, not of what is typed
BLOCKS = [block for page in PAGES for block in read(page)]


def test_every_block_is_run_or_says_why_not() -> None:
    unknown = [block.name for block in BLOCKS if block.kind.split(" ")[0] not in {*COMMANDS, *DATA, *SHOWN}]
    assert not unknown, "neither a command, nor data, nor text: give the block a language"
    marked = [block for block in BLOCKS if block.mark == "not run"]
    assert all(block.kind in COMMANDS and len(block.said) > 10 for block in marked)
    assert len(marked) <= 24, "too much of the guide is not run"


def test_one_command_starts_everything() -> None:
    assert {block.text for block in BLOCKS if block.mark == "starts"} == {"make run\n"}


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind in DATA], ids=lambda block: block.name)
def test_what_is_no_command_can_be_read_as_what_it_says(block: Block) -> None:
    assert DATA[block.kind](block.text)


def test_a_block_outside_any_rule_is_found() -> None:
    (only,) = [block for block in BLOCKS if block.mark == "starts" and block.page == "README.md"]
    assert not only.is_run
    assert Block("page", 1, "sh", "true").is_run
    assert not Block("page", 1, "sh", "true", "not run", "needs docker").is_run
