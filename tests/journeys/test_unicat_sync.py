"""The unmodified client `unicat`: queries with filters, bulk jobs followed to their end, a cache that stays right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from unicat import Unicat
from unicat.error import UnicatError
from unicat.job import UnicatJob

from tests.factories import ORDERINGS
from tests.journeys.sdk import connected
from tests.processes import Parts

ORDERING = ORDERINGS["alphabetical"]


@pytest.fixture
def other(product: Parts, tmp_path: Path) -> Iterator[Unicat]:
    client = connected(product, tmp_path, "owner")
    yield client
    client.api._requests_session.close()


def make(unicat: Unicat, parent: Any, titles: list[str]) -> list[Any]:
    """Make records with these titles."""
    made = []
    for title in titles:
        record = unicat.mutate.create_record(parent, ORDERING)
        made.append(unicat.mutate.update_record(record, {"en": {"title": title}, "nl": {"title": f"{title} nl"}}))
    return made


def query(unicat: Unicat, q: str, *condition: Any) -> Any:
    return unicat.mutate.create_query("record", name=f"query {len(unicat.queries)}", q=q, filter=list(condition))


def titles(found: list[tuple[int, Any]]) -> list[str]:
    return [record.title["en"] for _, record in found]


def track(unicat: Unicat, path: str, **body: Any) -> UnicatJob:
    """Start a bulk job as the client's own methods do, and follow it to its end."""
    cursor = unicat.api.prepare_for_job()
    success, result = unicat.api.call(path, body)
    assert success, result
    job = UnicatJob(unicat, cursor, result["job.token"], None)
    statuses = list(job.track(timeout_in_seconds=30, poll_interval_in_seconds=0.05))
    assert statuses[-1] == "done"
    assert [status for at, status in enumerate(statuses) if status != statuses[at - 1] or at == 0][-2:] == ["processing", "done"]
    return job


def test_queries_with_filters_are_walked_to_their_end(unicat: Unicat) -> None:
    parent = make(unicat, unicat.get_root_record(), ["queries"])[0]
    make(unicat, parent, [f"walk {color} {number}" for number in range(65) for color in ("amber", "teal")])
    base = unicat.get_definition_by_name("base").gid
    amber = query(unicat, "+amber", "definition", "is", base)
    found = list(unicat.walk_record_query("en", amber))
    assert {size for size, _ in found} == {65}
    assert sorted(titles(found)) == sorted(f"walk amber {number}" for number in range(65))
    few = list(unicat.walk_record_query("en", amber, limit=7))
    assert titles(few) == titles(found)[:7]
    title = unicat.get_field_by_name("title").gid
    both = query(unicat, "", "or", "", [["value", "is", [title, f"walk {color} 3"]] for color in ("amber", "teal")])
    assert sorted(titles(list(unicat.walk_record_query("en", both)))) == ["walk amber 3", "walk teal 3"]
    none = query(unicat, "+amber -walk")
    assert list(unicat.walk_record_query("en", none)) == []
    neither = query(unicat, "")
    assert list(unicat.walk_record_query("en", neither)) == []
    wrong = query(unicat, "x", "color", "is", "red")
    with pytest.raises(UnicatError) as refused:
        list(unicat.walk_record_query("en", wrong))
    assert (refused.value.code, refused.value.info["pointer"]) == (1006, "/selection/0/search/filter/0")


def test_schema_items_and_assets_are_queried_too(unicat: Unicat) -> None:
    schema = unicat.mutate.create_query("schema", name="titles", q="title", filter=["is_committed", "is_true"])
    assert "title" in [item.name for _, item in unicat.walk_schema_query("en", schema)]
    unicat.mutate.create_asset(unicat.get_root_asset(), "folder")
    assets = unicat.mutate.create_query("asset", name="images", filter=["type", "is", "image"])
    assert [asset.name for _, asset in unicat.walk_asset_query("en", assets)] == []


def test_bulk_jobs_are_followed_to_their_end(unicat: Unicat) -> None:
    parent = make(unicat, unicat.get_root_record(), ["jobs"])[0]
    made = make(unicat, parent, [f"crimson {number}" for number in range(40)])
    search = {"search": {"language": "en", "q": "+crimson"}, "exclude": [made[0].gid]}
    job = track(unicat, "/records/bulk/delete", selection=[search])
    assert (job.name, job.info["total"], job.info["remaining"], job.info["succeeded"]) == ("bulk_delete_records", 39, 0, 39)
    assert job.created_on <= job.updated_on
    unicat.sync()
    assert all(record.is_deleted for record in unicat.get_records([record.gid for record in made[1:]], force=True))
    job = track(unicat, "/records/bulk/undelete", selection=[record.gid for record in made[:20]])
    assert (job.info["total"], job.info["succeeded"], job.info["failed"]) == (20, 19, 1)
    job = track(unicat, "/records/bulk/duplicate", selection=[{"children": parent.gid}], ordering=ORDERING)
    assert job.info["total"] == 20


def _write(client: Unicat, parent: Any, seed: int) -> None:
    """Change, make and delete records, now one and now many at a time."""
    dice = Random(seed)
    mine = make(client, parent, [f"writer {seed} {number}" for number in range(6)])
    for turn in range(25):
        record = client.get_record(dice.choice(mine).gid, force=True)
        match dice.choice(("update", "update", "delete", "undelete", "link", "bulk", "field")):
            case "update" if not record.is_deleted:
                client.mutate.update_record(record, {"en": {"title": f"writer {seed} at {turn}"}})
            case "delete" if not record.is_deleted:
                client.mutate.delete_record(record)
            case "undelete" if record.is_deleted:
                client.mutate.undelete_record(record)
            case "link" if not record.is_deleted:
                client.mutate.link_record(parent, record, ORDERING)
            case "bulk":
                client.api.call("/records/bulk/duplicate", {"selection": [record.gid], "ordering": ORDERING})
            case "field":
                made = client.mutate.create_field(name=f"f_{seed}_{turn}", type="text")
                client.mutate.commit_field(made)


def test_a_cache_stays_right_while_others_write(unicat: Unicat, other: Unicat) -> None:
    parent = make(unicat, unicat.get_root_record(), ["in sync"])[0]
    watched = make(other, parent, [f"watched {number}" for number in range(10)])
    reader, held = unicat, [record.gid for record in watched]
    reader.get_records(held)

    def write() -> None:
        for record in watched[:5]:
            other.mutate.update_record(record, {"nl": {"title": "veranderd"}})
        _write(other, other.get_record(parent.gid), 1)
        track(other, "/records/bulk/delete", selection=held[5:8])

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not writing.done():
            reader.sync()
            time.sleep(0.02)
        writing.result()
    reader.sync()
    _same_as_the_server(reader)
    assert reader.get_record(held[0]).title["nl"] == "veranderd"
    assert all(reader.get_record(gid).is_deleted for gid in held[5:8])


def _same_as_the_server(reader: Unicat) -> None:
    """Compare everything that the client holds with what the server says now."""
    held = {name: dict(reader.api.data[name]) for name in ("records", "fields", "definitions", "classes", "layouts", "queries")}
    for name in ("fields", "definitions", "classes", "layouts", "queries"):
        before = held[name]
        assert reader.api.init()[0]
        assert before == reader.api.data[name], name
    now: dict[str, Any] = {}
    for gid in held["records"]:
        success, _ = reader.api.call("/records/get", {"record": gid})
        assert success
        now[gid] = reader.api.data["records"][gid]
    assert held["records"] == now
