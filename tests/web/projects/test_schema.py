"""The schema over the wire: states, lists, layouts, metadata, rights, the feed."""

from __future__ import annotations

from typing import Any

import pytest

from models.db import driver, transaction
from tests.factories import FIELDLISTS
from tests.web.projects.conftest import Member

LIST = FIELDLISTS["table"]
NOBODY = "99999999-0000-4000-8000-000000000000"


def base_of(member: Member) -> dict[str, Any]:
    """Return the base definition."""
    return next(shown for shown in member.call("init")["data"]["definitions"].values() if shown["is_base"])


def changes(after: int = 0) -> list[tuple[str, str, str]]:
    """Return what the project's feed tells."""
    with transaction() as session:
        sql = "SELECT action, data_type, data_key FROM project_changes WHERE cursor > %s ORDER BY cursor"
        return [tuple(row) for row in driver(session).execute(sql, (after,)).fetchall()]


def test_an_item_is_made_changed_committed_and_deleted(editor: Member) -> None:
    made = editor.call("fields/create", name="weight", type="decimal", unit="kg")
    gid = made["field"]
    assert made["data"]["fields"][gid]["is_new"] is True
    assert editor.call("fields/commit", field=gid)["data"]["fields"][gid]["is_new"] is False
    working = editor.call("fields/modify", field=gid, label={"en": "Weight"})["field"]
    assert working != gid
    shown = editor.call("fields/get", fields=[gid, working, NOBODY])
    assert shown["fields"] == [gid, working]
    assert shown["data"]["fields"][working]["original"] == gid
    assert editor.call("fields/commit", field=working)["field"] == gid
    assert editor.refused("fields/get", field=working) == (422, "not_found")
    assert editor.call("fields/get", field=gid)["data"]["fields"][gid]["label"] == {"en": "Weight"}
    assert editor.call("fields/delete", field=gid)["field"] == gid
    assert editor.refused("fields/get", field=gid) == (422, "not_found")


def test_definitions_and_classes_come_with_all_that_is_needed_to_read_them(editor: Member) -> None:
    field = editor.call("fields/create", name="width", type="number")["field"]
    size = editor.call("classes/create", name="size", fields=[field])
    assert set(size["data"]) == {"fields", "classes", "layouts"}
    thing = editor.call("definitions/create", name="thing", classes=[size["class"]], fields=[base_of(editor)["titlefield"]])
    data = thing["data"]
    assert thing["layout"] == data["definitions"][thing["definition"]]["layout"]
    assert thing["layout"] in data["layouts"]
    assert field in data["fields"]
    done = editor.call("definitions/commit", definition=thing["definition"])["data"]
    assert not any(item["is_new"] for items in done.values() for item in items.values())


def test_lists_states_and_layouts_of_a_definition(editor: Member) -> None:
    base = base_of(editor)
    field = editor.call("fields/create", name="color")["field"]
    copy = editor.call("definitions/fields/add", definition=base["gid"], field=field)["definition"]
    editor.call("definitions/fields/move", definition=copy, field=field, before_field=base["titlefield"])
    editor.call("definitions/fieldlists/fields/add", definition=copy, fieldlist_key=LIST, field=field)
    editor.call("definitions/childdefinitions/add", definition=copy, childdefinition=base["gid"])
    shown = editor.call("definitions/get", definition=copy)["data"]["definitions"][copy]
    assert shown["fields"] == [field, base["titlefield"]]
    assert shown["fieldlists"] == {LIST: [field]}
    assert shown["childdefinitions"] == [base["gid"]]
    root = "aaaaaaaa-1111-4111-8111-111111111111"
    components = {root: {"type": "horizontal", "content": [field]}}
    changed = editor.call("definitions/layouts/modify", definition=copy, root=root, components=components)
    assert changed["data"]["layouts"][changed["layout"]]["components"] == components
    assert editor.call("layouts/get", layout=changed["layout"])["data"]["layouts"][changed["layout"]]["root"] == root
    saved = editor.call("definitions/save_as_new", definition=copy)
    assert saved["data"]["definitions"][copy]["name"] == "base_2"
    assert base_of(editor) == base
    again = editor.call("definitions/modify", definition=base["gid"], label={"nl": "Basis"})["definition"]
    assert editor.call("definitions/revert", definition=again)["definition"] == base["gid"]
    assert editor.refused("definitions/revert", definition=base["gid"]) == (422, "invalid_state")
    assert editor.refused("definitions/delete", definition=base["gid"]) == (422, "invalid_state")
    assert editor.call("definitions/copy", definition=base["gid"])["definition"] != base["gid"]


def test_a_definition_that_records_have_stays(editor: Member) -> None:
    other = editor.call("definitions/create", name="other")["definition"]
    with transaction() as session:
        sql = "UPDATE catalogue_records SET definition_id = (SELECT id FROM schema_items WHERE gid = %s)"
        driver(session).execute(sql, (other,))
    assert editor.refused("definitions/delete", definition=other) == (422, "in_use")


@pytest.mark.parametrize("kind", ["definition", "class", "field"])
def test_metadata_are_set_and_cleared(editor: Member, kind: str) -> None:
    plural = {"class": "classes"}.get(kind, f"{kind}s")
    gid = editor.call(f"{plural}/create", name="thing")[kind]
    editor.call(f"{plural}/metadata/set", **{kind: gid, "name": "a.b", "value": "x"})
    changed = editor.call(f"{plural}/metadata/set", **{kind: gid, "name": "a.b", "is_localized": True, "value": {"en": "x"}})
    assert changed["data"][plural][gid]["metadata"] == {"a.b": {"type": "textline", "is_localized": True, "value": {"en": "x"}}}
    cleared = editor.call(f"{plural}/metadata/clear", **{kind: gid, "name": "a.b"})
    assert cleared["data"][plural][gid]["metadata"] == {}
    assert editor.refused(f"{plural}/metadata/clear", **{kind: gid, "name": "a.b"}) == (422, "not_found")


def test_readers_read_and_do_not_write(reader: Member, editor: Member) -> None:
    base = base_of(editor)
    assert reader.call("definitions/get", definition=base["gid"])["data"]["definitions"][base["gid"]] == base
    for path, body in (
        ("fields/create", {"name": "x"}), ("definitions/modify", {"definition": base["gid"]}),
        ("definitions/delete", {"definition": base["gid"]}), ("channels/create", {"name": "x"}),
        ("queries/create", {"type": "record", "name": "x"}), ("languages/add", {"language": "de"}),
    ):  # fmt: skip
        assert reader.refused(path, **body) == (403, "forbidden"), path
    assert changes() == []


def test_strangers_see_no_project(stranger: Member) -> None:
    assert stranger.refused("definitions/get", definition=NOBODY) == (403, "forbidden")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("definitions/get", {}, 400),
        ("definitions/get", {"definition": 7}, 400),
        ("definitions/get", {"definition": "x"}, 400),
        ("definitions/get", {"definitions": "x"}, 400),
        ("definitions/get", {"definition": NOBODY}, 422),
        ("classes/get", {"class": NOBODY}, 422),
        ("fields/create", {"name": "1"}, 400),
        ("fields/create", {"type": "color"}, 400),
        ("fields/modify", {"field": NOBODY}, 422),
        ("fields/commit", {}, 400),
        ("definitions/fields/add", {"definition": NOBODY}, 400),
        ("definitions/create", {"fields": [NOBODY]}, 422),
        ("definitions/create", {"name": "base"}, 422),
    ],
)
def test_what_is_wrong_with_a_call(editor: Member, path: str, body: dict[str, Any], code: int) -> None:
    assert editor.refused(path, **body)[0] == code
    assert changes() == []


def test_the_feed_tells_of_each_item_once(editor: Member) -> None:
    base = base_of(editor)
    made = editor.call("fields/create", name="color")["field"]
    assert changes() == [("INSERT", "fields", made)]
    copy = editor.call("definitions/fields/add", definition=base["gid"], field=made)
    assert changes(1) == [("INSERT", "layouts", copy["layout"]), ("INSERT", "definitions", copy["definition"])]
    editor.call("definitions/commit", definition=copy["definition"])
    assert changes(3) == [
        ("UPDATE", "layouts", base["layout"]), ("UPDATE", "fields", made), ("UPDATE", "definitions", base["gid"]),
        ("DELETE", "definitions", copy["definition"]), ("DELETE", "layouts", copy["layout"]),
    ]  # fmt: skip
    editor.call("definitions/commit", definition=base["gid"])
    assert len(changes()) == 8


def values() -> tuple[Any, str]:
    with transaction() as session:
        joined = "catalogue_records JOIN catalogue_words ON record_id = id"
        row = driver(session).execute(f"SELECT content, words::text FROM {joined}").fetchone()
        assert row
        return row


def test_records_follow_a_field_that_changes_its_type_or_languages(editor: Member) -> None:
    title = base_of(editor)["titlefield"]
    assert values()[0] == {title: {"en": "Things"}}

    def change(**given: Any) -> Any:
        editor.call("fields/commit", field=editor.call("fields/modify", field=title, **given)["field"])
        return values()[0]

    assert change(is_localized=False) == {title: "Things"}
    assert "*:things" in values()[1]
    assert change(type="textlist") == {title: ["Things"]}
    assert change(is_localized=True) == {title: {"en": ["Things"], "nl": ["Things"]}}
    assert change(label={"en": "Name"}) == {title: {"en": ["Things"], "nl": ["Things"]}}
    assert change(type="number") == {}
    assert "things" not in values()[1]


def test_a_field_that_a_definition_lost_is_not_found_any_more(editor: Member) -> None:
    base = base_of(editor)
    copy = editor.call("definitions/fields/remove", definition=base["gid"], field=base["titlefield"])["definition"]
    assert "things" in values()[1]
    done = editor.call("definitions/commit", definition=copy)["data"]["definitions"][base["gid"]]
    assert (done["fields"], done["titlefield"]) == ([], None)
    assert "things" not in values()[1]
