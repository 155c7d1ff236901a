"""Definitions of records through the wire: another one, and extensions for some records."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import FIELDLISTS, ORDERINGS
from tests.web.projects.conftest import Member

TABLE = FIELDLISTS["table"]


class Shop:
    """A project with two committed fields beside the title, a class of one more, and three records below one parent."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.price = self.make("fields", name="price", type="decimal")
        self.colour = self.make("fields", name="colour", type="textline", is_localized=True)
        self.depth = self.make("fields", name="depth", type="number")
        self.size = self.make("classes", name="size", fields=[self.depth])
        root = member.call("records/root")["root"]
        self.parent = self.add(root)
        self.records = [self.add(self.parent) for _ in range(3)]
        self.base = self.definition(self.records[0])

    def make(self, kind: str, **given: Any) -> str:
        single = {"fields": "field", "classes": "class", "definitions": "definition"}[kind]
        gid: str = self.member.call(f"{kind}/create", **given)[single]
        self.member.call(f"{kind}/commit", **{single: gid})
        return gid

    def add(self, parent: str) -> str:
        gid: str = self.member.call("records/create", parent=parent, ordering=ORDERINGS["alphabetical"])["record"]
        return gid

    def definition(self, gid: str) -> str:
        found: str = self.get(gid)["definition"]
        return found

    def get(self, gid: str) -> Any:
        return self.member.call("records/get", record=gid)["data"]["records"][gid]

    def definitions(self, *gids: str) -> list[str]:
        return [self.definition(gid) for gid in gids or self.records]


@pytest.fixture
def shop(owner: Member) -> Shop:
    return Shop(owner)


def test_common_fields_keep_their_values(shop: Shop) -> None:
    title = shop.member.call("definitions/get", definition=shop.base)["data"]["definitions"][shop.base]["titlefield"]
    other = shop.make("definitions", name="other", fields=[title, shop.price])
    first = shop.records[0]
    shop.member.call("records/update", record=first, fields={"en": {"title": "One"}})
    shop.member.call("records/definition/set", record=first, definition=other)
    shop.member.call("records/update", record=first, fields={"en": {"price": 2.5}})
    assert shop.get(first)["fields"]["en"] == {"title": "One", "price": 2.5}
    shop.member.call("records/definition/set", record=first, definition=shop.base)
    shop.member.call("records/definition/set", record=first, definition=other)
    assert shop.get(first)["fields"]["en"] == {"title": "One", "price": None}


def test_an_extension_is_for_one_record_until_it_is_shared(shop: Shop) -> None:
    first, second, third = shop.records
    done = shop.member.call("records/definition/fields/add", record=first, field=shop.price)
    extended = done["definition"]
    shown = done["data"]["definitions"][extended]
    assert (shown["is_extended"], shown["original"], shown["fields"][-1]) == (True, shop.base, shop.price)
    assert shop.price in done["data"]["fields"]
    assert shop.definitions() == [extended, shop.base, shop.base]
    shop.member.call("records/definition/copy_to_siblings", record=first)
    assert shop.definitions() == [extended] * 3
    shop.member.call("records/definition/classes/add", record=second, **{"class": shop.size})
    assert set(shop.get(third)["fields"]["en"]) == {"title", "price", "depth"}
    shop.member.call("records/definition/fieldlists/fields/add", record=third, fieldlist=TABLE, field=shop.depth)
    shop.member.call("records/definition/fieldlists/fields/remove", record=third, fieldlist=TABLE, field=shop.depth)
    shop.member.call("records/definition/fields/remove", record=first, field=shop.price)
    assert shop.member.refused("records/definition/fields/remove", record=first, field=shop.price) == (422, "not_found")


def test_reverting_brings_the_base_back_and_removes_what_nobody_has(shop: Shop) -> None:
    first = shop.records[0]
    extended = shop.member.call("records/definition/fields/add", record=first, field=shop.price)["definition"]
    assert shop.member.call("records/definition/revert", record=first)["definition"] == shop.base
    assert shop.member.refused("definitions/get", definition=extended)[0] == 422
    assert shop.member.refused("records/definition/revert", record=first) == (422, "invalid_state")


def test_extensions_are_cloned_renamed_and_handed_on(shop: Shop) -> None:
    first, second, third = shop.records
    one = shop.member.call("records/definition/fields/add", record=first, field=shop.price)["definition"]
    shop.member.call("records/definition/copy_to_siblings", record=first)
    done = shop.member.call("records/definition/clone", record=third, name="special", fields=[shop.price, shop.colour])
    two = done["definition"]
    assert done["data"]["definitions"][two]["name"] == "special"
    assert set(shop.get(third)["fields"]["en"]) == {"title", "price", "colour"}
    assert shop.member.refused("records/definition/update", record=first, name="special") == (422, "name_taken")
    shop.member.call("records/definition/update", record=first, name="plain", classes=[shop.size])
    assert set(shop.get(second)["fields"]["en"]) == {"title", "price", "depth"}
    shop.member.call("records/definition/transfer_from", record=third, source_definition=one)
    assert shop.definitions() == [two] * 3
    shop.member.call("records/definition/transfer_to", record=third, target_definition=shop.base)
    assert shop.definitions() == [shop.base] * 3
