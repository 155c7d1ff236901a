"""Requests on the wire, for programs that wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from waybill.errors import Unreachable
from waybill.wire import TIMEOUT, Answer, Flow, Lost, Pause, Request, T

STEP = 256 * 1024
BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, HTTPError)


class Transport:
    """Connections to one server as one user. Not for several threads at once."""

    def __init__(self, url: str, key: str, agent: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.auth = _Bearer(key)
        self._session.headers["User-Agent"] = agent
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=0))  # repeats are the flows' business

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        try:
            step = next(flow)
            while True:
                step = self._answer(flow, step)
        except StopIteration as done:
            result: T = done.value
            return result

    def _answer(self, flow: Flow[T], step: Request | Pause) -> Request | Pause:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return flow.send(None)
        try:
            answer = self.send(step)
        except Lost as lost:
            return flow.throw(lost)
        return flow.send(answer)

    def send(self, request: Request) -> Answer:
        """Send a request once and read the answer to its end. Raises Lost, and Unreachable where a repeat would not help."""
        with self._open(request) as response:
            return Answer(response.status_code, _headers(response), response.content)

    @contextmanager
    def stream(self, request: Request) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """Give an answer without its body, and the body piece by piece, as it was packed. Raises as `send`."""
        with self._open(request) as response:
            refusal = response.content if response.status_code >= 300 else b""
            yield Answer(response.status_code, _headers(response), refusal), _pieces(response)

    @contextmanager
    def _open(self, request: Request) -> Iterator[requests.Response]:
        try:
            response = self._session.request(
                request.method, self.url + request.path, params=request.query, headers=dict(request.headers),
                data=_rewound(request.body), timeout=(TIMEOUT[0], request.silence), allow_redirects=False, stream=True,
            )  # fmt: skip
            with response:
                yield response
        except requests.exceptions.SSLError as error:
            raise Unreachable(f"{self.url}: no safe connection: {error}") from None
        except BROKEN as error:
            raise Lost(f"{self.url}: {_cause(error)}") from None
        except requests.RequestException as error:
            raise Unreachable(f"{self.url}: {error}") from None


class _Bearer(requests.auth.AuthBase):
    """The key, set here so that no `.netrc` takes its place."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request


def _rewound(body: bytes | IO[bytes] | None) -> Any:
    if body is not None and not isinstance(body, bytes):
        body.seek(0)
    return body


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """Give what has come as soon as it has come: what breaks off later must not take it along."""
    while piece := response.raw.read1(STEP, decode_content=False):
        yield piece


def _headers(response: requests.Response) -> dict[str, str]:
    return {name.lower(): text for name, text in response.headers.items()}


def _cause(error: BaseException) -> str:
    """Return what the library wrapped, in a few words."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    text = str(error)
    for sign, words in (("refused", "nothing answers there"), ("resolve", "no such host"), ("not known", "no such host")):
        if sign in text:
            return words
    return "the connection broke off"
