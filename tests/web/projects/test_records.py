"""Records through the wire: the tree, what records say, and the same in bulk."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from models.db import driver, transaction
from models.identity.service import authenticate
from models.jobs.values import Submission
from models.operations.undo import submit_undo
from models.settings import settings
from tests.factories import CHANNELS, ORDERINGS
from tests.web.conftest import _open_chunks
from tests.web.projects.conftest import Member
from worker.runner import work

ALPHA, SIZE = ORDERINGS["alphabetical"], ORDERINGS["by size"]
WEB, PRINT = CHANNELS["web"], CHANNELS["print"]
RECORD = {
    "gid", "parent", "canonical", "is_link", "backlinks", "treelevel", "path", "childcount", "definition", "title", "status",
    "channels", "orderings", "created_on", "updated_on", "fields",
}  # fmt: skip


class Tree:
    """A client with shorthands for making a tree."""

    def __init__(self, member: Member, work_all: Callable[[], None]) -> None:
        self.member = member
        self.work_all = work_all
        self.root = member.call("records/root")["root"]

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        return self.member.call(path, **body)

    def add(self, parent: str | None = None, title: str | None = None) -> str:
        gid: str = self.call("records/create", parent=parent or self.root, ordering=ALPHA)["record"]
        if title:
            self.call("records/update", record=gid, fields={"en": {"title": title}})
        return gid

    def get(self, gid: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("records/get", record=gid)["data"]["records"][gid]
        return found

    def children(self, gid: str, **more: Any) -> list[str]:
        found: list[str] = self.call("records/children", record=gid, **{"ordering": ALPHA, **more})["children"]
        return found

    def load(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Post records as lines, do the work, return the outcomes."""
        body = "\n".join(json.dumps(line) for line in lines)
        response = self.member.client.post(
            f"/api/p/{self.member.project}/records/bulk/create", data=body,
            headers={"Authorization": f"Bearer {self.member.key}", "Content-Type": "application/x-ndjson"},
        )  # fmt: skip
        assert response.status_code == 200, response.text
        self.work_all()
        return self.results(response.json["result"]["job.token"])

    def run(self, name: str, selection: list[str], **params: Any) -> list[dict[str, Any]]:
        """Run an operation over records as a job, to its end; return the outcomes."""
        token = self.start(name, selection, **params)
        self.work_all()
        return self.results(token)

    def start(self, name: str, selection: list[Any], **params: Any) -> str:
        token: str = self.call(f"records/bulk/{name}", selection=selection, **params)["job.token"]
        return token

    def results(self, token: str) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.member.key}"}
        response = self.member.client.get(f"/api/jobs/{token}/results?page.size=1000", headers=headers)
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json["results"]
        return found

    def undo(self, token: str) -> str:
        with transaction() as session:
            job = submit_undo(session, authenticate(session, self.member.key), token, Submission("undo"))
        self.work_all()
        return str(job.token)

    def digest(self) -> Any:
        """Return everything of the project's records but the times of their last change."""
        columns = "id, gid, parent_id, canonical_id, definition_id, status, deleted_with, channels, positions, content, words"
        with transaction() as session:
            worded = "catalogue_records LEFT JOIN catalogue_words ON record_id = id"
            return driver(session).execute(f"SELECT {columns} FROM {worded} ORDER BY id").fetchall()

    def feed(self) -> set[tuple[str, str]]:
        """Return what the project's feed says of records since it was last asked."""
        with transaction() as session:
            rows = driver(session).execute(
                "DELETE FROM project_changes WHERE data_type = 'records' RETURNING action, data_key"
            ).fetchall()  # fmt: skip
        return {(action, gid) for action, gid in rows}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let jobs that are stored from now on have chunks of so many items."""

    def cut(items: int) -> None:
        monkeypatch.setenv("WAYBILL_CHUNK_ITEMS", str(items))
        settings.cache_clear()

    yield cut
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def tree(editor: Member, work_all: Callable[[], None]) -> Tree:
    return Tree(editor, work_all)


def statuses(found: list[dict[str, Any]]) -> list[str]:
    return [row["error"]["code"] if row["status"] == "failed" else row["status"] for row in found]


def test_a_record_has_every_key(tree: Tree) -> None:
    gid = tree.add(title="One")
    record = tree.get(gid)
    assert set(record) == RECORD
    assert record["path"] == [gid, tree.root]
    assert (record["treelevel"], record["parent"], record["canonical"]) == (1, tree.root, gid)
    assert record["channels"][0] == "__all__"
    assert record["fields"] == {"en": {"title": "One"}, "nl": {"title": None}}
    assert record["title"] == {"en": "One", "nl": ""}
    assert tree.get(tree.root)["childcount"] == 1


def test_languages_limit_titles_and_fields(tree: Tree) -> None:
    gid = tree.add(title="One")
    record = tree.call("records/get", record=gid, language="nl")["data"]["records"][gid]
    assert (set(record["title"]), set(record["fields"])) == ({"nl"}, {"nl"})


def test_unknown_gids_are_left_out_of_a_list_and_refused_alone(tree: Tree, editor: Member) -> None:
    gid, missing = tree.add(), "00000000-0000-4000-8000-000000000000"
    assert tree.call("records/get", records=[gid, missing])["records"] == [gid]
    assert editor.refused("records/get", record=missing) == (422, "not_found")


def test_children_follow_their_ordering_and_channel(tree: Tree) -> None:
    first, second, third = (tree.add() for _ in range(3))
    tree.call("records/orderings/set", record=third, orderings={ALPHA: 0})
    assert tree.children(tree.root) == [third, first, second]
    assert tree.children(tree.root, ordering=SIZE) == [first, second, third]
    tree.call("records/channels/set", record=first, channels=[WEB], enabled=True)
    assert tree.children(tree.root, channel=WEB) == [first]
    page = tree.call("records/children", record=tree.root, ordering=ALPHA, **{"page.top": 1, "page.size": 1})
    assert (page["children"], page["children.size"]) == ([first], 3)


def test_the_tree_is_flat_and_its_last_page_full(tree: Tree) -> None:
    outer = [tree.add() for _ in range(3)]
    inner = [tree.add(outer[1]) for _ in range(2)]
    whole = tree.call("records/tree", expanded_records=[tree.root, outer[1]], ordering=ALPHA)
    assert whole["tree"] == [tree.root, outer[0], outer[1], *inner, outer[2]]
    assert whole["tree.size"] == 6
    assert all("fields" not in record for record in whole["data"]["records"].values())
    last = tree.call("records/tree", expanded_records=[tree.root], ordering=ALPHA, **{"page.top": 3, "page.size": 3})
    assert last["tree"] == outer


def test_a_worksheet_has_the_path_from_the_root(tree: Tree) -> None:
    outer = tree.add()
    inner = tree.add(outer)
    sheet = tree.call("records/worksheet", record=outer, ordering=ALPHA)
    assert (sheet["path"], sheet["children"], sheet["children.size"]) == ([tree.root, outer], [inner], 1)
    assert set(sheet["data"]["records"]) == {tree.root, outer, inner}


def test_values_that_do_not_fit_are_reported_and_the_rest_is_taken(tree: Tree) -> None:
    gid = tree.add()
    done = tree.call("records/update", record=gid, fields={"en": {"title": 5, "nothing": 1}, "nl": {"title": "Een"}})
    assert [(fault["name"], fault["language"], fault["code"]) for fault in done["report.validation"]] == [
        ("nothing", "en", "unknown_field"), ("title", "en", "invalid_type")
    ]  # fmt: skip
    assert done["data"]["records"][gid]["title"] == {"en": "", "nl": "Een"}


def test_a_link_shows_its_original_and_changes_with_it(tree: Tree) -> None:
    home, other = tree.add(), tree.add()
    original = tree.add(home, "One")
    link = tree.call("records/link", parent=other, record=original, ordering=ALPHA)["record"]
    tree.call("records/update", record=link, fields={"en": {"title": "Two"}})
    shown = tree.get(link)
    assert (shown["is_link"], shown["canonical"], shown["title"]["en"], shown["parent"]) == (True, original, "Two", other)
    assert tree.get(original)["backlinks"] == [link]
    assert tree.member.refused("records/create", parent=link, ordering=ALPHA) == (422, "no_parent")
    second = tree.call("records/link", parent=home, record=link, ordering=ALPHA)["record"]
    assert tree.get(second)["canonical"] == original
    freed = tree.call("records/unlink", record=link)["data"]["records"][link]
    assert (freed["is_link"], freed["canonical"], freed["title"]["en"]) == (False, link, "Two")


def test_deleting_takes_the_subtree_and_links_along_and_brings_back_the_same(tree: Tree) -> None:
    home, other = tree.add(), tree.add()
    child = tree.add(home)
    separately = tree.add(home)
    link = tree.call("records/link", parent=other, record=child, ordering=ALPHA)["record"]
    tree.call("records/delete", record=separately)
    before = tree.digest()
    tree.call("records/delete", record=home)
    assert {tree.get(gid)["status"] for gid in (home, child, link, separately)} == {"deleted"}
    assert tree.children(tree.root) == [other]
    assert tree.member.refused("records/undelete", record=child) == (422, "parent_deleted")
    assert tree.member.refused("records/delete", record=home) == (422, "deleted")
    tree.call("records/undelete", record=home)
    assert tree.digest() == before
    assert tree.member.refused("records/undelete", record=home) == (422, "not_deleted")


def test_what_comes_back_below_something_deleted_waits_for_it(tree: Tree) -> None:
    original, other = tree.add(), tree.add()
    link = tree.call("records/link", parent=other, record=original, ordering=ALPHA)["record"]
    tree.call("records/delete", record=original)
    tree.call("records/delete", record=other)
    tree.call("records/undelete", record=original)
    assert tree.get(link)["status"] == "deleted"
    tree.call("records/undelete", record=other)
    assert tree.get(link)["status"] == "published"


def test_removing_for_good_is_a_job_and_takes_links(tree: Tree) -> None:
    home, other = tree.add(), tree.add()
    link = tree.call("records/link", parent=other, record=home, ordering=ALPHA)["record"]
    assert tree.member.refused("records/permanent_delete", record=home) == (422, "not_deleted")
    tree.call("records/delete", record=home)
    tree.feed()
    done = tree.call("records/permanent_delete", record=home)
    assert (done["parent"], list(done["data"]["records"])) == (tree.root, [tree.root])
    tree.work_all()
    assert tree.call("records/get", records=[home, link, other])["records"] == [other]
    assert tree.feed() == {("DELETE", home), ("DELETE", link), ("UPDATE", other), ("UPDATE", tree.root)}


def test_moving_takes_the_subtree_and_makes_no_cycles(tree: Tree) -> None:
    home, other = tree.add(), tree.add()
    child = tree.add(home)
    grandchild = tree.add(child)
    assert tree.member.refused("records/move", record=home, parent=grandchild) == (422, "cycle")
    assert tree.member.refused("records/move", record=tree.root, parent=home) == (422, "root_fixed")
    tree.feed()
    tree.call("records/move", record=child, parent=other, ordering=ALPHA)
    assert tree.get(grandchild)["path"] == [grandchild, child, other, tree.root]
    assert tree.feed() == {("UPDATE", gid) for gid in (child, grandchild, home, other)}
    before = tree.add(other)
    tree.call("records/move", record=before, parent=other, ordering=ALPHA, before_record=child)
    assert tree.children(other) == [before, child]


def test_a_duplicate_comes_right_after_its_original(tree: Tree) -> None:
    first, second = tree.add(title="One"), tree.add()
    copy = tree.call("records/duplicate", record=first)["record"]
    assert tree.children(tree.root) == [first, copy, second]
    assert tree.get(copy)["title"]["en"] == "One"


def test_channels_go_up_and_down(tree: Tree) -> None:
    outer = tree.add()
    inner = tree.add(outer)
    leaf = tree.add(inner)
    tree.call("records/channels/set", record=inner, channels=[WEB], enabled=True)
    tree.call("records/channels/copy_up", record=inner)
    assert tree.get(outer)["channels"] == ["__all__", WEB]
    tree.call("records/channels/copy_down", record=inner, channels=[WEB, PRINT])
    tree.work_all()
    assert tree.get(leaf)["channels"] == ["__all__", WEB]
    tree.call("records/channels/set", record=leaf, channels=[WEB], enabled=False)
    tree.call("records/channels/copy_from_parent", record=leaf)
    assert tree.get(leaf)["channels"] == ["__all__", WEB]
    assert tree.member.refused("records/channels/set", record=leaf, channels=["__all__"], enabled=False)[0] == 400


def test_readers_read_and_do_not_write(tree: Tree, reader: Member, stranger: Member) -> None:
    gid = tree.add()
    assert reader.call("records/get", record=gid)["record"] == gid
    assert reader.refused("records/delete", record=gid) == (403, "forbidden")
    assert stranger.refused("records/get", record=gid) == (403, "forbidden")


def test_records_are_loaded_by_gid_and_by_ref(tree: Tree) -> None:
    top = "10000000-0000-4000-8000-000000000001"
    lines: list[dict[str, Any]] = [
        {"gid": top, "parent": None, "title": {"en": "Top", "nl": "Boven"}, "channels": [WEB]},
        {"ref": "a", "parent": top, "definition": "base", "fields": {"en": {"title": "A"}}},
        {"parent_ref": "a", "title": {"en": "B"}},
        {"parent_ref": "z"},
        {"parent": top, "title": {"en": 5}},
        {"parent": top, "colour": "red"},
    ]
    found = tree.load(lines)
    assert statuses(found) == ["succeeded"] * 3 + ["not_found", "invalid_field", "unknown_field"]
    assert found[4]["error"]["pointer"] == "/fields/en/title"
    assert [row["line"] for row in found] == [1, 2, 3, 4, 5, 6]
    assert found[1]["ref"] == "a"
    inner = tree.get(found[2]["result"]["record"])
    assert inner["path"] == [inner["gid"], found[1]["id"], top, tree.root]
    assert inner["channels"] == ["__all__", WEB]
    again = tree.load(lines[:1])
    assert statuses(again) == ["noop"]
    assert statuses(tree.load([{**lines[0], "channels": []}])) == ["already_exists"]


def test_what_was_there_already_can_be_a_parent_by_its_ref(tree: Tree) -> None:
    gids = [f"10000000-0000-4000-8000-00000000000{at}" for at in (2, 3)]
    lines = [{"gid": gids[0], "ref": "p", "parent": None}, {"gid": gids[1], "parent_ref": "p"}]
    assert statuses(tree.load(lines)) == ["succeeded"] * 2
    assert statuses(tree.load(lines)) == ["noop"] * 2


MISSING = "00000000-0000-4000-8000-000000000000"


def test_a_bulk_delete_fails_alone_where_it_fails(tree: Tree) -> None:
    home = tree.add()
    child, gone = tree.add(home), tree.add()
    tree.call("records/delete", record=gone)
    found = tree.run("delete", [MISSING, gone, home, child, tree.root])
    assert statuses(found) == ["not_found", "deleted", "succeeded", "noop", "root_fixed"]
    assert [row["id"] for row in found] == [MISSING, gone, home, child, tree.root]


def test_a_bulk_delete_is_undone_and_redone(tree: Tree) -> None:
    home, other = tree.add(title="Home"), tree.add()
    children = [tree.add(home, str(number)) for number in range(5)]
    for child in children[:2]:
        tree.call("records/link", parent=other, record=child, ordering=ALPHA)
    before = tree.digest()
    token = tree.start("delete", [children[0], home])
    tree.work_all()
    after = tree.digest()
    undone = tree.undo(token)
    assert statuses(tree.results(undone)) == ["succeeded"] * 2
    assert tree.digest() == before
    redone = tree.undo(undone)
    assert statuses(tree.results(redone)) == ["succeeded"] * 2
    assert tree.digest() == after


def test_undoing_keeps_what_was_touched_since(tree: Tree) -> None:
    first, second = tree.add(title="One"), tree.add(title="Two")
    token = tree.start("update", [first, second], fields={"en": {"title": "Same"}})
    tree.work_all()
    tree.call("records/update", record=second, fields={"en": {"title": "Own"}})
    found = tree.results(tree.undo(token))
    assert sorted((row["id"], row["status"]) for row in found) == sorted([(first, "succeeded"), (second, "skipped")])
    assert (tree.get(first)["title"]["en"], tree.get(second)["title"]["en"]) == ("One", "Own")


@pytest.mark.parametrize("name", ["link", "shallow_copy", "duplicate", "move"])
def test_what_was_placed_is_taken_back_and_placed_again(tree: Tree, name: str) -> None:
    home, other = tree.add(), tree.add()
    children = [tree.add(home, str(number)) for number in range(3)]
    tree.add(children[0], "below")
    before = tree.digest()
    params = {} if name == "duplicate" else {"parent": other}
    token = tree.start(name, children[:2], **params)
    tree.work_all()
    found = tree.results(token)
    assert statuses(found) == ["succeeded"] * 2
    where = home if name == "duplicate" else other
    made = [row["result"]["record"] for row in found]
    assert set(made) <= set(tree.children(where))
    assert (made == children[:2]) == (name == "move")
    after = tree.digest()
    undone = tree.undo(token)
    assert statuses(tree.results(undone)) == ["succeeded"] * 2
    assert [row[:8] for row in tree.digest()] == [row[:8] for row in before]
    assert tree.children(home) == children
    tree.undo(undone)
    assert [row[:8] for row in tree.digest()] == [row[:8] for row in after]


def test_bulk_verbs_tell_of_what_they_found_as_it_was_to_be(tree: Tree) -> None:
    first, second = tree.add(title="One"), tree.add(title="Two")
    assert statuses(tree.run("update", [first, second], fields={"en": {"title": "One"}})) == ["noop", "succeeded"]
    assert statuses(tree.run("channels/set", [first], channels=[WEB], enabled=True)) == ["succeeded"]
    assert statuses(tree.run("channels/set", [first, second], channels=[WEB], enabled=True)) == ["noop", "succeeded"]
    definition = tree.get(first)["definition"]
    assert statuses(tree.run("definition/set", [first], definition=definition)) == ["noop"]
    tree.call("records/delete", record=first)
    assert statuses(tree.run("publish", [first, second], channels=[PRINT])) == ["succeeded", "succeeded"]
    assert statuses(tree.run("publish", [first, second], channels=[PRINT])) == ["noop", "noop"]
    assert statuses(tree.run("undelete", [first])) == ["not_deleted"]
    assert statuses(tree.run("permanent_delete", [first])) == ["not_deleted"]


def test_newcomers_stand_before_the_one_that_was_named(tree: Tree) -> None:
    home, other = tree.add(), tree.add()
    children = [tree.add(home) for _ in range(2)]
    there = [tree.add(other) for _ in range(3)]
    tree.run("move", children, parent=other, before_record=there[1], ordering=ALPHA)
    assert tree.children(other) == [there[0], *children, *there[1:]]
    assert tree.children(other, ordering=SIZE) == [*there, *children]


def test_a_preview_tells_the_same_and_changes_nothing(tree: Tree) -> None:
    home = tree.add()
    child = tree.add(home)
    before, _ = tree.digest(), tree.feed()
    tried = tree.run("delete", [home, child, MISSING], test=True)
    assert (tree.digest(), tree.feed()) == (before, set())
    assert [(row["status"], row["id"]) for row in tried] == [
        (row["status"], row["id"]) for row in tree.run("delete", [home, child, MISSING])
    ]


def test_who_loses_the_role_in_mid_job_changes_nothing_more(tree: Tree, small_chunks: Callable[[int], None]) -> None:
    records = [tree.add() for _ in range(4)]
    small_chunks(2)
    token = tree.start("delete", records)
    (job_id, no), *_ = _open_chunks()
    work(job_id, no)
    with transaction() as session:
        driver(session).execute("UPDATE project_members SET roles = '{reader}'")
    tree.work_all()
    assert statuses(tree.results(token)) == ["succeeded"] * 2 + ["forbidden"] * 2
    assert [tree.get(gid)["status"] for gid in records] == ["deleted"] * 2 + ["published"] * 2


def test_what_an_earlier_chunk_took_along_is_a_noop(tree: Tree, small_chunks: Callable[[int], None]) -> None:
    home = tree.add()
    child = tree.add(home)
    small_chunks(1)
    assert statuses(tree.run("delete", [home, child])) == ["succeeded", "noop"]
    assert statuses(tree.run("undelete", [child, home])) == ["parent_deleted", "succeeded"]


def test_drifted_members_are_skipped_if_that_is_wanted(tree: Tree) -> None:
    home = tree.add()
    stays, leaves = tree.add(home), tree.add(home)
    token = tree.start("delete", [{"children": home}], on_drift="skip")
    tree.call("records/move", record=leaves, parent=tree.root, ordering=ALPHA)
    tree.work_all()
    assert statuses(tree.results(token)) == ["succeeded", "skipped"]
    assert tree.children(tree.root) == [home, leaves]
    assert tree.get(stays)["status"] == "deleted"


def test_a_load_is_undone(tree: Tree) -> None:
    before = tree.digest()
    found = tree.load([{"ref": "a"}, {"parent_ref": "a"}])
    with transaction() as session:
        row = driver(session).execute("SELECT token FROM jobs ORDER BY id DESC LIMIT 1").fetchone()
    assert row
    undone = tree.undo(str(row[0]))
    assert tree.digest() == before
    tree.undo(undone)
    assert tree.get(found[1]["id"])["path"] == [found[1]["id"], found[0]["id"], tree.root]


def test_a_load_whose_length_is_not_announced_counts_as_bytes(tree: Tree) -> None:
    def used(**sent: Any) -> int:
        response = tree.member.client.open(
            f"/api/p/{tree.member.project}/records/bulk/create", method="POST", environ_overrides={"wsgi.input_terminated": True},
            headers={"Authorization": f"Bearer {tree.member.key}", "Content-Type": "application/x-ndjson", **sent},
            input_stream=io.BytesIO(json.dumps({"title": {"en": "x" * 5_000}}).encode()),
        )  # fmt: skip
        assert response.status_code == 200, response.text
        left = re.search(r'"bytes";r=(\d+)', response.headers["RateLimit"])
        assert left
        return int(left[1])

    first, second = (used(**{"Transfer-Encoding": "chunked"}) for _ in range(2))
    assert first - second > 5_000
