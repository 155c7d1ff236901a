"""Operations of any number, cut into bodies that the server takes: packed as they come, one body at a time, on disk."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any, Self, TypeAlias

from waybill.flows import BULK, RECORDS
from waybill.wire import JSON, NDJSON, Request, keyed

Operation: TypeAlias = Mapping[str, Any] | bytes | str  # texts and bytes are operations that are JSON already
LEVEL = 5
LARGE = 32 * 1024 * 1024  # bytes, as they are sent, that are not sent twice


@dataclass(frozen=True, slots=True)
class Cut:
    """How much one body holds: operations, and bytes before packing."""

    operations: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Sending:
    """How the parts of one submission are sent. `run` and a part's number make its idempotency key."""

    run: str
    test: bool = False
    atomic: bool = False
    envelope: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Part:
    """A body that is ready to be sent. `first` counts the operations before it, `line` the lines.

    One that is `large` is sent as an upload that can be resumed: a break would cost too much, or one request may not hold it.
    """

    number: int
    file: IO[bytes]
    operations: int
    first: int = 0
    line: int = 0
    large: bool = False
    coding: str | None = "gzip"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.file.close()

    def request(self, sending: Sending) -> Request:
        """Return the request that makes a job of it."""
        headers = {
            "Content-Type": JSON if sending.envelope else NDJSON,
            **({"Content-Encoding": self.coding} if self.coding else {}),
            "Prefer": "respond-async",
            **keyed(f"{sending.run}-{self.number:06}"),
        }
        query = {"atomic": "true"} if sending.atomic else {}
        return Request("POST", f"{BULK}validate" if sending.test else RECORDS, query, headers, self.file)


class Packer:
    """Takes operations one by one and gives a part whenever one is full.

    With an envelope a body is `{..., "records": [...]}`, else a line for each operation; blank lines may be added, so that the
    lines of a body are those of a file.
    """

    def __init__(
        self, cut: Cut, envelope: Mapping[str, Any] | None = None, *, whole: bool = False, posted: Cut | None = None
    ) -> None:
        self._cut = cut
        self._posted = posted  # what one request may hold; None where there are no uploads
        self._whole = whole
        self._envelope = envelope or {}
        self._number = self._operations = self._lines = self._held = self._size = 0
        self._first = self._line = 0
        self._file: IO[bytes] | None = None
        self._packed: gzip.GzipFile | None = None

    def add(self, raw: bytes) -> Part | None:
        """Add an operation, or a blank line; return the part before it where it does not fit in.

        Raises ValueError where there would be a second part of what is to stay whole.
        """
        blank = not raw.strip()
        full = self._held > 0 and not blank and (self._held == self._cut.operations or self._size + len(raw) >= self._cut.bytes)
        if full and self._whole:
            raise ValueError(f"only {self._held} of the operations can stand or fall together: the server takes no more")
        part = self.rest() if full else None
        self._write(raw, blank)
        return part

    def rest(self) -> Part | None:
        """Return what was added since the last part; None where that is nothing."""
        if self._file is None or self._packed is None or not self._held:
            return None
        if self._envelope:
            self._packed.write(b"\n]}")
        self._packed.close()
        part = Part(
            self._number,
            self._file,
            self._held,
            self._first,
            self._line,
            self.is_large(self._held, self._file.tell(), self._size),
        )
        self._file.seek(0)
        self._number += 1
        self._first, self._line = self._operations, self._lines
        self._file = self._packed = None
        self._held = self._size = 0
        return part

    def is_large(self, operations: int, sent: int, size: int = 0) -> bool:
        """Say whether so many operations of so many bytes, as they are sent and unpacked, are to be uploaded."""
        most = self._posted
        return most is not None and (operations > most.operations or size > most.bytes or sent > LARGE)

    def close(self) -> None:
        """Let go of a part that will not be sent."""
        if self._file:
            self._file.close()

    def _write(self, raw: bytes, blank: bool) -> None:
        packed = self._packed or self._open()
        if self._envelope and not blank:
            packed.write((b",\n" if self._held else b"\n") + raw)
        elif not self._envelope:
            packed.write(raw + b"\n")
        self._lines += 1
        self._size += len(raw) + 2
        self._held += not blank
        self._operations += not blank

    def _open(self) -> gzip.GzipFile:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with its part
        packed = self._packed = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=LEVEL, mtime=0)
        if self._envelope:
            head = json.dumps(self._envelope, ensure_ascii=False).encode()[:-1]
            packed.write(head + b', "records": [')
        return packed


def written(operation: Operation) -> bytes:
    """Return an operation as one line of JSON, without its end."""
    if isinstance(operation, bytes):
        return operation
    if isinstance(operation, str):
        return operation.encode()
    return json.dumps(operation, ensure_ascii=False, separators=(",", ":")).encode()


def pack(operations: Iterable[Operation], packer: Packer) -> Iterator[Part]:
    """Give operations as parts. They are drawn one by one, and only one part exists at a time."""
    try:
        for operation in operations:
            part = packer.add(written(operation))
            if part:
                yield part
        part = packer.rest()
        if part:
            yield part
    finally:
        packer.close()
