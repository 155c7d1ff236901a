"""The product under test: everything that `make run` starts, in a folder and on a port of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from bench import documents
from manage.home import Home

READY_SECONDS = 120
JOB_SECONDS = 900


@dataclass(frozen=True)
class Stand:
    """A running product, its address, and who we are to it."""

    url: str
    home: Path
    session: requests.Session

    def post(self, body: bytes, **headers: str) -> dict[str, Any]:
        """Submit an NDJSON body; return the job as it is at its end, with `accepted` and `seconds` from the POST on."""
        began = time.perf_counter()
        headers = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async", **headers}
        path = "/classification/api/classifications/v2/record/"
        answer = self.session.post(self.url + path, data=body, headers=headers, timeout=120)
        accepted = time.perf_counter() - began
        if answer.status_code != 202:
            raise RuntimeError(f"submit answered {answer.status_code}: {answer.text[:500]}")
        job = self.wait(answer.json()["result"]["job.token"])
        return {**job, "accepted": accepted, "seconds": time.perf_counter() - began}

    def wait(self, token: str) -> dict[str, Any]:
        """Follow a job to its end by its stream of events, which costs the machine under test less than being asked."""
        address = f"{self.url}/api/jobs/{token}"
        until = time.monotonic() + JOB_SECONDS
        while time.monotonic() < until:
            with self.session.get(address + "/events", stream=True, timeout=JOB_SECONDS) as events:
                events.raise_for_status()
                for _ in events.iter_lines():
                    pass  # the stream ends with the job, or when it has lasted long enough
            job: dict[str, Any] = self.session.get(address, timeout=30).json()
            if job["status"] in ("done", "rejected"):
                return job
        raise RuntimeError(f"job {token} did not end within {JOB_SECONDS} s")

    def get_page(self, selection: list[Any], size: int, cursor: str | None) -> dict[str, Any]:
        """Read one page of a selection."""
        ask: dict[str, Any] = {"selection": selection, "page.size": size}
        path = "/classification/api/classifications/v2/records/bulk/get"
        answer = self.session.post(self.url + path, json=ask | ({"page.cursor": cursor} if cursor else {}), timeout=120)
        answer.raise_for_status()
        page: dict[str, Any] = answer.json()["result"]
        return page

    def import_accounts(self, document: dict[str, Any]) -> None:
        """Import people and projects."""
        file = self.home / "bench-accounts.json"
        file.write_text(json.dumps(document))
        command = [sys.executable, "-m", "waybill.cli", "accounts", "import", str(file)]
        subprocess.run(command, env={**os.environ, "WAYBILL_HOME": str(self.home)}, check=True)

    def database(self) -> str:
        """Return the address of the database behind it."""
        return str(Home(self.home).published()["WAYBILL_DATABASE_URL"])

    def pids(self, part: str) -> list[int]:
        """Return a part's process and all below it."""
        first = int((self.home / "run" / f"{part}.pid").read_text())
        return [first, *_below(first)]

    def peak(self, part: str) -> float:
        """Return the largest peak memory of a part's processes, in MiB."""
        return max(_peak(pid) for pid in self.pids(part)) / 1024


def _below(pid: int) -> list[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    direct = [int(child) for file in files for child in file.read_text().split()]
    return direct + [deeper for child in direct for deeper in _below(child)]


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def stand(**environment: str) -> Iterator[Stand]:
    """Start a fresh product, with the documents' accounts; stop it and remove its data at the end."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        home, port = Path(folder), _free_port()
        env = {**os.environ, "WAYBILL_HOME": folder, "WAYBILL_PORT": str(port), **environment}
        with (home / "up.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "waybill.cli", "up"], env=env, stdout=log, stderr=log)
        try:
            running = Stand(f"http://127.0.0.1:{port}", home, _session())
            _wait_ready(running, process)
            running.import_accounts(documents.accounts())
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = "Bearer bench-key-of-the-loader"
    return session


def _wait_ready(running: Stand, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(running.url + "/health/ready", timeout=2).status_code == 200:
                return
        except (requests.ConnectionError, requests.Timeout):
            pass  # not listening yet
        time.sleep(0.1)
    raise RuntimeError("the product did not become ready:\n" + (running.home / "up.log").read_text()[-2000:])
