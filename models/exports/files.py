"""The files of export jobs: written whole or not at all, listed, opened, removed when their time is over.

A file lies in a folder named by its job's token. The fence of the claim that wrote it is part of its name: a worker that was
overtaken meanwhile writes over nothing that anybody was told of.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog

from models.db import Session, driver
from models.errors import Gone, NotFound
from models.identity.principal import Principal
from models.jobs.reads import get_job
from models.jobs.values import Job
from models.settings import settings

log = structlog.get_logger()
COLUMNS = "no, name, media_type, rows, bytes, digest, fence, created_on"
INSERT = """
INSERT INTO export_files (job_id, no, name, media_type, rows, bytes, digest, fence, created_on)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())
"""
KEPT = "SELECT token FROM jobs WHERE token = ANY(%s) AND purged_on IS NULL"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a job. `no` counts from 0 as the job's items do; `size` counts bytes, `digest` is their SHA-256."""

    no: int
    name: str
    media_type: str
    rows: int
    size: int
    digest: bytes
    fence: int
    created_on: datetime


def folder(token: UUID) -> Path:
    """Return where a job's files are."""
    return settings().exports / str(token)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file belongs: its job, its number and the claim under which it is written."""

    job_id: int
    token: UUID
    no: int
    fence: int

    @property
    def path(self) -> Path:
        """Return its path."""
        return folder(self.token) / f"{self.no:05}.{self.fence}"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    size: int
    digest: bytes


def write_file(place: Place, pieces: Iterable[bytes]) -> Written:
    """Write a file: under another name until it is whole and on disk. Raises OSError."""
    path = place.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    unfinished = path.with_suffix(path.suffix + ".unfinished")
    digest, size = hashlib.sha256(), 0
    try:
        with unfinished.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync(path.parent)
    return Written(size, digest.digest())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def note_file(session: Session, place: Place, facts: tuple[str, str, int], written: Written) -> None:
    """Say that a file is there; `facts` are its name, media type and number of rows. It is when the transaction is committed."""
    driver(session).execute(INSERT, (place.job_id, place.no, *facts, written.size, written.digest, place.fence))


def list_files(session: Session, principal: Principal, token: str) -> tuple[Job, Sequence[File]]:
    """Return one's own job and the files that it has so far. Raises NotFound, Gone where they were purged."""
    job = get_job(session, principal, token)
    job.check_kept("files")
    rows = driver(session).execute(f"SELECT {COLUMNS} FROM export_files WHERE job_id = %s ORDER BY no", (job.id,)).fetchall()
    return job, [File(*row) for row in rows]


def open_file(session: Session, principal: Principal, token: str, no: int) -> tuple[File, Path]:
    """Return a file of one's own job and where it lies. Raises NotFound, Gone."""
    job, _ = list_files(session, principal, token)
    row = (
        driver(session)
        .execute(f"SELECT {COLUMNS} FROM export_files WHERE job_id = %s AND no = %s::numeric", (job.id, no))
        .fetchone()
    )
    if row is None:
        raise NotFound("This job has no such file, or not yet.")
    file = File(*row)
    path = Place(job.id, job.token, no, file.fence).path
    if not path.is_file():
        log.error("export_file_missing", token=str(job.token), file=no)
        raise Gone("The file is no longer kept.")
    return file, path


def list_folders() -> list[UUID]:
    """Return the jobs that have a folder, whether they are known or not. Raises OSError."""
    root = settings().exports
    named = [_token(entry.name) for entry in os.scandir(root)] if root.is_dir() else []
    return [token for token in named if token]


def find_unused(session: Session, tokens: Sequence[UUID]) -> list[UUID]:
    """Return those of some jobs that were purged or forgotten, or never were: what is in their folders belongs to nobody."""
    kept = {row[0] for row in driver(session).execute(KEPT, (list(tokens),)).fetchall()}
    return [token for token in tokens if token not in kept]


def remove(token: UUID) -> None:
    """Remove a job's folder, as far as the system lets us: what stays is found again."""
    shutil.rmtree(folder(token), ignore_errors=True)


def _token(name: str) -> UUID | None:
    try:
        token = UUID(name)
    except ValueError:
        return None
    return token if str(token) == name else None
