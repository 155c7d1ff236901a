"""Goals about the past: versions, undoing, and answers as of a moment."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.goals.conftest import Client, World, evidence, query, upsert

PARTS_ENVIRONMENT = {"WAYBILL_CHUNK_ITEMS": "100", "WAYBILL_REDISPATCH_AFTER": "1"}
MANY = 1_000


def undo(client: Client, token: str, **body: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Undo a job; return the undoing at its end, and its outcomes."""
    job = client.end(client.call("POST", f"/api/jobs/{token}/undo", json=body))
    return job, client.results(job["token"])


def seen(client: Client, prefix: str, **ask: Any) -> dict[str, Any]:
    """Read all records whose gene begins so, page by page: what each says, and to whom."""
    found: dict[str, Any] = {}
    cursor: dict[str, str] = {}
    while True:
        answer = client.bulk("get", selection=[{"search": {"filter": ["gene_symbol", "is", prefix]}}], **ask, **cursor)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found |= body["data"]["records"]
        if body["result"]["page.cursor"] is None:
            return found
        cursor = {"page.cursor": body["result"]["page.cursor"]}


def said(records: dict[str, Any]) -> dict[str, Any]:
    """Return what records say without the moments at which it was said."""
    return {name: (record["publish"], record["withdrawn"], record["data"]) for name, record in records.items()}


def made(prefix: str, count: int, **more: Any) -> list[dict[str, Any]]:
    """Return operations that make records of one gene."""
    genes = [{"c_hgvs": f"NM_000071.2({prefix}):c.{at + 1}C>T", "gene_symbol": prefix} for at in range(count)]
    return [upsert(f"{prefix}-{at}", **gene, **more) for at, gene in enumerate(genes)]


def test_p46_the_versions_of_a_record_are_listed_compared_and_restored(world: World) -> None:
    first = world.ann.post(upsert("P46H")).json()["meta"]["version"]
    for value in ("LP", "P"):
        world.ann.post({"id": "north/one/P46H", "patch": {"clinical_significance": value}})
    path = "/classification/api/classifications/v3/record/north/one/P46H"
    listed = world.ann.call("GET", f"{path}/versions").json()["versions"]
    assert [row["changed_keys"] for row in listed[:2]] == [["clinical_significance"]] * 2
    assert listed[2]["version"] == first
    differing = world.ann.call("GET", f"{path}/diff", params={"from": f"{first:.6f}"}).json()["changes"]
    assert {part: cell["value"] for part, cell in differing["clinical_significance"].items()} == {"before": "VUS", "after": "P"}
    restored = world.ann.call("POST", f"{path}/restore", json={"version": first}).json()
    assert restored["changed_keys"] == ["clinical_significance"]
    assert world.ann.get("north/one/P46H").json()["data"]["clinical_significance"]["value"] == "VUS"


def test_x06_an_undone_job_leaves_what_was_before_it_and_keeps_what_came_later(world: World) -> None:
    world.ann.run(made("XSIX", 300))
    before = seen(world.ann, "XSIX")
    changes: list[dict[str, Any]] = []
    for at in range(300):
        name = f"north/one/XSIX-{at}"
        changes.append(
            {"id": name, "delete": True}
            if at % 5 == 0
            else {"id": name, "patch": {"condition": f"changed {at}"}, "publish": "public" if at % 5 == 1 else None}
        )
        if at % 7 == 0 and at % 5:
            changes.append({"id": name, "patch": {"zygosity": {"value": "homozygous", "note": "again"}}})
    job, _ = world.ann.run([*changes, *made("XSIX", 320)[300:]])
    assert job["outcome"] == "succeeded"
    changed = seen(world.ann, "XSIX")
    world.ann.post({"id": "north/one/XSIX-2", "patch": {"sex": "female"}})
    later = seen(world.ann, "XSIX")["north/one/XSIX-2"]

    undone, results = undo(world.ann, job["token"])
    kept = [row["id"] for row in results if row["status"] == "skipped"]
    assert (undone["job"], undone["parent"], undone["failed"], kept) == ("undo", job["token"], 0, ["north/one/XSIX-2"])
    after = seen(world.ann, "XSIX")
    assert after.pop("north/one/XSIX-2")["data"] == later["data"]
    assert said(after) == said({name: record for name, record in before.items() if name != "north/one/XSIX-2"})

    redone, results = undo(world.ann, undone["token"])
    assert (redone["outcome"], redone["total"]) == ("succeeded", 319)
    again = seen(world.ann, "XSIX")
    assert said(again | {"north/one/XSIX-2": changed["north/one/XSIX-2"]}) == said(changed)


def test_x06_an_undoing_whose_workers_are_killed_takes_everything_back_once(world: World) -> None:
    world.ann.run(made("XKILL", MANY))
    before = said(seen(world.ann, "XKILL", **{"page.size": 1000}))
    patches = [
        {"id": f"north/one/XKILL-{at}", "patch": {"condition": f"changed {at}"}, "publish": "public"} for at in range(MANY)
    ]
    job, _ = world.ann.run(patches)
    answer = world.ann.call("POST", f"/api/jobs/{job['token']}/undo")
    for _ in range(3):
        time.sleep(0.2)
        world.parts.restart("worker")
    undone = world.ann.end(answer, 90)
    assert (undone["outcome"], undone["succeeded"]) == ("succeeded", MANY)
    assert said(seen(world.ann, "XKILL", **{"page.size": 1000})) == before
    versions = "SELECT count(*) FROM versions v JOIN records r ON r.id = v.record_id WHERE r.lab_record_id LIKE 'XKILL-%%'"
    assert query(versions) == [(3 * MANY,)]


def test_x15_the_same_moment_gives_the_same_bytes_whatever_is_written(world: World) -> None:
    world.ann.run(made("XPAST", 200, publish="institution"))
    world.ann.run([{"id": f"north/one/XPAST-{at}", "patch": {"condition": "edited"}} for at in range(0, 200, 3)])
    readers = (world.ann, world.ben, world.cat, world.admin)
    ask: dict[str, Any] = {"selection": [{"search": {"filter": ["gene_symbol", "is", "XPAST"]}}], "page.size": 1000}
    present = [reader.bulk("get", **ask).content for reader in readers]
    moment = query("SELECT extract(epoch FROM max(updated_on))::float8 FROM records")[0][0]

    def write() -> None:
        for turn in range(3):
            world.ann.run([
                {"id": f"north/one/XPAST-{at}", "delete": True} if at % 4 == turn
                else {"id": f"north/one/XPAST-{at}", "upsert": evidence(condition=f"turn {turn}"), "publish": "public"}
                for at in range(200)
            ])  # fmt: skip

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        assert [reader.bulk("get", **ask, as_of=moment).content for reader in readers] == present
    writer.join()
    assert [reader.bulk("get", **ask, as_of=moment).content for reader in readers] == present
    assert [reader.bulk("get", **ask).content for reader in readers] != present
