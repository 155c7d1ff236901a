"""The README does what it says: its commands are run as they stand there, its table is the settings'."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models import settings as settings_module
from tests.processes import answer, free_port, wait_for

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "-- block --"
TESTS_ONLY = {"PAUSE_AT"}
TOO_LONG = {"WEBHOOK_PAUSES"}  # a list over days


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(README) if found == kind]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server that was started by the README's own command, with a home and a port of its own."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    home.chmod(0o711)
    for parent in home.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)  # an engine that runs as another user passes through
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WAYBILL_")}
    running = clean | {"WAYBILL_HOME": str(home), "WAYBILL_PORT": str(port), "WAYBILL_WEB_PROCESSES": "1"}
    (command,) = blocks("run")
    with (home / "said").open("wb") as said:
        process = subprocess.Popen(command.split(), cwd=ROOT, env=running, stdout=said, stderr=said, start_new_session=True)
    try:
        wait_for(lambda: answer(f"http://127.0.0.1:{port}/health/ready") == 200 or process.poll() is not None, 90)
        assert process.poll() is None, (home / "said").read_text()
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


@pytest.fixture(scope="module")
def said(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each block of commands printed, run one after the other in one shell."""
    folder = tmp_path_factory.mktemp("reader")
    for name in (".venv", "data"):
        (folder / name).symlink_to(ROOT / name)
    script = f"\nprintf '\\n{MARK}\\n'\n".join(blocks("sh"))
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout.split(MARK)


def read(text: str) -> Any:
    """Return the last JSON document that was printed."""
    return json.loads(text.strip().splitlines()[-1])


@pytest.mark.timeout(240)
def test_every_command_does_what_the_text_says(said: list[str]) -> None:
    first, many, outcomes, pages, patched, out, demo, accounts = said
    assert [one["status"] for one in read(first)["results"]] == ["created", "created", "failed"]
    assert read(first)["results"][2]["error"]["code"] == "not_found"
    assert read(many)["total"] == 2_001
    (failed,) = read(outcomes)["results"]
    assert (failed["line"], failed["error"]["code"], failed["error"]["pointer"]) == (2_001, "unknown_lab", "/id")
    page = read(pages)
    assert page["result"]["records.size"] == 286  # one by its id, 286 of GENE3, less one
    assert (len(page["result"]["records"]), page["result"]["page.cursor"] is None) == (100, False)
    assert read(patched)["success"] is True
    assert out.split()[0] == "2002"
    assert read(out)["success"] is True
    assert "6,078 created" in demo
    assert "42,237 operations" in demo
    assert "unchanged" in accounts


def test_the_table_of_settings_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, object] = {}

    def note(name: str, default: object, **_: object) -> object:
        found[name] = default
        return default

    kinds = dict.fromkeys(("int", "float", "str", "bool", "list"), note)
    monkeypatch.setattr(settings_module, "Env", lambda prefix: SimpleNamespace(**kinds))
    settings_module.load()
    table = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\| ", README, re.MULTILINE))
    assert table == {name: str(value) for name, value in found.items() if name not in TESTS_ONLY | TOO_LONG}


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make (\w+)`", README)) | {command.split()[1] for command in blocks("run")}
    assert named <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))


def test_every_file_that_is_linked_exists() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
