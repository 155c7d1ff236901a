"""Goals about selections: what is in them, in which order, and how they are paged while others write."""

from __future__ import annotations

import threading

from models.settings import settings
from tests.goals.conftest import World, query, upsert


def names(answer: dict) -> list[str]:
    return [name.rsplit("/", 1)[1] for name in answer["result"]["records"]]


def make(world: World, prefix: str, count: int, **more: object) -> list[str]:
    job, _ = world.ann.run([upsert(f"{prefix}-{number:03}", **more) for number in range(count)])
    assert job["failed"] == 0
    return [f"north/one/{prefix}-{number:03}" for number in range(count)]


def test_p08_known_ids_have_one_row_each_and_the_unknown_one_is_not_found(world: World) -> None:
    first, second = make(world, "P08", 2)
    job = world.ann.end(world.ann.bulk("delete", selection=[first, second, first, "north/one/P08-none", second]))
    results = world.ann.results(job["token"])
    assert [(row["status"], row["id"]) for row in results] == [
        ("succeeded", first), ("succeeded", second), ("failed", "north/one/P08-none"),
    ]  # fmt: skip
    assert results[2]["error"]["code"] == "not_found"


def test_p10_the_members_of_a_search_are_counted_when_the_job_is_accepted(world: World) -> None:
    make(world, "P10", 30, gene_symbol="GENE10", c_hgvs=None)
    answer = world.ann.bulk("patch", selection=[{"search": {"filter": ["gene_symbol", "is", "GENE10"]}}], patch={"age": "7"})
    job = world.ann.end(answer)
    assert (job["total"], job["info"]["total"], job["succeeded"]) == (30, 30, 30)


def test_p11_an_exclude_that_names_nothing_changes_nothing(world: World) -> None:
    make(world, "P11", 3, gene_symbol="GENE11", c_hgvs=None)
    search = {"search": {"filter": ["gene_symbol", "is", "GENE11"]}, "exclude": ["north/one/none", 999_999_999]}
    assert world.ann.bulk("get", selection=[search]).json()["result"]["records.size"] == 3


def test_p12_a_record_that_several_entries_name_comes_once_at_its_first_position(world: World) -> None:
    made = make(world, "P12", 4, gene_symbol="GENE12", c_hgvs=None)
    search = {"search": {"filter": ["gene_symbol", "is", "GENE12"]}}
    answer = world.ann.bulk("get", selection=[made[2], search, made[0], made[2]]).json()
    assert answer["result"]["records"] == [made[2], made[0], made[1], made[3]]


def test_p36_seventeen_records_are_a_page_of_ten_and_one_of_seven(world: World) -> None:
    made = make(world, "P36", 17, gene_symbol="GENE36", c_hgvs=None)
    ask = {"selection": [{"search": {"filter": ["gene_symbol", "is", "GENE36"]}}], "page.size": 10}
    first = world.ann.bulk("get", **ask).json()
    second = world.ann.bulk("get", **ask, **{"page.cursor": first["result"]["page.cursor"]}).json()
    assert [len(page["result"]["records"]) for page in (first, second)] == [10, 7]
    assert [page["result"]["records.size"] for page in (first, second)] == [17, 17]
    assert second["result"]["page.cursor"] is None
    assert first["result"]["records"] + second["result"]["records"] == made
    assert first["data"]["records"][made[0]]["data"] == world.ann.get(made[0]).json()["data"]


def test_p37_an_edited_or_foreign_cursor_is_refused(world: World) -> None:
    make(world, "P37", 3, gene_symbol="GENE37", c_hgvs=None)
    ask = {"selection": [{"search": {"filter": ["gene_symbol", "is", "GENE37"]}}], "page.size": 1}
    cursor = world.ann.bulk("get", **ask).json()["result"]["page.cursor"]
    for at in range(0, len(cursor), 7):
        edited = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
        answer = world.ann.bulk("get", **ask, **{"page.cursor": edited})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")
    foreign = world.ben.bulk("get", **ask, **{"page.cursor": cursor})
    assert (foreign.status_code, foreign.json()["code"]) == (400, "invalid_cursor")


def test_p38_every_record_that_matches_throughout_appears_once_while_others_write(world: World) -> None:
    stay = make(world, "P38-stay", 60, gene_symbol="GENE38", c_hgvs=None)
    go = make(world, "P38-go", 60, gene_symbol="GENE38", c_hgvs=None)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set() and number < len(go):
            world.ann.post(upsert(f"P38-new-{number}", gene_symbol="GENE38", c_hgvs=None))
            world.ann.post({"id": stay[number], "patch": {"clinical_significance": {"note": f"{number}"}}})
            world.ann.post({"id": go[number], "delete": True})
            number += 1

    writer = threading.Thread(target=write)
    ask = {"selection": [{"search": {"filter": ["gene_symbol", "is", "GENE38"]}}], "page.size": 7}
    page = world.ann.bulk("get", **ask).json()["result"]
    writer.start()
    found, sizes = list(page["records"]), {page["records.size"]}
    while page["page.cursor"] is not None:
        page = world.ann.bulk("get", **ask, **{"page.cursor": page["page.cursor"]}).json()["result"]
        found += page["records"]
        sizes.add(page["records.size"])
    stop.set()
    writer.join()
    assert sizes == {120}
    assert len(found) == len(set(found))
    assert set(stay) <= set(found) <= set(stay) | set(go)


def test_p43_members_that_stopped_matching_are_skipped_or_processed_as_asked(world: World) -> None:
    for drift, expected in (("skip", "skipped"), ("apply", "succeeded")):
        made = make(world, f"P43-{drift}", 3, gene_symbol=f"GENE43{drift}".upper(), c_hgvs=None)
        world.ann.post({"id": made[0], "patch": {"clinical_significance": {"note": "x"}}})
        gene = ["gene_symbol", "is", f"GENE43{drift}".upper()]
        search = {"search": {"filter": ["and", gene, ["zygosity", "is", "hemizygous"]]}}
        world.parts.kill("worker")
        world.parts.processes["worker"].wait(30)
        answer = world.ann.bulk("patch", selection=[search], patch={"age": "5"}, on_drift=drift)
        world.ann.post({"id": made[1], "patch": {"zygosity": "unknown"}})
        world.parts.start("worker")
        job = world.ann.end(answer)
        rows = world.ann.results(job["token"])
        assert [row["status"] for row in rows] == ["succeeded", expected, "succeeded"]
        assert rows[1]["error"] is None or rows[1]["error"]["code"] == "drifted"


def test_children_mean_nothing_here_and_are_refused_by_name(world: World) -> None:
    answer = world.ann.bulk("get", selection=[{"children": "north/one/P36-000"}])
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_selection")
    assert "children" in answer.json()["detail"]


def test_max_affected_rejects_before_the_first_write(world: World) -> None:
    make(world, "X05", 5, gene_symbol="GENEX05", c_hgvs=None)
    search = [{"search": {"filter": ["gene_symbol", "is", "GENEX05"]}}]
    answer = world.ann.bulk("delete", selection=search, max_affected=4)
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_affected")
    job = world.ann.job(answer.json()["job.token"])
    assert (job["status"], job["info"]["error"]["limit"], job["info"]["error"]["actual"]) == ("rejected", 4, 5)
    assert world.ann.bulk("get", selection=search).json()["result"]["records.size"] == 5


def test_a_preview_tells_what_would_change_and_stores_nothing(world: World) -> None:
    made = make(world, "TEST", 3, gene_symbol="GENETEST", c_hgvs=None)
    search = [{"search": {"filter": ["gene_symbol", "is", "GENETEST"]}}]
    before = query("SELECT id, version, updated_on FROM records ORDER BY id")
    job = world.ann.end(world.ann.bulk("patch", selection=search, patch={"clinical_significance": "LP"}, test=True))
    rows = world.ann.results(job["token"])
    assert [row["result"]["changed_keys"] for row in rows] == [["clinical_significance"]] * 3
    assert {row["result"]["data"]["clinical_significance"]["value"] for row in rows} == {"LP"}
    assert query("SELECT id, version, updated_on FROM records ORDER BY id") == before
    assert world.ann.get(made[0]).json()["data"]["clinical_significance"]["value"] == "VUS"


def test_page_sizes_beyond_the_limit_are_lowered_and_said(world: World) -> None:
    most = settings().limits.page_size
    answer = world.ann.bulk("get", selection=["north/one/P36-000"], **{"page.size": most + 1}).json()
    assert answer["result"]["page.size"] == most
