"""A PostgreSQL of our own: set up once, on a private socket, every setting we care for on its command line."""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from manage.binaries import EngineError
from manage.leftovers import alive, clear_leftovers
from manage.unprivileged import Place

MIB = 1024 * 1024
SOCKET = ".s.PGSQL.5432"


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
        password = self.place.secret(user)
        return f"postgresql://{user}:{password}@/{database}?host={quote(str(self.sockets), safe='')}"

    def prepare(self) -> None:
        """Set the cluster up if it is new; wait for processes of an earlier start to be gone."""
        if not self.data.exists():
            self._initialise()
        clear_leftovers(self.data, signal.SIGINT)
        self._forget_foreign_pid()
        for left in self.sockets.iterdir():
            left.unlink()

    def _initialise(self) -> None:
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self.place.secret("postgres")
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if self.place.found.major >= 17
            else ["--locale=C.UTF-8"]
        )
        result = self.place.run_as.run([
            self.place.found.binary.with_name("initdb"), "--pgdata", fresh, "--username=postgres", "--auth=scram-sha-256",
            f"--pwfile={self.place.secret_file('postgres')}", "--encoding=UTF8", "--data-checksums", *locale,
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
        if file.exists() and alive(int(file.read_text(encoding="ascii").split("\n", 1)[0] or 0)):
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
            "wal_buffers": "64MB",  # a chunk's whole log, so that nobody stops to write it before the commit
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
            password = sql.Literal(self.place.secret("waybill"))
            connection.execute(sql.SQL("CREATE ROLE waybill LOGIN PASSWORD {}").format(password))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'waybill'").fetchone():
            connection.execute("CREATE DATABASE waybill OWNER waybill")
