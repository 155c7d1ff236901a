"""What a project's job froze and what had changed at its turn; what a test planned and whether it is still so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from models.db import driver, transaction
from models.settings import settings
from tests.factories import CHANNELS, project
from tests.goals.project_hands import UNKNOWN, Editor, differences, query, state
from web.app import create_app

NUMBER = 20


@pytest.fixture
def editor(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Editor]:
    """A project's owner; a chunk has seven items."""
    monkeypatch.setenv("WAYBILL_CHUNK_ITEMS", "7")
    settings.cache_clear()
    with transaction() as session:
        project(session)
    yield Editor(create_app().test_client())
    settings.cache_clear()


@dataclass(frozen=True)
class Kind:
    """Items of a kind: how they are made, changed and selected, and a job over them."""

    make: Callable[[Editor, int], str]
    change: Callable[[Editor, str], Any]
    selection: Callable[[Editor], list[Any]]
    job: str
    params: dict[str, Any]


def _field(editor: Editor, number: int) -> str:
    label = {"en": f"agate {number}"}
    gid: str = editor.call("fields/create", name=f"agate_{number}", type="textline", label=label)["field"]
    editor.call("fields/commit", field=gid)
    editor.call("fields/modify", field=gid, unit="mm")
    return gid


KINDS = {
    "records": Kind(
        lambda editor, number: editor.record(editor.root(), f"agate {number}"),
        lambda editor, gid: editor.call("records/update", record=gid, fields={"en": {"title": "agate, changed"}}),
        lambda _: [{"search": {"language": "en", "q": "+agate"}}],
        "records/bulk/channels/set",
        {"channels": [CHANNELS["web"]], "enabled": True},
    ),
    "assets": Kind(
        lambda editor, number: editor.call("assets/create", parent=editor.root("assets"), name=f"agate {number}")["asset"],
        lambda editor, gid: editor.call("assets/update", asset=gid, title={"en": "changed"}),
        lambda editor: [{"children": editor.root("assets")}],
        "assets/bulk/delete",
        {},
    ),
    "schema": Kind(
        _field,
        lambda editor, gid: editor.call("fields/modify", field=gid, unit="kg"),
        lambda _: [{"search": {"language": "en", "filter": ["and", "", [["label", "q", "agate"], ["is_committed", "is_true"]]]}}],
        "schema/bulk/commit",
        {},
    ),
}


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def make(editor: Editor, kind: Kind) -> tuple[list[str], list[Any]]:
    """Make items; return the members of their selection in their order, and the selection by their gids."""
    made = [kind.make(editor, number) for number in range(NUMBER)]
    return made, list(made)


def test_x03_the_drift_report_names_those_that_changed_and_the_member_list_pages_completely(editor: Editor, kind: Kind) -> None:
    made, selection = make(editor, kind)
    token = editor.call(kind.job, selection=[*selection, UNKNOWN], **kind.params)["job.token"]
    changed = made[::10]
    for gid in changed:
        kind.change(editor, gid)
    job = editor.end(token)
    members = editor.pages("members", token, size=6)
    assert [row["id"] for row in members] == [*made, UNKNOWN]
    assert [row["index"] for row in members] == list(range(NUMBER + 1))
    assert all(row["frozen_on"] for row in members[:-1])
    assert [(row["id"], row["change"]) for row in editor.pages("drift", token, size=1)] == [(gid, "changed") for gid in changed]
    assert (job["succeeded"], job["failed"]) == (NUMBER, 1), "what has changed is done as well, unless it was planned"
    mine = editor.client.get(f"/api/jobs/{token}/drift", headers={"Authorization": "Bearer key-for-tests-owner"}).json
    assert [row["id"] for row in mine["drift"]] == changed


def test_x03_what_the_job_takes_along_itself_is_no_drift(editor: Editor) -> None:
    top = editor.record(editor.root(), "top")
    below = [editor.record(top, f"below {number}") for number in range(12)]
    token = editor.call("records/bulk/delete", selection=[top, *below])["job.token"]
    editor.call("records/update", record=below[2], fields={"en": {"title": "changed"}})
    job = editor.end(token)
    assert (job["succeeded"], job["noop"], job["chunks"]) == (1, 12, 2)
    assert [row["id"] for row in editor.pages("drift", token)] == [below[2]]
    token = editor.call("records/bulk/permanent_delete", selection=[top, *below])["job.token"]
    assert editor.end(token)["failed"] == 0
    assert editor.pages("drift", token) == []


def test_x03_who_is_gone_or_does_not_match_any_more_is_said_to_be_so(editor: Editor) -> None:
    made = [KINDS["records"].make(editor, number) for number in range(10)]
    search = [{"search": {"language": "en", "q": "+agate"}}]
    token = editor.call("records/bulk/delete", selection=search, on_drift="skip")["job.token"]
    editor.call("records/update", record=made[1], fields={"en": {"title": "opal"}})
    with transaction() as session:
        driver(session).execute("DELETE FROM catalogue_records WHERE gid = %s", (made[8],))
    editor.call("records/update", record=made[9], fields={"en": {"title": "agate again"}})
    editor.end(token)
    drift = [(row["index"], row["id"], row["change"]) for row in editor.pages("drift", token)]
    order = {row["id"]: row["index"] for row in editor.pages("members", token)}
    assert sorted(drift) == sorted([
        (order[made[1]], made[1], "unmatched"), (order[None], None, "gone"), (order[made[9]], made[9], "changed"),
    ])  # fmt: skip
    ended = {row["index"]: (row["status"], row["error"] and row["error"]["code"]) for row in editor.pages("results", token)}
    assert [ended[row[0]] for row in drift if row[2] != "changed"] == [("skipped", "drifted")] * 2
    assert ended[order[made[9]]] == ("succeeded", None)


def test_x04_a_plan_is_carried_out_as_it_was_shown(editor: Editor, kind: Kind) -> None:
    make(editor, kind)
    asked = {"selection": kind.selection(editor), **kind.params}
    planned = editor.call(kind.job, **asked, test=True)
    job = editor.end(planned["job.token"])
    assert job["total"] == NUMBER
    assert job["info"]["plan_token"] == planned["plan_token"]
    done = editor.run(kind.job, **asked, plan_token=planned["plan_token"])
    assert editor.endings(done["token"]) == editor.endings(job["token"])
    assert {row[2] for row in editor.endings(done["token"])} == {"succeeded"}


def test_x04_a_plan_is_stale_once_an_item_or_the_member_set_has_changed(editor: Editor, kind: Kind) -> None:
    made, _ = make(editor, kind)
    asked = {"selection": kind.selection(editor), **kind.params}
    planned = editor.call(kind.job, **asked, test=True)
    editor.end(planned["job.token"])
    kind.change(editor, made[3])
    added = kind.make(editor, NUMBER)
    before, jobs = state(), query("SELECT count(*) FROM jobs")
    answer = editor.raw(kind.job, {**asked, "plan_token": planned["plan_token"]})
    failure = answer.json["result"]
    assert (answer.status_code, failure["code"], failure["info"]["code"]) == (412, 412, "plan_changed")
    assert failure["info"]["total"] == 2
    assert {row["id"]: row["change"] for row in failure["info"]["changes"]} == {made[3]: "changed", added: "added"}
    assert differences(before, state()) == {}
    assert query("SELECT count(*) FROM jobs") == jobs


def test_x04_a_planned_member_that_is_removed_for_good_is_named_in_the_differences(editor: Editor) -> None:
    made = [KINDS["records"].make(editor, number) for number in range(3)]
    asked = {"selection": made, "channels": [CHANNELS["web"]], "enabled": True}
    planned = editor.call("records/bulk/channels/set", **asked, test=True)
    editor.end(planned["job.token"])
    editor.call("records/delete", record=made[1])
    editor.end(editor.call("records/permanent_delete", record=made[1])["job.token"])
    answer = editor.raw("records/bulk/channels/set", {**asked, "plan_token": planned["plan_token"]})
    changes = [(row["id"], row["change"]) for row in answer.json["result"]["info"]["changes"]]
    assert sorted(changes) == sorted([(made[1], "added"), (made[1], "removed")]), "it is an unknown gid now"


def test_x04_what_changes_after_the_commit_of_a_plan_is_left_alone(editor: Editor, kind: Kind) -> None:
    made, _ = make(editor, kind)
    asked = {"selection": made, **kind.params}
    planned = editor.call(kind.job, **asked, test=True)
    editor.end(planned["job.token"])
    token = editor.call(kind.job, **asked, plan_token=planned["plan_token"])["job.token"]
    kind.change(editor, made[8])
    editor.end(token)
    endings = [(row[2], row[3]) for row in editor.endings(token)]
    assert endings == [("skipped", "drifted") if at == 8 else ("succeeded", None) for at in range(NUMBER)]


def test_x04_a_plan_of_overlapping_subtrees_is_no_drift_of_its_own(editor: Editor) -> None:
    top = editor.record(editor.root(), "top")
    asked = {"selection": [top, *(editor.record(top, f"below {number}") for number in range(12))]}
    planned = editor.call("records/bulk/delete", **asked, test=True)
    job = editor.end(planned["job.token"])
    done = editor.run("records/bulk/delete", **asked, plan_token=planned["plan_token"])
    assert editor.endings(done["token"]) == editor.endings(job["token"])
    assert (done["succeeded"], done["noop"]) == (1, 12)


def test_x04_a_plan_belongs_to_its_request(editor: Editor) -> None:
    made = [KINDS["records"].make(editor, number) for number in range(2)]
    token = editor.call("records/bulk/delete", selection=made, test=True)["plan_token"]
    for path, body in (
        ("records/bulk/delete", {"selection": made[:1], "plan_token": token}),
        ("records/bulk/undelete", {"selection": made, "plan_token": token}),
        ("records/bulk/delete", {"selection": made, "plan_token": token[:-2] + "AA"}),
    ):
        answer = editor.raw(path, body)
        assert (answer.status_code, answer.json["result"]["info"]["code"]) == (400, "invalid_plan")
