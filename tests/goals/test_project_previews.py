"""A test of a job over a project's items comes to what the run comes to, chunk by chunk; nothing of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from models.db import transaction
from models.settings import settings
from tests.factories import CHANNELS, project
from tests.goals.project_hands import Editor, differences, query, state
from web.app import create_app


@pytest.fixture
def editor(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Editor]:
    """A project's owner; a chunk has three items, and a test ten at most."""
    monkeypatch.setenv("WAYBILL_CHUNK_ITEMS", "3")
    monkeypatch.setenv("WAYBILL_MAX_PREVIEW_ITEMS", "10")
    settings.cache_clear()
    with transaction() as session:
        project(session)
    yield Editor(create_app().test_client())
    settings.cache_clear()


def both(editor: Editor, path: str, **body: Any) -> list[tuple[Any, ...]]:
    """Try a job, look that nothing has changed, run it; return how its items ended, in both alike."""
    before = state()
    tried = editor.endings(editor.run(path, **body, test=True)["token"])
    assert differences(before, state()) == {}
    done = editor.endings(editor.run(path, **body)["token"])
    assert tried == done
    return [row[2:] for row in done]


def test_p17_items_of_later_chunks_find_what_earlier_ones_did(editor: Editor) -> None:
    top = editor.record(editor.root(), "top")
    middle = editor.record(top, "middle")
    leaves = [editor.record(middle, f"leaf {number}") for number in range(3)]
    others = [editor.record(editor.root(), f"other {number}") for number in range(3)]
    selection = [*others, top, leaves[0], middle, *leaves[1:]]
    assert both(editor, "records/bulk/delete", selection=selection) == [("succeeded", None)] * 4 + [("noop", None)] * 4
    back = both(editor, "records/bulk/undelete", selection=[leaves[0], *others, *leaves[1:], middle, top])
    assert back[0] == ("failed", "parent_deleted"), "its parent comes in a later chunk"
    assert back[-1] == ("succeeded", None)


def test_p17_a_name_that_an_earlier_chunk_brought_is_taken_for_later_ones(editor: Editor) -> None:
    root = editor.root("assets")
    target = editor.call("assets/create", parent=root, name="target")["asset"]
    moved = []
    for number in range(5):
        folder = editor.call("assets/create", parent=root, name=f"folder {number}")["asset"]
        moved.append(editor.call("assets/create", parent=folder, name=f"same {number % 4}")["asset"])
    endings = both(editor, "assets/bulk/move", selection=moved, parent=target)
    assert endings == [("succeeded", None)] * 4 + [("failed", "name_taken")]


def test_p17_parents_of_earlier_chunks_are_there_by_ref_and_by_gid(editor: Editor) -> None:
    gid = "77777777-7777-4777-8777-777777777777"
    records: list[dict[str, Any]] = [{"ref": "a", "gid": gid}, {"ref": "b", "parent_ref": "a"}, {"parent_ref": "none"}]
    records += [{"parent_ref": "b"}, {"parent": gid, "ref": "c"}, {"parent_ref": "c"}, {"parent_ref": "c"}]
    before = state()
    answer = editor.raw("records/bulk/create?test=true", {"records": records})
    tried = editor.endings(editor.end(answer.json["result"]["job.token"])["token"])
    assert differences(before, state()) == {}
    done = editor.endings(editor.run("records/bulk/create", records=records)["token"])
    assert [row[2:] for row in tried] == [row[2:] for row in done]
    assert [row[3] for row in done] == [None, None, "not_found", None, None, None, None]


def test_a_test_of_more_than_can_be_tried_in_one_go_is_refused(editor: Editor) -> None:
    gids = [editor.record(editor.root(), f"one {number}") for number in range(11)]
    answer = editor.raw("records/bulk/delete", {"selection": gids, "test": True})
    info = answer.json["result"]["info"]
    assert (answer.status_code, info["code"], info["limit"], info["actual"]) == (413, "preview_too_large", 10, 11)
    assert editor.call("jobs/get", job=info["job.token"])["jobs"][info["job.token"]]["status"] == "rejected"
    answer = editor.raw("records/bulk/create?test=true", {"records": [{}] * 11})
    assert (answer.status_code, answer.json["result"]["info"]["code"]) == (413, "preview_too_large")
    job = editor.run("records/bulk/delete", selection=gids)
    answer = editor.raw(f"/api/jobs/{job['token']}/undo", {"test": True})
    assert (answer.status_code, answer.json["code"]) == (413, "preview_too_large")
    editor.undo(job)
    channels = {"channels": [CHANNELS["web"]], "enabled": True}
    tried = editor.run("records/bulk/channels/set", selection=gids, **channels, test=True)
    assert (tried["succeeded"], tried["chunks"]) == (11, 4), "none of these hangs on another"


def test_a_test_ends_where_more_would_change_than_may_be_locked(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_MAX_SUBTREE", "6")
    settings.cache_clear()
    tops = [editor.record(editor.root(), f"top {number}") for number in range(7)]
    for top in tops:
        editor.record(top, "below")
    endings = [row[2:] for row in editor.endings(editor.run("records/bulk/delete", selection=tops, test=True)["token"])]
    assert endings == [("succeeded", None)] * 3 + [("failed", "preview_too_large")] * 4
    assert query("SELECT count(*) FROM catalogue_records WHERE status = 'deleted'") == [(0,)]
