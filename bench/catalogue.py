"""Searches over a project of many records: how long the whole list of a search takes, and what keeping the words costs.

The list of a search is what a job or the first page of a read needs; it is compared with reading the words of all records.
The records are made straight in the database, with the words that the product gives them, since only the search is measured.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.dialects import postgresql

from bench.measures import Row
from models.catalogue.schema_items import Item, Schema
from models.catalogue.words import record_words
from models.selection.catalogue_search import ranked_hits, scope_of
from models.selection.catalogue_spaces import face_of
from models.selection.grammar import Search, parse_selection

PROJECT = "5d1b0c57-0000-4000-8000-000000000001"
LANGUAGES = ("nl", "en")
FIELDS = {
    "title": ("textline", True),
    "text": ("text", True),
    "weight": ("number", False),
    "state": ("textline", False),
    "active": ("boolean", False),
}
DEFINITIONS = 5
VOCABULARY = 40_000
STATES = ("draft", "review", "final", "retired", "lost")
LINKS = 100  # every so many records there is a link
MOST = 100_000  # hits that are listed
UPKEEP = 50_000  # records whose upkeep is measured


@dataclass(frozen=True)
class Field:
    """What the words need to know of a field."""

    gid: str
    is_localized: bool


def gid(number: int) -> str:
    """Return the gid of something by its number."""
    return str(UUID(int=(0x5D1B0C57 << 96) | (4 << 76) | (8 << 60) | number))


def schema() -> Schema:
    """Return the schema of what is searched."""
    items = [
        Item(number, gid(number), "field", name, body={"type": kind, "is_localized": localized})
        for number, (name, (kind, localized)) in enumerate(FIELDS.items(), 1)
    ]
    body = {"fields": [item.gid for item in items], "titlefield": items[0].gid}
    items += [Item(number, gid(number), "definition", f"thing_{number}", body=body) for number in range(101, 101 + DEFINITIONS)]
    return Schema.of(items)


def fill(connection: psycopg.Connection[Any], records: int) -> None:
    """Make project 1 and its records."""
    made = "INSERT INTO projects (id, gid, name, languages) VALUES (1, %s, 'Searched', %s)"
    connection.execute(made, (PROJECT, list(LANGUAGES)))
    connection.execute("DROP INDEX catalogue_words_words")  # made at the end, as is quicker
    every = lines(records)
    while step := list(islice(every, STEP)):
        copy_rows(connection, RECORDS, (row[:-1] for row in step))
        copy_rows(connection, WORDS, ((row[0], row[-1]) for row in step if row[-1]))
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute("CREATE INDEX catalogue_words_words ON catalogue_words USING gin (words)")
    connection.execute("VACUUM ANALYZE catalogue_records, catalogue_words")


RECORDS = "catalogue_records (id, gid, project_id, parent_id, canonical_id, definition_id, content)"
WORDS = "catalogue_words (record_id, words)"
STEP = 50_000
CHILDREN = 50  # of each record that has some


def copy_rows(connection: psycopg.Connection[Any], table: str, rows: Iterable[tuple[Any, ...]]) -> float:
    """COPY rows into a table; return the seconds it took."""
    began = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    return time.perf_counter() - began


def lines(records: int) -> Iterator[tuple[Any, ...]]:
    """Give rows: words as frequent as words are, a few states, a link here and there."""
    dice = random.Random(4)
    fields = [Field(gid(number), localized) for number, (_, localized) in enumerate(FIELDS.values(), 1)]
    vocabulary = [f"w{number}" for number in range(VOCABULARY)]
    for number in range(1, records + 1):
        if number % LINKS == 0:
            yield (number, gid(1000 + number), 1, 1, number - 1, 101, "{}", "")
            continue
        content = _content(dice, vocabulary)
        text = record_words(1, content, fields, fields[0].gid)
        parent = max(1, number // CHILDREN) if number > 1 else None
        yield (number, gid(1000 + number), 1, parent, None, 101 + number % DEFINITIONS, json.dumps(content), text)


def _content(dice: random.Random, vocabulary: list[str]) -> dict[str, Any]:
    def text(size: int) -> str:
        return " ".join(vocabulary[int(VOCABULARY * dice.random() ** 4)] for _ in range(size))

    languages = LANGUAGES if dice.random() < 0.8 else LANGUAGES[:1]
    values = (
        {language: text(3) for language in languages},
        {language: text(12) for language in languages},
        dice.randrange(1_000),
        dice.choices(STATES, (50, 30, 15, 4, 1))[0],
        dice.random() < 0.9,
    )
    return {gid(number): value for number, value in enumerate(values, 1)}


SEARCHES: dict[str, dict[str, Any]] = {
    "one rare word": {"q": "w39000"},
    "a must and a word": {"q": "+w2500 w120"},
    "a phrase": {"q": '"w3 w7"'},
    "two common words": {"q": "w1 w2"},
    "a prefix": {"q": "w399*"},
    "a word but not another": {"q": "+w1800 -w0"},
    "a word within a definition": {"q": "+w2500", "filter": ["definition", "is", gid(102)]},
    "a value of few": {"filter": ["value", "is", [gid(4), "lost"]]},
    "a value and a word": {"q": "w3000", "filter": ["value", "is", [gid(4), "final"]]},
    "either of two values": {"filter": ["or", ["value", "is", [gid(4), "lost"]], ["value", "is", [gid(3), 77]]]},
    "a definition": {"filter": ["definition", "is", gid(103)]},
    "a word, not translated": {"q": "w300", "filter": ["validation", "not_translated"]},
    "not translated at all": {"filter": ["validation", "not_translated", ["title"]]},
    "updated of late": {"filter": ["updated_on", "<", [1, "days"]]},
    "nothing": {"q": "+w39990 +w39980 +w39970"},
}


def statement(asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the SQL that counts a search's list."""
    search = parse_selection([{"search": {"language": "nl", **asked}}], face_of("records")).entries[0]
    assert isinstance(search, Search)
    select = ranked_hits(search, scope_of("records", 1, schema(), "nl"), [], MOST)
    dialect = postgresql.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
    compiled = select.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return f"SELECT count(*) FROM ({compiled}) listed", dict(compiled.params)


SCAN = "SELECT count(*) FROM catalogue_words WHERE words @@ %(words)s::tsquery"


def measure(database: str, records: int, rounds: int) -> list[Row]:
    """Measure every search against reading the words of all records, and the upkeep of the words against none."""
    with psycopg.connect(database, autocommit=True) as connection:
        fill(connection, records)
        connection.execute("SET jit = off")
        scans = [_scan(connection) for _ in range(rounds)]
        rows = [_search(connection, name, scans) for name in SEARCHES]
        return [*rows, _upkeep(connection, min(records, UPKEEP), rounds)]


def _timed(connection: psycopg.Connection[Any], sql: str, values: dict[str, Any]) -> tuple[float, int]:
    began = time.perf_counter()
    row = connection.execute(sql, values).fetchone()
    return (time.perf_counter() - began) * 1_000, int(row[0]) if row else 0


def _scan(connection: psycopg.Connection[Any]) -> float:
    with connection.transaction():
        connection.execute("SET LOCAL enable_bitmapscan = off")
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        return _timed(connection, SCAN, {"words": "'nl:w2500' | '*:w2500'"})[0]


def _search(connection: psycopg.Connection[Any], name: str, scans: list[float]) -> Row:
    sql, values = statement(SEARCHES[name])
    found = [_timed(connection, sql, values) for _ in range(len(scans) + 1)][1:]  # the first one warms up
    times = [spent for spent, _ in found]
    figures = f"{median(times):,.1f} ms, at worst {max(times):,.1f}, for {found[0][1]:,} hits; all words {median(scans):,.0f} ms"
    return Row(f"search: {name}", [spent / scan for spent, scan in zip(times, scans, strict=True)], "<= 1", figures)


def _upkeep(connection: psycopg.Connection[Any], records: int, rounds: int) -> Row:
    """Compare the database's time for new records without words with that for records with words and their index."""
    plain: list[float] = []
    kept: list[float] = []
    rows = list(lines(records))
    for _ in range(rounds):
        for table, like in (("upkeep", "catalogue_records"), ("upkeep_words", "catalogue_words")):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(f"CREATE TABLE {table} (LIKE {like} INCLUDING ALL)")
        plain.append(copy_rows(connection, RECORDS.replace("catalogue_records", "upkeep"), (row[:-1] for row in rows)))
        words = ((row[0], row[-1]) for row in rows if row[-1])
        kept.append(plain[-1] + copy_rows(connection, WORDS.replace("catalogue_words", "upkeep_words"), words))
    connection.execute("DROP TABLE upkeep, upkeep_words")
    more = (median(kept) - median(plain)) / records * 1_000_000
    figures = f"{median(plain) / records * 1e6:,.0f} us a record without, {more:,.0f} us more with words"
    return Row("COPY of records without words / with", [one / two for one, two in zip(plain, kept, strict=True)], "none", figures)
