"""Channels, orderings, fieldlists, languages; queries; users, projects and members."""

from __future__ import annotations

from typing import Any

import pytest

from models.db import driver, transaction
from tests.factories import CHANNELS, PROJECT
from tests.web.projects.conftest import Member

NOBODY = "99999999-0000-4000-8000-000000000000"


def options(member: Member) -> dict[str, Any]:
    return dict(member.call("init")["data"]["cc.projects"][PROJECT]["options"])


def common() -> list[tuple[str, str, str]]:
    """Return what the common stream is to tell since the project was made."""
    with transaction() as session:
        sql = "SELECT action, data_type, data_key FROM cc_waiting WHERE action <> 'INSERT' ORDER BY id"
        return [tuple(row) for row in driver(session).execute(sql).fetchall()]


@pytest.mark.parametrize("part", ["channels", "orderings", "fieldlists"])
def test_channels_orderings_and_fieldlists_are_made_renamed_and_removed(editor: Member, part: str) -> None:
    one = part[:-1]
    before = options(editor)
    key = editor.call(f"{part}/create", name="Shop")[one]
    made = options(editor)
    assert made[part] == {**before[part], key: "Shop"}
    assert made[f"ordered{part}"] == [*before[f"ordered{part}"], key]
    renamed = editor.call(f"{part}/update", **{one: key, "name": "Store"})
    assert renamed["project"] == PROJECT
    assert renamed["data"]["cc.projects"][PROJECT]["options"][part][key] == "Store"
    other = editor.call(f"{part}/create", name="Other")[one]
    assert editor.call(f"{part}/delete", **{one: key})[one] == key
    assert editor.call(f"{part}/delete", **{part: [other]})[part] == [other]
    assert options(editor) == before
    assert common() == [("UPDATE", "cc.projects", PROJECT)] * 5
    first = next(iter(made[f"ordered{part}"][-2:]))
    for path, body, code in (
        ("create", {"name": " "}, 400), ("create", {}, 400), ("create", {"name": made[part][first]}, 400),
        ("update", {one: NOBODY, "name": "x"}, 422),
        ("delete", {one: NOBODY}, 422), ("delete", {}, 400), ("delete", {one: 7}, 400),
    ):  # fmt: skip
        assert editor.refused(f"{part}/{path}", **body)[0] == code, (path, body)
    assert options(editor) == before


def test_the_channel_of_all_records_stays(editor: Member) -> None:
    assert editor.refused("channels/delete", channel="__all__") == (422, "invalid_state")
    assert editor.refused("channels/update", channel="__all__", name="x") == (422, "invalid_state")
    assert list(options(editor)["channels"]) == ["__all__", *CHANNELS.values()]


def test_languages_are_added_and_removed(editor: Member) -> None:
    assert editor.call("languages/add", language="pt-BR")["data"]["cc.projects"][PROJECT]["options"]["languages"] == [
        "en", "nl", "pt-BR",
    ]  # fmt: skip
    assert editor.call("init")["data"]["cc.languages"]["pt-BR"] == "Portuguese (BR)"
    editor.call("languages/add", language="pt-BR")
    editor.call("languages/remove", language="en")
    editor.call("languages/remove", language="pt-BR")
    assert options(editor)["languages"] == ["nl"]
    assert editor.refused("languages/remove", language="nl") == (422, "invalid_state")
    assert editor.refused("languages/remove", language="en") == (422, "not_found")
    assert editor.refused("languages/add", language="no tag") == (400, "invalid_value")


def test_queries_are_saved_changed_and_removed(editor: Member) -> None:
    made = editor.call("queries/create", type="record", name="Red", q="+red", filter=["classes", "has", "color"])
    gid = made["query"]
    expected = {"gid": gid, "type": "record", "name": "Red", "q": "+red", "filter": ["classes", "has", "color"]}
    assert made["data"]["queries"] == {gid: expected}
    second = editor.call("queries/create", type="record", name="Red")["query"]
    third = editor.call("queries/create", type="asset", name="Red")["query"]
    shown = editor.call("init")["data"]["queries"]
    assert [shown[query]["name"] for query in (second, third)] == ["Red 2", "Red"]
    assert (shown[second]["q"], shown[second]["filter"]) == ("", [])
    assert editor.call("queries/update", query=gid, q="", filter=[])["data"]["queries"][gid] == {
        **expected,
        "q": "",
        "filter": [],
    }
    assert editor.call("queries/update", query=second, name="Red")["data"]["queries"][second]["name"] == "Red 2"
    assert editor.call("queries/get", queries=[third, NOBODY, gid])["queries"] == [third, gid]
    assert editor.call("queries/delete", query=gid)["query"] == gid
    for path, body, code in (
        ("get", {"query": gid}, 422), ("update", {"query": gid, "name": "x"}, 422), ("delete", {"query": gid}, 422),
        ("create", {"type": "record"}, 400), ("create", {"type": "x", "name": "x"}, 400), ("create", {"name": "x"}, 400),
        ("create", {"type": "record", "name": "x", "filter": "x"}, 400), ("get", {}, 400),
    ):  # fmt: skip
        assert editor.refused(f"queries/{path}", **body)[0] == code, (path, body)


def test_users_projects_and_members_are_given_to_who_shares_a_project(reader: Member, stranger: Member) -> None:
    first = reader.call("init")
    user = first["user"]
    others = [gid for gid in first["project_members"] if gid != user]
    assert reader.call("/api/users/get", user=others[0])["data"]["cc.users"][others[0]] == first["data"]["cc.users"][others[0]]
    assert reader.call("/api/projects/get", project=PROJECT)["data"]["cc.projects"] == first["data"]["cc.projects"]
    seat = reader.call("/api/members/get", project=PROJECT, member=others[0])["data"]["cc.projects_members"]
    assert seat == [entry for entry in first["data"]["cc.projects_members"] if entry["user_gid"] == others[0]]
    assert stranger.refused("/api/users/get", user=user) == (422, "not_found")
    assert stranger.refused("/api/projects/get", project=PROJECT) == (422, "not_found")
    assert stranger.refused("/api/members/get", project=PROJECT, member=user) == (422, "not_found")
    assert reader.refused("/api/members/get", project=PROJECT, member=NOBODY) == (422, "not_found")


def test_languages_are_known_by_name(reader: Member) -> None:
    assert reader.call("/api/languages/get")["data"]["cc.languages"]["zh"] == "Chinese"


def test_a_user_makes_a_project_and_owns_it(stranger: Member, reader: Member) -> None:
    gid = stranger.call("/api/projects/create", name="Mine", languages=["nl", "en"])["project"]
    stranger.project = gid
    first = stranger.call("init")
    assert first["user_projects"] == {gid: ["owner"]}
    shown = first["data"]["cc.projects"][gid]
    assert (shown["name"], shown["owner"], shown["options"]["languages"]) == ("Mine", first["user"], ["nl", "en"])
    assert len(shown["options"]["orderings"]) == len(shown["options"]["fieldlists"]) == 1
    assert [item["is_base"] for item in first["data"]["definitions"].values()] == [True]
    renamed = stranger.call("/api/projects/update", project=gid, name="Ours", timezone="Europe/Amsterdam")
    assert renamed["data"]["cc.projects"][gid]["name"] == "Ours"
    assert renamed["data"]["cc.projects"][gid]["options"]["timezone"] == "Europe/Amsterdam"
    assert reader.refused("/api/projects/update", project=gid, name="x") == (422, "not_found")
    assert reader.refused("/api/projects/update", project=PROJECT, name="x") == (403, "forbidden")
    assert Member(reader.client, "robot").refused("/api/projects/create", name="x") == (403, "forbidden")
    for body in ({}, {"name": " "}, {"name": "x", "languages": []}, {"name": "x", "languages": ["en", "en"]}):
        assert stranger.refused("/api/projects/create", **body)[0] == 400


def test_calls_that_are_not_offered_say_so(editor: Member) -> None:
    for path in ("backups/create", "modules/all", "records/excel/update", "batch", "/api/signup"):
        assert editor.refused(path) == (501, "not_implemented")
