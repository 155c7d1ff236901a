"""Exports beside COPY TO of the same rows: throughput, the time to the first byte, and memory that does not grow."""

from __future__ import annotations

import time
from contextlib import closing
from http.client import HTTPConnection
from statistics import median
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import psycopg

from bench import documents
from bench.measures import Row
from bench.stand import Stand

STEP = 50_000
SMALL = 1_000
PATH = "/classification/api/classifications/v2/record/"
PIECE = 1024 * 1024
FORMATS = {"json": ">= 0.5", "ndjson": ">= 0.5", "csv": ""}


class Download(NamedTuple):
    """How long an export took, until its first byte and until its last, and how large it was."""

    first: float
    seconds: float
    size: int


def exports(product: Stand, records: int, rounds: int) -> list[Row]:
    """Measure exports of all records in each format, in turn with COPY TO."""
    for first in range(0, records, STEP):
        product.post(documents.lines(documents.upsert(number) for number in range(first, min(first + STEP, records))))
    _download(product, {"limit": str(SMALL)})
    before = product.peak("web")
    seen: dict[str, list[tuple[float, Download]]] = {name: [] for name in FORMATS}
    for _ in range(rounds):
        raw = _copy_to(product.database())
        for name in FORMATS:
            seen[name].append(
                (raw, _download(product, {"output": name, "columns": "all"} if name == "csv" else {"output": name}))
            )
    rows = [_throughput(name, records, seen[name]) for name in FORMATS]
    firsts = [download.first for name in ("json", "ndjson") for _, download in seen[name]]
    after = product.peak("web")
    figures = f"{before:.0f} MiB -> {after:.0f} MiB, {after - before:+.0f} MiB (goal: within 64)"
    return [
        *rows,
        Row(f"first byte of an export of {records:,}, in s", firsts, "<= 0.5", ""),
        Row(f"peak memory of web, export of {records:,} / of {SMALL:,}", [after / before], "", figures),
    ]


def _throughput(name: str, records: int, seen: list[tuple[float, Download]]) -> Row:
    rates = [records / download.seconds for _, download in seen]
    speed = median([download.size / download.seconds for _, download in seen]) / 1e6
    ratios = [raw / download.seconds for raw, download in seen]
    return Row(
        f"export of {records:,} as {name} / COPY TO", ratios, FORMATS[name], f"{median(rates):,.0f} records/s, {speed:.0f} MB/s"
    )


def _copy_to(database: str) -> float:
    """Return how long COPY TO of all records takes on one connection."""
    with psycopg.connect(database) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        with cursor.copy("COPY records TO STDOUT") as copy:
            for _ in copy:
                pass
        return time.perf_counter() - began


def _download(product: Stand, asked: dict[str, str]) -> Download:
    """Read an export as it comes and throw it away, with as little work as COPY's reader has."""
    address = urlsplit(product.url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=600)
    headers = {"Accept-Encoding": "identity", "Authorization": str(product.session.headers["Authorization"])}
    began = time.perf_counter()
    first, size = 0.0, 0
    connection.request("GET", f"{PATH}?{urlencode({'level': 'editable', **asked})}", headers=headers)
    with closing(connection), connection.getresponse() as answer:
        if answer.status != 200:
            raise RuntimeError(f"the export answered {answer.status}: {answer.read(500)!r}")
        while piece := answer.read1(PIECE):
            first = first or time.perf_counter() - began
            size += len(piece)
    return Download(first, time.perf_counter() - began, size)
