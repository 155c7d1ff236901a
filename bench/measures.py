"""What is measured: bulk writes against raw COPY of the same rows, the last page against the first, memory against job size."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import psycopg

from bench import documents
from bench.stand import Stand

PAGE = 100
WARM = 90_000_000  # number of the first record that is not measured
RECORDS = "records"
VERSIONS = "versions"


@dataclass(frozen=True)
class Row:
    """One measurement: a ratio a round, its goal as text, and the figures behind it."""

    name: str
    ratios: list[float]
    goal: str
    figures: str

    def dump(self) -> dict[str, Any]:
        """Return it for a file."""
        return asdict(self) | {"median": median(self.ratios)}


@dataclass(frozen=True)
class Copied:
    """The rows of one job's records and versions in COPY's own format, and how they are copied back."""

    rows: dict[str, list[bytes]]

    def seconds(self, database: str) -> float:
        """Return how long one connection takes to COPY them into empty tables with the same storage and keys."""
        with psycopg.connect(database) as connection:
            for table in self.rows:
                connection.execute(f"DROP TABLE IF EXISTS raw_{table}")
                connection.execute(f"CREATE TABLE raw_{table} (LIKE {table} INCLUDING STORAGE INCLUDING COMPRESSION)")
            connection.execute("ALTER TABLE raw_records ADD PRIMARY KEY (id), ADD UNIQUE (lab_id, lab_record_id)")
            connection.execute("ALTER TABLE raw_versions ADD PRIMARY KEY (record_id, version)")
            connection.commit()
            began = time.perf_counter()
            for table, rows in self.rows.items():
                with connection.cursor() as cursor, cursor.copy(f"COPY raw_{table} FROM STDIN") as copy:
                    for row in rows:
                        copy.write(row)
            connection.commit()
            return time.perf_counter() - began


def _copy_out(database: str, first: int, last: int) -> Copied:
    """Read the rows of records `first` to `last` of the documents, as COPY writes them."""
    span = f"lab_record_id BETWEEN 'B{first:08}' AND 'B{last - 1:08}'"
    asked = {
        RECORDS: f"SELECT * FROM records WHERE {span}",
        VERSIONS: f"SELECT v.* FROM versions v JOIN records r ON r.id = v.record_id WHERE r.{span}",
    }
    rows: dict[str, list[bytes]] = {}
    with psycopg.connect(database) as connection:
        for table, select in asked.items():
            with connection.cursor() as cursor, cursor.copy(f"COPY ({select}) TO STDOUT") as copy:
                rows[table] = [bytes(row) for row in copy]
    return Copied(rows)


def bulk(product: Stand, operations: int, rounds: int) -> list[Row]:
    """Measure new records, patches, whole-document upserts and repeats; raw COPY of new rows follows each job at once.

    A job of a few records goes before: what was just started makes its connections and touches its memory for the first time.
    """
    product.post(documents.lines(documents.upsert(number) for number in range(WARM, WARM + 3_000)))
    kinds: dict[str, tuple[str, Callable[[int], dict[str, Any]]]] = {
        "upsert of new records": (">= 0.5", documents.upsert),
        "patch of existing records": (">= 0.85", documents.patch),
        "upsert of existing records": (">= 0.4", lambda number: documents.upsert(number, 1)),
        "the same upsert again (all noop)": ("", lambda number: documents.upsert(number, 1)),
    }
    ratios: dict[str, list[float]] = {name: [] for name in kinds}
    accept: list[float] = []
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    copied = Copied({})
    for name, (_, make) in kinds.items():
        for turn in range(rounds):
            first, last = turn * operations, (turn + 1) * operations
            job = product.post(documents.lines(make(number) for number in range(first, last)))
            if job["failed"] or job["remaining"]:
                raise RuntimeError(f"{name}: {job}")
            if make is documents.upsert:
                copied = _copy_out(product.database(), first, last)
            ratios[name].append(copied.seconds(product.database()) / job["seconds"])
            rates[name].append(operations / job["seconds"])
            accept.append(job["accepted"] / job["seconds"])
    rows = [
        Row(f"{name}, {operations:,} / raw COPY", ratios[name], goal, f"{median(rates[name]):,.0f} operations/s")
        for name, (goal, _) in kinds.items()
    ]
    return [*rows, Row("time to 202 / time to done", accept, "<= 0.3", "")]


def pages(product: Stand, records: int, rounds: int) -> list[Row]:
    """Measure the first and the last page of a selection of all records."""
    step = 50_000
    for first in range(0, records, step):
        product.post(documents.lines(documents.upsert(number) for number in range(first, min(first + step, records))))
    selection = [{"search": {"filter": ["lab", "in", documents.LABS]}}]
    began = time.perf_counter()
    page = product.get_page(selection, PAGE, None)
    resolving = time.perf_counter() - began
    second, last = page["page.cursor"], page["page.cursor"]
    while True:
        page = product.get_page(selection, 1000, last)
        if page["page.cursor"] is None:
            break
        last = page["page.cursor"]
    ratios, firsts = [], []
    for _ in range(max(rounds * 5, 5)):
        times = [_timed(lambda at=at: product.get_page(selection, PAGE, at)) for at in (second, last)]
        ratios.append(times[1] / times[0])
        firsts.append(times[0])
    figures = f"{median(firsts) * 1000:.1f} ms a page of {PAGE}; resolving {page['records.size']:,} took {resolving:.2f} s"
    return [Row(f"last page of {records:,} / an early page", ratios, "<= 1.2", figures)]


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def memory(product: Stand, operations: int) -> list[Row]:
    """Measure the peaks of web and worker after a job of 1,000 operations, and after one a hundred times as large."""
    rows = []
    product.post(documents.lines(documents.brief(number) for number in range(1000)))
    small = {part: product.peak(part) for part in ("web", "worker")}
    product.post(documents.lines(documents.brief(number) for number in range(operations)))
    for part, before in small.items():
        after = product.peak(part)
        figures = f"{before:.0f} MiB -> {after:.0f} MiB, {after - before:+.0f} MiB (goal: within 64)"
        rows.append(Row(f"peak memory of {part}, {operations:,} / 1,000 operations", [after / before], "", figures))
    return rows
