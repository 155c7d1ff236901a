"""Goals about what operations do, through HTTP, on the running product. Each test is named after its goal."""

from __future__ import annotations

import pytest

from tests.goals.conftest import World, evidence, query, upsert

VERBS = ("create", "patch", "overwrite", "upsert", "delete", "publish")


def statuses(results: list[dict]) -> list[str]:
    return [row["status"] for row in results]


def codes(results: list[dict]) -> list[str | None]:
    return [row["error"]["code"] if row["error"] else None for row in results]


def test_p01_a_thousand_operations_are_a_thousand_rows_of_one_job(world: World) -> None:
    job, results = world.ann.run([upsert(f"P01-{number}") for number in range(1000)])
    assert (job["status"], job["outcome"], job["total"], job["succeeded"]) == ("done", "succeeded", 1000, 1000)
    assert query("SELECT count(*) FROM outcomes o JOIN jobs j ON j.id = o.job_id WHERE j.token = %s", job["token"]) == [(1000,)]
    assert len(results) == 1000


def test_p02_each_item_of_a_mixed_job_ends_as_its_verb_alone_would(world: World) -> None:
    for name in ("p", "o", "d", "s"):
        assert world.ann.post(upsert(f"P02-{name}")).status_code == 200
    mixed = [
        {"id": "north/one/P02-c", "create": evidence()},
        {"id": "north/one/P02-p", "patch": {"clinical_significance": "LP"}},
        {"id": "north/one/P02-o", "overwrite": {"condition": "OMIM:1"}},
        upsert("P02-u"),
        {"id": "north/one/P02-d", "delete": True},
        {"id": "north/one/P02-s", "publish": "logged_in_users"},
    ]
    _, results = world.ann.run(mixed)
    assert [row["result"]["status"] for row in results] == ["created", "updated", "updated", "created", "deleted", "updated"]
    assert world.ann.get("north/one/P02-p").json()["data"]["clinical_significance"]["value"] == "LP"
    assert "zygosity" not in world.ann.get("north/one/P02-o").json()["data"]
    assert world.ann.get("north/one/P02-d").status_code == 404
    assert world.cat.get("north/one/P02-s").status_code == 200


def test_p03_create_needs_a_free_id_and_patch_a_taken_one(world: World) -> None:
    world.ann.post(upsert("P03"))
    _, results = world.ann.run(
        [
            {"id": "north/one/P03", "create": {}},
            {"id": "north/one/P03-none", "patch": {}},
            upsert("P03"),
            upsert("P03-new"),
            {"id": "north/one/P03", "overwrite": evidence()},
            {"id": "north/one/P03-newer", "overwrite": evidence()},
        ]
    )
    assert codes(results) == ["already_exists", "not_found", None, None, None, None]


def test_p04_two_verbs_in_one_operation_fail_it_and_no_other(world: World) -> None:
    both = {"id": "north/one/P04", "create": evidence(), "patch": {}}
    _, results = world.ann.run([upsert("P04-a"), both, upsert("P04-b")])
    assert codes(results) == [None, "ambiguous_operation", None]
    assert world.ann.get("north/one/P04").status_code == 404


def test_p05_a_narrower_publish_shows_the_new_version_to_the_narrower_audience_alone(world: World) -> None:
    world.ann.post(upsert("P05", publish="logged_in_users"))
    world.ann.post({"id": "north/one/P05", "patch": {"clinical_significance": "P"}, "publish": "institution"})
    seen = {name: getattr(world, name).get("north/one/P05").json()["data"] for name in ("ann", "ben", "cat")}
    assert {name: data["clinical_significance"]["value"] for name, data in seen.items()} == {"ann": "P", "ben": "P", "cat": "VUS"}


def test_p06_unshared_records_are_deleted_and_shared_ones_withdrawn(world: World) -> None:
    world.ann.post(upsert("P06-private"))
    world.ann.post(upsert("P06-shared", publish="logged_in_users", condition="P06 condition"))
    search = [{"search": {"filter": ["condition", "is", "P06 condition"]}}]
    assert world.ann.bulk("get", selection=search).json()["result"]["records.size"] == 1
    world.ann.run([{"id": f"north/one/P06-{kind}", "delete": True} for kind in ("private", "shared")])
    assert world.ann.get("north/one/P06-private").status_code == 404
    assert world.ann.get("north/one/P06-shared").json()["withdrawn"] is True
    assert world.ann.bulk("get", selection=search).json()["result"]["records.size"] == 0


def test_p07_two_tenants_with_one_name_have_two_records(world: World) -> None:
    world.ann.post(upsert("P07"))
    world.cat.post(upsert("P07", lab="south/one"))
    assert world.ann.get("south/one/P07").status_code == 404
    assert world.cat.get("north/one/P07").status_code == 404
    assert query("SELECT count(*) FROM records WHERE lab_record_id = 'P07'") == [(2,)]


def test_p18_what_the_api_set_is_locked_for_the_form_but_its_note_is_not(world: World) -> None:
    world.ann.post(upsert("P18"))
    world.ann.post({"id": "north/one/P18-open", "upsert": evidence(), "editable": True})
    for name, seen in (("P18", "VUS"), ("P18-open", "LP")):
        form = {"id": f"north/one/{name}", "source": "form"}
        world.ann.post(form | {"patch": {"clinical_significance": {"value": "LP"}}})
        world.ann.post(form | {"patch": {"clinical_significance": {"note": "seen"}}})
        cell = world.ann.get(f"north/one/{name}").json()["data"]["clinical_significance"]
        assert (cell["value"], cell["note"]) == (seen, "seen")


def test_p32_a_wrong_type_has_code_pointer_and_message(world: World) -> None:
    _, results = world.ann.run([upsert("P32"), {"id": "north/one/P32", "patch": {"age": {"value": {"years": 3}}}}])
    error = results[1]["error"]
    assert (error["code"], error["pointer"]) == ("invalid_type", "/patch/age/value")
    assert error["detail"] and "Traceback" not in error["detail"]


def test_p33_a_patch_that_changes_nothing_is_a_noop_without_a_version(world: World) -> None:
    before = world.ann.post(upsert("P33")).json()["meta"]
    _, results = world.ann.run([{"id": "north/one/P33", "patch": {"clinical_significance": "vus", "zygosity": "Hemizygous"}}])
    after = world.ann.get("north/one/P33").json()["meta"]
    assert statuses(results) == ["noop"]
    assert (after["version"], after["updated_on"]) == (before["version"], before["updated_on"])
    assert query("SELECT count(*) FROM versions WHERE record_id = %s", before["id"]) == [(1,)]


@pytest.mark.parametrize(
    ("asked", "keys"),
    [(None, None), ("changes", {"clinical_significance"}), (True, None), ("flat", None)],
    ids=["none", "changes", "full", "flat"],
)
def test_p34_return_data_decides_what_a_row_carries(world: World, asked: object, keys: set[str] | None) -> None:
    name = f"P34-{asked}"
    operation = {"id": f"north/one/{name}", "patch": {"clinical_significance": "LP"}, "return_data": asked}
    world.ann.post(upsert(name))
    _, results = world.ann.run([operation, operation])
    first, again = (row["result"].get("data") for row in results)
    if asked is None:
        assert (first, again) == (None, None)
    elif asked == "changes":
        assert (set(first), again) == (keys, {})
    else:
        nested = first["clinical_significance"]
        assert (nested if asked == "flat" else nested["value"]) == "LP"
        assert set(first) == set(again) and len(first) > 5


def test_p45_the_last_of_many_patches_to_one_record_wins(world: World) -> None:
    world.ann.post(upsert("P45"))
    many = []
    for number in range(3000):
        many.append(upsert(f"P45-{number}"))
        if number % 10 == 0:
            many.append({"id": "north/one/P45", "patch": {"clinical_significance": {"note": f"patch {number}"}}})
    job, _ = world.ann.run(many)
    assert job["failed"] == 0
    assert world.ann.get("north/one/P45").json()["data"]["clinical_significance"]["note"] == "patch 2990"


def test_p46_each_version_is_readable_and_none_is_writable(world: World) -> None:
    versions = [world.ann.post(upsert("P46")).json()["meta"]["version"]]
    for value in ("LP", "P"):
        patch = {"id": "north/one/P46", "patch": {"clinical_significance": value}}
        versions.append(world.ann.post(patch).json()["meta"]["version"])
    past = [world.ann.get(f"north/one/P46.{version:.6f}").json()["data"] for version in versions]
    seen = [data["clinical_significance"]["value"] for data in past]
    assert seen == ["VUS", "LP", "P"]
    write = world.ann.post({"id": f"north/one/P46.{versions[0]:.6f}", "patch": {"zygosity": "unknown"}})
    assert (write.status_code, write.json()["code"]) == (400, "read_only_version")
