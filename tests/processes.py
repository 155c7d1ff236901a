"""Engines and parts as real processes, for tests that need them: started, awaited, killed, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from manage.engines import Engine, wait_ready
from manage.unprivileged import CHILD

PARTS = ("web", "worker", "dispatcher")


def wait_for(what: Callable[[], object], seconds: float = 30, pause: float = 0.05) -> None:
    """Wait until `what()` is true; an AssertionError names it where it never is."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"not within {seconds} s: {getattr(what, '__doc__', None) or what}"
        time.sleep(pause)


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(url: str, timeout: float = 3) -> int | None:
    """Return the status of a GET; None where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            return int(response.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None


def alive(pid: int) -> bool:
    """Say whether a process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def children(pid: int) -> list[int]:
    """Return the processes that a process started and that still run."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in tasks for child in file.read_text(encoding="ascii").split()]


def descendants(pid: int) -> list[int]:
    """Return all processes below a process."""
    below = children(pid)
    return below + [deeper for child in below for deeper in descendants(child)]


@dataclass
class RunningEngine:
    """An engine as a process of this test run, which ends with it."""

    engine: Engine
    log: Path
    process: subprocess.Popen[bytes] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)  # more than this process's own

    def start(self) -> RunningEngine:
        """Start it and wait until it answers."""
        self.engine.prepare()
        with self.log.open("ab") as log:
            process = self.process = subprocess.Popen(
                self.engine.command(), stdout=log, stderr=log, start_new_session=True, env={**os.environ, **self.environment}
            )
        wait_ready(self.engine, lambda: process.poll() is None, 60)
        return self

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal and wait for the end."""
        assert self.process
        self.process.send_signal(number)
        self.process.wait(60)

    def pause(self, seconds: float) -> None:
        """Freeze it for a while."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop it in the quickest clean way."""
        if self.process and self.process.poll() is None:
            self.kill(self.engine.stop_signal)


@dataclass
class Parts:
    """Web, worker and dispatcher as real processes against one database and broker, logs in `folder`."""

    environment: Mapping[str, str]
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the web answers."""
        return f"http://127.0.0.1:{self.environment['WAYBILL_PORT']}"

    def start(self, *names: str) -> None:
        """Start parts, all of them by default; `worker2` and the like are more workers."""
        for name in names or PARTS:
            with (self.folder / f"{name}.log").open("ab") as log:
                words = [sys.executable, "-m", "waybill.cli", name.rstrip("0123456789")]
                command = [sys.executable, "-I", "-S", str(CHILD), "9", "self", "0", "0", str(os.getpid()), *words]
                self.processes[name] = subprocess.Popen(
                    command, env={**os.environ, **self.environment}, stdout=log, stderr=log, start_new_session=True
                )

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until the web answers, and a worker and the dispatcher have been heard of."""

        def ready() -> bool:
            """web, worker and dispatcher ready"""
            gone = [name for name, process in self.processes.items() if process.poll() is not None]
            assert not gone, f"{gone} ended: {self.log(gone[0])[-2000:]}"
            return answer(self.url + "/health/ready") == 200

        wait_for(ready, seconds)

    def log(self, name: str) -> str:
        """Return what a part has said so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def pid(self, name: str) -> int:
        """Return a part's process id."""
        return self.processes[name].pid

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a part a signal; it is not waited for, nor started again."""
        self.processes[name].send_signal(number)

    def restart(self, name: str, number: int = signal.SIGKILL, seconds: float = 40) -> None:
        """End a part with a signal and start it again."""
        self.kill(name, number)
        self.processes[name].wait(seconds)
        self.start(name)

    def stop(self, seconds: float = 30) -> None:
        """Stop all parts cleanly, the web first; kill what does not end, which fails the test."""
        stubborn = []
        for process in self.processes.values():
            process.terminate()
        for name, process in self.processes.items():
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                stubborn.append(name)
        self.processes.clear()
        assert not stubborn, f"{stubborn} did not stop within {seconds} s of SIGTERM"
