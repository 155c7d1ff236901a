"""Where much hangs on a chunk's members, it is worked on in several transactions; the job is the same as in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from models.db import driver, transaction
from models.operations import portions
from models.settings import settings
from tests.web.conftest import _open_chunks
from tests.web.projects.conftest import Member
from tests.web.projects.test_records import ALPHA, Tree
from worker.runner import work


@pytest.fixture
def tree(editor: Member, work_all: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.setattr(portions, "AT_ONCE", 6)
    return Tree(editor, work_all)


@pytest.fixture
def tops(tree: Tree) -> list[str]:
    """Six records with three below each, of which one has a link elsewhere."""
    sent: list[dict[str, Any]] = []
    for top in range(6):
        sent.append({"ref": str(top), "title": {"en": f"top {top}"}})
        sent += [{"parent_ref": str(top)} for _ in range(3)]
    made = [row["id"] for row in tree.load(sent)]
    tree.run("link", made[1::4], parent=tree.root, ordering=ALPHA)
    return made[::4]


def step() -> int:
    """Work on what is open now, once; return the records that are deleted."""
    for job_id, no in _open_chunks():
        work(job_id, no)
    with transaction() as session:
        row = driver(session).execute("SELECT count(*) FROM catalogue_records WHERE status = 'deleted'").fetchone()
        return int(row[0]) if row else 0


def statuses(found: list[dict[str, Any]]) -> Counter[str]:
    return Counter(row["status"] for row in found)


def test_members_are_taken_while_they_fit_and_the_chunk_goes_on(tree: Tree, tops: list[str]) -> None:
    before = tree.digest()
    token = tree.start("delete", tops)
    assert [step() for _ in tops] == [5, 10, 15, 20, 25, 30], "one at a time, since two with all that is theirs are ten"
    assert (statuses(tree.results(token)), [row["index"] for row in tree.results(token)]) == ({"succeeded": 6}, [*range(6)])
    undone = tree.undo(token)
    assert statuses(tree.results(undone)) == {"succeeded": 6}
    assert tree.digest() == before


def test_what_an_earlier_portion_took_along_is_a_noop_as_ever(tree: Tree, tops: list[str]) -> None:
    below = tree.children(tops[0])
    before = tree.digest()
    token = tree.start("delete", [*tops, *below])
    tree.work_all()
    assert statuses(tree.results(token)) == {"succeeded": 6, "noop": 3}
    tree.undo(token)
    assert tree.digest() == before


@pytest.mark.parametrize(("verb", "first"), [("undelete", "delete"), ("permanent_delete", "delete"), ("publish", "delete")])
def test_other_verbs_over_subtrees_are_parted_alike(tree: Tree, tops: list[str], verb: str, first: str) -> None:
    tree.run(first, tops)
    token = tree.start(verb, tops)
    seen = step()
    assert 0 < seen < 30
    tree.work_all()
    assert statuses(tree.results(token)) == {"succeeded": 6}
    assert step() == 0


def test_a_move_keeps_the_order_over_portions(tree: Tree, tops: list[str]) -> None:
    shelf = tree.add(title="shelf")
    assert statuses(tree.run("move", tops, parent=shelf, ordering=ALPHA)) == {"succeeded": 6}
    assert tree.children(shelf) == tops


def test_a_job_that_is_cancelled_between_two_portions_keeps_what_was_done(tree: Tree, tops: list[str]) -> None:
    before = tree.digest()
    token = tree.start("delete", tops)
    step()
    tree.call("jobs/cancel", job=token)
    tree.work_all()
    found = statuses(tree.results(token))
    assert found["succeeded"] >= 1
    assert found["succeeded"] + found["cancelled"] == 6 or found == {"succeeded": 1}
    assert before != tree.digest()


def test_a_test_is_not_parted_and_keeps_nothing(tree: Tree, tops: list[str]) -> None:
    before = tree.digest()
    assert statuses(tree.run("delete", tops, test=True)) == {"succeeded": 6}
    assert tree.digest() == before


def test_one_item_with_more_than_the_limit_is_refused_alone(tree: Tree, tops: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        tree.add(tops[2])
    monkeypatch.setenv("WAYBILL_MAX_SUBTREE", "7")
    settings.cache_clear()
    try:
        found = tree.run("delete", tops)
        assert statuses(found) == {"succeeded": 5, "failed": 1}
        error = found[2]["error"]
        assert (error["code"], found[2]["id"]) == ("subtree_too_large", tops[2])
        assert "children" in error["detail"]
        refused = tree.member.refused("records/delete", record=tops[2])
        assert refused == (422, "subtree_too_large")
        assert statuses(tree.run("delete", tree.children(tops[2]))) == {"succeeded": 7}
        assert statuses(tree.run("delete", [tops[2]])) == {"succeeded": 1}
    finally:
        monkeypatch.undo()
        settings.cache_clear()
