"""An upload's bytes: read as one stream, kept while they may be needed, lost loudly."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from models.errors import Gone, Unavailable
from models.settings import settings
from models.uploads import files
from models.uploads.files import Bytes, Part, PartFile
from models.uploads.values import Place

UPLOAD = UUID("6f7f2f1e-0d0e-4d73-8a0e-6a3b6e6e6c11")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("WAYBILL_UPLOADS", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()


def write(start: int, fence: int, content: bytes) -> Part:
    with PartFile(Place(UPLOAD, start, fence, 1_000)) as file:
        file.write(content)
        return start, fence, file.sync()


def test_parts_are_read_as_one_and_sealed() -> None:
    parts = [write(0, 1, b"abc"), write(3, 3, b"defgh")]
    with Bytes(UPLOAD, parts) as stream:
        assert (stream.read(4), stream.read(4), stream.read(4), stream.read()) == (b"abc", b"defg", b"h", b"")
        assert stream.seal.digest() == hashlib.sha256(b"abcdefgh").digest()


def test_what_was_not_noted_is_not_read() -> None:
    start, fence, _ = write(0, 1, b"abc, and what came after")
    with Bytes(UPLOAD, [(start, fence, 3), write(3, 2, b"d")]) as stream:
        assert stream.read() == b"abcd"


def test_requests_at_the_same_place_write_over_nothing_of_each_other() -> None:
    old, new = write(0, 1, b"old"), write(0, 2, b"newer")
    assert old[2], new[2] == (3, 5)
    with Bytes(UPLOAD, [new]) as stream:
        assert stream.read() == b"newer"


@pytest.mark.parametrize("cut", [True, False])
def test_a_part_that_is_missing_or_too_short_is_not_passed_over(folder: Path, cut: bool) -> None:
    part = write(0, 1, b"abc")
    path = files.path_of(UPLOAD, 0, 1)
    assert path.is_relative_to(folder)
    path.write_bytes(b"ab") if cut else path.unlink()
    with Bytes(UPLOAD, [part]) as stream, pytest.raises(Gone):
        stream.read()


def test_what_nobody_was_told_of_leaves_nothing() -> None:
    with PartFile(Place(UPLOAD, 0, 1, 1_000)) as file:
        file.write(b"abc")
    assert not files.path_of(UPLOAD, 0, 1).exists()


@pytest.mark.parametrize(("number", "expected"), [(errno.ENOSPC, Unavailable), (errno.EDQUOT, Unavailable), (errno.EIO, OSError)])
def test_a_full_disk_is_told_from_a_broken_one(monkeypatch: pytest.MonkeyPatch, number: int, expected: type[Exception]) -> None:
    def fail(_: int) -> None:
        raise OSError(number, "no")

    with PartFile(Place(UPLOAD, 0, 1, 1_000)) as file:
        file.write(b"abc")
        monkeypatch.setattr(files.os, "fsync", fail)
        with pytest.raises(expected):
            file.sync()
        assert file.synced == 0
