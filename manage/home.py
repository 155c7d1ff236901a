"""One installation's folder: where its things are, who holds it, and how to reach its database while it runs or rests."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from manage import engines
from manage.binaries import EngineError
from models import ids
from models.settings import settings

LOG_BYTES = 10 * 1024 * 1024


class AlreadyRunning(EngineError):
    """Another launcher holds the home."""


@dataclass(frozen=True)
class Home:
    """The folder's layout. Everything in it is private; as root, its engines' user may pass through."""

    path: Path

    @property
    def run(self) -> Path:
        """Process ids and sockets."""
        return self.path / "run"

    @property
    def first_key(self) -> Path:
        """The file with the first API key."""
        return self.path / "first-key"

    def prepare(self) -> None:
        """Make the folders. A folder that is there keeps its mode."""
        mode = 0o711 if os.geteuid() == 0 else 0o700
        for folder, wanted in ((self.path, mode), (self.run, mode), (self.path / "log", 0o700)):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(wanted)

    def pid_file(self, name: str) -> Path:
        """Return where a part's process id is."""
        return self.run / f"{name}.pid"

    def log(self, name: str) -> Path:
        """Return where a part's log is."""
        return self.path / "log" / f"{name}.log"

    def rotate_logs(self) -> None:
        """Set a log that has grown large aside as `.1`; the one before is dropped."""
        for log in (self.path / "log").glob("*.log"):
            if log.stat().st_size > LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the home until the end of the block or of this process. Raises AlreadyRunning."""
        with (self.run / "lock").open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                pid = lock.read().strip() or "another process"
                raise AlreadyRunning(f"Waybill runs already in {self.path} ({pid})") from None
            lock.seek(0)
            lock.truncate()
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def secret(self) -> str:
        """Return the key that seals cursors: the setting, or one made once and kept here."""
        return settings().secret_key or self.keep("secret", ids.new_secret)

    def keep(self, name: str, make: Callable[[], str]) -> str:
        """Return a private file's text; `make()` gives it the first time."""
        file = self.path / name
        if not file.exists():
            write_private(file, make())
        return file.read_text(encoding="utf-8").strip()

    def publish(self, environment: dict[str, str]) -> None:
        """Leave a note of how the running parts are reached, for commands beside them."""
        write_private(self.run / "environment.json", json.dumps(environment))

    def published(self) -> dict[str, str]:
        """Return the last note; it may be of a launcher that is gone."""
        note = self.run / "environment.json"
        return dict(json.loads(note.read_text(encoding="utf-8"))) if note.exists() else {}


def write_private(file: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as out:
        out.write(text + "\n")
    part.rename(file)


def here() -> Home:
    """Return the home that the settings name, ready to use."""
    home = Home(settings().home)
    home.prepare()
    return home


@contextlib.contextmanager
def database() -> Iterator[None]:
    """Point this process's settings at the installation's database: the one named, the running one, or ours for a moment."""
    if settings().database_url:
        yield
        return
    home = here()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(home.held())
        except AlreadyRunning:
            _use(home.published()["WAYBILL_DATABASE_URL"])
        else:
            _use(stack.enter_context(_lent(home)))
        yield


def _use(url: str) -> None:
    os.environ["WAYBILL_DATABASE_URL"] = url
    settings.cache_clear()


@contextlib.contextmanager
def _lent(home: Home) -> Iterator[str]:
    engine = engines.postgres(home.path)
    engine.prepare()
    with home.log(engine.name).open("ab") as log:
        process = subprocess.Popen(engine.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        engines.wait_ready(engine, lambda: process.poll() is None)
        yield engine.url()
    finally:
        process.send_signal(engine.stop_signal)
        process.wait()
