"""The unmodified client `unicat`: signing in, the schema and the settings of a project. Records and sync have their own files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from unicat import Unicat
from unicat.error import UnicatError

from tests.factories import CHANNELS, FIELDLISTS, ORDERINGS, PROJECT
from tests.journeys.sdk import connected
from tests.processes import Parts

LIST = FIELDLISTS["table"]


@pytest.fixture
def fresh(product: Parts, tmp_path: Path) -> Iterator[Any]:
    """Give what connects anew, to see what others see."""
    clients: list[Unicat] = []

    def connect() -> Unicat:
        clients.append(connected(product, tmp_path))
        return clients[-1]

    yield connect
    for client in clients:
        client.api._requests_session.close()


def test_connecting_fills_the_cache_and_a_wrong_key_says_false(product: Parts, unicat: Unicat, tmp_path: Path) -> None:
    assert unicat.api_version >= "2026.09.001"
    assert unicat.api.project_cursor >= 0
    assert [member.user.username for member in unicat.project.members] == ["owner", "editor", "reader", "robot"]
    assert unicat.project.owner.username == "owner"
    for key, gid in (("nobodys-key-at-all", PROJECT), ("key-for-tests-stranger", PROJECT), ("key-for-tests-editor", LIST)):
        other = Unicat(product.url, gid, key, str(tmp_path))
        assert other.connect() is False
        other.api._requests_session.close()


def test_the_project_shows_languages_channels_orderings_and_fieldlists(unicat: Unicat) -> None:
    project = unicat.project
    assert (project.name, project.languages, project.default_language) == ("Things", ["en", "nl"], "en")
    assert project.channels == {"All": "__all__", **CHANNELS}
    assert project.default_channel == CHANNELS["web"]
    assert (project.orderings, project.fieldlists) == (ORDERINGS, FIELDLISTS)
    assert (project.default_ordering, project.default_fieldlist) == (ORDERINGS["alphabetical"], LIST)
    assert project.backups == []
    assert unicat.languages["en"] == "English"


def test_the_base_definition_is_found_by_name_and_walked(unicat: Unicat) -> None:
    base = unicat.get_definition_by_name("base")
    assert (base.is_base, base.is_committed, base.is_extended, base.original) == (True, True, False, None)
    assert base.titlefield.type == "text"
    assert base.layout.components[base.layout.root]["content"] == base.fields_as_gids
    assert [field.name for field in base.all_fields] == ["title"]
    assert base.fieldlists == {LIST: []}
    assert base.gid in [definition.gid for definition in unicat.walk_definitions()]
    assert unicat.get_field_by_name("title").gid in [field.gid for field in unicat.walk_fields()]


def test_init_gives_the_same_again_and_the_token_is_renewed_in_the_header(unicat: Unicat) -> None:
    before = {name: dict(items) for name, items in unicat.api.data.items()}
    success, result = unicat.api.init(omit_extended_definitions=True)
    assert success, result
    assert {name: dict(items) for name, items in unicat.api.data.items()} == before
    assert unicat.api._auth_header["Authorization"].count(".") == 2


def test_a_lost_token_fails_and_connecting_again_helps(unicat: Unicat) -> None:
    unicat.api.update_jwt("eyJhbGciOiJIUzI1NiJ9.e30.AAAA")
    success, result = unicat.api.call("/init")
    assert (success, result["code"]) == (False, 401)
    assert unicat.api._auth_header is None
    assert unicat.connect()
    assert unicat.api.call("/init")[0]


def test_fields_and_classes_go_through_all_their_states(unicat: Unicat, fresh: Any) -> None:
    mutate = unicat.mutate
    values = [{"key": "r", "en": "Red", "nl": "Rood"}, {"key": "b", "en": "Blue", "nl": "Blauw"}]
    color = mutate.create_field(name="color", type="textline", label={"en": "Color"}, options={"values": values})
    assert (color.is_new, color.is_committed, color.options["values"]) == (True, False, values)
    assert mutate.commit_field(color).is_committed
    width = mutate.create_field(name="width", type="number", unit="mm", is_required=True)
    assert width.title == {}
    size = mutate.create_class(name="size", label={"en": "Size"}, fields=[width])
    size = mutate.modify_class_add_field(size_new := size, color)
    assert size.gid == size_new.gid
    size = mutate.commit_class(size)
    assert [field.name for field in size.fields] == ["width", "color"]
    assert all(field.is_committed for field in size.fields)
    holder = mutate.create_field(name="dimensions", type="class", options={"class": size.gid})
    assert mutate.commit_field(holder).class_.name == "size"
    working = mutate.modify_field(color, label={"en": "Colour", "nl": "Kleur"})
    assert (working.is_working_copy, working.original.gid) == (True, color.gid)
    saved = mutate.save_as_new_field(working)
    assert (saved.name, saved.is_committed, saved.label["nl"]) == ("color_2", True, "Kleur")
    working = mutate.modify_class_remove_field(size, color)
    working = mutate.modify_class_modify_layout(working, name="compact")
    assert working.layout.name == "compact"
    working = mutate.modify_class_set_metadata(working, "heading.icon", value="ruler")
    assert working.metadata["heading.icon"].value == "ruler"
    done = mutate.commit_class(mutate.modify_class_clear_metadata(working, "heading.icon"))
    assert (done.gid, done.fields_as_gids, done.metadata) == (size.gid, [width.gid], {})
    seen = fresh()
    assert seen.get_class_by_name("size").fields_as_gids == [width.gid]
    assert seen.get_field_by_name("color").gid == color.gid
    assert mutate.delete_field(saved)
    assert saved.gid not in fresh().fields


def test_a_definition_goes_through_all_its_states(unicat: Unicat, fresh: Any) -> None:
    mutate, base = unicat.mutate, unicat.get_definition_by_name("base")
    label, title = mutate.create_field(name="label", type="textline", is_localized=True), base.titlefield
    part = mutate.commit_class(mutate.create_class(name="part", fields=[label]))
    thing = mutate.create_definition(name="thing", fields=[title], titlefield=title, childdefinitions=[base])
    assert (thing.is_new, thing.original, thing.titlefield.gid) == (True, None, title.gid)
    thing = mutate.commit_definition(thing)
    working = mutate.modify_definition(thing, label={"en": "Thing"}, metadata={"a": {"type": "textline", "value": "x"}})
    assert working.original.gid == thing.gid
    for change, *given in (
        (mutate.modify_definition_add_class, part),
        (mutate.modify_definition_fieldlist_add_field, LIST, label),
        (mutate.modify_definition_remove_field, title),
        (mutate.modify_definition_add_field, title),
        (mutate.modify_definition_add_childdefinition, thing),
        (mutate.modify_definition_remove_childdefinition, base),
        (mutate.modify_definition_set_metadata, "b.c"),
        (mutate.modify_definition_clear_metadata, "a"),
    ):
        changed = change(working, *given)
        assert changed.gid == working.gid
        working = changed  # an object shows what it was made with
    assert [field.name for field in working.all_fields] == ["title", "label"]
    assert [field.name for field in working.fieldlists[LIST]] == ["label"]
    assert [definition.name for definition in working.childdefinitions] == ["thing"]
    root = working.layout.root
    working = mutate.modify_definition_modify_layout(
        working, root=root, components={root: {"type": "horizontal", "content": [title.gid, label.gid]}}
    )
    done = mutate.commit_definition(working)
    assert (done.gid, done.label, list(done.metadata)) == (thing.gid, {"en": "Thing"}, ["b.c"])
    assert working.gid not in unicat.definitions
    seen = fresh().get_definition_by_name("thing")
    assert seen.layout.components[root]["type"] == "horizontal"
    assert seen.classes_as_gids == [part.gid]
    other = mutate.save_as_new_definition(mutate.modify_definition(done, name="other"))
    assert (other.name, other.is_committed) == ("other", True)
    assert mutate.delete_definition(other)
    mutate.modify_definition(done, childdefinitions=[])
    mutate.commit_definition(done)
    assert mutate.delete_definition(done)
    assert [gid for gid in (done.gid, other.gid) if gid in fresh().definitions] == []


def test_what_is_refused_is_an_error_with_code_and_message(unicat: Unicat) -> None:
    mutate = unicat.mutate
    for call, code in (
        (lambda: mutate.create_field(name="1st"), 400),
        (lambda: mutate.create_field(name="title"), 422),
        (lambda: mutate.create_field(type="color"), 400),
        (lambda: mutate.delete_definition(unicat.get_definition_by_name("base")), 422),
        (lambda: mutate.delete_field(unicat.get_field_by_name("title")), 422),
        (lambda: mutate.delete_channel("no-such-key"), 422),
        (lambda: mutate.register_module("shop", "1.0"), 501),
        (lambda: mutate.create_backup("somebody"), 501),
    ):
        with pytest.raises(UnicatError) as refused:
            call()
        assert refused.value.code == code
        assert refused.value.message
        assert refused.value.info["code"]


def test_queries_are_saved_and_found_by_name(unicat: Unicat, fresh: Any) -> None:
    mutate = unicat.mutate
    red = mutate.create_query("record", name="Red ones", q="+red", filter=["classes", "has", "size"])
    again = mutate.create_query("record", name="Red ones")
    assert (again.name, again.q, again.filter) == ("Red ones 2", "", [])
    assert mutate.update_query(red, q="+blue").q == "+blue"
    seen = fresh()
    assert seen.get_record_query_by_name("Red ones").filter == ["classes", "has", "size"]
    assert seen.get_asset_query_by_name("Red ones") is None
    assert {query.gid for query in seen.walk_queries()} == {red.gid, again.gid}
    assert mutate.delete_query(red)
    assert mutate.delete_query(again)
    assert list(fresh().walk_queries()) == []


def test_channels_orderings_fieldlists_and_languages_change(unicat: Unicat, fresh: Any) -> None:
    mutate = unicat.mutate
    made = (mutate.create_channel("Shop"), mutate.create_ordering("By price"), mutate.create_fieldlist("Compact"))
    project = unicat.project
    assert (project.channels["Shop"], project.orderings["By price"], project.fieldlists["Compact"]) == made
    assert unicat.get_definition_by_name("base").fieldlists.keys() >= {LIST}
    assert mutate.add_language("de")
    assert unicat.project.languages == ["en", "nl", "de"]
    seen = fresh().project
    assert seen.channel_name(made[0]) == "Shop"
    assert mutate.delete_channel(made[0])
    assert mutate.delete_ordering(made[1])
    assert mutate.delete_fieldlist(made[2])
    assert mutate.remove_language("de")
    seen = fresh().project
    assert (seen.languages, seen.channels) == (["en", "nl"], {"All": "__all__", **CHANNELS})
    assert (seen.orderings, seen.fieldlists) == (ORDERINGS, FIELDLISTS)


def test_readers_read_and_are_told_when_they_write(product: Parts, tmp_path: Path) -> None:
    unicat = connected(product, tmp_path, "reader")
    assert unicat.get_definition_by_name("base").fields
    with pytest.raises(UnicatError) as refused:
        unicat.mutate.create_channel("Shop")
    assert refused.value.code == 403
    unicat.api._requests_session.close()
