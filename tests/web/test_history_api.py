"""A record's history through HTTP: versions, differences, going back; and undoing jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from models.db import driver, transaction
from tests.models.classifications.test_words import amiss
from tests.web.conftest import BULK, GOOD, RECORD, Caller, code_of, count, make, upserts
from worker.housekeeping import keep_house

Work = Callable[[], None]
R0 = "north/one/r0"
NARROW = {"owner": "ann", "curated_by": "Ann Other"}


@pytest.fixture
def ben(client: FlaskClient) -> Caller:
    """Member of another lab of ann's organisation."""
    return Caller(client, "ben")


def told(caller: Caller, path: str = f"{RECORD}{R0}/versions") -> list[Any]:
    response = caller.get(path)
    assert response.status_code == 200, response.text
    found: list[Any] = response.json["versions"]
    return found


def patch(caller: Caller, publish: str | None = None, **values: Any) -> float:
    answer = caller.post(RECORD, {"id": R0, "patch": values, "editable": True, "publish": publish})
    assert answer.status_code == 200, answer.text
    version: float = answer.json["meta"]["version"]
    return version


def written(ann: Caller) -> list[float]:
    """Make r0: shared with all users, then edited for the lab, then edited and shared with the organisation."""
    first = ann.post(RECORD, {"id": R0, "upsert": GOOD | NARROW, "editable": True, "publish": "logged_in_users"})
    second = patch(ann, condition={"value": "second", "note": "for us"}, curated_by="Somebody Else")
    return [first.json["meta"]["version"], second, patch(ann, "institution", condition={"value": "third", "note": None})]


def undo(caller: Caller, token: str, work_all: Work, **body: Any) -> tuple[str, list[Any]]:
    """Undo a job; return the undoing's token, and its outcomes in the order of the records."""
    answer = caller.post(f"/api/jobs/{token}/undo", body)
    assert answer.status_code == 202, answer.text
    work_all()
    undoing = answer.json["result"]["job.token"]
    results = caller.get(f"/api/jobs/{undoing}/results?page.size=1000").json["results"]
    return undoing, sorted(results, key=lambda row: str(row["id"]))


@pytest.fixture(autouse=True)
def words(database: str) -> Iterator[None]:
    """After each of these stories, searches would find what is there and nothing else."""
    yield
    with transaction() as session:
        assert amiss(session) == []


def test_versions_are_listed_newest_first_with_who_and_what(ann: Caller) -> None:
    versions = written(ann)
    found = told(ann)
    assert [row["version"] for row in found] == versions[::-1]
    assert [row["publish"] for row in found] == ["institution", "lab", "logged_in_users"]
    assert [row["changed_keys"] for row in found[:2]] == [["condition"], ["condition", "curated_by"]]
    assert {key for key in GOOD if key != "c_hgvs"} <= set(found[2]["changed_keys"])
    assert found[0]["user"]["username"] == "ann"
    assert (found[0]["source"], found[0]["job.token"], found[0]["current"], found[2]["current"]) == ("api", None, True, False)


@pytest.mark.parametrize(("name", "seen"), [("ben", (2, 0)), ("cat", (0,))])
def test_others_see_the_versions_that_were_published_to_them(
    client: FlaskClient, ann: Caller, name: str, seen: tuple[int, ...]
) -> None:
    versions = written(ann)
    found = told(Caller(client, name))
    assert [row["version"] for row in found] == [versions[at] for at in seen]
    assert found[0]["current"] is True


def test_what_changed_is_told_from_one_visible_version_to_the_next_without_hidden_cells(ann: Caller, ben: Caller) -> None:
    written(ann)
    patch(ann, "institution", **{"somatic:summary_interpretation": "ours alone"})
    assert [row["changed_keys"] for row in told(ben)][:2] == [["somatic:summary_interpretation"], ["condition", "curated_by"]]
    patch(ann, "institution", **{"somatic:summary_interpretation": "ours and other"})
    assert told(ben)[0]["changed_keys"] == []
    assert told(ann)[0]["changed_keys"] == ["somatic:summary_interpretation"]


def test_a_stranger_is_not_told_who(ann: Caller, cat: Caller) -> None:
    written(ann)
    assert [(row["user"], row["source"]) for row in told(cat)] == [(None, None)]


def test_the_token_of_a_job_is_for_those_who_may_see_it(ann: Caller, client: FlaskClient, work_all: Work) -> None:
    token = ann.send([{"id": R0, "upsert": GOOD, "publish": "institution"}])
    work_all()
    readers = {name: told(Caller(client, name))[0]["job.token"] for name in ("ann", "both", "ben", "admin")}
    assert readers == {"ann": token, "both": None, "ben": None, "admin": token}


def test_versions_come_in_pages(ann: Caller) -> None:
    versions = written(ann)
    first = ann.get(f"{RECORD}{R0}/versions?page.size=2").json
    assert first["page.cursor"]
    rest = ann.get(f"{RECORD}{R0}/versions?page.size=2&page.cursor={first['page.cursor']}").json
    assert [row["version"] for row in first["versions"] + rest["versions"]] == versions[::-1]
    assert rest["page.cursor"] is None
    assert "next" not in rest


def test_the_history_has_an_address_by_number_in_all_versions_of_the_api(ann: Caller) -> None:
    rid = make(ann, 1)[0]
    prefixes = ("/classification", "/variantclassification")
    for prefix in prefixes:
        for version in ("", "v1/", "v2/", "v3/"):
            assert len(told(ann, f"{prefix}/api/classifications/{version}record/{rid}/versions")) == 1


def test_a_record_may_be_named_versions(ann: Caller) -> None:
    ann.post(RECORD, {"id": "north/one/versions", "upsert": GOOD})
    assert ann.get(f"{RECORD}north/one/versions").json["meta"]["lab_record_id"] == "versions"
    assert len(told(ann, f"{RECORD}north/one/versions/versions")) == 1


@pytest.mark.parametrize("path", ["versions", "diff"])
def test_the_history_of_what_may_not_be_seen_is_not_found(ann: Caller, cat: Caller, path: str) -> None:
    make(ann, 1)
    for name in (R0, "north/one/none", "999999999"):
        assert code_of(cat.get(f"{RECORD}{name}/{path}")) == (404, "not_found")


def test_two_versions_differ_key_by_key(ann: Caller) -> None:
    first, second, third = written(ann)
    found = ann.get(f"{RECORD}{R0}/diff?from={first:.6f}&to={second:.6f}").json
    assert (found["id"], found["from"], found["to"]) == (R0, first, second)
    assert found["changes"] == {
        "condition": {"before": {"value": "OMIM:236200"}, "after": {"value": "second", "note": "for us"}},
        "curated_by": {"before": {"value": "Ann Other"}, "after": {"value": "Somebody Else"}},
    }
    back = ann.get(f"{RECORD}{R0}/diff?from=current&to={first:.6f}").json
    assert back["changes"]["condition"] == {"before": {"value": "third"}, "after": {"value": "OMIM:236200"}}
    assert ann.get(f"{RECORD}{R0}/diff?from={third:.6f}&to=current").json["changes"] == {}
    assert list(ann.get(f"{RECORD}{R0}/diff").json["changes"]) == ["condition"]


def test_a_first_version_differs_from_nothing(ann: Caller) -> None:
    first = written(ann)[0]
    found = ann.get(f"{RECORD}{R0}/diff?to={first:.6f}").json
    assert found["from"] is None
    assert found["changes"]["zygosity"] == {"before": None, "after": {"value": "hemizygous"}}


def test_differences_are_seen_through_the_readers_ceiling(ann: Caller, ben: Caller, cat: Caller) -> None:
    first, second, third = written(ann)
    patch(ann, "public", zygosity="heterozygous")
    assert set(ben.get(f"{RECORD}{R0}/diff?from={first:.6f}").json["changes"]) == {"condition", "curated_by", "zygosity"}
    assert set(cat.get(f"{RECORD}{R0}/diff?from={first:.6f}").json["changes"]) == {"condition", "zygosity"}
    for version in (second, third):
        assert code_of(cat.get(f"{RECORD}{R0}/diff?from={version:.6f}")) == (404, "not_found")
    assert code_of(ben.get(f"{RECORD}{R0}/diff?from={second:.6f}")) == (404, "not_found")


def test_a_version_in_an_address_of_all_versions_is_refused(ann: Caller) -> None:
    version = written(ann)[0]
    assert code_of(ann.get(f"{RECORD}{R0}.{version:.6f}/versions")) == (400, "read_only_version")


def test_an_old_version_is_restored_as_a_change_of_its_own(ann: Caller) -> None:
    first, _, third = written(ann)
    answer = ann.post(f"{RECORD}{R0}/restore", {"version": first})
    assert answer.status_code == 200, answer.text
    assert (answer.json["status"], answer.json["changed_keys"]) == ("updated", ["condition", "curated_by"])
    assert answer.json["meta"]["version"] > third
    old, new = (ann.get(f"{RECORD}{name}").json["data"] for name in (f"{R0}.{first:.6f}", R0))
    assert new == old
    assert len(told(ann)) == 4
    again = ann.post(f"{RECORD}{R0}/restore", {"version": f"{first:.6f}"})
    assert (again.json["status"], again.json["changed_keys"], len(told(ann))) == ("unchanged", [], 4)


def test_restoring_keeps_todays_locks_and_what_the_system_locked(ann: Caller) -> None:
    first = ann.post(RECORD, {"id": R0, "upsert": {"zygosity": "hemizygous", "age": None}, "editable": True})
    ann.post(RECORD, {"id": R0, "patch": {"zygosity": "unknown", "gene_symbol": "CBS", "sex": "female"}})
    answer = ann.post(f"{RECORD}{R0}/restore", {"version": first.json["meta"]["version"]}).json
    data = ann.get(f"{RECORD}{R0}").json["data"]
    assert data["zygosity"] == {"value": "hemizygous", "immutable": "api"}
    assert data["gene_symbol"] == {"value": "CBS", "immutable": "variantgrid"}
    assert "sex" not in data
    assert {"code": "immutable", "key": "gene_symbol"}.items() <= answer["patch_messages"][0].items()


def test_restoring_needs_a_member_a_readable_version_and_the_version_that_was_meant(ann: Caller, ben: Caller) -> None:
    first, second, third = written(ann)
    assert code_of(ben.post(f"{RECORD}{R0}/restore", {"version": first})) == (403, "forbidden")
    assert code_of(ben.post(f"{RECORD}{R0}/restore", {"version": second})) == (404, "not_found")
    assert code_of(ann.post(f"{RECORD}{R0}/restore", {"version": first + 1})) == (404, "not_found")
    stale = {"version": first, "if_version": second}
    assert code_of(ann.post(f"{RECORD}{R0}/restore", stale)) == (412, "version_conflict")
    assert ann.post(f"{RECORD}{R0}/restore", {"version": first, "if_version": third}).status_code == 200


def test_an_undone_job_leaves_records_as_they_were(ann: Caller, work_all: Work) -> None:
    make(ann, 2)
    before = [ann.get(f"{RECORD}north/one/r{at}").json for at in range(2)]
    token = ann.send(
        [
            {"id": R0, "patch": {"condition": "other"}, "publish": "public"},
            {"id": "north/one/r1", "delete": True},
            {"id": "north/one/new", "upsert": GOOD},
        ]
    )
    work_all()
    undoing, results = undo(ann, token, work_all)
    assert [(row["id"], row["status"], row["result"]["status"]) for row in results] == [
        ("north/one/new", "succeeded", "removed"), (R0, "succeeded", "restored"), ("north/one/r1", "succeeded", "recovered"),
    ]  # fmt: skip
    after = [ann.get(f"{RECORD}north/one/r{at}").json for at in range(2)]
    for member in ("id", "publish", "version_publish_level", "withdrawn", "data", "messages"):
        assert [record[member] for record in after] == [record[member] for record in before]
    assert after[0]["meta"]["has_changes"] is False
    assert after[1]["meta"]["id"] == before[1]["meta"]["id"]
    assert ann.get(f"{RECORD}north/one/new").status_code == 404
    assert ann.job(undoing) | {"job": "undo", "parent": token, "outcome": "succeeded"} == ann.job(undoing)
    assert [row["version"] for row in told(ann)][-1] == before[0]["meta"]["version"]


def test_what_others_changed_since_is_kept_and_listed(ann: Caller, work_all: Work) -> None:
    make(ann, 2)
    token = ann.send([{"id": f"north/one/r{at}", "patch": {"condition": "other"}} for at in range(2)])
    work_all()
    patch(ann, zygosity="unknown")
    _, results = undo(ann, token, work_all)
    assert [(row["id"], row["status"], row["error"] and row["error"]["code"]) for row in results] == [
        (R0, "skipped", "touched_since"), ("north/one/r1", "succeeded", None),
    ]  # fmt: skip
    conditions = [ann.get(f"{RECORD}north/one/r{at}").json["data"]["condition"]["value"] for at in range(2)]
    assert conditions == ["other", "OMIM:236200"]


def test_a_preview_tells_and_changes_nothing(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(2))
    work_all()
    _, results = undo(ann, token, work_all, test=True)
    assert [row["result"]["status"] for row in results] == ["removed", "removed"]
    assert (count("records"), count("deleted_records"), count("record_states")) == (2, 0, 0)


@pytest.mark.parametrize(
    ("verb", "body"), [("delete", {}), ("publish", {"publish": "public"}), ("patch", {"patch": {"age": 55}})]
)
def test_operations_over_selections_are_undone_and_redone(ann: Caller, work_all: Work, verb: str, body: dict[str, Any]) -> None:
    rids = make(ann, 3)

    def seen() -> list[Any]:
        found = ann.post(f"{BULK}get", {"selection": [str(rid) for rid in rids]}).json["data"]["records"]
        return [(name, found[name]["publish"], found[name]["data"]) for name in sorted(found)]

    before = seen()
    token = ann.post(f"{BULK}{verb}", {"selection": [str(rid) for rid in rids], **body}, prefer="respond-async").json["result"][
        "job.token"
    ]
    work_all()
    changed = seen()
    assert changed != before
    undoing, _ = undo(ann, token, work_all)
    assert seen() == before
    redoing, _ = undo(ann, undoing, work_all)
    assert seen() == changed
    undo(ann, redoing, work_all)
    assert seen() == before


def test_a_retry_is_undone_by_itself(ann: Caller, work_all: Work) -> None:
    token = ann.send([{"id": R0, "patch": {"age": 55}}, *upserts(2)[1:]])
    work_all()
    ann.post(RECORD, upserts(1)[0])
    child = ann.post(f"/api/jobs/{token}/retry").json["result"]["job.token"]
    work_all()
    assert ann.get(f"{RECORD}{R0}").json["data"]["age"]["value"] == "50-59"
    _, results = undo(ann, child, work_all)
    assert [(row["id"], row["status"]) for row in results] == [(R0, "succeeded")]
    assert "age" not in ann.get(f"{RECORD}{R0}").json["data"]
    assert ann.get(f"{RECORD}north/one/r1").status_code == 200


def test_a_name_that_the_job_gave_away_is_free_again_before_it_is_needed(ann: Caller, work_all: Work) -> None:
    rid = make(ann, 1)[0]
    token = ann.send([{"id": R0, "delete": True}, {"id": R0, "upsert": GOOD | {"age": 55}}])
    work_all()
    assert ann.get(f"{RECORD}{R0}").json["meta"]["id"] != rid
    _, results = undo(ann, token, work_all)
    assert {row["result"]["status"] for row in results} == {"removed", "recovered"}
    assert ann.get(f"{RECORD}{R0}").json["meta"]["id"] == rid


def test_rights_are_looked_at_again(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(2))
    work_all()
    answer = ann.post(f"/api/jobs/{token}/undo")
    with transaction() as session:
        driver(session).execute("DELETE FROM lab_members WHERE user_id = (SELECT id FROM users WHERE username = 'ann')")
    work_all()
    results = ann.get(f"/api/jobs/{answer.json['result']['job.token']}/results").json["results"]
    assert [row["error"]["code"] for row in results] == ["forbidden", "forbidden"]
    assert count("records") == 2


def test_what_cannot_be_undone_is_refused(ann: Caller, cat: Caller, work_all: Work) -> None:
    token = ann.send(upserts(1))
    path = f"/api/jobs/{token}/undo"
    assert (ann.post(path).status_code, ann.post(path).json["code"]) == (409, "not_finished")
    work_all()
    assert (cat.post(path).status_code, cat.post(path).json["code"]) == (404, "not_found")
    assert (ann.post(path, {"what": 1}).status_code, ann.post(path, {"what": 1}).json["code"]) == (400, "unknown_field")
    failed = ann.send([{"id": "north/one/none", "patch": {}}])
    work_all()
    assert ann.post(f"/api/jobs/{failed}/undo").json["code"] == "empty"
    ann.open(f"/api/jobs/{token}", method="DELETE")
    assert (ann.post(path).status_code, ann.post(path).json["code"]) == (410, "gone")


def test_a_repeat_with_the_same_key_is_the_same_undoing(ann: Caller, work_all: Work) -> None:
    token = ann.send(upserts(1))
    work_all()
    first, second = (ann.post(f"/api/jobs/{token}/undo", idempotency_key="once") for _ in range(2))
    assert first.json == second.json
    assert ann.post(f"/api/jobs/{token}/undo", {"test": True}, idempotency_key="once").status_code == 422


def test_what_a_purged_job_deleted_is_forgotten(ann: Caller, work_all: Work) -> None:
    make(ann, 1)
    token = ann.send([{"id": R0, "delete": True}])
    work_all()
    ann.open(f"/api/jobs/{token}", method="DELETE")
    assert count("versions") == 1
    keep_house()
    assert (count("versions"), count("deleted_records")) == (0, 1)
    assert count("deleted_records WHERE evidence IS NOT NULL") == 0


def test_what_was_deleted_and_is_no_longer_kept_cannot_be_brought_back(ann: Caller, work_all: Work) -> None:
    rid, _ = make(ann, 2)
    token = ann.send([{"id": R0, "delete": True}, {"id": "north/one/r1", "patch": {"condition": "other"}}])
    work_all()
    with transaction() as session:
        driver(session).execute("UPDATE deleted_records SET keep_until = now()")
    keep_house()
    _, results = undo(ann, token, work_all)
    fates = {row["id"]: (row["status"], row["error"] and row["error"]["code"]) for row in results}
    assert fates == {str(rid): ("skipped", "purged"), "north/one/r1": ("succeeded", None)}
    assert all(row["error"]["detail"] for row in results if row["error"])
    assert code_of(ann.get(f"{RECORD}{R0}")) == (404, "not_found")
    assert ann.get(f"{RECORD}north/one/r1").json["data"]["condition"]["value"] == GOOD["condition"]


def test_the_past_is_read_as_it_was(ann: Caller, cat: Caller, work_all: Work) -> None:
    rids = make(ann, 4)
    ann.post(RECORD, {"id": R0, "publish": "public"})
    ask = {"selection": [{"search": {"q": "CBS"}}, str(rids[1]), "north/one/r9"]}
    before = {caller.name: caller.post(f"{BULK}get", ask).data for caller in (ann, cat)}
    with transaction() as session:
        row = driver(session).execute("SELECT extract(epoch FROM max(updated_on))::text FROM records").fetchone()
    assert row
    moment = float(row[0])
    patch(ann, "institution", condition="changed", gene_symbol="CBS")
    ann.post(RECORD, {"id": "north/one/r1", "delete": True})
    ann.post(RECORD, {"id": "north/one/r2", "delete": "withdraw"})
    ann.post(RECORD, {"id": "north/one/r9", "upsert": GOOD})
    for as_of in (moment, _rfc3339(moment)):
        assert {caller.name: caller.post(f"{BULK}get", ask | {"as_of": as_of}).data for caller in (ann, cat)} == before
    assert ann.post(f"{BULK}get", ask).data != before["ann"]


def _rfc3339(moment: float) -> str:
    with transaction() as session:
        row = (
            driver(session)
            .execute("SELECT to_char(to_timestamp(%s) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", (moment,))
            .fetchone()
        )
    assert row
    return str(row[0])


def test_pages_of_the_past_go_on_in_the_past(ann: Caller) -> None:
    rids = make(ann, 5)
    with transaction() as session:
        row = driver(session).execute("SELECT extract(epoch FROM max(updated_on))::float8 FROM records").fetchone()
    assert row
    ask = {"selection": [{"search": {"q": "CBS"}}], "page.size": 2, "as_of": row[0]}
    page = ann.post(f"{BULK}get", ask).json
    for at in range(5):
        ann.post(RECORD, {"id": f"north/one/r{at}", "delete": True})
    found = list(page["data"]["records"])
    while page["result"]["page.cursor"]:
        page = ann.post(f"{BULK}get", ask | {"page.cursor": page["result"]["page.cursor"]}).json
        found += page["data"]["records"]
    assert found == [f"north/one/r{at}" for at in range(5)]
    assert count("records") == 0 and len(rids) == 5


def test_a_moment_to_come_or_no_longer_kept_is_refused(ann: Caller, cat: Caller, work_all: Work) -> None:
    make(ann, 1)
    ask = {"selection": [{"search": {"q": "CBS"}}]}
    assert code_of(ann.post(f"{BULK}get", ask | {"as_of": "2999-01-01T00:00:00Z"})) == (400, "invalid_date")
    assert code_of(ann.post(f"{BULK}get", ask | {"as_of": "yesterday"})) == (400, "invalid_date")
    assert code_of(ann.post(f"{BULK}get", ask | {"as_of": True})) == (400, "invalid_date")
    with transaction() as session:
        row = driver(session).execute("SELECT extract(epoch FROM max(updated_on))::float8 FROM records").fetchone()
    assert row
    ann.post(RECORD, {"id": R0, "delete": True})
    assert ann.post(f"{BULK}get", ask | {"as_of": row[0]}).json["result"]["records.size"] == 1
    with transaction() as session:
        driver(session).execute("UPDATE deleted_records SET keep_until = now()")
    keep_house()
    assert code_of(ann.post(f"{BULK}get", ask | {"as_of": row[0]})) == (410, "gone")
    assert cat.post(f"{BULK}get", ask | {"as_of": row[0]}).status_code == 200


def test_a_variant_is_found_as_it_was_named_then(ann: Caller, cat: Caller) -> None:
    def found(key: str, as_of: float | None = None, caller: Caller = ann) -> list[str]:
        ask: dict[str, Any] = {"selection": [{"search": {"filter": ["variant", "is", key]}}]}
        answer = caller.post(f"{BULK}get", ask | ({} if as_of is None else {"as_of": as_of}))
        assert answer.status_code == 200, answer.text
        return list(answer.json["result"]["records"])

    coding, genomic = "GRCh37:NM_000071.2:c.1539C>T", "GRCh37:NC_000021.8:g.44478268C>T"
    make(ann, 4)
    ann.post(RECORD, {"id": R0, "publish": "public"})
    before = [found(coding), found(coding, caller=cat)]
    with transaction() as session:
        row = driver(session).execute("SELECT extract(epoch FROM max(updated_on))::float8 FROM records").fetchone()
    assert row and before == [[f"north/one/r{at}" for at in range(4)], [R0]]
    ann.post(RECORD, {"id": R0, "patch": {"g_hgvs": "NC_000021.8:g.44478268C>T"}})
    ann.post(RECORD, {"id": "north/one/r1", "patch": {"g_hgvs": "NC_000021.8:g.44478268C>T"}, "publish": "public"})
    ann.post(RECORD, {"id": "north/one/r2", "delete": True})
    assert [found(genomic), found(coding)] == [[R0, "north/one/r1"], ["north/one/r3"]]
    assert found(coding, caller=cat) == [R0], "others have the version before"
    assert [found(coding, row[0]), found(coding, row[0], cat)] == before
    assert found(genomic, row[0]) == []
