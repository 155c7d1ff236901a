"""Trees of records: a deleted search and one deleted root, each undone, beside a raw UPDATE of the same rows.

Everything goes through the public API; the digest of tree, links, places, content and statuses must be the same afterwards.
While one root with everything below it is worked on, somebody else writes in the same project and notes how long that takes.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from statistics import median
from typing import Any

import msgspec
import psycopg
import requests

from bench import documents
from bench.face import Face
from bench.measures import Row
from bench.stand import Stand

PROJECT = "5d1b0c57-0000-4000-8000-000000000002"
LANGUAGES = ("en", "nl", "de")
CHANNELS = ("5d1b0c57-0000-4000-8000-0000000000c1", "5d1b0c57-0000-4000-8000-0000000000c2")
ORDERINGS = ("5d1b0c57-0000-4000-8000-0000000000d1", "5d1b0c57-0000-4000-8000-0000000000d2")
WORDS = tuple(f"w{number}" for number in range(5_000))
BRANCHES = 6  # children of each record that has some
CHOSEN = 4  # one record in so many is found by the search, at any depth
LINKED = 40  # one record in so many has a link
BODY = 50_000  # records of one body


def project(owner: str) -> dict[str, Any]:
    """Return the project as an accounts file has it."""
    return {
        "gid": PROJECT, "name": "Trees", "languages": list(LANGUAGES), "members": [{"user": owner, "roles": ["owner"]}],
        "channels": [{"key": key, "name": f"channel {key[-1]}"} for key in CHANNELS],
        "orderings": [{"key": key, "name": f"ordering {key[-1]}"} for key in ORDERINGS],
    }  # fmt: skip


def gid(number: int) -> str:
    """Return the gid of a record by its number; 0 is the one that all others are below."""
    return f"5d1b0c57-0001-4000-8000-{number:012x}"


def define(face: Face) -> str:
    """Make the definition that the records have; return its gid."""
    base = next(item for item in face.call("init")["data"]["definitions"].values() if item["is_base"])
    fields = [base["titlefield"]]
    for name, kind, localized in (("story", "text", True), ("weight", "number", False)):
        made = face.call("fields/create", name=name, type=kind, is_localized=localized, label={"en": name})["field"]
        fields.append(face.call("fields/commit", field=made)["field"])
    made = face.call("definitions/create", name="thing", label={"en": "Thing"}, fields=fields, titlefield=fields[0])["definition"]
    return str(face.call("definitions/commit", definition=made)["definition"])


def lines(records: int) -> Iterator[bytes]:
    """Give the records as they are sent, parents first; the second ordering is the first one turned round."""
    dice = random.Random(4)
    yield msgspec.json.encode({"gid": gid(0), "parent": None, "definition": "thing", "title": {"en": "everything"}})
    for number in range(1, records):
        title = {language: f"thing {number} {dice.choice(WORDS)}" for language in LANGUAGES}
        title["en"] += " chosen" if dice.randrange(CHOSEN) == 0 else ""
        title["en"] += " linked" if dice.randrange(LINKED) == 0 else ""
        spoken = LANGUAGES[: dice.randint(1, 3)]
        fields: dict[str, Any] = {language: {"story": " ".join(dice.choices(WORDS, k=8))} for language in spoken}
        fields["en"] |= {"weight": number}
        yield msgspec.json.encode({
            "gid": gid(number), "parent": gid((number - 1) // BRANCHES), "definition": "thing", "title": title, "fields": fields,
            "channels": CHANNELS[: number % 3], "orderings": {ORDERINGS[1]: BRANCHES - (number - 1) % BRANCHES},
        })  # fmt: skip


def plant(face: Face, records: int) -> float:
    """Make the schema, the records and links to some of them; return the records made in a second."""
    define(face)
    every = lines(records)
    spent = 0.0
    while body := list(islice(every, BODY)):
        spent += face.load(b"\n".join(body))["seconds"]
    root = face.call("records/root")["root"]
    face.run("records/bulk/link", selection=search("+linked"), parent=root, ordering=ORDERINGS[0])
    return records / spent


def search(q: str) -> list[Any]:
    """Return the selection of what is found by English words."""
    return [{"search": {"language": "en", "q": q}}]


SAID = "id, gid, parent_id, canonical_id, definition_id, status, deleted_with, channels, positions, content, words"
DIGEST = f"""
SELECT md5(string_agg(md5(ROW({SAID})::text), '' ORDER BY id)) FROM catalogue_records LEFT JOIN catalogue_words ON record_id = id
"""


def digest(database: str) -> str:
    """Return the digest of what records say and where they are: tree, links, places, content, statuses; not their times."""
    with psycopg.connect(database) as connection:
        (told,) = connection.execute(DIGEST).fetchall()
        return str(told[0])


REMEMBER = """
DROP TABLE IF EXISTS raw_deleted;
CREATE TABLE raw_deleted AS SELECT id, deleted_with FROM catalogue_records WHERE status = 'deleted'
"""
RAW = """
UPDATE catalogue_records r SET status = 'deleted', deleted_with = raw.deleted_with, updated_on = now()
FROM raw_deleted raw WHERE raw.id = r.id
"""


def raw_seconds(database: str) -> tuple[int, float]:
    """Return how many rows were remembered as deleted, and how long a bare UPDATE of them takes; it is rolled back."""
    with psycopg.connect(database) as connection:
        connection.execute("ANALYZE raw_deleted")
        began = time.perf_counter()
        rows = connection.execute(RAW).rowcount
        spent = time.perf_counter() - began
        connection.rollback()
        return rows, spent


@dataclass
class Neighbour:
    """Somebody who writes in the same project all the time, and how long each call took."""

    waits: list[float] = field(default_factory=list)
    refused: int = 0

    def longest(self) -> float:
        """Return the longest wait."""
        return max(self.waits, default=0.0)


@contextmanager
def neighbour(face: Face) -> Iterator[Neighbour]:
    """Have somebody write in the project meanwhile, below its root."""
    own = Face(face.url, requests.Session(), face.project)
    own.session.headers.update(face.session.headers)
    record = own.call("records/create", parent=own.call("records/root")["root"], ordering=ORDERINGS[0])["record"]
    seen, stop = Neighbour(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.wait(0.02):
            number += 1
            body = {"record": record, "fields": {"en": {"title": f"neighbour {number}"}}}
            began = time.perf_counter()
            answer = own.session.post(f"{own.url}/api/p/{own.project}/records/update", json=body, timeout=300)
            seen.waits.append(time.perf_counter() - began)
            seen.refused += answer.status_code != 200

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
        own.call("records/delete", record=record)
        own.run("records/permanent_delete", record=record)


@dataclass(frozen=True)
class Round:
    """A job and its undoing, the rows that it deleted, and what others saw meanwhile."""

    job: dict[str, Any]
    undone: dict[str, Any]
    rows: int
    raw: float
    during: tuple[Neighbour, Neighbour]


def round_trip(face: Face, database: str, path: str, **body: Any) -> Round:
    """Run a job and take it back. Raises RuntimeError unless everything is as before."""
    before = digest(database)
    with neighbour(face) as first:
        job = face.run(path, **body)
    with psycopg.connect(database) as connection:
        connection.execute(REMEMBER)
    with neighbour(face) as second:
        undone = face.undo(job["token"])
    if digest(database) != before:
        raise RuntimeError(f"after {path} and its undoing the records are not what they were")
    rows, raw = raw_seconds(database)
    return Round(job, undone, rows, raw, (first, second))


def measure(product: Stand, records: int, rounds: int) -> list[Row]:
    """Delete a quarter of the records by search, with all below them, and undo it; then the same with one root of all."""
    product.import_accounts({**documents.accounts(), "projects": [project("bench")]})
    face, database = Face(product.url, product.session, PROJECT), product.database()
    rate = plant(face, records)
    before = product.peak("worker")
    found = {
        f"a search of 1 in {CHOSEN}": [
            round_trip(face, database, "records/bulk/delete", selection=search("+chosen")) for _ in range(rounds)
        ],
        "one root": [round_trip(face, database, "records/bulk/delete", selection=[gid(0)]) for _ in range(rounds)],
    }
    rows = [row for name, each in found.items() for row in _rows(f"delete {name} of {records:,}", each)]
    after = product.peak("worker")
    figures = f"{before:.0f} MiB -> {after:.0f} MiB, {after - before:+.0f} MiB (goal: within 64)"
    return [
        *rows,
        *(_moved(face, name, path, body) for name, path, body in _others(face)),
        Row("peak memory of worker after these / before", [after / before], "", figures),
        Row("records made by bulk create, a second", [rate], "", f"{records:,} records in {len(LANGUAGES)} languages"),
    ]


def _rows(name: str, rounds: list[Round]) -> list[Row]:
    found = []
    for part, jobs, at in (("", [one.job for one in rounds], 0), (", undone", [one.undone for one in rounds], 1)):
        seconds = median([job["seconds"] for job in jobs])
        figures = f"{seconds:.1f} s for {rounds[0].rows:,} rows, {rounds[0].rows / seconds:,.0f} a second; " + _told(
            [one.during[at] for one in rounds]
        )
        ratios = [one.raw / job["seconds"] for one, job in zip(rounds, jobs, strict=True)]
        found.append(Row(f"{name}{part} / raw UPDATE", ratios, "", figures))
    return found


def _told(neighbours: list[Neighbour]) -> str:
    longest = max(one.longest() for one in neighbours)
    return f"others waited {longest:.1f} s at most, {sum(one.refused for one in neighbours)} calls got 503"


def _others(face: Face) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what else is done to the root of all: each job leaves it where the next one needs it."""
    root = face.call("records/root")["root"]
    shelf = face.call("records/create", parent=root, ordering=ORDERINGS[0])["record"]
    selection = [gid(0)]
    return [
        ("move", "records/bulk/move", {"selection": selection, "parent": shelf}),
        ("copy without what is below", "records/bulk/shallow_copy", {"selection": selection, "parent": root}),
        ("duplicate without what is below", "records/bulk/duplicate", {"selection": selection}),
        ("copy channels down", "records/channels/copy_down", {"record": gid(0)}),
        ("delete", "records/bulk/delete", {"selection": selection}),
        ("undelete", "records/bulk/undelete", {"selection": selection}),
    ]


def _moved(face: Face, name: str, path: str, body: dict[str, Any]) -> Row:
    with neighbour(face) as seen:
        job = face.run(path, **body)
    return Row(f"one root: {name}, in s", [job["seconds"]], "", _told([seen]))
