"""Goals about safety: groups, tests, previews, frozen members, digests, limits. Each test is named after its goal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from tests.goals.conftest import World, evidence, query, upsert

BULK_ADDRESS = "/classification/api/classifications/v2/records/bulk/"
PARTS_ENVIRONMENT = {"WAYBILL_LOG_LEVEL": "WARNING"}
QUIET = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}


def ending(row: dict[str, Any]) -> tuple[str, str | None]:
    """Return how an item ended, and the code of why."""
    return row["status"], row["error"]["code"] if row["error"] else None


def small(name: str, **more: Any) -> dict[str, Any]:
    """Return an operation that is quick to decide."""
    return {"id": f"north/one/{name}", "upsert": {"zygosity": "unknown"}} | more


def stored(prefix: str) -> int:
    return int(query("SELECT count(*) FROM records WHERE lab_record_id LIKE %s", f"{prefix}-%")[0][0])


RECORDS = "SELECT md5(string_agg(r::text, '' ORDER BY id)) FROM records r"
VERSIONS = "SELECT md5(string_agg(v::text, '' ORDER BY record_id, version)) FROM versions v"
SNAPSHOTS = "SELECT md5(string_agg(s::text, '' ORDER BY record_id, level)) FROM snapshots s"


def digest() -> list[Any]:
    """Return what tells one state of the stored records from another."""
    return [query(sql) for sql in (RECORDS, VERSIONS, SNAPSHOTS)]


def mixture(prefix: str, count: int) -> list[dict[str, Any]]:
    """Return operations of all kinds, each record's spread over the whole."""
    verbs = [
        {"create": evidence()}, {"patch": {"clinical_significance": "LP"}}, {"publish": "logged_in_users"}, {"delete": True},
        {"create": evidence()}, {"overwrite": {"condition": "OMIM:1"}}, {"patch": {"age": {"value": {"no": 1}}}},
        {"delete": True},
    ]  # fmt: skip
    return [{"id": f"north/one/{prefix}-{at % count}", **verbs[(at // count + at) % 8]} for at in range(12 * count)]


def story(rows: list[dict[str, Any]]) -> list[Any]:
    """Return all that rows say of how items ended, but for what only stored records have."""
    return [(row["index"], row["id"], *ending(row), (row["result"] or {}).get("status"), row["error"]) for row in rows]


def test_p17_a_test_of_a_mixed_job_ends_as_the_real_run_and_changes_nothing(world: World) -> None:
    items = mixture("P17", 400)
    before = digest()
    tried, rows = world.ann.run([item | {"test": True} for item in items])
    assert digest() == before
    done, real = world.ann.run(items)
    assert story(rows) == story(real)
    counters = ("total", "succeeded", "noop", "failed", "skipped")
    assert [tried[name] for name in counters] == [done[name] for name in counters]
    assert tried["succeeded"] > 1_000 and tried["failed"] > 1_000 and tried["chunks"] > 4


def test_p17_tests_build_on_tests_and_real_operations_do_not(world: World) -> None:
    name = {"id": "north/one/P17m"}
    note = {"clinical_significance": {"note": "real"}}
    items = [
        {**name, "create": evidence(), "test": True},
        {**name, "patch": {"age": "5"}, "test": True, "return_data": "flat"},
        {**name, "patch": {"age": "5"}},
        {**name, "create": evidence()},
        {**name, "patch": note},
        {**name, "patch": {"condition": "OMIM:7"}, "test": True, "return_data": "changes"},
    ]
    _, rows = world.ann.run(items)
    assert [ending(row) for row in rows] == [
        ("succeeded", None), ("succeeded", None), ("failed", "not_found"), ("succeeded", None), ("succeeded", None),
        ("succeeded", None),
    ]  # fmt: skip
    assert world.ann.get("north/one/P17m").json()["data"]["condition"]["value"] == "OMIM:236200"


def test_p42_a_stale_if_version_is_a_conflict_and_the_other_is_applied(world: World) -> None:
    versions = [world.ann.post(upsert(f"P42-{number}")).json()["meta"]["version"] for number in range(2)]
    world.ann.post({"id": "north/one/P42-0", "patch": {"age": "5"}})
    patch = {"patch": {"clinical_significance": "LP"}}
    items = [{"id": f"north/one/P42-{number}", "if_version": versions[number], **patch} for number in range(2)]
    _, rows = world.ann.run(items)
    assert [ending(row) for row in rows] == [("failed", "version_conflict"), ("succeeded", None)]
    seen = [world.ann.get(f"north/one/P42-{number}").json()["data"]["clinical_significance"]["value"] for number in range(2)]
    assert seen == ["VUS", "LP"]


def test_p44_one_bad_item_of_an_atomic_job_rolls_all_others_back(world: World) -> None:
    world.ann.post(upsert("P44-there"))
    before = query("SELECT id, version, updated_on FROM records ORDER BY id"), query("SELECT count(*) FROM versions")
    items: list[Any] = [small(f"P44-{number}") for number in range(4_998)]
    items += [{"id": "north/one/P44-there", "patch": {"age": "5"}}, {"id": "north/one/P44-none", "patch": {}}]
    answer = world.ann.post({"records": items, "atomic": True}, Prefer="respond-async")
    job = world.ann.end(answer)
    rows = world.ann.results(job["token"])
    assert (job["status"], job["outcome"], job["failed"], job["skipped"]) == ("done", "failed", 1, 4_999)
    assert Counter(ending(row) for row in rows) == {("skipped", "rolled_back"): 4_999, ("failed", "not_found"): 1}
    assert ending(rows[-1]) == ("failed", "not_found")
    assert (query("SELECT id, version, updated_on FROM records ORDER BY id"), query("SELECT count(*) FROM versions")) == before


def test_p44_an_atomic_job_without_a_bad_item_is_applied_whole(world: World) -> None:
    job = world.ann.end(world.ann.lines_at([small(f"P44b-{number}") for number in range(3_000)], "?atomic=true"))
    assert (job["outcome"], job["succeeded"], job["chunks"]) == ("succeeded", 3_000, 1)
    assert stored("P44b") == 3_000


def test_p44_an_atomic_selection_changes_all_of_its_members_or_none(world: World) -> None:
    made = [world.ann.post(upsert(f"P44c-{number}")).json()["id"] for number in range(3)]
    answer = world.ann.bulk("patch", selection=[*made, "north/one/P44c-none"], patch={"age": "5"}, atomic=True)
    job = world.ann.end(answer)
    endings = [ending(row) for row in world.ann.results(job["token"])]
    assert endings == [("skipped", "rolled_back")] * 3 + [("failed", "not_found")]
    assert "age" not in world.ann.get(made[0]).json()["data"]
    job = world.ann.end(world.ann.bulk("patch", selection=made, patch={"age": "5"}, atomic=True))
    assert (job["outcome"], job["succeeded"]) == ("succeeded", 3)


def test_p44_more_than_the_limit_cannot_stand_and_fall_together(world: World) -> None:
    limit = world.ann.call("GET", "/api/limits").json()["atomic_operations"]
    answer = world.ann.lines_at([small(f"P44d-{number}") for number in range(limit + 1)], "?atomic=true")
    assert (answer.status_code, answer.json()["code"]) == (413, "group_too_large")
    assert (answer.json()["limit"], answer.json()["actual"]) == (limit, limit + 1)


@pytest.mark.timeout(400)
def test_x14_groups_with_a_bad_item_are_rolled_back_and_all_others_applied(world: World) -> None:
    total, groups = 100_000, 10_000
    bad = {number for number in range(groups) if number % 20 == 7}
    items = []
    for index in range(total):
        group, nth = index % groups, index // groups
        item = small(f"X14-{group}-{nth}", group=f"g{group}")
        items.append(item | {"upsert": {"age": {"value": {"no": 1}}}} if group in bad and nth == 4 else item)
    job = world.ann.end(world.ann.lines(items), 300)
    kept = total - 10 * len(bad)
    assert (job["succeeded"], job["failed"], job["skipped"]) == (kept, len(bad), 9 * len(bad))
    assert stored("X14") == kept
    found = query("SELECT DISTINCT split_part(lab_record_id, '-', 2)::int FROM records WHERE lab_record_id LIKE 'X14-%%'")
    assert {row[0] for row in found} == set(range(groups)) - bad
    ends = "SELECT DISTINCT o.status, o.code FROM outcomes o JOIN jobs j ON j.id = o.job_id WHERE j.token = %s"
    codes = query(ends, job["token"])
    assert set(codes) == {("succeeded", None), ("failed", "invalid_type"), ("skipped", "rolled_back")}


def test_x14_a_group_sees_its_records_as_if_a_rolled_back_group_had_never_been(world: World) -> None:
    patch = {"id": "north/one/X14s", "patch": {"clinical_significance": {"note": "bad"}}}
    items = [
        upsert("X14s") | {"group": "base"},
        {**patch, "group": "bad"},
        {**patch, "patch": {"clinical_significance": {"note": "good"}}, "group": "good"},
        {"id": "north/one/X14s-new", "upsert": evidence(), "group": "bad"},
        {"id": "north/one/X14s-new", "patch": {"age": "5"}, "group": "late"},
        {"id": "north/one/X14s-other", "upsert": evidence(), "group": "late"},
        {"id": "north/one/X14s-none", "patch": {}, "group": "bad"},
        {"id": "north/one/X14s", "patch": {"condition": {"note": "all"}}},
    ]
    _, rows = world.ann.run(items)
    assert [ending(row) for row in rows] == [
        ("succeeded", None), ("skipped", "rolled_back"), ("succeeded", None), ("skipped", "rolled_back"),
        ("failed", "not_found"), ("skipped", "rolled_back"), ("failed", "not_found"), ("succeeded", None),
    ]  # fmt: skip
    data = world.ann.get("north/one/X14s").json()["data"]
    assert (data["clinical_significance"]["note"], data["condition"]["note"]) == ("good", "all")
    assert query("SELECT count(*) FROM records WHERE lab_record_id LIKE 'X14s-%%'") == [(0,)]


def test_x14_retrying_runs_a_whole_group_again(world: World) -> None:
    grouped = [upsert("X14r-a"), {"id": "north/one/X14r-b", "patch": {"age": "5"}}]
    items = [*(item | {"group": "g"} for item in grouped), upsert("X14r-c")]
    job, _ = world.ann.run(items)
    world.ann.post(upsert("X14r-b"))
    child = world.ann.end(world.ann.call("POST", f"/api/jobs/{job['token']}/retry"))
    rows = world.ann.results(child["token"])
    assert [(row["index"], *ending(row)) for row in rows] == [(0, "succeeded", None), (1, "succeeded", None)]


def make(world: World, prefix: str, count: int) -> tuple[list[str], list[Any]]:
    """Make records with a gene of their own; return their names and the search for them."""
    gene = f"GENE{prefix}".upper()
    job, rows = world.ann.run([upsert(f"{prefix}-{number:04}", gene_symbol=gene, c_hgvs=None) for number in range(count)])
    assert job["failed"] == 0
    return [row["id"] for row in rows], [{"search": {"filter": ["gene_symbol", "is", gene]}}]


def pages(world: World, token: str, kind: str, size: int) -> list[dict[str, Any]]:
    """Read all of a job's members or drift."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = world.ann.call("GET", f"/api/jobs/{token}/{kind}", params={"page.size": size, **cursor})
        assert answer.status_code == 200, answer.text
        found += answer.json()[kind]
        assert len(answer.json()[kind]) <= size
        if answer.json()["page.cursor"] is None:
            return found
        cursor = {"page.cursor": answer.json()["page.cursor"]}


@contextmanager
def no_worker(world: World) -> Iterator[None]:
    """Let nothing be worked on meanwhile."""
    world.parts.kill("worker")
    world.parts.processes["worker"].wait(30)
    try:
        yield
    finally:
        world.parts.start("worker")


def test_x03_members_page_completely_and_the_drift_report_names_those_that_changed(world: World) -> None:
    names, search = make(world, "X03", 2_300)
    changed = set(names[::10])
    with no_worker(world):
        answer = world.ann.bulk("patch", selection=search, patch={"condition": {"note": "x"}})
        token = answer.json()["result"]["job.token"]
        for at, name in enumerate(sorted(changed)):
            change = ({"patch": {"zygosity": "unknown"}}, {"publish": "institution"}, {"delete": True})[at % 3]
            assert world.ann.post({"id": name, **change}).status_code == 200
        assert {row["id"] for row in pages(world, token, "members", 700)} == set(names) - set(sorted(changed)[2::3]) | {None}
    job = world.ann.end(answer)
    members = pages(world, token, "members", 333)
    assert [row["index"] for row in members] == list(range(2_300))
    assert all(row["rid"] and row["frozen_on"] for row in members)
    drift = pages(world, token, "drift", 100)
    rids = dict(zip(names, [row["rid"] for row in members], strict=True))
    assert sorted(row["rid"] for row in drift) == sorted(rids[name] for name in changed)
    gone = {rids[name] for name in sorted(changed)[2::3]}
    assert {row["rid"] for row in drift if row["change"] == "gone"} == gone
    assert (job["succeeded"], job["failed"]) == (2_300 - len(gone), len(gone))


def test_x03_what_does_not_match_any_more_is_said_to_be_so(world: World) -> None:
    names, [search] = make(world, "X03u", 6)
    search = [{"search": {"filter": ["and", search["search"]["filter"], ["zygosity", "is", "hemizygous"]]}}]
    with no_worker(world):
        answer = world.ann.bulk("patch", selection=search, patch={"condition": {"note": "x"}}, on_drift="skip")
        world.ann.post({"id": names[1], "patch": {"zygosity": "unknown"}})
        world.ann.post({"id": names[2], "patch": {"condition": "OMIM:2"}})
    job = world.ann.end(answer)
    drift = pages(world, job["token"], "drift", 100)
    assert [(row["id"], row["change"]) for row in drift] == [(names[1], "unmatched"), (names[2], "changed")]
    assert [ending(row) for row in world.ann.results(job["token"])][:3] == [
        ("succeeded", None), ("skipped", "drifted"), ("succeeded", None),
    ]  # fmt: skip


def test_x04_a_plan_is_carried_out_as_it_was_shown(world: World) -> None:
    names, search = make(world, "X04", 30)
    world.ann.post({"id": names[3], "patch": {"clinical_significance": "LP"}})
    asked = {"selection": search, "patch": {"clinical_significance": "LP"}}
    preview = world.ann.bulk("patch", **asked, test=True)
    token = (preview.json().get("result") or preview.json())["plan_token"]
    planned = world.ann.results(world.ann.end(preview)["token"])
    assert world.ann.job(world.ann.end(preview)["token"])["info"]["plan_token"] == token
    done = world.ann.results(world.ann.end(world.ann.bulk("patch", **asked, plan_token=token))["token"])
    assert [row["status"] for row in done].count("noop") == 1
    assert story(done) == story(planned)


def test_x04_a_plan_is_stale_once_a_record_or_the_member_set_has_changed(world: World) -> None:
    names, search = make(world, "X04s", 10)
    asked = {"selection": search, "patch": {"clinical_significance": "LP"}}
    job = world.ann.end(world.ann.bulk("patch", **asked, test=True))
    token = job["info"]["plan_token"]
    rids = {row["id"]: row["rid"] for row in pages(world, job["token"], "members", 100)}
    added = world.ann.post(upsert("X04s-new", gene_symbol="GENEX04S", c_hgvs=None)).json()["meta"]["id"]
    world.ann.post({"id": names[2], "publish": "institution"})
    world.ann.post({"id": names[5], "delete": True})
    before = digest(), query("SELECT count(*) FROM jobs")
    answer = world.ann.bulk("patch", **asked, plan_token=token)
    assert (answer.status_code, answer.json()["code"], answer.json()["total"]) == (412, "plan_changed", 3)
    changes = {row["id"]: row["change"] for row in answer.json()["changes"]}
    assert changes == {added: "added", rids[names[2]]: "changed", rids[names[5]]: "removed"}
    assert (digest(), query("SELECT count(*) FROM jobs")) == before


def test_x04_a_plan_belongs_to_its_request_and_its_user(world: World) -> None:
    names, _ = make(world, "X04b", 2)
    preview = world.ann.end(world.ann.bulk("delete", selection=names, test=True))
    token = preview["info"]["plan_token"]
    asks = [
        world.ann.bulk("delete", selection=names[:1], plan_token=token),
        world.ann.bulk("delete", selection=names, delete_reason="DUPLICATE", plan_token=token),
        world.ann.bulk("patch", selection=names, patch={}, plan_token=token),
        world.both.bulk("delete", selection=names, plan_token=token),
        world.ann.bulk("delete", selection=names, plan_token=token[:-2] + "AA"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in asks] == [(400, "invalid_plan")] * 5
    assert world.ann.end(world.ann.bulk("delete", selection=names, plan_token=token))["succeeded"] == 2


def test_x04_a_planned_record_that_changes_after_the_commit_is_left_alone(world: World) -> None:
    names, search = make(world, "X04l", 3)
    asked = {"selection": search, "patch": {"clinical_significance": "LP"}}
    token = world.ann.end(world.ann.bulk("patch", **asked, test=True))["info"]["plan_token"]
    with no_worker(world):
        answer = world.ann.bulk("patch", **asked, plan_token=token)
        world.ann.post({"id": names[1], "patch": {"zygosity": "unknown"}})
    rows = world.ann.results(world.ann.end(answer)["token"])
    assert [ending(row) for row in rows] == [("succeeded", None), ("skipped", "drifted"), ("succeeded", None)]


def test_x05_more_members_than_max_affected_are_rejected_before_the_first_write(world: World) -> None:
    _, search = make(world, "X05", 101)
    before = digest()
    answer = world.ann.bulk("delete", selection=search, max_affected=100)
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_affected")
    assert (answer.json()["limit"], answer.json()["actual"]) == (100, 101)
    assert world.ann.job(answer.json()["job.token"])["status"] == "rejected"
    assert digest() == before
    assert world.ann.end(world.ann.bulk("delete", selection=search, max_affected=101))["succeeded"] == 101


def test_x05_an_empty_search_needs_to_be_meant(world: World) -> None:
    world.cat.post(upsert("X05e", lab="south/one"))
    before = digest()
    for search in ({"search": {}}, {"search": {"filter": []}}):
        assert world.cat.end(world.cat.bulk("delete", selection=[search]))["total"] == 0
    assert digest() == before
    tried = world.cat.end(world.cat.bulk("delete", selection=[{"search": {}}], allow_all=True, test=True))
    assert tried["total"] > 0 and digest() == before


MISTAKES = {
    ("invalid_type", "/upsert/age/value"): {"upsert": {"age": {"value": {"no": 1}}}},
    ("ambiguous_operation", "/patch"): {"upsert": {}, "patch": {}},
    ("not_found", "/id"): {"patch": {"age": "5"}},
    ("invalid_publish", "/publish"): {"publish": "everybody"},
    ("invalid_value", "/delete_reason"): {"delete": True, "delete_reason": "BORED"},
}


@pytest.mark.timeout(400)
def test_x12_a_hundred_thousand_items_with_five_kinds_of_mistakes_have_a_digest_of_five_causes(world: World) -> None:
    total = 100_000
    kinds = list(MISTAKES)
    items = []
    for index in range(total):
        item = small(f"X12-{index}")
        nth = next((at for at in range(5) if index % (20 * (at + 1)) == at), None)
        items.append({"id": item["id"], **MISTAKES[kinds[nth]]} if nth is not None else item)
    wrong = Counter(next((at for at in range(5) if index % (20 * (at + 1)) == at), None) for index in range(total))
    before = digest()
    body = b"\n".join(msgspec.json.encode(item) for item in items)
    answer = world.ann.call("POST", f"{BULK_ADDRESS}validate", data=body, headers=QUIET)
    job = world.ann.end(answer, 300)
    assert (job["job"], job["total"], job["failed"]) == ("validate_classifications", total, total - wrong[None])
    assert digest() == before
    answer = world.ann.call("GET", f"/api/jobs/{job['token']}/digest")
    assert len(answer.content) < 16 * 1024
    found = answer.json()
    assert {(cause["code"], cause["pointer"]): cause["count"] for cause in found["causes"]} == {
        kind: wrong[at] for at, kind in enumerate(kinds)
    }
    assert (found["causes.more"], found["refused"], found["complete"]) == (None, total - wrong[None], True)
    for cause in found["causes"]:
        assert cause["retryable"] is False
        assert len(cause["examples"]) == 3
        for example in cause["examples"]:
            assert example["line"] == example["index"] + 1
            assert example["id"] == f"north/one/X12-{example['index']}"
            assert example["detail"]


def test_x12_a_trial_sees_what_earlier_items_would_have_made_under_either_prefix(world: World) -> None:
    items = [upsert("X12t"), {"id": "north/one/X12t", "patch": {"age": "5"}}, {"id": "north/one/X12t", "create": {}}]
    for prefix in ("classification", "variantclassification"):
        answer = world.ann.call("POST", f"/{prefix}/api/classifications/records/bulk/validate", json={"records": items})
        rows = world.ann.results(answer.json()["job.token"])
        assert [ending(row) for row in rows] == [("succeeded", None), ("succeeded", None), ("failed", "already_exists")]
    assert world.ann.get("north/one/X12t").status_code == 404


def test_x12_many_causes_are_cut_and_the_rest_is_counted(world: World) -> None:
    items = [{"id": f"north/one/X12m-{n}", "upsert": {"age": {"note": {"no": 1}}, "x" * 150: "1"}} for n in range(3)]
    items += [{"id": f"north/one/X12m-{n}", "upsert": {f"unknown_{'y' * 120}_{n}": "1"}} for n in range(400)]
    job, _ = world.ann.run(items)
    answer = world.ann.call("GET", f"/api/jobs/{job['token']}/digest")
    found = answer.json()
    assert len(answer.content) < 16 * 1024
    assert found["causes"][0]["count"] == 3
    warned = {cause["code"] for cause in found["warnings"]}
    assert warned == {"unrecognised_key"}
    assert len(found["warnings"]) + found["warnings.more"]["causes"] == 400
