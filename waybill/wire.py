"""Requests and answers without a connection: what the flows ask for and what the transports give them."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, TypeAlias, TypeVar

JSON = "application/json"
NDJSON = "application/x-ndjson"
TIMEOUT = (10.0, 120.0)  # seconds to connect, and without a byte of the answer


@dataclass(frozen=True, slots=True)
class Request:
    """One request. A `body` that is a file is sent from its beginning at each attempt; `silence` is how many seconds the answer
    may come without a byte.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | IO[bytes] | None = None
    silence: float = TIMEOUT[1]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read to its end. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body's value. Raises ValueError."""
        return json.loads(self.body)

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isascii() and text.isdigit() else None


@dataclass(frozen=True, slots=True)
class Pause:
    """What a flow asks for between two requests."""

    seconds: float


class Lost(Exception):
    """No connection, or one that broke off; a transport raises it where a repeat may help."""


T = TypeVar("T")
Flow: TypeAlias = Generator[Request | Pause, Answer | None, T]


def get(path: str, **query: Any) -> Request:
    """Return a request to read; what is None is left out."""
    asked = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
    return Request("GET", path, {name: value for name, value in asked.items() if value is not None})


def post(path: str, value: Any = None, headers: Mapping[str, str] | None = None) -> Request:
    """Return a request with a JSON body, or with none."""
    if value is None:
        return Request("POST", path, headers=headers or {})
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Request("POST", path, headers={"Content-Type": JSON, **(headers or {})}, body=body)


def patch(path: str, value: Any) -> Request:
    """Return a request to change what is there; to repeat it does no harm."""
    return Request("PATCH", path, headers={"Content-Type": JSON}, body=json.dumps(value).encode())


def keyed(key: str) -> dict[str, str]:
    """Return the header that makes a repeat safe."""
    return {"Idempotency-Key": f'"{key}"'}
