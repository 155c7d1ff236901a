"""Taking back what a job did to the schema: records follow, and the schema always holds together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from models.db import transaction
from models.settings import settings
from tests.factories import project
from tests.goals.project_hands import ORDERING, Editor, differences, state
from web.app import create_app


@pytest.fixture
def editor(database: str) -> Editor:
    with transaction() as session:
        project(session)
    return Editor(create_app().test_client())


def field(editor: Editor, name: str, **given: Any) -> str:
    gid: str = editor.call("fields/create", name=name, **({"type": "textline"} | given))["field"]
    editor.call("fields/commit", field=gid)
    return gid


def definition(editor: Editor, name: str, fields: list[str]) -> str:
    gid: str = editor.call("definitions/create", name=name, fields=fields)["definition"]
    editor.call("definitions/commit", definition=gid)
    return gid


def record(editor: Editor, thing: str, size: Any) -> str:
    gid: str = editor.call("records/create", parent=editor.root(), ordering=ORDERING)["record"]
    editor.call("records/definition/set", record=gid, definition=thing)
    editor.call("records/update", record=gid, fields={"en": {"size": size}})
    return gid


def sizes(editor: Editor, gids: list[str]) -> list[Any]:
    found = editor.call("records/get", records=gids)["data"]["records"]
    return [found[gid]["fields"]["en"]["size"] for gid in gids]


def kept(editor: Editor, job: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return how items of an undoing ended, and in which words."""
    rows = editor.pages("results", editor.undo(job)["token"])
    return [(row["id"], row["status"], row["error"] and row["error"]["detail"]) for row in rows]


def test_x06_values_that_a_commit_lost_come_back_and_later_ones_stay(editor: Editor) -> None:
    size = field(editor, "size")
    thing = definition(editor, "thing", [size])
    gids = [record(editor, thing, text) for text in ("small", "7", "large", "huge")]
    editor.call("fields/modify", field=size, type="number")
    before = state()
    job = editor.run("schema/bulk/commit", selection=[size])
    assert sizes(editor, gids) == [None] * 4
    undone = editor.undo(job)
    assert differences(before, state()) == {}
    redone = editor.undo(undone)
    assert sizes(editor, gids) == [None] * 4
    editor.call("records/update", record=gids[2], fields={"en": {"size": 12}})
    later = record(editor, thing, 5)
    again = editor.undo(redone)
    assert sizes(editor, [*gids, later]) == ["small", "7", "12", "huge", "5"]
    (row,) = editor.pages("results", again["token"])
    assert (row["status"], row["result"]["kept"], row["result"]["kept.size"]) == ("succeeded", [gids[2]], 1)


def test_x06_what_something_refers_to_meanwhile_stays(editor: Editor) -> None:
    one = field(editor, "one")
    job = editor.run("schema/bulk/copy", selection=[one])
    (row,) = editor.pages("results", job["token"])
    made = row["result"]["item"]
    editor.call("fields/commit", field=made)
    definition(editor, "user", [made])
    assert kept(editor, job) == [(one, "skipped", "It was changed since.")]
    editor.call("fields/modify", field=one, unit="mm")
    job = editor.run("schema/bulk/save_as_new", selection=[one])
    ((_, result),) = [(row["status"], row["result"]) for row in editor.pages("results", job["token"])]
    definition(editor, "second", [result["item"]])
    assert kept(editor, job) == [(one, "skipped", "Something refers to it since.")]


def test_x06_a_definition_that_records_have_meanwhile_stays(editor: Editor) -> None:
    thing = editor.call("definitions/create", name="thing", fields=[field(editor, "size")])["definition"]
    job = editor.run("schema/bulk/commit", selection=[thing])
    record(editor, thing, "small")
    assert kept(editor, job) == [(thing, "skipped", "Something refers to it since.")]


def test_x06_a_name_that_is_taken_and_changes_that_are_made_again_stay(editor: Editor) -> None:
    one, two = field(editor, "one"), field(editor, "two")
    editor.call("fields/modify", field=one, name="first")
    editor.call("fields/modify", field=two, unit="kg")
    job = editor.run("schema/bulk/commit", selection=[one])
    field(editor, "one")
    assert kept(editor, job) == [(one, "skipped", "Something else has its name meanwhile.")]
    job = editor.run("schema/bulk/revert", selection=[two])
    editor.call("fields/modify", field=two, unit="g")
    assert kept(editor, job) == [(two, "skipped", "It was changed since.")]
    assert editor.call("fields/get", field=two)["data"]["fields"][two]["unit"] is None


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A chunk has one item."""
    monkeypatch.setenv("WAYBILL_CHUNK_ITEMS", "1")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.usefixtures("one_by_one")
def test_x06_values_of_several_fields_come_back_though_an_undoing_is_cut_into_chunks(editor: Editor) -> None:
    size, colour = field(editor, "size"), field(editor, "colour")
    thing = definition(editor, "thing", [size, colour])
    gid = record(editor, thing, "small")
    editor.call("records/update", record=gid, fields={"en": {"colour": "red"}})
    for one in (size, colour):
        editor.call("fields/modify", field=one, type="number")
    before = state()
    job = editor.run("schema/bulk/commit", selection=[size, colour])
    assert job["chunks"] == 2
    undone = editor.undo(job)
    assert differences(before, state()) == {}
    assert [row["result"] for row in editor.pages("results", undone["token"])] == [{"item": colour}, {"item": size}]
