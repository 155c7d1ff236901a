"""A client of the project face, for measuring: it waits for its jobs, and says how long they took."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import requests

WAIT_SECONDS = 1_800


@dataclass(frozen=True)
class Face:
    """A project of the running product, as one of its members' clients."""

    url: str
    session: requests.Session
    project: str

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        """Make a call that succeeds; return its result with the data beside it."""
        answer = self.session.post(f"{self.url}/api/p/{self.project}/{path}", json=body, timeout=300)
        return self._read(answer)

    def load(self, body: bytes) -> dict[str, Any]:
        """Make records of an NDJSON body; return the job at its end."""
        began = time.perf_counter()
        headers = {"Content-Type": "application/x-ndjson"}
        answer = self.session.post(
            f"{self.url}/api/p/{self.project}/records/bulk/create", data=body, headers=headers, timeout=300
        )
        return self.end(self._read(answer)["job.token"], began)

    def run(self, path: str, **body: Any) -> dict[str, Any]:
        """Run a job to its end; `seconds` counts from the POST on."""
        began = time.perf_counter()
        return self.end(self.call(path, **body)["job.token"], began)

    def undo(self, token: str) -> dict[str, Any]:
        """Take a job back."""
        began = time.perf_counter()
        answer = self.session.post(f"{self.url}/api/jobs/{token}/undo", timeout=300)
        if answer.status_code != 202:
            raise RuntimeError(f"undo answered {answer.status_code}: {answer.text[:500]}")
        return self.end(answer.json()["result"]["job.token"], began)

    def _read(self, answer: requests.Response) -> dict[str, Any]:
        if answer.status_code != 200:
            raise RuntimeError(f"answered {answer.status_code}: {answer.text[:500]}")
        said = answer.json()
        return {**said["result"], "data": said["data"]}

    def end(self, token: str, began: float | None = None) -> dict[str, Any]:
        """Wait for a job's end. Raises RuntimeError where not all of it succeeded."""
        began = time.perf_counter() if began is None else began
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            job: dict[str, Any] = self.call("jobs/get", job=token)["jobs"][token]
            if job["status"] in ("done", "rejected"):
                if job["status"] == "rejected" or job["failed"]:
                    raise RuntimeError(f"not all succeeded: {job}")
                return {**job, "seconds": time.perf_counter() - began}
            time.sleep(0.05)
        raise RuntimeError(f"job {token} did not end within {WAIT_SECONDS} s")
