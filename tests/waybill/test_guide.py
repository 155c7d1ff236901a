"""The guide of the client and the command: every block in it is run as it stands there, and its table is the code's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

from tests.journeys.people import open_labs
from tests.processes import Parts
from waybill import config, exits

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "-- block --"
ASYNC = "AsyncClient"
PARTS_ENVIRONMENT = {"WAYBILL_WEBHOOKS_PRIVATE": "true"}


def text(name: str) -> str:
    return (GUIDE / name).read_text(encoding="utf-8")


def blocks(name: str, kind: str) -> list[str]:
    return [block for found, block in BLOCK.findall(text(name)) if found == kind]


@pytest.fixture(scope="module")
def environment(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a reader: a server, a key, the command on the path, and a home of their own."""
    open_labs(reader=["demo/lab"])
    home = tmp_path_factory.mktemp("reader")
    (home / "waybill").write_text(f'#!/bin/sh\nexec {sys.executable} -m waybill.cli "$@"\n')
    (home / "waybill").chmod(0o755)
    around = {name: text for name, text in os.environ.items() if not name.startswith("WAYBILL_")}  # who reads runs no server
    return {
        **around, "HOME": str(home), "PATH": f"{home}:{os.environ['PATH']}", "WAYBILL_URL": parts.url,
        "WAYBILL_KEY": "the-key-of-reader", "XDG_CONFIG_HOME": str(home / "config"), "XDG_STATE_HOME": str(home / "state"),
        "RECEIVER": "https://127.0.0.1:9/hook", "PYTHONPATH": str(GUIDE.parents[1]), "WAYBILL_HOME": str(home / "server"),
    }  # fmt: skip


def test_every_kind_of_block_is_run() -> None:
    kinds = {kind for name in GUIDE.glob("c*.md") for kind, _ in BLOCK.findall(name.read_text(encoding="utf-8"))}
    assert kinds == {"sh", "python", "toml"}


@pytest.mark.timeout(240)
def test_the_commands_do_what_the_text_says(environment: dict[str, str], tmp_path: Path) -> None:
    script = f"\nprintf '\\n{MARK}\\n'\n".join(blocks("command.md", "sh"))
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=220, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    said = dict(enumerate(done.stdout.split(MARK)))
    assert len(said) == len(blocks("command.md", "sh"))
    assert said[len(said) - 1].strip() == "succeeded"
    assert "was sent before" in done.stderr and "nothing was stored" in done.stderr
    assert (tmp_path / "tp53.csv").read_text().count("\n") >= 3
    assert (tmp_path / "everything.ndjson").read_text().count("demo/lab/") >= 4


def _run(python: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(python)], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_the_programs_do_what_the_text_says(environment: dict[str, str], tmp_path: Path) -> None:
    said = _run([block for block in blocks("client.md", "python") if ASYNC not in block], environment, tmp_path)
    assert "partial 3000 1" in said
    assert "unknown_lab 1" in said
    assert "too_many_affected" in said
    assert (tmp_path / "everything.csv").read_text().count(",row-") >= 2_998


def test_the_asynchronous_program_does_what_the_text_says(environment: dict[str, str], tmp_path: Path) -> None:
    program = ["import waybill", *(block for block in blocks("client.md", "python") if ASYNC in block)]
    assert _run(program, environment, tmp_path).startswith("(100, ")


def test_the_file_of_settings_is_read_as_it_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = blocks("command.md", "toml")
    config.write_private(config.path(), block)
    assert tomllib.loads(block)["default"] == "lab"
    assert config.resolve().url == "https://waybill.example.org"


def test_the_table_of_endings_is_the_codes() -> None:
    table = {int(number) for number in re.findall(r"^\| (\d+) \|", text("command.md"), re.MULTILINE)}
    known: dict[str, Any] = {name: value for name, value in vars(exits).items() if isinstance(value, int)}
    assert table == set(known.values()) - {exits.RUNNING}


def test_every_command_that_is_named_exists() -> None:
    from waybill.cli import main

    named = set(re.findall(r"`waybill (\w+)", text("command.md") + text("client.md"))) | {
        found for block in blocks("command.md", "sh") for found in re.findall(r"\bwaybill (\w+)", block)
    }
    assert named - set(main.commands) <= {"up"}
    assert set(main.commands) - {"demo"} <= set(re.findall(r"\w+", text("command.md")))


def test_every_file_that_is_linked_exists() -> None:
    for name in ("client.md", "command.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", text(name)):
            assert (GUIDE / link).resolve().exists(), link


def test_every_command_and_every_option_is_told() -> None:
    from waybill.cli import SECTIONS

    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text("command.md")))
    for one in (command for commands in SECTIONS.values() for command in commands):
        assert re.search(rf"(waybill |`){one.name}\b", text("command.md")), one.name
        options = [option for option in one.params if isinstance(option, click.Option) and not option.hidden]
        missing = {found for option in options for found in [max(option.opts, key=len)] if found not in told}
        assert not missing, f"waybill {one.name}: {missing}"
