"""Goals about selections on the project face, with the running product: who sees what, drift, undo, lost rights."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from models.db import driver, transaction
from tests.factories import ORDERINGS, PROJECT, project
from tests.processes import Parts

PARTS_ENVIRONMENT = {"WAYBILL_CHUNK_ITEMS": "20"}
OTHER = "22222222-2222-4222-8222-222222222222"
ORDERING = next(iter(ORDERINGS.values()))


@dataclass
class Member:
    """Somebody's client in a project."""

    url: str
    name: str
    gid: str = PROJECT

    def raw(self, path: str, body: dict[str, Any]) -> requests.Response:
        address = path if path.startswith("/") else f"/api/p/{self.gid}/{path}"
        headers = {"Authorization": f"Bearer key-for-tests-{self.name}"}
        return requests.post(self.url + address, json=body, headers=headers, timeout=30)

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.raw(path, body)
        assert answer.status_code == 200, answer.text
        return {**answer.json()["result"], "data": answer.json()["data"]}

    def make(self, parent: str, *titles: str) -> list[str]:
        made = []
        for title in titles:
            gid = self.call("records/create", parent=parent, ordering=ORDERING)["record"]
            self.call("records/update", record=gid, fields={"en": {"title": title}})
            made.append(gid)
        return made

    def root(self) -> str:
        return str(self.call("records/root")["root"])

    def hits(self, q: str) -> list[str]:
        selection = [{"search": {"language": "en", "q": q}}]
        return list(self.call("records/bulk/get", selection=selection, **{"page.size": 1000})["records"])

    def run(self, path: str, **body: Any) -> dict[str, Any]:
        """Run a job to its end."""
        return self.end(self.call(path, **body)["job.token"])

    def end(self, token: str) -> dict[str, Any]:
        until = time.monotonic() + 60
        while (job := self.call("jobs/get", job=token)["jobs"][token])["status"] not in ("done", "rejected"):
            assert time.monotonic() < until, job
            time.sleep(0.05)
        return dict(job)

    def results(self, token: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            page = self.call("jobs/results", job=token, **{"page.size": 500}, **more)
            found += page["results"]
            if page["page.cursor"] is None:
                return found
            more = {"page.cursor": page["page.cursor"]}


@pytest.fixture(scope="module")
def editor(parts: Parts) -> Member:
    with transaction() as session:
        project(session)
        project(session, OTHER)
    return Member(parts.url, "editor")


def digest() -> list[tuple[Any, ...]]:
    """Return the tree of all projects, with links and orderings, but for its times."""
    sql = (
        "SELECT id, gid, parent_id, canonical_id, definition_id, status, deleted_with, channels, positions, content, words "
        "FROM catalogue_records LEFT JOIN catalogue_words ON record_id = id ORDER BY id"
    )
    with transaction() as session:
        return driver(session).execute(sql).fetchall()


def test_p07_two_projects_see_nothing_of_each_other(editor: Member) -> None:
    other = Member(editor.url, "editor", OTHER)
    (mine,), (theirs,) = editor.make(editor.root(), "lapis p07"), other.make(other.root(), "lapis p07")
    assert (editor.hits("lapis"), other.hits("lapis")) == ([mine], [theirs])
    assert editor.call("records/bulk/get", selection=[theirs, mine])["records"] == [mine]
    assert editor.call("records/bulk/get", selection=[{"children": other.root()}])["records"] == []
    job = editor.run("records/bulk/delete", selection=[theirs, {"children": other.root()}])
    assert (job["total"], job["failed"]) == (2, 2)
    assert {row["error"]["code"] for row in editor.results(job["token"])} == {"not_found"}
    assert other.hits("lapis") == [theirs]
    assert other.raw("jobs/get", {"job": job["token"]}).status_code == 422
    assert Member(editor.url, "stranger", OTHER).raw("jobs/get", {"job": job["token"]}).status_code == 403


def test_p12_what_several_entries_name_is_done_once(editor: Member) -> None:
    first, second = editor.make(editor.root(), "onyx one", "onyx two")
    search = {"search": {"language": "en", "q": "onyx"}}
    job = editor.run("records/bulk/delete", selection=[second, search, first, second])
    assert [(row["id"], row["status"]) for row in editor.results(job["token"])] == [(second, "succeeded"), (first, "succeeded")]


@pytest.mark.parametrize("on_drift", ["skip", "apply"])
def test_p43_members_that_no_longer_match_are_skipped_or_done_as_asked(parts: Parts, editor: Member, on_drift: str) -> None:
    parent = editor.make(editor.root(), f"drift {on_drift}")[0]
    made = editor.make(parent, *(f"opal {on_drift} {number}" for number in range(4)))
    parts.kill("worker")
    parts.processes["worker"].wait(20)
    selection = [{"search": {"language": "en", "q": f"+opal +{on_drift}"}}]
    token = editor.call("records/bulk/delete", selection=selection, on_drift=on_drift)["job.token"]
    editor.call("records/update", record=made[1], fields={"en": {"title": "something else"}})
    parts.start("worker")
    job = editor.end(token)
    statuses = {row["id"]: row["status"] for row in editor.results(job["token"])}
    assert statuses == {gid: "skipped" if gid == made[1] and on_drift == "skip" else "succeeded" for gid in made}
    kept = editor.call("records/get", record=made[1])["data"]["records"][made[1]]
    assert kept["status"] == ("published" if on_drift == "skip" else "deleted")


def test_x06_a_deleted_search_with_subtrees_and_links_comes_back_as_it_was(editor: Member) -> None:
    root = editor.root()
    tops = editor.make(root, *(f"pearl {number}" for number in range(5)))
    for top in tops:
        children = editor.make(top, "below", "below too")
        editor.make(children[0], "deep below")
        editor.call("records/link", record=children[1], parent=root, ordering=ORDERING)
    before = digest()
    job = editor.run("records/bulk/delete", selection=[{"search": {"language": "en", "q": "+pearl"}}])
    assert (job["total"], job["succeeded"]) == (5, 5)
    assert digest() != before
    undoing = editor.raw(f"/api/jobs/{job['token']}/undo", {})
    assert undoing.status_code == 202, undoing.text
    back = editor.end(undoing.json()["result"]["job.token"])
    assert (back["status"], back["failed"]) == ("done", 0)
    assert digest() == before


def test_x17_nothing_is_written_once_the_role_is_gone(editor: Member) -> None:
    parent = editor.make(editor.root(), "revoked")[0]
    editor.make(parent, *(f"quartz {number}" for number in range(12)))
    children = [{"children": parent}]
    for _ in range(4):  # 192 of them
        editor.run("records/bulk/duplicate", selection=children, ordering=ORDERING)
    try:
        token = editor.call("records/bulk/delete", selection=children)["job.token"]
        with transaction() as session:
            driver(session).execute("UPDATE project_members SET roles = '{reader}' WHERE roles = '{editor}'")
        deleted = _deleted()
        job = editor.end(token)
        assert _deleted() <= deleted + 20, "at most the chunk that was under way"
        codes = [row["error"]["code"] if row["error"] else None for row in editor.results(token)]
        assert (job["total"], len(codes)) == (192, 192)
        assert set(codes) <= {None, "forbidden"}
        assert codes[-1] == "forbidden"
        assert codes == sorted(codes, key=lambda code: code is not None)
    finally:
        with transaction() as session:
            driver(session).execute("UPDATE project_members SET roles = '{editor}' WHERE roles = '{reader}'")


def _deleted() -> int:
    with transaction() as session:
        row = driver(session).execute("SELECT count(*) FROM catalogue_records WHERE status = 'deleted'").fetchone()
        return int(row[0]) if row else 0
