"""The bytes of uploads: a file for each request that brought some, read as one, removed when their time is over.

A file is named by the byte that it begins with and by the fence of its request. So a request that goes on after its client has
begun another one writes over nothing, and what it writes is read by nobody.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from uuid import UUID

import structlog

from models.db import Session, driver
from models.errors import Gone, Unavailable
from models.settings import settings
from models.uploads.values import Place

log = structlog.get_logger()
FULL = (errno.ENOSPC, errno.EDQUOT)
PARTS = "SELECT start, fence, size FROM upload_parts WHERE upload_id = %s ORDER BY start"
LIVE = """
SELECT id FROM uploads WHERE id = ANY(%s) AND job_token IS NULL AND refusal IS NULL
    AND touched_on > now() - make_interval(hours => %s, mins => 10)
"""
FORGOTTEN_AT_ONCE = 10  # with up to MOST_PARTS parts each
FORGET = """
DELETE FROM uploads WHERE id = ANY(ARRAY(
    SELECT id FROM uploads WHERE {past} ORDER BY touched_on LIMIT %s FOR UPDATE SKIP LOCKED
))
"""
FORGET_OPEN = FORGET.format(past="NOT complete AND touched_on < now() - make_interval(hours => %s)")
FORGET_OLD = FORGET.format(past="touched_on < now() - make_interval(days => %s)")

Part = tuple[int, int, int]
"""Where it starts, the fence of its request, its size."""


def folder(upload: UUID) -> Path:
    """Return where an upload's files are."""
    return settings().uploads / str(upload)


def path_of(upload: UUID, start: int, fence: int) -> Path:
    """Return where a part is."""
    return folder(upload) / f"{start:015}.{fence}"


class PartFile:
    """One request's bytes. What `sync` has counted is on disk."""

    def __init__(self, place: Place) -> None:
        self.size = 0
        self.synced = 0
        self._path = path_of(place.id, place.start, place.fence)
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = self._path.open("wb")

    def write(self, piece: bytes) -> None:
        """Append. Raises Unavailable where there is no room on disk."""
        try:
            self._file.write(piece)
        except OSError as error:
            raise _no_room(error) from error
        self.size += len(piece)

    def sync(self) -> int:
        """Bring all to disk; return how many bytes that are. Raises Unavailable."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _no_room(error) from error
        if not self.synced:
            _sync_folder(self._path.parent)
            _sync_folder(self._path.parent.parent)
        self.synced = self.size
        return self.synced

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._file.close()
        except OSError as failure:  # the rest of what `write` could not bring to disk; nobody was told of it
            log.warning("upload_part_cut", error=type(failure).__name__)
        if not self.synced:
            self._path.unlink(missing_ok=True)


def _no_room(error: OSError) -> Exception:
    if error.errno not in FULL:
        return error
    log.error("uploads_full")
    return Unavailable("There is no room for uploads just now.", retry_after=60)


def _sync_folder(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Bytes(io.RawIOBase):
    """An upload's parts as one stream, which is sealed as it is read."""

    def __init__(self, upload: UUID, parts: Sequence[Part]) -> None:
        self.seal = hashlib.sha256()
        self._upload = upload
        self._parts = iter(parts)
        self._file: IO[bytes] | None = None
        self._left = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some. Raises Gone where a file is missing or too short, which is our loss."""
        while not self._left:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._open(part)
        view = memoryview(buffer)[: self._left]
        count = self._file.readinto(view) if self._file else 0  # type: ignore[attr-defined]
        if not count:
            raise self._lost("cut")
        self.seal.update(view[:count])
        self._left -= count
        return int(count)

    def close(self) -> None:
        """Let go of the file that is open."""
        if self._file:
            self._file.close()
        super().close()

    def _open(self, part: Part) -> None:
        start, fence, size = part
        if self._file:
            self._file.close()
        try:
            self._file = path_of(self._upload, start, fence).open("rb")
        except FileNotFoundError:
            raise self._lost("missing") from None
        self._left = size

    def _lost(self, how: str) -> Gone:
        log.error("upload_part_lost", upload=str(self._upload), how=how)
        return Gone("Not all of this upload is kept any more. Send it again.")


def list_parts(session: Session, upload: UUID) -> list[Part]:
    """Return the parts of an upload in their order."""
    return [(start, fence, size) for start, fence, size in driver(session).execute(PARTS, (upload,)).fetchall()]


def remove(upload: UUID) -> None:
    """Remove an upload's files, as far as the system lets us: what stays is found again."""
    shutil.rmtree(folder(upload), ignore_errors=True)


def list_folders() -> list[UUID]:
    """Return the uploads that have a folder, whether they are known or not. Raises OSError."""
    root = settings().uploads
    named = [_id(entry.name) for entry in os.scandir(root)] if root.is_dir() else []
    return [upload for upload in named if upload]


def find_unused(session: Session, uploads: Sequence[UUID]) -> list[UUID]:
    """Return those of some uploads that are used, or unknown, or whose time is over for so long that no request goes on."""
    live = driver(session).execute(LIVE, (list(uploads), settings().upload_hours)).fetchall()
    kept = {row[0] for row in live}
    return [upload for upload in uploads if upload not in kept]


def forget(session: Session) -> bool:
    """Forget some uploads long past their time, with their parts; say whether there may be more of them."""
    known = settings()
    connection = driver(session)
    unfinished = connection.execute(FORGET_OPEN, (2 * known.upload_hours, FORGOTTEN_AT_ONCE)).rowcount
    finished = connection.execute(FORGET_OLD, (known.jobs_days, FORGOTTEN_AT_ONCE)).rowcount
    return FORGOTTEN_AT_ONCE in (unfinished, finished)


def _id(name: str) -> UUID | None:
    try:
        upload = UUID(name)
    except ValueError:
        return None
    return upload if str(upload) == name else None
