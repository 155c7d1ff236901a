"""Files of operations, as lines: NDJSON as it is, JSON arrays item by item, CSV by a mapping; packed with gzip or zstd or not.

Where a file has lines, the n-th line that is given is what the file's n-th line says, with blank ones in between if need be: the
server then names the lines of the file.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import click

from waybill.errors import MissingPackage
from waybill.mapping import Mapped

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
BOM = b"\xef\xbb\xbf"
SUFFIXES = {".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json", ".csv": "csv", ".tsv": "csv"}
PACKED = (".gz", ".zst", ".zstd")
BESIDE = ("tags", "import_id", "atomic")
STEP = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Whole:
    """A file of lines that the server reads as it is: its path, its size, and how it is packed."""

    path: Path
    size: int
    coding: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """A file of operations. `lines` gives them anew each time it is called; `numbered` says whether they are the file's lines."""

    name: str
    lines: Callable[[], Iterator[bytes]]
    numbered: bool
    beside: Mapping[str, Any] = field(default_factory=dict)  # what stands beside `records`
    whole: Whole | None = None  # the file itself, where it can be sent as it is


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds: how many operations, and the digest of them, whatever they were packed with."""

    operations: int
    digest: str


def survey(source: Source) -> Survey:
    """Read a file to its end."""
    seal, operations = hashlib.sha256(), 0
    for line in source.lines():
        seal.update(line)
        seal.update(b"\n")
        operations += bool(line.strip())
    return Survey(operations, seal.hexdigest())


@contextmanager
def kept(name: str) -> Iterator[Path]:
    """Give the path of a file; standard input is kept in one, since it is read twice."""
    if name != "-":
        yield Path(name)
        return
    with tempfile.NamedTemporaryFile(prefix="waybill-stdin-") as file:
        shutil.copyfileobj(sys.stdin.buffer, file, STEP)
        file.flush()
        yield Path(file.name)


def open_source(path: Path, name: str, kind: str | None, mapped: Mapped) -> Source:
    """Return a file as operations. Raises click's errors for what cannot be read."""
    kind = kind or _kind(path, name)
    if kind == "csv":
        delimiter = "\t" if ".tsv" in Path(name).suffixes else mapped.delimiter
        return Source(name, lambda: _csv_lines(path, mapped, delimiter), numbered=True)
    if kind == "json":
        return _json_source(path, name)
    return Source(name, lambda: _ndjson_lines(path), numbered=True, whole=_whole(path))


def _whole(path: Path) -> Whole | None:
    """Return a file of lines as it is; None with a mark before the first one, which the server does not take."""
    with path.open("rb") as raw, unpacked(path) as file:
        begin = raw.read(4)
        marked = file.read(len(BOM)) == BOM
    coding = "gzip" if begin.startswith(GZIP) else "zstd" if begin == ZSTD else None
    return None if marked else Whole(path, path.stat().st_size, coding)


def _kind(path: Path, name: str) -> str:
    """Tell a file's kind by its name, or by how it begins."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes if suffix.lower() not in PACKED]
    if suffixes and suffixes[-1] in SUFFIXES:
        return SUFFIXES[suffixes[-1]]
    with unpacked(path) as file:
        first = file.readline(STEP).lstrip(BOM).strip()
    if first.startswith(b"[") or first == b"{":
        return "json"
    if first.startswith(b"{"):
        return "ndjson"
    raise click.UsageError(f"{name}: say what it is with --format ndjson, json or csv")


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, whatever it was packed with."""
    with path.open("rb") as raw:
        begin = raw.read(4)
        raw.seek(0)
        try:
            if begin.startswith(GZIP):
                with gzip.open(raw) as file:
                    yield io.BufferedReader(file, STEP)
            elif begin == ZSTD:
                with _zstd().open(raw) as file:
                    yield file
            else:
                yield raw
        except (EOFError, gzip.BadGzipFile) as error:
            raise click.ClickException(f"{path} is cut short or damaged: {error}") from None


def _zstd() -> Any:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]  # Python 3.14
    except ImportError:
        try:
            from backports import zstd
        except ImportError:
            raise MissingPackage("to read .zst files: pip install 'waybill[zstd]', or pack them with gzip") from None
    return zstd


def _ndjson_lines(path: Path) -> Iterator[bytes]:
    with unpacked(path) as file:
        for number, line in enumerate(file):
            text = line.rstrip(b"\r\n")
            yield text.removeprefix(BOM) if number == 0 else text


def _csv_lines(path: Path, mapped: Mapped, delimiter: str) -> Iterator[bytes]:
    with unpacked(path) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            header = next(rows, None)
            if header is None:
                return
            read = mapped.reader(header)
            given, begins = 0, rows.line_num + 1
            for row in rows:
                operation = read(row, begins)
                yield from [b""] * (begins - 1 - given)
                yield operation
                given, begins = begins, rows.line_num + 1
        except csv.Error as error:
            raise click.ClickException(f"{path}: line {rows.line_num}: {error}") from None
        except UnicodeDecodeError:
            raise click.ClickException(f"{path} is not UTF-8; save it as such") from None


def _json_source(path: Path, name: str) -> Source:
    with unpacked(path) as file:
        begin = file.read(STEP).lstrip(BOM).lstrip()
    if begin.startswith(b"["):
        return Source(name, lambda: _array_items(path), numbered=False)
    try:
        with unpacked(path) as file:
            whole = json.load(file)
    except ValueError as error:
        raise click.ClickException(f"{name} is not JSON: {error}; for one operation a line say --format ndjson") from None
    if not isinstance(whole, dict):
        raise click.ClickException(f"{name}: a file of operations is an array, lines, or an object with `records`")
    return _object_source(whole, name)


def _object_source(whole: dict[str, Any], name: str) -> Source:
    records = whole.pop("records", None)
    operations, beside = ([whole], {}) if records is None else (records, whole)
    unknown = sorted(set(beside) - set(BESIDE))
    if unknown or not isinstance(operations, list):
        raise click.ClickException(
            f"{name}: beside a list of `records` there may be {', '.join(BESIDE)}, not {', '.join(unknown)}"
        )
    lines = [json.dumps(one, ensure_ascii=False).encode() for one in operations]
    return Source(name, lambda: iter(lines), numbered=False, beside=beside)


def _array_items(path: Path) -> Iterator[bytes]:
    """Give the items of a JSON array as they are written, each on one line; only one is held at a time."""
    decoder = json.JSONDecoder()
    with unpacked(path) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8-sig")
        held = text.read(STEP).lstrip()[1:]
        expected = ""
        while True:
            held = held.lstrip()
            if expected and held.startswith(expected):
                held = held[1:].lstrip()
            elif held.startswith("]"):
                return
            elif expected and held:
                raise click.ClickException(f"{path} is not JSON: a comma is missing before {held[:40]!r}")
            try:
                _, end = decoder.raw_decode(held)
                complete = end < len(held)  # a number at the end may go on
            except ValueError as error:
                complete, fault = False, error
            else:
                fault = ValueError("it ends within an array")
            if not complete:
                more = text.read(max(STEP, len(held)))
                if not more:
                    raise click.ClickException(f"{path} is not JSON: {fault}")
                held, expected = held + more, ""
                continue
            yield held[:end].replace("\n", " ").replace("\r", " ").encode()
            held, expected = held[end:], ","
