"""Reading selections page by page, searching, and the jobs over selections, as the project face's clients call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from models.db import driver, transaction
from models.selection import catalogue_pages
from tests.factories import CHANNELS, ORDERINGS
from tests.models.selection import catalogue_oracle as oracle
from tests.models.selection.catalogue_world import Item, World, gid_of, new_world
from tests.web.projects.conftest import Member, refusal

UNKNOWN = "99999999-9999-4999-8999-999999999999"


@pytest.fixture
def world(database: str) -> World:
    with transaction() as session:
        return new_world(session)


def live(world: World) -> list[Item]:
    return [item for item in world.records.values() if not item.deleted]


def pages(member: Member, path: str, **body: Any) -> list[dict[str, Any]]:
    """Read all pages; each is the result with its data."""
    found = [member.call(path, **body)]
    while found[-1]["page.cursor"]:
        found.append(member.call(path, **body, **{"page.cursor": found[-1]["page.cursor"]}))
    return found


def gids_of(world: World, search: dict[str, Any]) -> set[str]:
    return {item.gid for item in world.records.values() if oracle.found(world, "records", {"language": "en", **search}, item)}


def test_p36_a_read_of_seventeen_by_ten_is_ten_and_seven(world: World, reader: Member) -> None:
    selection = [item.gid for item in live(world)[:17]]
    first, second = pages(reader, "records/bulk/get", selection=selection, **{"page.size": 10})
    assert (len(first["records"]), len(second["records"])) == (10, 7)
    assert (first["records.size"], second["records.size"], second["page.cursor"]) == (17, 17, None)
    assert [*first["records"], *second["records"]] == selection
    assert set(first["data"]["records"]) == set(first["records"])


def test_a_last_page_that_is_just_full_ends_the_list(world: World, reader: Member) -> None:
    selection = [item.gid for item in live(world)[:10]]
    (only,) = pages(reader, "records/bulk/get", selection=selection, **{"page.size": 10})
    assert only["records"] == selection


def test_a_mixed_selection_comes_in_its_order_each_once(world: World, reader: Member) -> None:
    parent = max(live(world), key=lambda item: sum(other.parent == item.id for other in live(world)))
    ordering = next(iter(ORDERINGS.values()))
    children = {"children": parent.gid, "ordering": ordering}
    below = [world.records[int(key)].gid for key in oracle.members(world, "records", children)]
    search = {"language": "en", "q": "red stone"}
    listed = [UNKNOWN, below[-1], parent.gid]
    found = pages(reader, "records/bulk/get", selection=[*listed, children, {"search": search}], **{"page.size": 7})
    seen = [gid for page in found for gid in page["records"]]
    front = list(dict.fromkeys([below[-1], parent.gid, *below]))
    assert seen[: len(front)] == front
    assert len(seen) == len(set(seen)) == found[0]["records.size"]
    assert set(seen) == {*front, *gids_of(world, search)}


def test_p09_children_without_three_of_them(world: World, reader: Member) -> None:
    root = next(item for item in world.records.values() if item.parent is None)
    children = [world.records[int(key)].gid for key in oracle.members(world, "records", {"children": root.gid})]
    selection = [{"children": root.gid, "exclude": children[:3]}]
    (page,) = pages(reader, "records/bulk/get", selection=selection)
    assert (page["records"], page["records.size"]) == (children[3:], len(children) - 3)
    selection = [{"children": root.gid, "channel": CHANNELS["web"]}]
    (page,) = pages(reader, "records/bulk/get", selection=selection)
    assert set(page["records"]) == {
        item.gid for item in live(world) if item.parent == root.id and CHANNELS["web"] in item.channels
    }


def test_p11_an_exclude_that_matches_nothing_changes_nothing(world: World, reader: Member) -> None:
    search: dict[str, Any] = {"search": {"language": "en", "q": "red"}}
    (with_it,) = pages(reader, "records/bulk/get", selection=[{**search, "exclude": [UNKNOWN]}])
    (without,) = pages(reader, "records/bulk/get", selection=[search])
    assert with_it["records"] == without["records"]
    assert set(without["records"]) == gids_of(world, {"q": "red"})


def test_deleted_records_are_reached_by_gid_alone(world: World, reader: Member) -> None:
    gone = next(item for item in world.records.values() if item.deleted and item.content)
    (page,) = pages(reader, "records/bulk/get", selection=[gone.gid])
    assert page["data"]["records"][gone.gid]["status"] == "deleted"
    everything = {"search": {"language": "en", "filter": ["not", "", ["definition", "is", UNKNOWN]]}}
    (page,) = pages(reader, "records/bulk/get", selection=[everything], **{"page.size": 1000})
    assert set(page["records"]) == {item.gid for item in live(world) if not _hidden(world, item)}


def _hidden(world: World, item: Item) -> bool:
    return item.shown_by is not None and world.records[item.shown_by].deleted


def test_p38_a_list_stays_as_it_was_while_others_write(world: World, editor: Member) -> None:
    selection = [{"search": {"language": "en", "filter": ["definition", "is", gid_of("definition", "thing")]}}]
    first = editor.call("records/bulk/get", selection=selection, **{"page.size": 5})
    expected = gids_of(world, {"filter": ["definition", "is", gid_of("definition", "thing")]})
    root = next(item for item in world.records.values() if item.parent is None)
    editor.call("records/create", parent=root.gid, ordering=next(iter(ORDERINGS.values())))
    victim = next(gid for gid in expected if gid not in first["records"])
    editor.call("records/delete", record=victim)
    seen, cursor = list(first["records"]), first["page.cursor"]
    while cursor:
        page = editor.call("records/bulk/get", selection=selection, **{"page.size": 4, "page.cursor": cursor})
        assert page["records.size"] == len(expected)
        seen, cursor = [*seen, *page["records"]], page["page.cursor"]
    assert len(seen) == len(set(seen))
    assert set(seen) == expected


def test_p37_x11_a_cursor_is_for_one_reader_one_project_and_one_query(world: World, reader: Member, editor: Member) -> None:
    ask: dict[str, Any] = {"selection": [item.gid for item in live(world)[:9]], "page.size": 3}
    cursor = reader.call("records/bulk/get", **ask)["page.cursor"]
    assert isinstance(cursor, str)
    broken = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for wrong in (broken, "", [0, 3], 5, "x" * 3000):
        assert reader.refused("records/bulk/get", **ask, **{"page.cursor": wrong}) == (1006, "invalid_cursor")
    assert editor.refused("records/bulk/get", **ask, **{"page.cursor": cursor}) == (1006, "invalid_cursor")
    assert reader.refused("assets/bulk/get", **ask, **{"page.cursor": cursor}) == (1006, "invalid_cursor")
    other = {**ask, "language": "nl", "page.cursor": cursor}
    assert reader.refused("records/bulk/get", **other) == (1006, "cursor_mismatch")
    page = reader.call("records/bulk/get", **{**ask, "page.size": 2, "page.cursor": cursor})
    assert page["records"] == ask["selection"][3:5]
    with transaction() as session:
        driver(session).execute("DELETE FROM selections")
    assert reader.refused("records/bulk/get", **ask, **{"page.cursor": cursor}) == (1006, "cursor_expired")


@pytest.mark.parametrize(
    ("selection", "pointer"),
    [
        ([], "/selection"),
        ("all", "/selection"),
        (["x"], "/selection/0"),
        ([UNKNOWN, {"childs": UNKNOWN}], "/selection/1"),
        ([{"children": 3}], "/selection/0/children"),
        ([{"children": UNKNOWN, "channel": "x"}], "/selection/0/channel"),
        ([{"children": UNKNOWN, "ordering": "x"}], "/selection/0/ordering"),
        ([{"children": UNKNOWN, "exclude": "x"}], "/selection/0/exclude"),
        ([{"search": {"q": "red"}}], "/selection/0/search/language"),
        ([{"search": {"language": "xx", "q": "red"}}], "/selection/0/search/language"),
        ([{"search": {"language": "en", "filter": ["color", "is", "red"]}}], "/selection/0/search/filter/0"),
        ([{"search": {"language": "en", "filter": ["updated_on", "<", [3, "weeks"]]}}], "/selection/0/search/filter/2"),
        (
            [{"search": {"language": "en", "filter": ["and", "", [["classes", "has", "none"]]]}}],
            "/selection/0/search/filter/2/0/2",
        ),
        ([{"search": {"language": "en", "filter": ["value", "is", ["x", 1]]}}], "/selection/0/search/filter/2"),
        ([{"search": {"language": "en", "q": " ".join(f"w{at}" for at in range(31))}}], "/selection/0/search/q"),
    ],
)
def test_a_malformed_selection_is_told_where_and_why(world: World, editor: Member, selection: Any, pointer: str) -> None:
    for path in ("records/bulk/get", "records/bulk/delete"):
        response = editor.post(path, {"selection": selection})
        code, word = refusal(response)
        assert (code, word) == (1006, "invalid_selection"), response.text
        assert response.json["result"]["info"]["pointer"] == pointer
        assert response.json["result"]["message"]


def test_a_selection_that_is_missing_is_a_missing_parameter(world: World, editor: Member) -> None:
    for path in ("records/bulk/get", "assets/bulk/get", "schema/bulk/get", "records/bulk/delete", "schema/bulk/commit"):
        assert editor.refused(path)[0] == 400


def test_children_mean_nothing_for_schema_items(world: World, reader: Member) -> None:
    response = reader.post("schema/bulk/get", {"selection": [{"children": gid_of("definition", "thing")}]})
    assert refusal(response) == (1006, "invalid_selection")
    assert response.json["result"]["info"]["pointer"] == "/selection/0/children"


def test_schema_items_are_read_with_their_types(world: World, reader: Member) -> None:
    wanted = [gid_of("field", "size"), gid_of("definition", "other"), gid_of("class", "more")]
    (page,) = pages(reader, "schema/bulk/get", selection=[*wanted, UNKNOWN])
    kinds = ["field", "definition", "class"]
    assert page["schema_items"] == [{"type": kind, "item": gid} for kind, gid in zip(kinds, wanted, strict=True)]
    assert page["schema_items.size"] == 3
    assert set(page["data"]["fields"]) == {wanted[0]}
    assert set(page["data"]) == {"definitions", "classes", "fields"}


@pytest.mark.parametrize(
    ("ask", "names"),
    [
        ({"q": "size"}, {"size"}),
        ({"filter": ["name", "is", "SIZE"]}, {"size"}),
        ({"filter": ["name", "q", "+text -size"]}, {"text"}),
        ({"filter": ["label", "q", "etiket"]}, set()),
        ({"filter": ["label", "is", "a thing"]}, {"thing"}),
        ({"filter": ["is_committed", "is_false"]}, {"coming"}),
        ({"filter": ["and", "", [["is_committed", "is_true"], ["name", "q", "coming"]]]}, set()),
        ({"filter": ["and", "", [["type", "is", "class"], ["not", "", ["name", "is", "x"]]]]}, {"more"}),
        ({"filter": ["validation", "not_translated", "values"]}, set()),
        ({}, set()),
    ],
)
def test_schema_search(world: World, reader: Member, ask: dict[str, Any], names: set[str]) -> None:
    found = reader.call("schema/search", language="en", **ask)
    assert {world.schema.by_gid[item["item"]].name for item in found["schema_items"]} == names
    assert found["schema_items.size"] == len(names)


def test_schema_validation_looks_at_labels_values_and_metadata(world: World, reader: Member) -> None:
    def names(language: str, *condition: Any) -> set[str]:
        found = reader.call("schema/search", language=language, filter=["validation", *condition])["schema_items"]
        return {world.schema.by_gid[item["item"]].name for item in found}

    assert {"extra", "thing", "other"} <= names("nl", "not_translated", "label")
    assert "size" not in names("nl", "not_translated", "label")
    assert names("nl", "not_translated", "values") == {"state"}
    assert names("en", "not_translated", "values") == set()
    assert "more" in names("en", "is_empty", "label")
    assert {"size", "more", "thing"} <= names("en", "is_empty", "metadata")
    assert "size" in names("en", "is_empty", "initial")
    assert "thing" not in names("en", "is_empty", "initial")
    assert reader.refused("schema/search", language="en", filter=["validation", "any", "title"]) == (1006, "invalid_selection")
    assert reader.refused("schema/search", language="en", filter=["updated_on", "<", [1, "days"]]) == (1006, "invalid_selection")


@pytest.mark.usefixtures("world")
def test_a_glance_gathers_some_hits_and_says_whether_that_is_all(reader: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = {"language": "en", "q": "red stone", "glance": True}
    total = reader.call("records/search", language="en", q="red stone")["records.size"]
    assert total > 1
    whole = reader.call("records/search", **ask)
    assert (whole["records.size"], "records.complete" in whole) == (total, False)
    monkeypatch.setattr(catalogue_pages, "GLANCED", total - 1)
    some = reader.call("records/search", **ask)
    assert (some["records.size"], some["records.complete"]) == (total - 1, False)


def test_a_search_has_pages_by_rank_and_the_number_of_all_hits(world: World, reader: Member) -> None:
    whole = reader.call("records/search", language="en", q="red stone", **{"page.size": 500})
    assert set(whole["records"]) == gids_of(world, {"q": "red stone"})
    ask = {"language": "en", "q": "red stone", "page.size": 3}
    parts = [reader.call("records/search", **ask, **{"page.top": top}) for top in range(0, len(whole["records"]) + 3, 3)]
    assert [gid for part in parts for gid in part["records"]] == whole["records"]
    assert {part["records.size"] for part in parts} == {len(whole["records"])}
    assert len(reader.call("records/search", language="en", q="red")["records"]) <= 10
    assert reader.call("records/search", language="en")["records.size"] == 0
    assert reader.refused("records/search", q="red")[0] == 400
    assert reader.refused("records/search", language="xx", q="red")[0] == 400
    response = reader.post("records/search", {"language": "en", "filter": ["color", "is", 1]})
    assert response.json["result"]["info"]["pointer"] == "/filter/0"


def test_more_of_the_terms_come_first_then_the_more_prominent_places(world: World, reader: Member) -> None:
    found = reader.call("records/search", language="en", q="red stone box", **{"page.size": 500})["records"]
    by_gid = {item.gid: item for item in world.records.values()}
    scores = [oracle.score(world, "records", {"language": "en", "q": "red stone box"}, by_gid[gid]) for gid in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[-1]


def test_assets_are_searched_completed_and_read(world: World, reader: Member) -> None:
    files = [item for item in world.assets.values() if item.is_file and not item.deleted]
    found = reader.call("assets/search", language="en", filter=["type", "is", "image"], **{"page.size": 100})
    assert {found["data"]["assets"][gid]["name"] for gid in found["assets"]} == {
        item.name for item in files if item.name.endswith(("png", "svg"))
    }
    some = files[0].name[:2]
    completed = reader.call("assets/search/autocomplete", field="name", fieldq=some.upper(), language="en")["completions"]
    assert completed == sorted({item.name for item in files if item.name.startswith(some)})[:10]
    exts = reader.call("assets/search/autocomplete", field="ext", fieldq="p", language="en")["completions"]
    assert exts == ["pdf", "png"]
    paths = reader.call("assets/search/autocomplete", field="path", fieldq="/", language="en", **{"completions.size": 50})
    folders = [item for item in world.assets.values() if not item.is_file and not item.deleted]
    assert len(paths["completions"]) == len(folders)
    for path in paths["completions"]:
        inside = reader.call("assets/search", language="en", filter=["path", "is", path], **{"page.size": 100})
        assert {asset["path"] for asset in inside["data"]["assets"].values()} <= {path}
    assert reader.refused("assets/search/autocomplete", field="size", language="en")[0] == 400
    (page,) = pages(reader, "assets/bulk/get", selection=[files[0].gid, UNKNOWN, files[1].gid])
    assert (page["assets"], page["assets.size"]) == ([files[0].gid, files[1].gid], 2)


def test_languages_limit_what_is_read(world: World, reader: Member) -> None:
    gid = live(world)[0].gid
    for ask, languages in (
        ({}, {"en", "nl"}),
        ({"language": "nl"}, {"nl"}),
        ({"language": "nl", "languages": ["en"]}, {"en", "nl"}),
    ):
        record = reader.call("records/bulk/get", selection=[gid], **ask)["data"]["records"][gid]
        assert set(record["fields"]) == set(record["title"]) == languages


def test_a_page_is_from_one_to_a_thousand(world: World, reader: Member) -> None:
    for size in (0, -1, 1001, "5", 1.5, True):
        assert reader.refused("records/bulk/get", selection=[UNKNOWN], **{"page.size": size})[0] == 400


# Jobs


def jobs_of(member: Member, **ask: Any) -> list[dict[str, Any]]:
    found = member.call("jobs/list", **ask)
    return [found["jobs"][token] for token in found["job_tokens"]]


def test_p08_p12_a_job_has_one_outcome_for_each_gid_and_an_unknown_one_fails(
    world: World, editor: Member, reader: Member, work_all: Callable[[], None]
) -> None:
    victims = [item.gid for item in live(world) if item.parent is not None and item.shown_by is None][:3]
    selection = [*victims, UNKNOWN, victims[0], {"children": UNKNOWN}]
    response = editor.post("records/bulk/delete", {"selection": selection})
    assert response.status_code == 200
    assert response.json == {"success": True, "result": {"job.token": response.json["result"]["job.token"]}, "data": {}}
    token = response.json["result"]["job.token"]
    assert response.headers["Location"] == f"/api/jobs/{token}"
    queued = reader.call("jobs/get", job=token)["jobs"][token]
    assert (queued["status"], queued["info"]["total"], queued["info"]["remaining"]) == ("queued", 4, 4)
    work_all()
    done = reader.call("jobs/get", job=token)["jobs"][token]
    assert (done["job"], done["status"], done["info"]["remaining"]) == ("bulk_delete_records", "done", 0)
    results = reader.call("jobs/results", job=token)["results"]
    assert [row["id"] for row in results] == [*victims, UNKNOWN]
    assert (results[3]["status"], results[3]["error"]["code"]) == ("failed", "not_found")
    failed = reader.call("jobs/results", job=token, status="failed")["results"]
    assert [row["id"] for row in failed] == [UNKNOWN]


def test_p10_the_total_of_a_search_is_known_when_it_is_accepted(world: World, editor: Member) -> None:
    matching = gids_of(world, {"q": "red"})
    token = editor.call("records/bulk/delete", selection=[{"search": {"language": "en", "q": "red"}}])["job.token"]
    assert editor.call("jobs/get", job=token)["jobs"][token]["info"]["total"] == len(matching)


def test_x05_a_job_over_more_than_was_meant_never_starts(world: World, editor: Member) -> None:
    selection = [{"search": {"language": "en", "q": "red"}}]
    number = len(gids_of(world, {"q": "red"}))
    response = editor.post("records/bulk/delete", {"selection": selection, "max_affected": number - 1})
    assert refusal(response) == (1006, "too_many_affected")
    info = response.json["result"]["info"]
    assert (info["limit"], info["actual"]) == (number - 1, number)
    (rejected,) = jobs_of(editor, status="rejected")
    assert rejected["token"] == info["job.token"]
    assert rejected["info"]["error"]["code"] == "too_many_affected"
    assert editor.call("records/bulk/delete", selection=selection, max_affected=number, test=True)["job.token"]
    empty = [{"search": {"language": "en", "q": "", "filter": []}}]
    token = editor.call("records/bulk/delete", selection=empty, test=True)["job.token"]
    assert editor.call("jobs/get", job=token)["jobs"][token]["info"]["total"] == 0
    token = editor.call("records/bulk/delete", selection=empty, allow_all=True, test=True)["job.token"]
    everything = editor.call("jobs/get", job=token)["jobs"][token]["info"]["total"]
    assert everything == len([item for item in live(world) if not _hidden(world, item)])


def test_every_operation_over_a_selection_has_an_address(world: World, editor: Member) -> None:
    gid = next(item.gid for item in live(world) if item.parent is not None)
    for path, more, name in (
        ("records/bulk/channels/set", {"channels": [CHANNELS["web"]], "enabled": True}, "bulk_channels_set_records"),
        ("records/bulk/permanent_delete", {}, "bulk_permanent_delete_records"),
        ("assets/bulk/delete", {}, "bulk_delete_assets"),
        ("schema/bulk/commit", {}, "bulk_commit_schema_items"),
    ):
        token = editor.call(path, selection=[gid], **more)["job.token"]
        assert editor.call("jobs/get", job=token)["jobs"][token]["job"] == name
    for path in ("records/bulk/none", "schema/bulk/link", "records/bulk/update_records", "records/bulk/"):
        assert editor.post(path, {"selection": [gid]}).status_code == 404
    assert editor.refused("records/bulk/delete", selection=[gid], max_afected=3)[0] == 400


def test_readers_read_and_others_are_not_there(world: World, reader: Member, stranger: Member, editor: Member) -> None:
    gid = live(world)[0].gid
    assert reader.refused("records/bulk/delete", selection=[gid]) == (403, "forbidden")
    assert stranger.refused("records/bulk/get", selection=[gid]) == (403, "forbidden")
    token = editor.call("records/bulk/delete", selection=[gid], test=True)["job.token"]
    assert reader.refused("jobs/cancel", job=token) == (403, "forbidden")
    assert stranger.refused("jobs/get", job=token) == (403, "forbidden")
    assert reader.call("jobs/get", job=token)["job"] == token
    assert editor.call("jobs/cancel", job=token)["jobs"][token]["status"] == "rejected"
    assert reader.refused("jobs/get", job=UNKNOWN) == (422, "not_found")


def test_a_repeat_with_the_same_key_is_the_same_job(world: World, editor: Member) -> None:
    gid = next(item.gid for item in live(world) if item.parent is not None)
    for key in ({"idempotency_key": str(uuid4())}, None):
        body = {"selection": [gid], "test": True, **(key or {})}
        headers = {} if key else {"Idempotency-Key": '"abc"'}
        first, second = (editor.post("records/bulk/delete", body, headers=headers) for _ in range(2))
        assert first.json == second.json
        assert second.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        other = editor.post("records/bulk/delete", {**body, "test": False}, headers=headers)
        assert refusal(other) == (422, "idempotency_key_reused")
    both = editor.post("records/bulk/delete", {"selection": [gid], "idempotency_key": "x"}, headers={"Idempotency-Key": "y"})
    assert refusal(both)[0] == 400
    assert len(jobs_of(editor)) == 2


def test_a_repeat_without_a_key_is_another_job(world: World, editor: Member, work_all: Callable[[], None]) -> None:
    gid = next(item.gid for item in live(world) if item.parent is not None and item.shown_by is None)
    body = {"selection": [gid], "ordering": next(iter(ORDERINGS.values()))}
    first, second = (editor.call("records/bulk/duplicate", **body)["job.token"] for _ in range(2))
    work_all()
    made = [editor.call("jobs/results", job=token)["results"][0]["result"]["record"] for token in (first, second)]
    assert len({first, second}) == len({*made, gid}) - 1 == 2


def test_jobs_are_listed_a_page_at_a_time(world: World, editor: Member, reader: Member) -> None:
    gid = live(world)[1].gid
    tokens = [editor.call("records/bulk/delete", selection=[gid], test=True)["job.token"] for _ in range(5)]
    first = reader.call("jobs/list", **{"page.size": 3})
    second = reader.call("jobs/list", **{"page.size": 3, "page.cursor": first["page.cursor"]})
    assert [*first["job_tokens"], *second["job_tokens"]] == tokens[::-1]
    assert second["page.cursor"] is None
    assert reader.refused("jobs/list", status="open")[0] == 400
