"""A large body, sent so that a break costs little: as an upload that can be resumed (the IETF's "Resumable Uploads for HTTP").

Where it goes on is asked of the server, never remembered here: the idempotency key of what is sent finds the upload again, also
for another run of the program.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO

from waybill.errors import Problem, Unreachable
from waybill.flows import IN_FLIGHT, Patience, Trouble, ask, attempt, token_in
from waybill.wire import Answer, Flow, Pause, Request

PIECE = 32 * 1024 * 1024  # bytes of one request
PARTIAL = "application/partial-upload"
STORING = ("upload_in_flight", IN_FLIGHT)  # an earlier request is just making a job of it
GONE = (404, 410)
Moved = Callable[[int, int], object]
"""Told how many bytes are safe on the server, and of how many."""


class Slice:
    """A part of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size
        self._at = 0

    def __len__(self) -> int:
        return self._size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the part."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Return the place within the part."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read some of it."""
        left = self._size - self._at
        self._file.seek(self._start + self._at)
        piece = self._file.read(left if size < 0 else min(size, left))
        self._at += len(piece)
        return piece


def send(request: Request, patience: Patience, moved: Moved | None = None) -> Flow[str]:
    """Send a request whose body is a file as an upload; return the token of the job that it becomes.

    Raises Problem and Unreachable, and ValueError where there is no operation in it.
    """
    if request.body is None or isinstance(request.body, bytes):
        raise TypeError("what is uploaded is a file")
    sending = _Sending(request, request.body, patience, moved or (lambda *_: None))
    while (token := (yield from sending.once())) is None:
        pass
    return token


class _Sending:
    """One file on its way."""

    def __init__(self, request: Request, file: IO[bytes], patience: Patience, moved: Moved) -> None:
        self.request = request
        self.file = file
        self.size = file.seek(0, os.SEEK_END)
        self.patience = patience
        self.trouble = Trouble(patience)
        self.moved = moved

    def once(self) -> Flow[str | None]:
        """Find or begin the upload, and bring it to its end; None where it was forgotten meanwhile and is to be begun anew."""
        headers = {**self.request.headers, "Upload-Complete": "?0", "Upload-Length": str(self.size)}
        begun = yield from ask(Request("POST", self.request.path, self.request.query, headers, b""), self.patience)
        place, offset = begun.headers["location"], self._offset(begun)
        while True:
            self.moved(offset, self.size)
            found = yield from attempt(self._piece(place, offset))
            if isinstance(found, Answer):
                self.trouble.over()
                if offset + PIECE >= self.size:
                    return token_in(found.json())
                offset += PIECE
            elif isinstance(found, Problem) and found.code in STORING:
                self.trouble.over()
                yield Pause(1.0 if found.retry_after is None else found.retry_after)
            elif isinstance(found, Problem) and found.status in GONE:
                yield Pause(self._pause(found))
                return None
            else:
                yield Pause(self._pause(found) if _goes_on(found) else self.trouble.pause(found))
                offset = yield from self._look(place, offset)

    def _piece(self, place: str, offset: int) -> Request:
        ends = offset + PIECE >= self.size
        headers = {"Content-Type": PARTIAL, "Upload-Offset": str(offset), "Upload-Complete": "?1" if ends else "?0"}
        headers |= {name: text for name, text in self.request.headers.items() if name == "Prefer"}
        part = Slice(self.file, offset, min(PIECE, self.size - offset))
        return Request("PATCH", place, headers=headers, body=part if len(part) else b"")  # type: ignore[arg-type]

    def _pause(self, failed: Problem | Unreachable) -> float:
        """Return how long to wait before going on after what a repeat may mend; raise it where it lasts too long."""
        try:
            return self.trouble.pause(Unreachable(str(failed)))
        except Unreachable:
            raise failed from None

    def _look(self, place: str, offset: int) -> Flow[int]:
        """Return where the upload goes on."""
        now = self._offset((yield from ask(Request("HEAD", place), self.patience)))
        if now > offset:
            self.trouble.over()
        return now

    def _offset(self, answer: Answer) -> int:
        offset = int(answer.headers["upload-offset"])
        if offset > self.size:
            raise Unreachable(f"the upload has {offset:,} bytes, and {self.size:,} are to be sent: it is that of something else")
        return offset


def _goes_on(failed: Problem | Unreachable) -> bool:
    return isinstance(failed, Problem) and failed.code == "mismatching_upload_offset"
