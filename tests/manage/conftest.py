"""Homes and engines of a test's own."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from manage import engines
from manage.postgres import MIB, Postgres
from manage.valkey import Valkey
from tests.processes import RunningEngine

StartPostgres: TypeAlias = Callable[[Path], tuple[Postgres, RunningEngine]]
StartValkey: TypeAlias = Callable[[Path], tuple[Valkey, RunningEngine]]


def make_home(path: Path) -> Path:
    for folder in (path, path / "run"):
        folder.mkdir(mode=0o711, parents=True)
    return path


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, as a project's usually is; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="waybill-", ignore_cleanup_errors=True) as folder:
        path = Path(folder)
        path.chmod(0o711)
        yield path


@pytest.fixture
def home(open_folder: Path) -> Path:
    return make_home(open_folder / "home")


@pytest.fixture
def started() -> Iterator[list[RunningEngine]]:
    running: list[RunningEngine] = []
    yield running
    for engine in running:
        engine.stop()


@pytest.fixture
def start_postgres(started: list[RunningEngine]) -> StartPostgres:
    """Start a home's PostgreSQL; it ends with the test."""

    def start(home: Path) -> tuple[Postgres, RunningEngine]:
        engine = engines.postgres(home, shared_buffers=32 * MIB)
        started.append(RunningEngine(engine, home / "postgres.log").start())
        return engine, started[-1]

    return start


@pytest.fixture
def start_valkey(started: list[RunningEngine]) -> StartValkey:
    """Start a home's broker; it ends with the test."""

    def start(home: Path) -> tuple[Valkey, RunningEngine]:
        engine = engines.valkey(home)
        started.append(RunningEngine(engine, home / "valkey.log").start())
        return engine, started[-1]

    return start
