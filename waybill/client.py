"""A client for the record API: submit operations as a job, follow it, read its outcomes, page through records.

    with Waybill("http://127.0.0.1:8080", key) as waybill:
        job = waybill.wait(waybill.submit(operations))
        for result in waybill.results(job.token, status="failed"):
            print(result.line, result.error)

Bodies and pages are streams: neither the operations nor the answers are ever held whole. Every POST is sent with an idempotency
key, or is harmless to repeat, so that requests are repeated when a connection breaks or the server asks for a pause.
"""

from __future__ import annotations

import gzip
import json
import random
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from waybill.values import Job, Problem, Result

RECORDS = "/classification/api/classifications/v2/record/"
BULK_GET = "/classification/api/classifications/v2/records/bulk/get"
NDJSON = "application/x-ndjson"
IN_FLIGHT = "idempotency_key_in_flight"
TIMEOUT = (10.0, 120.0)  # seconds to connect, and without a byte of the answer
REPEATS = Retry(
    total=8,
    connect=4,  # some seconds, for a server that starts again
    redirect=0,
    backoff_factor=0.3,
    backoff_max=30,
    backoff_jitter=0.3,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=None,  # all: see above
    respect_retry_after_header=True,
    raise_on_status=False,
)


class Waybill:
    """One server, one user. Not for several threads at once."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.auth = _Bearer(key)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=REPEATS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def submit(self, operations: Iterable[Mapping[str, Any]], *, key: str | None = None) -> Job:
        """Send operations as one job and return it as stored; they are drawn one by one. Raises Problem.

        The same `key` with the same operations is the same job, however often it is sent.
        """
        with tempfile.TemporaryFile() as body:
            with gzip.GzipFile(fileobj=body, mode="wb", compresslevel=5, mtime=0) as packed:
                for operation in operations:
                    packed.write(json.dumps(operation, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            body.seek(0)
            return self.submit_body(body, encoding="gzip", key=key)

    def submit_body(
        self, body: IO[bytes], *, content_type: str = NDJSON, encoding: str | None = None, key: str | None = None
    ) -> Job:
        """Send an open file as it is and return the job. Raises Problem, and ValueError where no operation is in it."""
        headers = {"Content-Type": content_type, "Prefer": "respond-async", "Idempotency-Key": f'"{key or uuid.uuid4()}"'}
        if encoding:
            headers["Content-Encoding"] = encoding
        answer = self._send("POST", RECORDS, headers=headers, data=body)
        return self.job(_token(answer))

    def check(self) -> None:
        """Find out whether the server answers and takes the key. Raises Problem, and requests' errors."""
        self._send("GET", "/api/jobs", params={"page.size": 1})

    def job(self, token: str) -> Job:
        """Return how a job stands. Raises Problem."""
        return _job(self._send("GET", f"/api/jobs/{token}"))

    def watch(self, job: Job) -> Iterator[Job]:
        """Follow a job to its end: gives it at each look, as often as the server allows."""
        while True:
            yield job
            if job.final:
                return
            time.sleep(job.pause)
            job = self.job(job.token)

    def wait(self, job: Job, timeout: float | None = None) -> Job:
        """Return a job as it is at its end. Raises TimeoutError where it does not end within `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        last = job
        for last in self.watch(job):
            if not last.final and end is not None and time.monotonic() > end:
                raise TimeoutError(f"job {last.token} has {last.remaining} items left after {timeout:g} s")
        return last

    def cancel(self, token: str) -> Job:
        """Ask a job to stop; items without an outcome end as cancelled."""
        return _job(self._send("POST", f"/api/jobs/{token}/cancel"))

    def retry(self, token: str, *, key: str | None = None) -> Job:
        """Run the failed items of a finished job again, as a job of its own."""
        headers = {"Idempotency-Key": f'"{key or uuid.uuid4()}"'}
        return self.job(_token(self._send("POST", f"/api/jobs/{token}/retry", headers=headers)))

    def results(self, token: str, *, status: str | None = None, size: int = 1_000) -> Iterator[Result]:
        """Give a job's outcomes in the order of its items; those of a job that still runs end where they end now."""
        asked: dict[str, Any] = {"page.size": size} | ({"status": status} if status else {})
        while True:
            page = self._send("GET", f"/api/jobs/{token}/results", params=asked).json()
            yield from map(Result.parse, page["results"])
            asked["page.cursor"] = page["page.cursor"]
            if not page["results"] or asked["page.cursor"] is None:
                return

    def record(self, name: str) -> dict[str, Any]:
        """Return one record, by `org/lab/record` or by its number. Raises Problem."""
        found: dict[str, Any] = self._send("GET", RECORDS + quote(name, safe="/")).json()
        return found

    def records(self, selection: Sequence[Any], *, size: int = 100, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Give the records of a selection that the user may read, each once, in the selection's order."""
        asked = {**parameters, "selection": list(selection), "page.size": size}
        while True:
            page = self._send("POST", BULK_GET, json=asked).json()
            for name in page["result"]["records"]:
                yield page["data"]["records"][name]
            asked["page.cursor"] = page["result"]["page.cursor"]
            if asked["page.cursor"] is None:
                return

    def _send(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send a request, again while an earlier copy of it is still being stored. Raises Problem."""
        for attempt in range(10):
            answer = self._session.request(method, self.url + path, timeout=TIMEOUT, allow_redirects=False, **more)
            if answer.status_code < 300:
                return answer
            problem = Problem(answer.status_code, _document(answer))
            if problem.code != IN_FLIGHT:
                break
            if hasattr(more.get("data"), "seek"):
                more["data"].seek(0)
            time.sleep(0.2 * (attempt + 1) + random.random() / 5)
        raise problem


class _Bearer(requests.auth.AuthBase):
    """The key, set here so that no `.netrc` takes its place."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


def _document(answer: requests.Response) -> Mapping[str, Any]:
    """Return a refusal's body; something between us and the server may have answered in its own way."""
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        body = None
    return body if isinstance(body, dict) else {"code": f"http_{answer.status_code}", "detail": answer.reason or ""}


def _token(answer: requests.Response) -> str:
    """Return the job's token from an answer that waited for its end or one that did not."""
    body = answer.json()
    token = body.get("job.token") or body.get("result", {}).get("job.token")
    if token is None:
        raise ValueError("there is no operation in what was sent")
    return str(token)


def _job(answer: requests.Response) -> Job:
    wait = answer.headers.get("Retry-After", "")
    return Job.parse(answer.json(), float(wait) if wait.isdigit() else 1.0)
