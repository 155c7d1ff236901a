"""Every operation over a project's items: tried over a mixed selection in several chunks, done, undone, the undoing undone."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from models import operations
from models.db import driver, transaction
from models.operations.verb import Verb
from models.settings import settings
from tests.conftest import _clean
from tests.factories import CHANNELS, project
from tests.goals.project_hands import ORDERING, UNKNOWN, Editor, differences, plant, query, state
from web.app import create_app

OURS = {verb.name: verb for verb in operations.registry().values() if verb.table != "records" and verb.over_selection}
FINAL = {name for name, verb in OURS.items() if verb.undo is None}
KINDS = {"catalogue_records": "records", "assets": "assets", "schema_items": "schema"}
NO_ITEM = ("fields", "field"), ("classes", "class"), ("definitions", "definition")


@pytest.fixture(scope="module")
def editor(own_database: str) -> Iterator[Editor]:
    """A project that each test leaves as it found it; chunks are small, so that a job has many."""
    _clean(own_database)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("WAYBILL_CHUNK_ITEMS", "5")
        settings.cache_clear()
        with transaction() as session:
            project(session)
        owner = Editor(create_app().test_client())
        plant(owner)
        yield owner
    settings.cache_clear()


def live(table: str) -> str:
    """Return a live item with few above it."""
    return str(query(f"SELECT gid::text FROM {table} WHERE status = 'published' AND parent_id IS NOT NULL ORDER BY id")[0][0])


def params(name: str) -> dict[str, Any]:
    """Return what an operation takes beside its selection."""
    thing = query("SELECT gid::text FROM schema_items WHERE name = 'thing' AND kind = 'definition' AND NOT is_working_copy")
    known: dict[str, dict[str, Any]] = {
        "bulk_link_records": {"parent": live("catalogue_records"), "ordering": ORDERING},
        "bulk_shallow_copy_records": {"parent": live("catalogue_records"), "ordering": ORDERING},
        "bulk_move_records": {"parent": live("catalogue_records"), "ordering": ORDERING},
        "bulk_duplicate_records": {"ordering": ORDERING},
        "bulk_update_records": {"fields": {"en": {"title": "all alike", "size": "1"}}},
        "bulk_channels_set_records": {"channels": [CHANNELS["web"]], "enabled": True},
        "bulk_definition_set_records": {"definition": thing[0][0]},
        "bulk_publish_records": {"channels": [CHANNELS["print"]]},
        "bulk_move_assets": {"parent": live("assets")},
    }
    return known.get(name, {})


def address(verb: Verb) -> str:
    kind = KINDS[verb.table]
    return f"{kind}/bulk/" + {"channels_set": "channels/set", "definition_set": "definition/set"}.get(
        verb.name.removeprefix("bulk_").removesuffix("_schema_items").removesuffix(f"_{kind}"),
        verb.name.removeprefix("bulk_").removesuffix("_schema_items").removesuffix(f"_{kind}"),
    )


def everything(verb: Verb) -> list[str]:
    """Return a selection of all there is, live and deleted, with an unknown one, in no order."""
    kinds = " WHERE kind <> 'layout'" if verb.table == "schema_items" else ""
    gids = [row[0] for row in query(f"SELECT gid::text FROM {verb.table}{kinds} ORDER BY gid")]
    Random(3).shuffle(gids)
    return [*gids[:5], UNKNOWN, *gids[5:]]


def alter(editor: Editor, verb: Verb, gid: str) -> None:
    """Change an item later than a job did."""
    if verb.table != "schema_items":
        moved = f"UPDATE {verb.table} SET updated_on = updated_on + interval '1 second' WHERE gid = %s"
        with transaction() as session:
            driver(session).execute(moved, (gid,))
        return
    ((kind,),) = query("SELECT kind FROM schema_items WHERE gid = %s", gid)
    editor.call({"class": "classes"}.get(kind, f"{kind}s") + "/modify", **{kind: gid}, label={"nl": "later"})


@pytest.mark.parametrize("name", sorted(OURS.keys() - FINAL))
def test_x06_p17_a_job_is_tried_done_undone_and_the_undoing_undone(editor: Editor, name: str) -> None:
    verb = OURS[name]
    asked = {"selection": everything(verb), **params(name)}
    before = state()
    tried = editor.run(address(verb), **asked, test=True)
    assert differences(before, state()) == {}
    job = editor.run(address(verb), **asked)
    assert job["chunks"] > 2
    endings = editor.endings(job["token"])
    assert editor.endings(tried["token"]) == endings
    succeeded = [row[1] for row in endings if row[2] == "succeeded"]
    assert succeeded
    after = state()
    assert differences(before, after)
    trial = editor.pages("results", editor.undo(job, test=True)["token"])
    assert {row["status"] for row in trial} == {"succeeded"}, [row["error"] for row in trial if row["error"]]
    assert differences(after, state()) == {}
    undone = editor.undo(job)
    assert differences(before, state()) == {}
    assert [row[1:3] for row in editor.endings(undone["token"])] == [(gid, "succeeded") for gid in succeeded[::-1]]
    again = editor.undo(undone)
    assert differences(after, state()) == {}
    assert again["succeeded"] == len(succeeded)
    editor.undo(again)
    assert differences(before, state()) == {}


@pytest.mark.parametrize("name", sorted(OURS.keys() - FINAL))
def test_x06_what_was_changed_later_is_kept_and_listed(editor: Editor, name: str) -> None:
    verb = OURS[name]
    before = state()
    job = editor.run(address(verb), selection=everything(verb), **params(name))
    rows = [row for row in editor.pages("results", job["token"]) if row["status"] == "succeeded"]
    chosen = rows[len(rows) // 2]
    touched = next(iter({key: chosen["result"][key] for key in ("record", "asset", "item") if key in chosen["result"]}.values()))
    alter(editor, verb, touched)
    after = state()
    undone = editor.undo(job)
    told = {row["id"]: row for row in editor.pages("results", undone["token"])}
    assert (told[chosen["id"]]["status"], told[chosen["id"]]["error"]["code"]) == ("skipped", "touched_since")
    now = state()
    assert now[verb.table, touched] == after[verb.table, touched], "it stays as it was left"
    restored = {gid for gid, row in told.items() if row["status"] == "succeeded" and "kept" not in row["result"]}
    assert restored or len(rows) == 1
    for gid in restored:
        assert now.get((verb.table, gid)) == before.get((verb.table, gid))


@pytest.mark.parametrize("name", sorted(FINAL))
def test_x06_what_is_removed_for_good_stays_so(editor: Editor, name: str) -> None:
    verb = OURS[name]
    ((gid,),) = query(f"SELECT gid::text FROM {verb.table} WHERE status = 'deleted' AND deleted_with = id LIMIT 1")
    job = editor.run(address(verb), selection=[gid])
    assert job["succeeded"] == 1
    answer = editor.raw(f"/api/jobs/{job['token']}/undo", {})
    problem = answer.json
    assert (answer.status_code, problem["code"]) == (409, "not_undoable")
    assert "removed for good" in problem["detail"]


@pytest.mark.parametrize("verb", ["undelete", "publish"])
def test_x06_a_link_that_comes_back_beside_its_original_is_taken_back_as_well(editor: Editor, verb: str) -> None:
    """Both are of the selection, and deleting the one had taken the other along: each still has what was done to it."""
    above, beside = (editor.record(editor.root(), title) for title in ("above", "beside"))
    original = editor.record(above, "original")
    editor.run("records/bulk/link", selection=[original], parent=beside, ordering=ORDERING)
    asked = "SELECT l.gid::text FROM catalogue_records l JOIN catalogue_records r ON r.id = l.canonical_id WHERE r.gid = %s"
    link = query(asked, original)[0][0]
    editor.run("records/bulk/delete", selection=[above])
    deleted = state()
    job = editor.run(f"records/bulk/{verb}", selection=[above, link])
    assert {row[1:3] for row in editor.endings(job["token"])} == {(above, "succeeded"), (link, "succeeded")}
    for body in ({"test": True}, {}):
        undone = editor.undo(job, **body)
        assert {row[1:3] for row in editor.endings(undone["token"])} == {(above, "succeeded"), (link, "succeeded")}
    assert differences(deleted, state()) == {}
    editor.run("records/bulk/delete", selection=[beside])
    editor.run("records/bulk/permanent_delete", selection=[above, beside])
