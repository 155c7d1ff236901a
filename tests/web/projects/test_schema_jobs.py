"""Schema items in bulk: committed, reverted, saved as new, copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.projects.conftest import Member

MISSING = "00000000-0000-4000-8000-000000000000"


class Drawer:
    """A client with shorthands for fields and jobs over them."""

    def __init__(self, member: Member, work_all: Callable[[], None]) -> None:
        self.member = member
        self.work_all = work_all

    def field(self, name: str, *, commit: bool = True) -> str:
        gid: str = self.member.call("fields/create", name=name)["field"]
        if commit:
            self.member.call("fields/commit", field=gid)
        return gid

    def change(self, gid: str, **given: Any) -> str:
        found: str = self.member.call("fields/modify", field=gid, **given)["field"]
        return found

    def get(self, gid: str) -> dict[str, Any]:
        found: dict[str, Any] = self.member.call("fields/get", field=gid)["data"]["fields"][gid]
        return found

    def run(self, name: str, selection: list[Any], **params: Any) -> list[tuple[str, str | None]]:
        token = self.member.call(f"schema/bulk/{name}", selection=selection, **params)["job.token"]
        self.work_all()
        headers = {"Authorization": f"Bearer {self.member.key}"}
        rows = self.member.client.get(f"/api/jobs/{token}/results", headers=headers).json["results"]
        return [(row["error"]["code"], None) if row["error"] else (row["status"], row["result"]["item"]) for row in rows]


@pytest.fixture
def drawer(owner: Member, work_all: Callable[[], None]) -> Drawer:
    return Drawer(owner, work_all)


def test_items_are_committed_each_for_itself(drawer: Drawer) -> None:
    new, old = drawer.field("new", commit=False), drawer.field("old")
    changed = drawer.field("changed")
    copy = drawer.change(changed, unit="mm")
    assert drawer.run("commit", [new, old, copy, MISSING]) == [
        ("succeeded", new), ("noop", old), ("succeeded", changed), ("not_found", None)
    ]  # fmt: skip
    assert drawer.get(changed)["unit"] == "mm"
    assert drawer.get(new)["is_new"] is False


def test_working_copies_are_dropped_or_kept_as_new(drawer: Drawer) -> None:
    one, two = drawer.field("one"), drawer.field("two")
    copy = drawer.change(one, unit="kg")
    assert drawer.run("revert", [one, two]) == [("succeeded", one), ("invalid_state", None)]
    assert drawer.member.refused("fields/get", field=copy)[0] == 422
    copy = drawer.change(two, unit="kg")
    assert drawer.run("save_as_new", [two, one]) == [("succeeded", copy), ("invalid_state", None)]
    assert (drawer.get(copy)["name"], drawer.get(copy)["unit"], drawer.get(two)["unit"]) == ("two_2", "kg", None)


def test_copies_are_new_and_a_preview_makes_none(drawer: Drawer) -> None:
    one = drawer.field("one")
    search = {"search": {"language": "en", "q": "", "filter": ["name", "is", "one"]}}
    ((tried, _),) = drawer.run("copy", [search], test=True)
    ((done, made),) = drawer.run("copy", [search])
    assert (tried, done) == ("succeeded", "succeeded")
    assert made
    assert (drawer.get(made)["name"], drawer.get(made)["is_new"]) == ("one_2", True)
    assert drawer.run("copy", [made, one]) == [("invalid_state", None), ("succeeded", drawer_last(drawer))]


def drawer_last(drawer: Drawer) -> str:
    """Return the newest copy of `one`."""
    fields = drawer.member.call("init")["data"]["fields"]
    return next(gid for gid, field in fields.items() if field["name"] == "one_3")


def test_readers_change_nothing(drawer: Drawer, reader: Member) -> None:
    assert reader.refused("schema/bulk/commit", selection=[drawer.field("one")]) == (403, "forbidden")
    assert drawer.member.refused("schema/bulk/commit", selection=[{"children": MISSING}])[0] == 1006
