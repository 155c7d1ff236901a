"""dev.py and what calls it: small, of the standard library alone, and signals arrive."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import dev
from tests.processes import wait_for

ROOT = Path(__file__).parents[2]


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def test_it_needs_nothing_but_python() -> None:
    assert imported(ROOT / "dev.py") <= sys.stdlib_module_names


def test_the_process_wrapper_needs_nothing_but_python() -> None:
    assert imported(ROOT / "manage" / "child.py") <= sys.stdlib_module_names


def test_the_makefile_and_ci_have_no_commands_of_their_own() -> None:
    targets = re.findall(r"^(\w+): ; @exec \$\(PYTHON\) dev\.py (\w+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    called = re.findall(r"^step (\w+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)

    assert {target for target, _ in targets} == set(dev.COMMANDS)
    assert all(target == command for target, command in targets)
    assert "test" in called
    assert set(called) <= set(dev.COMMANDS)


def test_the_lock_is_all_hashes_and_names_no_registry() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))

    assert all("--hash=sha256:" in package for package in packages if "==" in package)
    assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links", text)


def test_what_is_installed_is_known_by_the_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = dev._wanted()
    other = tmp_path / "requirements.lock"
    other.write_text("another==1\n")
    monkeypatch.setattr(dev, "LOCK", other)

    assert dev._wanted() != before


def test_linking_makes_the_command_and_its_entry_points(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    monkeypatch.setattr(dev, "VENV", tmp_path / "venv")
    monkeypatch.setattr(dev, "PYTHON", tmp_path / "venv" / "bin" / "python")

    dev._link()
    dev._link()

    code = "from importlib.metadata import *; print(version('waybill'), *entry_points(group='waybill.commands').names)"
    said = subprocess.run([dev.PYTHON, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert said.split() == ["0.1.0", "server"]
    assert os.access(tmp_path / "venv" / "bin" / "waybill", os.X_OK)


def test_an_unknown_command_shows_the_known_ones() -> None:
    result = subprocess.run([sys.executable, "dev.py", "fly"], capture_output=True, text=True, cwd=ROOT, check=False)

    assert result.returncode == 1
    assert "python3 dev.py run" in result.stderr


def recipe(target: str) -> str:
    """Return the line that make gives to the shell."""
    line = re.search(rf"^{target}: ; @(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert line
    return line[1].replace("$(PYTHON)", sys.executable)


LINE = f"{recipe('run')}; exit 1"  # more than one command: a shell may take the last one's place by itself
RUNNERS = [["sh", "-c", LINE], *([["make", f"PYTHON={sys.executable}", "run"]] if shutil.which("make") else [])]


@pytest.mark.parametrize("command", RUNNERS, ids=lambda command: command[0])
def test_a_signal_to_what_runs_a_target_reaches_dev_py(command: list[str], tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "dev.py").write_text(
        "import signal, sys, time\n"
        "def stop(*_): open('stopped', 'w').close(); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop); open('started', 'w').close()\n"
        "while True: time.sleep(0.1)\n"
    )
    runner = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    wait_for((tmp_path / "started").exists)

    runner.send_signal(signal.SIGTERM)
    runner.wait(10)

    assert (tmp_path / "stopped").exists()
