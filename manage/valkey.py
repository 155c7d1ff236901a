"""A Valkey or Redis of our own, on a private socket."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import redis

from manage.leftovers import clear_leftovers
from manage.unprivileged import Place

SOCKET = "valkey.sock"


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
        return self.sockets / SOCKET

    def url(self, database: int = 0) -> str:
        """Return the address as kombu spells it."""
        return f"redis+socket://:{self.place.secret('valkey')}@{self.socket}?virtual_host={database}"

    def client(self, database: int = 0) -> redis.Redis:
        """Return a client of the server."""
        return redis.Redis(unix_socket_path=str(self.socket), password=self.place.secret("valkey"), db=database, socket_timeout=2)

    def prepare(self) -> None:
        """Write the configuration; wait for a process of an earlier start to be gone."""
        data = self.place.folder / "data"
        clear_leftovers(data, signal.SIGTERM)
        self._set_aside_unreadable(data)
        if not data.exists():
            data.mkdir(mode=0o700)
            os.chown(data, *self.place.run_as.owner)
        self.place.write("valkey.conf", "".join(f"{name} {value}\n" for name, value in self._settings(data).items()))
        self.socket.unlink(missing_ok=True)
        self._starting.touch()

    @property
    def _starting(self) -> Path:
        """A mark that is there from a start until the server answers."""
        return self.place.folder / "starting"

    def _set_aside_unreadable(self, data: Path) -> None:
        """Begin with an empty server where the last start ended before it could answer: all messages can be sent again."""
        if self._starting.exists() and data.exists():
            aside = data.with_name("data.set-aside")
            shutil.rmtree(aside, ignore_errors=True)
            data.rename(aside)

    def _settings(self, data: Path) -> dict[str, str]:
        return {
            "port": "0",
            "unixsocket": f'"{self.socket}"',
            "unixsocketperm": "700",
            "requirepass": self.place.secret("valkey"),
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
            client.ping()
        except redis.RedisError:
            return False
        finally:
            client.close()
        self._starting.unlink(missing_ok=True)
        return True
