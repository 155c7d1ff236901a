"""Each call of the project face, made as its contract says, answers with the keys that it names (sections 2 to 6, 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest

from models.db import transaction
from tests.factories import CHANNELS, FIELDLISTS, ORDERINGS, PROJECT, project
from tests.goals.project_hands import ORDERING, Editor
from web.app import create_app
from web.projects.absent import RULES as ABSENT

OF_OURS = (
    "jobs/",
    "records/bulk/create",
    "records/bulk/",
    "assets/bulk/",
    "schema/bulk/",
)  # looked at below, or in tests of their own
WEB = CHANNELS["web"]
TABLE = FIELDLISTS["table"]
SEARCH = {"language": "en", "q": "walk"}


@dataclass
class Walk:
    """A client that notes which calls it has made."""

    editor: Editor
    called: set[str] = field(default_factory=set)

    def __call__(self, path: str, keys: str, /, **body: Any) -> dict[str, Any]:
        """Make a call; look that `result` has just these keys and `data` objects by gid."""
        self.called.add(path)
        answer = self.editor.raw(path, body)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.json.keys() == {"success", "result", "data"}, path
        assert answer.json["success"] is True
        result: dict[str, Any] = answer.json["result"]
        assert result.keys() == set(keys.split()), path
        for kind, objects in answer.json["data"].items():
            assert isinstance(objects, list if kind == "cc.projects_members" else dict), (path, kind)
        return result

    def upload(self, path: str, keys: str, **form: str) -> dict[str, Any]:
        """Send a file."""
        self.called.add(path)
        data = {**form, "upload_file": (BytesIO(b"some bytes"), "walk.txt")}
        headers = {"Authorization": "Bearer key-for-tests-owner"}
        answer = self.editor.client.post(f"/api/p/{PROJECT}/{path}", data=data, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json["result"].keys() == set(keys.split()), path
        return dict(answer.json["result"])


@pytest.fixture
def walk(database: str) -> Walk:
    with transaction() as session:
        project(session)
    return Walk(Editor(create_app().test_client()))


def session(walk: Walk) -> None:
    first = "user user_projects project project_members last_backed_up cc.version cc.cursor cursor"
    walk("auth", first, api_key="key-for-tests-robot", omit_extended_definitions=True)
    walk("login", first, username="owner", password="open sesame")
    user = walk("init", first)["user"]
    members = walk.editor.call("init")["data"]["cc.users"]
    robot = next(gid for gid, one in members.items() if one["name"] == "robot")
    walk("apikeys/get", "apikey", user=robot)
    common = "user user_projects cc.version cc.cursor"
    walk("/api/login", common, username="owner", password="open sesame")
    walk("/api/init", common)
    walk("/api/users/get", "user", user=user)
    walk("/api/members/get", "project member", project=PROJECT, member=user)
    walk("/api/projects/get", "project", project=PROJECT)
    walk("/api/languages/get", "languages")
    walk("/api/projects/update", "project", project=PROJECT, icon="tree")
    made = walk("/api/projects/create", "project", name="Another")["project"]
    assert made != PROJECT
    cursors = walk("/sync/cursors", "cc.cursor cursor", project=PROJECT)
    walk("/sync/get", "sync", cc_cursor=cursors["cc.cursor"], project=PROJECT, cursor=cursors["cursor"])


def settings(walk: Walk) -> None:
    for one, many in (("channel", "channels"), ("ordering", "orderings"), ("fieldlist", "fieldlists")):
        key = walk(f"{many}/create", f"{one} project", name="new")[one]
        walk(f"{many}/update", f"{one} project", **{one: key, "name": "renamed"})
        walk(f"{many}/delete", f"{one} project", **{one: key})
    walk("languages/add", "language project", language="de")
    walk("languages/remove", "language project", language="de")
    query = walk("queries/create", "query", type="record", name="walk", q="walk", filter=[])["query"]
    walk("queries/update", "query", query=query, name="walked")
    walk("queries/get", "query", query=query)
    walk("queries/get", "queries", queries=[query])
    walk("queries/delete", "query", query=query)


def schema(walk: Walk) -> None:
    one = walk("fields/create", "field", name="one", type="textline")["field"]
    two = walk("fields/create", "field", name="two", type="number")["field"]
    part = walk("classes/create", "class layout", name="part", fields=[one])["class"]
    thing = walk("definitions/create", "definition layout", name="thing", fields=[one, two], classes=[])["definition"]
    other = walk("definitions/create", "definition layout", name="other")["definition"]
    walk("definitions/classes/add", "definition layout", definition=thing, **{"class": part})
    kinds = ("field", one, "fields", ""), ("class", part, "classes", " layout"), ("definition", thing, "definitions", " layout")
    for name, kind, plural, layout in kinds:
        walk(f"{plural}/commit", name + layout, **{name: kind})
        copy = walk(f"{plural}/copy", name + layout, **{name: kind})[name]
        walk(f"{plural}/delete", name, **{name: copy})
        walk(f"{plural}/modify", name + layout, **{name: kind}, label={"en": "walked"})
        walk(f"{plural}/metadata/set", name + layout, **{name: kind}, name="note", value="x")
        walk(f"{plural}/metadata/clear", name + layout, **{name: kind}, name="note")
        walk(f"{plural}/revert", name + layout, **{name: kind})
        walk(f"{plural}/modify", name + layout, **{name: kind}, label={"en": "walked again"})
        walk(f"{plural}/save_as_new", name + layout, **{name: kind})
        walk(f"{plural}/get", name + layout, **{name: kind})
        walk(f"{plural}/get", plural, **{plural: [kind]})
    layout = walk("classes/layouts/modify", "class layout", **{"class": part}, name="walked")["layout"]
    walk("layouts/get", "layout", layout=layout)
    walk("definitions/layouts/modify", "definition layout", definition=thing, name="walked")
    relisted(walk, thing, part, (one, two, other))


def relisted(walk: Walk, thing: str, part: str, members: tuple[str, str, str]) -> None:
    one, two, other = members
    walk("classes/fields/add", "class layout", **{"class": part}, field=two)
    walk("classes/fields/move", "class layout", **{"class": part}, field=two, before_field=one)
    walk("classes/fields/remove", "class layout", **{"class": part}, field=two)
    own = {"definition": thing}
    walk("definitions/fields/move", "definition layout", **own, field=two, before_field=one)
    walk("definitions/fields/remove", "definition layout", **own, field=two)
    walk("definitions/fields/add", "definition layout", **own, field=two)
    walk("definitions/fieldlists/fields/add", "definition layout", **own, fieldlist=TABLE, field=two)
    walk("definitions/fieldlists/fields/move", "definition layout", **own, fieldlist=TABLE, field=two)
    walk("definitions/fieldlists/fields/remove", "definition layout", **own, fieldlist=TABLE, field=two)
    walk("definitions/childdefinitions/add", "definition layout", **own, childdefinition=other)
    walk("definitions/childdefinitions/move", "definition layout", **own, childdefinition=other)
    walk("definitions/childdefinitions/remove", "definition layout", **own, childdefinition=other)
    walk("definitions/classes/move", "definition layout", **own, **{"class": part})
    walk("definitions/classes/remove", "definition layout", **own, **{"class": part})
    walk("definitions/commit", "definition layout", **own)
    walk("schema/search", "schema_items schema_items.size", language="en", q="walked")


def records(walk: Walk) -> None:
    root = walk("records/root", "root")["root"]
    place = {"parent": root, "ordering": ORDERING}
    one = walk("records/create", "record parent", **place)["record"]
    two = walk("records/create", "record parent", **place)["record"]
    walk("records/update", "record report.validation", record=one, fields={"en": {"title": "walk"}})
    link = walk("records/link", "record parent", record=one, parent=two, ordering=ORDERING)["record"]
    walk("records/unlink", "record", record=link)
    copy = walk("records/shallow_copy", "record parent", record=one, **place, before_record=two)["record"]
    walk("records/move", "record parent", record=copy, parent=two, ordering=ORDERING)
    walk("records/duplicate", "record parent", record=copy, ordering=ORDERING)
    walk("records/get", "record", record=one, language="en")
    walk("records/get", "records", records=[one, two], languages=["en", "nl"])
    walk("records/children", "children children.size", record=root, channel=WEB, ordering=ORDERING)
    walk("records/tree", "tree tree.size", expanded_records=[root], ordering=ORDERING)
    walk("records/worksheet", "record path children children.size", record=root, ordering=ORDERING)
    walk("records/search", "records records.size", **SEARCH)
    walk("records/channels/set", "record", record=two, channels=[WEB], enabled=True)
    walk("records/channels/copy_from_parent", "record", record=copy, channels=[WEB])
    walk("records/channels/copy_up", "", record=copy, channels=[WEB])
    walk.editor.end(walk("records/channels/copy_down", "job.token", record=two)["job.token"])
    walk("records/orderings/set", "record", record=one, orderings=dict.fromkeys(ORDERINGS.values(), 0))
    walk("records/delete", "record", record=two)
    walk("records/undelete", "record", record=two)
    walk("records/delete", "record", record=two)
    walk.editor.end(walk("records/permanent_delete", "parent job.token", record=two)["job.token"])


def extended(walk: Walk) -> None:
    root = walk.editor.root()
    one, two = walk.editor.record(root, "one"), walk.editor.record(root, "two")
    items = walk.editor.call("init")["data"]
    extra = next(gid for gid, item in items["fields"].items() if item["name"] == "two" and not item["is_working_copy"])
    part = next(gid for gid, item in items["classes"].items() if item["name"] == "part" and not item["is_working_copy"])
    base = next(gid for gid, item in items["definitions"].items() if item["is_base"])
    keys, own = "record definition", {"record": one}
    walk("records/definition/fields/add", keys, **own, field=extra)
    walk("records/definition/fieldlists/fields/add", keys, **own, fieldlist=TABLE, field=extra)
    walk("records/definition/fieldlists/fields/remove", keys, **own, fieldlist=TABLE, field=extra)
    walk("records/definition/classes/add", keys, **own, **{"class": part})
    walk("records/definition/classes/remove", keys, **own, **{"class": part})
    walk("records/definition/update", keys, **own, label={"en": "walked"})
    walk("records/definition/copy_to_siblings", keys, **own)
    walk("records/definition/clone", keys, record=two)
    walk("records/definition/transfer_from", keys, record=two, source_definition=base)
    walk("records/definition/transfer_to", keys, record=two, target_definition=base)
    walk("records/definition/fields/remove", keys, **own, field=extra)
    walk("records/definition/fields/add", keys, **own, field=extra)
    walk("records/definition/revert", keys, **own)
    walk("records/definition/set", keys, **own, definition=base)


def assets(walk: Walk) -> None:
    root = walk("assets/root", "root")["root"]
    folder = walk("assets/create", "asset parent", parent=root, name="walk")["asset"]
    file = walk.upload("assets/upload", "asset parent", parent=folder)["asset"]
    walk.upload("assets/upload_update", "asset", asset=file)
    walk("assets/update", "asset", asset=file, name="walked.txt", title={"en": "walk"})
    walk("assets/metadata/set", "asset", asset=file, name="note", value="x")
    walk("assets/metadata/clear", "asset", asset=file, name="note")
    walk("assets/move", "asset parent", asset=file, parent=root)
    walk("assets/get", "asset", asset=file)
    walk("assets/get", "asset", pathname="/walked.txt")
    walk("assets/get", "assets", assets=[file])
    walk("assets/children", "children children.size", asset=root)
    walk("assets/tree", "tree tree.size", expanded_assets=[root])
    walk("assets/worksheet", "asset path children children.size", asset=root)
    walk("assets/search", "assets assets.size", **SEARCH)
    walk("assets/search/autocomplete", "completions", field="name", fieldq="wa", language="en")
    walk("assets/delete", "asset", asset=folder)
    walk("assets/undelete", "asset", asset=folder)
    walk("assets/delete", "asset", asset=folder)
    walk("assets/permanent_delete", "parent", asset=folder)


def selections(walk: Walk) -> None:
    gid = walk.editor.record(walk.editor.root(), "chosen")
    walk("records/bulk/get", "records records.size page.cursor", selection=[gid])
    walk("assets/bulk/get", "assets assets.size page.cursor", selection=[{"children": walk.editor.root("assets")}])
    walk(
        "schema/bulk/get", "schema_items schema_items.size page.cursor", selection=[{"search": {"language": "en", "q": "walked"}}]
    )
    place = {"parent": walk.editor.root(), "ordering": ORDERING}
    for path, more in {
        "records/bulk/link": place, "records/bulk/shallow_copy": place, "records/bulk/duplicate": {"ordering": ORDERING},
        "records/bulk/delete": {}, "records/bulk/undelete": {}, "records/bulk/permanent_delete": {},
        "assets/bulk/delete": {}, "assets/bulk/undelete": {}, "assets/bulk/move": {"parent": walk.editor.root("assets")},
        "schema/bulk/commit": {}, "schema/bulk/revert": {}, "schema/bulk/save_as_new": {}, "schema/bulk/copy": {},
    }.items():  # fmt: skip
        walk.editor.end(walk(path, "job.token", selection=[gid], **more)["job.token"])


def test_every_call_of_the_contract_answers_with_its_keys(walk: Walk) -> None:
    parts: tuple[Callable[[Walk], None], ...] = (session, settings, schema, records, extended, assets, selections)
    for part in parts:
        part(walk)
    rules = {rule.rule for rule in create_app().url_map.iter_rules()}
    own = {rule.removeprefix("/api/p/<project>/") for rule in rules if rule.startswith("/api/p/<project>/")}
    wanted = {path for path in own - set(ABSENT) if not path.startswith(OF_OURS)}
    assert wanted <= walk.called, wanted - walk.called


def test_what_is_left_out_is_said_to_be_so(walk: Walk) -> None:
    for path in (*ABSENT, "/api/signup", "/api/reset"):
        answer = walk.editor.raw(path, {})
        assert (answer.status_code, answer.json["result"]["code"]) == (501, 501), path
