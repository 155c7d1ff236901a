"""One server for all commands of the guide, started as the guide says."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.blocks import MARK, ROOT, Block, grouped, script
from tests.processes import answer, free_port, wait_for

COMMAND = f'#!/bin/sh\nexec {sys.executable} -m waybill.cli "$@"\n'


@dataclass(frozen=True)
class Site:
    """A running server, and a reader of the guide beside it."""

    environment: dict[str, str]
    folder: Path

    def run(self, blocks: list[Block], name: str, seconds: float = 180, without: Collection[str] = ()) -> list[str]:
        """Run a page's blocks one after the other in one shell, in a folder of their own; return what each group printed."""
        here = self.folder / name
        here.mkdir()
        for shared in (".venv", "data", "CHANGELOG.md"):
            (here / shared).symlink_to(ROOT / shared)
        known = {variable: value for variable, value in self.environment.items() if variable not in without}
        home = {"HOME": str(here), "XDG_CONFIG_HOME": str(here / "config"), "XDG_STATE_HOME": str(here / "state")}
        (here / "commands.sh").write_text(script(blocks, here), encoding="utf-8")
        command = ["bash", "-euo", "pipefail", "commands.sh"]
        with (here / "said").open("wb") as said, (here / "told").open("wb") as told:
            process = subprocess.Popen(command, cwd=here, env=known | home, stdout=said, stderr=told, start_new_session=True)
            try:
                code = process.wait(seconds)
            finally:
                _end(process.pid)
        printed, told_of = ((here / file).read_text(encoding="utf-8") for file in ("said", "told"))
        assert code == 0, f"{name} ended with {code}\n{printed[-2000:]}\n{told_of[-2000:]}"
        found = printed.split(MARK)
        assert len(found) == len(grouped(blocks))
        return found


def _end(group: int) -> None:
    """End what a page left running."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, as a project's usually is; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="waybill-guide-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="module")
def site(open_folder: Path) -> Iterator[Site]:
    """A server that was started by the guide's own command, with a home and a port of its own."""
    folder, port = open_folder, free_port()
    home = folder / "home"
    home.mkdir(mode=0o711)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("WAYBILL_", "MAKE"))}
    served = clean | {"WAYBILL_HOME": str(home), "WAYBILL_PORT": str(port), "WAYBILL_WEB_PROCESSES": "1"}
    with (folder / "said").open("wb") as said:
        command = ["make", "run"] if shutil.which("make") else [sys.executable, "dev.py", "run"]
        process = subprocess.Popen(command, cwd=ROOT, env=served, stdout=said, stderr=said, start_new_session=True)
    try:
        wait_for(lambda: answer(f"http://127.0.0.1:{port}/health/ready") == 200 or process.poll() is not None, 90)
        assert process.poll() is None, (folder / "said").read_text(encoding="utf-8")
        yield Site(served | _readers(folder, home, port), folder)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


def _readers(folder: Path, home: Path, port: int) -> dict[str, str]:
    """Return what every reader has: the command on the path, the server's address and a key, under both pairs of names."""
    (folder / "bin").mkdir()
    (folder / "bin" / "waybill").write_text(COMMAND, encoding="utf-8")
    (folder / "bin" / "waybill").chmod(0o755)
    url, key = f"http://127.0.0.1:{port}", (home / "first-key").read_text(encoding="ascii").strip()
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHON": sys.executable, "PYTHONPATH": str(ROOT),
        "URL": url, "KEY": key, "WAYBILL_URL": url, "WAYBILL_KEY": key,
    }  # fmt: skip
