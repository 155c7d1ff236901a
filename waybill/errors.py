"""What can go wrong, as exceptions. All of them are WaybillError."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class WaybillError(Exception):
    """The root of all that the client raises on its own account."""


class ConfigError(WaybillError):
    """The server or the key is not known, or the file that should tell them cannot be read."""


class MissingPackage(WaybillError):
    """Something optional was asked for whose package is not installed."""


class Unreachable(WaybillError):
    """The server did not answer, for as long as the client was told to be patient."""


class Incomplete(WaybillError):
    """A download that is not what the server said it would be."""


class Problem(WaybillError):
    """A request that was refused. `code` is stable; `body` is the whole problem document (RFC 9457)."""

    def __init__(self, status: int, body: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.body = body
        self.retry_after = retry_after
        self.code = str(body.get("code", "unknown"))
        self.detail = str(body.get("detail", ""))
        super().__init__(f"{status} {self.code}: {self.detail}".rstrip(": "))

    @property
    def errors(self) -> Sequence[Mapping[str, Any]]:
        """What is wrong, one entry each, with `code`, `detail` and where known `pointer`, `index` and `line`."""
        found: Sequence[Mapping[str, Any]] = self.body.get("errors") or ()
        return found

    @property
    def pointer(self) -> str | None:
        """The JSON pointer of the first thing that is wrong."""
        return next((str(error["pointer"]) for error in self.errors if error.get("pointer") is not None), None)

    @property
    def line(self) -> int | None:
        """The line of the first thing that is wrong."""
        return next((int(error["line"]) for error in self.errors if error.get("line") is not None), None)

    @property
    def token(self) -> str | None:
        """The token of the job that was stored as rejected."""
        token = self.body.get("job.token")
        return None if token is None else str(token)
