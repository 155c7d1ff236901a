"""A whole Waybill of a test's own: engines, two workers, web and dispatcher, kept running as the launcher would."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis
import requests

from manage.postgres import Postgres
from manage.unprivileged import CHILD
from manage.valkey import Valkey
from tests.faults.proxy import Proxy
from tests.processes import RunningEngine, answer, children, wait_for

WORKERS = ("worker", "worker2")
PARTS = ("web", *WORKERS, "dispatcher")
RECORDS = "/classification/api/classifications/v2/record/"
POISONED = "tests.faults.poisoned_worker"
START_AGAIN = 0.5
PATIENCE = 40.0  # seconds that a client waits for an answer
KEY = {"Authorization": "Bearer key-for-tests-ann"}


@dataclass
class Site:
    """One installation. `down` are parts that a fault keeps from being started again; `excused` says until when what may fail."""

    folder: Path
    database: RunningEngine
    broker: RunningEngine
    environment: Mapping[str, str]
    proxy: Proxy | None = None  # between the parts and the database
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    extra: dict[str, Mapping[str, str]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    excused: dict[str, float] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        """Where the web answers."""
        return f"http://127.0.0.1:{self.environment['WAYBILL_PORT']}"

    @property
    def postgres(self) -> Postgres:
        """The database's engine."""
        assert isinstance(self.database.engine, Postgres)
        return self.database.engine

    @property
    def valkey(self) -> Valkey:
        """The broker's engine."""
        assert isinstance(self.broker.engine, Valkey)
        return self.broker.engine

    # --- parts ---

    def start(self, name: str, **more: str) -> None:
        """Start a part, from the thread it is to end with; `more` is added to its environment, now and at every start after."""
        assert threading.current_thread() is threading.main_thread()
        self.extra[name] = {**self.extra.get(name, {}), **more}
        module = [POISONED] if name in WORKERS else ["waybill.cli", name]
        command = [sys.executable, "-I", "-S", str(CHILD), "9", "self", "0", "0", str(os.getpid()), sys.executable, "-m", *module]
        environment = {**os.environ, **self.environment, **self.extra[name]}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def restart(self, name: str, **environment: str) -> None:
        """End a part cleanly and start it with another environment."""
        self.end(name, signal.SIGTERM)
        self.extra[name] = {}
        self.start(name, **environment)

    def end(self, name: str, number: int = signal.SIGKILL, seconds: float = 40) -> float:
        """End a part and its children; it stays down until it is started. Returns the seconds that it took."""
        begun = time.monotonic()
        process = self.processes.pop(name)
        below = children(process.pid)
        process.send_signal(number)
        if number == signal.SIGKILL:
            for pid in below:
                self.signal(pid, signal.SIGKILL)
        process.wait(seconds)
        return time.monotonic() - begun

    @staticmethod
    def signal(pid: int, number: int) -> None:
        """Send a process a signal; one that is gone needs none."""
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return

    def pid(self, name: str) -> int:
        """Return a part's process id."""
        return self.processes[name].pid

    def worker(self) -> str:
        """Choose one of the workers that are up."""
        return self.dice.choice([name for name in WORKERS if name in self.processes])

    def tend(self) -> None:
        """Start again what has ended, as the launcher does."""
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self.deaths[name] += 1
                del self.processes[name]
        for name in PARTS:
            if name not in self.processes and name not in self.down:
                time.sleep(START_AGAIN)
                self.start(name)

    def tend_until(self, what: Callable[[], object], seconds: float) -> None:
        """Tend until something is so."""

        def tended() -> object:
            self.tend()
            return what()

        tended.__doc__ = what.__doc__ or getattr(what, "__name__", None)
        wait_for(tended, seconds, 0.1)

    def tend_for(self, seconds: float) -> None:
        """Tend for a while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.tend()
            time.sleep(min(0.1, left))

    def up(self) -> bool:
        """Web ready, workers and dispatcher heard of."""
        return answer(self.url + "/health/ready") == 200

    def stop(self) -> None:
        """Stop everything: what does not stop cleanly is killed, and fails the test."""
        stubborn = []
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for name, process in self.processes.items():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                stubborn.append(name)
        if self.proxy:
            self.proxy.stop()
        self.broker.stop()
        self.database.stop()
        assert not stubborn, f"{stubborn} did not stop within 30 s of SIGTERM"

    def log(self, name: str) -> str:
        """Return what a part has said so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    # --- what is inside ---

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database itself, as its administrator, past every proxy."""
        with psycopg.connect(self.postgres.admin_url("waybill"), autocommit=True, connect_timeout=5) as connection:
            found = connection.execute(sql, values)
            return found.fetchall() if found.description else []

    def client(self) -> redis.Redis:
        """Return a client of the broker."""
        return self.valkey.client()

    def forget_broker_data(self) -> None:
        """Remove what a stopped broker kept on its disk."""
        shutil.rmtree(self.valkey.place.folder / "data")

    # --- HTTP ---

    def post(self, operations: list[dict[str, Any]], **headers: str) -> requests.Response:
        """Submit operations without waiting for their end."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        body = json.dumps({"records": operations})
        head = {**KEY, "Content-Type": "application/json", "Prefer": "respond-async", **more}
        return requests.post(self.url + RECORDS, data=body, headers=head, timeout=PATIENCE)

    def submit(self, operations: list[dict[str, Any]], **headers: str) -> str:
        """Submit operations that must be taken; return the job's token."""
        response = self.post(operations, **headers)
        assert response.status_code == 202, response.text
        return str(response.json()["result"]["job.token"])

    def excuse(self, what: str, seconds: float) -> None:
        """Say that something may fail for so long from now on."""
        self.excused[what] = max(self.excused.get(what, 0.0), time.monotonic() + seconds)

    def is_excused(self, what: str, at: float) -> bool:
        """Say whether something that was begun at this time may have failed."""
        return self.excused.get(what, 0.0) >= at
