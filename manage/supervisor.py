"""Processes that must keep running: started in order, started again when they die, stopped in order, never left behind.

Each has its own session, so that a terminal's Ctrl-C reaches the launcher alone, and a parent-death signal. All are started
from the main thread: the kernel sends that signal when the *thread* that started a process ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from manage.binaries import EngineError
from manage.home import Home, write_private

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
LONG_LIFE = 60.0  # who lived so long starts again with the first pause
TAIL = 12


class PartFailed(EngineError):
    """A part cannot be brought up."""


@dataclass
class Part:
    """One process to keep. `command` is asked anew at each start, after `prepare`; `ready` says whether it does its work."""

    name: str
    command: Callable[[], Sequence[str]]
    prepare: Callable[[], None] = lambda: None
    stop_signal: signal.Signals = signal.SIGTERM
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float | None = None
    pause: float = FIRST_PAUSE
    deaths: int = 0

    @property
    def running(self) -> bool:
        """Say whether its process is there."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """The parts of one home. `say` gets a line for people about everything that is not as it should be."""

    def __init__(self, home: Home, say: Callable[[str], None]) -> None:
        self.home = home
        self.say = say
        self.parts: list[Part] = []

    def start(self, part: Part) -> None:
        """Start a part and keep it running from now on."""
        self.parts.append(part)
        self._launch(part)

    def _launch(self, part: Part) -> None:
        part.prepare()
        part.process = self.spawn(part.name, part.command(), part.environment)
        part.started_at, part.start_at = time.monotonic(), None
        write_private(self.home.pid_file(part.name), str(part.process.pid))

    def spawn(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a process with its log; it is not kept running."""
        with self.home.log(name).open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def tend(self) -> None:
        """Notice what died, start again what has waited long enough."""
        for part in self.parts:
            if part.process is not None and part.process.poll() is not None:
                self._note_death(part)
            if part.start_at is not None and time.monotonic() >= part.start_at:
                self._start_again(part)

    def _note_death(self, part: Part) -> None:
        assert part.process is not None
        lived = time.monotonic() - part.started_at
        ending = _ending(part.process.returncode)
        part.process = None
        part.deaths += 1
        part.pause = FIRST_PAUSE if lived >= LONG_LIFE else part.pause
        self.home.pid_file(part.name).unlink(missing_ok=True)
        self.say(
            f"{part.name} {ending} after {lived:.0f} s; it starts again in {part.pause:.0f} s (log: {self.home.log(part.name)})"
        )
        self._postpone(part)

    def _postpone(self, part: Part) -> None:
        part.start_at = time.monotonic() + part.pause
        part.pause = min(2 * part.pause, LONGEST_PAUSE)

    def _start_again(self, part: Part) -> None:
        try:
            self._launch(part)
        except (EngineError, OSError) as error:
            self.say(f"{part.name} does not start: {error}; next try in {part.pause:.0f} s")
            self._postpone(part)
        else:
            self.say(f"{part.name} started again")

    def stop(self, groups: Sequence[Sequence[str]], seconds: float) -> None:
        """Stop all parts, one group after the other, each cleanly as long as the time for all of them lasts."""
        until = time.monotonic() + seconds
        for part in self.parts:
            part.start_at = None
        for group in groups:
            members = [part for part in self.parts if part.name in group and part.running]
            for part in members:
                self._signal(part, part.stop_signal)
            for part in members:
                self._await_end(part, until)

    def _await_end(self, part: Part, until: float) -> None:
        assert part.process is not None
        try:
            part.process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.say(f"{part.name} does not stop and is killed")
            self._kill(part)
        self.home.pid_file(part.name).unlink(missing_ok=True)

    def _kill(self, part: Part) -> None:
        """End a part at once. PostgreSQL gets SIGQUIT, which is as quick, takes its children along, and is safe for the data."""
        assert part.process is not None
        self._signal(part, signal.SIGQUIT if part.name == "postgres" else signal.SIGKILL)
        part.process.wait()

    @staticmethod
    def _signal(part: Part, number: signal.Signals) -> None:
        assert part.process is not None
        part.process.send_signal(number)

    def tail(self, name: str) -> str:
        """Return the last lines of a part's log."""
        log = self.home.log(name)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
        return "\n".join(f"    {line}" for line in lines[-TAIL:])


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
