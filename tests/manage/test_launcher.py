"""`waybill up` with real processes: what it starts answers, what dies comes back, and nothing outlives it."""

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from models import db
from tests.conftest import clone
from tests.processes import alive, answer, descendants, free_port, wait_for

ROOT = Path(__file__).parents[2]
NAMES = {"web", "worker", "dispatcher", "postgres", "valkey"}
KEY = "a-key-of-ann-that-is-long-enough"
ACCOUNTS = {
    "organisations": [{"group_name": "north", "name": "North"}],
    "labs": [{"group_name": "north/one", "name": "One", "organisation": "north"}],
    "users": [{"name": "ann", "labs": ["north/one"], "superuser": False, "api_key": KEY}],
    "projects": [],
}


@dataclass
class Up:
    """One `waybill up`."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.home, self.port)

    def said(self) -> str:
        return (self.home.parent / "said").read_text(encoding="utf-8")

    def ready(self) -> bool:
        return answer(f"http://127.0.0.1:{self.port}/health/ready") == 200

    def wait(self) -> None:
        def told() -> bool:
            assert self.process.poll() is None, self.said()
            return "Ctrl-C" in self.said()

        wait_for(told, 60)

    def pids(self) -> dict[str, int]:
        found = {}
        for file in (self.home / "run").glob("*.pid"):
            with suppress(FileNotFoundError):  # its part died meanwhile
                found[file.stem] = int(file.read_text())
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)


def environment(home: Path, port: int) -> dict[str, str]:
    mine = {name: text for name, text in os.environ.items() if not name.startswith("WAYBILL_")}
    return mine | {"WAYBILL_HOME": str(home), "WAYBILL_PORT": str(port), "WAYBILL_WEB_PROCESSES": "1", "WAYBILL_SLOTS": "1"}


@contextmanager
def launched(folder: Path, **settings: str) -> Iterator[Up]:
    home, port = folder / "home", free_port()
    with (folder / "said").open("wb") as said:
        command = [sys.executable, "-m", "waybill.cli", "up"]
        process = subprocess.Popen(command, env=environment(home, port) | settings, stdout=said, stderr=said, cwd=ROOT)
    up = Up(home, port, process)
    try:
        up.wait()
        yield up
    finally:
        if process.poll() is None:
            up.stop()


@contextmanager
def short_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="waybill-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as path:
        yield path


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with short_folder() as path, launched(path) as running:
        yield running


def waybill(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "waybill.cli", *words]
    return subprocess.run(command, env=environment(home, 1), capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)


def get(up: Up, path: str, key: str) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(f"http://127.0.0.1:{up.port}{path}", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status, json.load(response)


def test_all_parts_run_and_have_their_pid_files(up: Up) -> None:
    pids = up.pids()

    assert set(pids) == NAMES
    assert all(alive(pid) for pid in pids.values())
    assert answer(f"http://127.0.0.1:{up.port}/health/live") == 200
    assert up.ready()


def by_curl(words: list[str]) -> str:
    return subprocess.run(words, capture_output=True, text=True, timeout=20, check=True).stdout


def as_curl(words: list[str]) -> str:
    """Send what curl would; a line with other options than these is refused."""
    options = argparse.ArgumentParser(exit_on_error=False)
    options.add_argument("-sS", action="store_true")
    options.add_argument("-H", action="append")
    options.add_argument("-d")
    options.add_argument("url")
    asked = options.parse_args(words[1:])
    headers = dict(header.split(": ", 1) for header in asked.H)
    with urllib.request.urlopen(urllib.request.Request(asked.url, asked.d.encode(), headers), timeout=20) as response:
        return str(response.read().decode())


@pytest.mark.parametrize("send", [as_curl, *([by_curl] if shutil.which("curl") else [])])
def test_the_line_to_try_works_as_it_is_printed(up: Up, send: Callable[[list[str]], str]) -> None:
    line = re.search(r"curl .*", up.said())
    assert line

    printed = send(shlex.split(line[0]))

    assert json.loads(printed)["id"] == "demo/lab/first"


def test_the_first_keys_and_the_secret_are_ours_alone(up: Up) -> None:
    for name in ("first-key", "admin-key", "secret", "run/environment.json"):
        assert (up.home / name).stat().st_mode & 0o077 == 0, name


def test_no_secret_is_on_a_command_line(up: Up) -> None:
    note = json.loads((up.home / "run" / "environment.json").read_text())
    password = str(sa.make_url(note["WAYBILL_DATABASE_URL"]).password)
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in [up.process.pid, *descendants(up.process.pid)]]

    assert not [line for line in lines if password in line or note["WAYBILL_SECRET_KEY"] in line]


def test_a_second_launcher_is_refused_and_harms_nothing(up: Up) -> None:
    before = up.pids()

    second = waybill(up.home, "up")

    assert second.returncode == 1
    assert "runs already" in second.stderr
    assert up.pids() == before


def test_accounts_are_imported_beside_a_running_server_and_once(up: Up, folder: Path) -> None:
    (folder / "accounts.json").write_text(json.dumps(ACCOUNTS))

    first = waybill(up.home, "accounts", "import", str(folder / "accounts.json"))
    again = waybill(up.home, "accounts", "import", str(folder / "accounts.json"))

    assert first.returncode == 0, first.stderr
    assert "created 0, updated 0" in again.stdout
    status, body = get(up, "/api/jobs", KEY)
    assert (status, body["jobs"]) == (200, [])


@pytest.mark.parametrize("name", ["worker", "web", "dispatcher", "valkey", "postgres"])
def test_a_part_that_dies_is_started_again_with_a_word_in_the_log(up: Up, name: str) -> None:
    before = up.pids()[name]

    os.kill(before, signal.SIGKILL)

    wait_for(lambda: up.pids().get(name, before) != before, 40)
    wait_for(up.ready, 40)
    assert f"{name} was ended by SIGKILL" in (up.home / "log" / "launcher.log").read_text()


def test_a_signal_stops_all_and_the_next_start_goes_on_with_the_same_data(folder: Path) -> None:
    with launched(folder) as first:
        key = (first.home / "first-key").read_text()
        waybill(first.home, "accounts", "import", str(write_accounts(folder)))
        below = descendants(first.process.pid)
        assert first.stop(signal.SIGTERM) == 0
        assert not first.pids()
        assert not [pid for pid in below if alive(pid)]

    with launched(folder) as second:
        assert (second.home / "first-key").read_text() == key
        assert get(second, "/api/jobs", KEY)[0] == 200
        assert get(second, "/api/jobs", key.strip())[0] == 200
        assert second.stop(signal.SIGINT) == 0


def write_accounts(folder: Path) -> Path:
    file = folder / "accounts.json"
    file.write_text(json.dumps(ACCOUNTS))
    return file


def test_nothing_outlives_a_launcher_that_is_killed_and_the_next_one_starts_at_once(folder: Path) -> None:
    with launched(folder) as first:
        below = descendants(first.process.pid)
        first.process.kill()
        first.process.wait()
        wait_for(lambda: not any(alive(pid) for pid in below), 10)

    with launched(folder) as second:
        assert second.ready()


def test_engines_that_are_named_are_used_and_none_started(folder: Path) -> None:
    url = clone("launched")
    named = {"WAYBILL_DATABASE_URL": url, "WAYBILL_BROKER_URL": os.environ["WAYBILL_BROKER_URL"]}
    with launched(folder, **named) as up:
        assert set(up.pids()) == {"web", "worker", "dispatcher"}
    engine = sa.create_engine(db.url(url))
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM users")) == 2
    engine.dispose()


def test_a_taken_port_is_named_and_nothing_stays(up: Up, folder: Path) -> None:
    command = [sys.executable, "-m", "waybill.cli", "up"]
    home = folder / "home"
    second = subprocess.run(
        command, env=environment(home, up.port), capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )

    assert second.returncode == 1
    assert "WAYBILL_PORT" in second.stderr
    assert not list((home / "run").glob("*.pid"))


def test_a_part_that_cannot_start_ends_the_launcher_with_its_last_words(folder: Path) -> None:
    home = folder / "home"
    command = [sys.executable, "-m", "waybill.cli", "up"]
    broken = environment(home, free_port()) | {"WAYBILL_WEB_THREADS": "0"}
    result = subprocess.run(command, env=broken, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)

    assert result.returncode == 1
    assert "does not come up" in result.stderr
    assert not list((home / "run").glob("*.pid"))


def test_accounts_are_imported_while_nothing_runs(folder: Path) -> None:
    home = folder / "home"

    first = waybill(home, "accounts", "import", str(write_accounts(folder)))
    again = waybill(home, "accounts", "import", str(write_accounts(folder)))

    assert first.returncode == 0, first.stderr
    assert "created 0, updated 0" in again.stdout
    assert not list((home / "run").glob("*.pid"))


def test_a_part_alone_names_the_settings_it_lacks(folder: Path) -> None:
    for name in ("web", "worker", "dispatcher"):
        result = waybill(folder / "home", name)
        assert result.returncode == 2
        assert "WAYBILL_DATABASE_URL" in result.stderr
