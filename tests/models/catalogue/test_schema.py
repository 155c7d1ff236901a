"""Schema items: how they are made and changed, their states, and what refers to what. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from models import ids
from models.catalogue import edits, states
from models.catalogue.defaults import base_schema
from models.catalogue.drafts import Draft
from models.catalogue.edits import Place
from models.catalogue.metadata import Entry
from models.catalogue.project import Project
from models.catalogue.schema_items import CLASS, DEFINITION, FIELD, LAYOUT, Item, Kind
from models.catalogue.schema_view import dump_item, dump_schema
from models.errors import InUse, InvalidState, InvalidType, InvalidValue, NameTaken, NotFound, Refused

LIST = "cccccccc-0000-4000-8000-000000000001"
PROJECT = Project(
    id=1,
    gid=UUID(int=1),
    name="Things",
    languages=("en", "nl"),
    channels={},
    orderings={},
    fieldlists={LIST: "Table"},
    roles=frozenset({"editor"}),
    settings={},
    schema_stamp=UUID(int=2),
)
NOBODY = "99999999-0000-4000-8000-000000000000"


@pytest.fixture
def draft() -> Draft:
    """A new project's schema."""
    return Draft(base_schema("en"))


def make(draft: Draft, kind: Kind, name: str | None = None, **given: Any) -> Item:
    return edits.create(draft, PROJECT, kind, {"name": name, **given})


def made(draft: Draft, kind: Kind, name: str, **given: Any) -> Item:
    """Return a committed item."""
    return states.commit(draft, make(draft, kind, name, **given))


def modify(draft: Draft, item: Item, **given: Any) -> Item:
    return edits.modify(draft, PROJECT, item, given)


def now(draft: Draft, item: Item) -> Item:
    return draft.schema.by_gid[item.gid]


def layout_of(draft: Draft, item: Item) -> Item:
    return draft.get(LAYOUT, str(now(draft, item).layout))


def shown(draft: Draft, item: Item) -> list[str]:
    """Return what the root of an item's layout shows."""
    body = layout_of(draft, item).body
    return list(body["components"][body["root"]]["content"])


def test_a_new_project_has_a_base_definition_with_a_text_field_and_a_layout(draft: Draft) -> None:
    base = draft.schema.base
    assert [field.type for field in draft.schema.resolve(base)] == ["text"]
    assert base.titlefield == draft.schema.resolve(base)[0].gid
    assert shown(draft, base) == [base.titlefield]
    assert all(item.is_committed for item in draft.schema.by_gid.values())


def test_what_is_made_is_new_and_has_every_property(draft: Draft) -> None:
    field = make(draft, FIELD, "weight", type="decimal", unit="kg", is_required=True, label={"en": "Weight"})
    definition = make(draft, DEFINITION, "thing", fields=[field.gid])
    for item in (field, definition, layout_of(draft, definition)):
        assert (item.is_new, item.is_working_copy, item.original) == (True, False, None)
    assert dump_item(PROJECT, draft.schema, field) == {
        "gid": field.gid, "original": None, "name": "weight", "is_new": True, "is_working_copy": False, "label": {"en": "Weight"},
        "type": "decimal", "options": {}, "is_localized": False, "is_required": True, "initial": {}, "unit": "kg", "metadata": {},
    }  # fmt: skip
    assert dump_item(PROJECT, draft.schema, definition) == {
        "gid": definition.gid, "original": None, "name": "thing", "is_new": True, "is_working_copy": False, "label": {},
        "classes": [], "fields": [field.gid], "titlefield": None, "fieldlists": {LIST: []}, "layout": definition.layout,
        "childdefinitions": [], "metadata": {}, "is_base": False, "is_extended": False,
    }  # fmt: skip


def test_without_a_name_the_kind_is_the_name_and_a_number_follows(draft: Draft) -> None:
    assert [make(draft, CLASS).name for _ in range(3)] == ["class", "class_2", "class_3"]


@pytest.mark.parametrize("name", ["", "1st", "a b", "a-b", "a.b", "ä", "x" * 201, "a\n"])
def test_a_name_has_letters_digits_and_underscores_and_no_digit_first(draft: Draft, name: str) -> None:
    with pytest.raises(InvalidValue):
        make(draft, FIELD, name)
    assert make(draft, FIELD, "_Width__mm2").name == "_Width__mm2"


def test_a_name_is_unique_within_its_kind(draft: Draft) -> None:
    field = made(draft, FIELD, "color")
    with pytest.raises(NameTaken):
        make(draft, FIELD, "color")
    assert make(draft, CLASS, "color").name == "color"
    other = make(draft, FIELD, "size")
    with pytest.raises(NameTaken):
        modify(draft, other, name="color")
    assert modify(draft, field, name="color").name == "color"


def test_a_change_of_a_committed_item_goes_to_one_working_copy(draft: Draft) -> None:
    field = made(draft, FIELD, "color", label={"en": "Color"})
    copy = modify(draft, field, label={"nl": "Kleur"})
    assert (copy.is_working_copy, copy.original, copy.gid != field.gid) == (True, field.gid, True)
    assert modify(draft, field, unit="nm").gid == copy.gid
    assert modify(draft, copy, is_required=True).gid == copy.gid
    assert now(draft, field) == field
    assert now(draft, copy).body["label"] == {"en": "Color", "nl": "Kleur"}
    assert draft.schema.named(FIELD, "color") == field


def test_a_change_of_a_new_item_needs_no_working_copy(draft: Draft) -> None:
    field = make(draft, FIELD, "color")
    assert modify(draft, field, type="textlist").gid == field.gid
    assert now(draft, field).type == "textlist"


def test_commit_gives_the_original_what_the_working_copy_says_with_its_layout(draft: Draft) -> None:
    title, size = draft.schema.base.titlefield, made(draft, FIELD, "size")
    thing = made(draft, DEFINITION, "thing", fields=[title])
    copy = edits.add(draft, PROJECT, modify(draft, thing, name="object"), Place("fields", size.gid))
    assert layout_of(draft, copy).original == thing.layout
    assert shown(draft, thing) == [title]
    done = states.commit(draft, copy)
    assert (done.gid, done.name, done.layout) == (thing.gid, "object", thing.layout)
    assert (done.gids("fields"), shown(draft, done)) == ([title, size.gid], [title, size.gid])
    assert not any(item.is_working_copy for item in draft.schema.by_gid.values())


def test_commit_takes_the_gid_of_an_original_too_and_leaves_an_unchanged_one(draft: Draft) -> None:
    field = made(draft, FIELD, "color")
    modify(draft, field, unit="nm")
    assert states.commit(draft, field).body["unit"] == "nm"
    before = draft.schema
    assert states.commit(draft, now(draft, field)) == now(draft, field)
    assert draft.schema is before


def test_commit_takes_new_items_along_that_the_item_could_not_do_without(draft: Draft) -> None:
    part = make(draft, FIELD, "width", type="number")
    size = make(draft, CLASS, "size", fields=[part.gid])
    field = make(draft, FIELD, "dimensions", type="class", options={"class": size.gid})
    child = make(draft, DEFINITION, "child")
    thing = make(draft, DEFINITION, "thing", fields=[field.gid], childdefinitions=[child.gid])
    states.commit(draft, thing)
    assert [now(draft, item).is_new for item in (part, size, field, thing, child)] == [False, False, False, False, True]
    assert not layout_of(draft, size).is_new
    assert draft.schema.childdefinitions(now(draft, thing)) == []


def test_revert_drops_the_working_copy_with_its_layout(draft: Draft) -> None:
    before = draft.schema.by_gid
    base = draft.schema.base
    copy = modify(draft, base, label={"en": "Other"})
    assert states.revert(draft, copy) == base
    assert draft.schema.by_gid == before
    for item in (base, make(draft, FIELD, "new")):
        with pytest.raises(InvalidState):
            states.revert(draft, item)


def test_save_as_new_makes_an_original_with_a_free_name(draft: Draft) -> None:
    base = draft.schema.base
    copy = modify(draft, base, label={"en": "Other"})
    saved = states.save_as_new(draft, copy)
    assert (saved.gid, saved.name, saved.original, saved.is_committed, saved.is_base) == (copy.gid, "base_2", None, True, False)
    assert layout_of(draft, saved).original is None
    assert layout_of(draft, saved).gid != base.layout
    assert now(draft, base) == base
    with pytest.raises(InvalidState):
        states.save_as_new(draft, base)


def test_a_copy_is_new_and_has_a_layout_of_its_own(draft: Draft) -> None:
    base = draft.schema.base
    copy = states.copy(draft, base)
    assert (copy.is_new, copy.name, copy.is_base, copy.original) == (True, "base_2", False, None)
    assert layout_of(draft, copy).gid != base.layout
    assert shown(draft, copy) == shown(draft, base)
    changed = made(draft, FIELD, "changed")
    modify(draft, changed, unit="m")
    for item in (copy, changed, draft.schema.working_copies[changed.gid]):
        with pytest.raises(InvalidState):
            states.copy(draft, item)


def test_what_others_refer_to_and_the_base_stay(draft: Draft) -> None:
    field = made(draft, FIELD, "width")
    size = made(draft, CLASS, "size", fields=[field.gid])
    holder = made(draft, FIELD, "dimensions", type="class", options={"class": size.gid})
    child = made(draft, DEFINITION, "child", fields=[holder.gid])
    thing = made(draft, DEFINITION, "thing", childdefinitions=[child.gid])
    for item in (field, size, holder, child):
        with pytest.raises(InUse):
            states.delete(draft, now(draft, item))
    with pytest.raises(InvalidState):
        states.delete(draft, draft.schema.base)
    for item in (thing, child, holder, size, field):
        states.delete(draft, now(draft, item))
    assert draft.schema.by_gid == draft.before.by_gid


def test_deleting_takes_the_working_copy_along_and_deleting_that_leaves_the_original(draft: Draft) -> None:
    thing = made(draft, DEFINITION, "thing")
    before = draft.schema.by_gid
    states.delete(draft, modify(draft, thing, label={"en": "X"}))
    assert draft.schema.by_gid == before
    modify(draft, thing, label={"en": "X"})
    states.delete(draft, now(draft, thing))
    assert draft.schema.by_gid == draft.before.by_gid


def test_lists_add_move_and_remove_and_refer_to_originals(draft: Draft) -> None:
    one, two, three = (made(draft, FIELD, name) for name in ("one", "two", "three"))
    size = make(draft, CLASS, "size", fields=[one.gid, two.gid, one.gid])
    assert size.gids("fields") == [one.gid, two.gid]
    working = modify(draft, three, unit="m")
    edits.add(draft, PROJECT, now(draft, size), Place("fields", working.gid, one.gid))
    assert now(draft, size).gids("fields") == [three.gid, one.gid, two.gid]
    edits.add(draft, PROJECT, now(draft, size), Place("fields", three.gid))
    edits.move(draft, PROJECT, now(draft, size), Place("fields", two.gid, three.gid))
    assert now(draft, size).gids("fields") == [two.gid, three.gid, one.gid]
    edits.remove(draft, PROJECT, now(draft, size), Place("fields", three.gid))
    assert now(draft, size).gids("fields") == [two.gid, one.gid]
    assert sorted(shown(draft, size)) == sorted([two.gid, one.gid])
    for change in (edits.move, edits.remove):
        with pytest.raises(NotFound):
            change(draft, PROJECT, now(draft, size), Place("fields", three.gid))


def test_the_title_field_and_the_field_lists_follow_the_fields(draft: Draft) -> None:
    number, code, line = (made(draft, FIELD, name, type=name) for name in ("number", "code", "textline"))
    thing = make(draft, DEFINITION, "thing", fields=[number.gid, code.gid, line.gid], fieldlists={LIST: [number.gid, code.gid]})
    assert thing.titlefield == code.gid
    edits.remove(draft, PROJECT, thing, Place("fields", code.gid))
    assert now(draft, thing).titlefield == line.gid
    assert now(draft, thing).body["fieldlists"] == {LIST: [number.gid]}
    edits.add(draft, PROJECT, now(draft, thing), Place(f"fieldlists/{LIST}", line.gid, number.gid))
    assert now(draft, thing).body["fieldlists"] == {LIST: [line.gid, number.gid]}
    with pytest.raises(InvalidValue):
        edits.add(draft, PROJECT, now(draft, thing), Place(f"fieldlists/{LIST}", code.gid))
    with pytest.raises(InvalidValue):
        modify(draft, now(draft, thing), titlefield=code.gid)


def test_committing_a_class_without_a_field_takes_the_title_from_another(draft: Draft) -> None:
    one, two = (made(draft, FIELD, name) for name in ("one", "two"))
    size = made(draft, CLASS, "size", fields=[one.gid])
    thing = made(draft, DEFINITION, "thing", classes=[size.gid], fields=[two.gid], titlefield=one.gid)
    edits.remove(draft, PROJECT, size, Place("fields", one.gid))
    assert now(draft, thing).titlefield == one.gid
    states.commit(draft, size)
    assert now(draft, thing).titlefield == two.gid


def test_classes_never_hold_each_other_in_a_circle(draft: Draft) -> None:
    outer = made(draft, CLASS, "outer")
    holder = made(draft, FIELD, "holder", type="class", options={"class": outer.gid})
    inner = made(draft, CLASS, "inner", fields=[holder.gid])
    back = made(draft, FIELD, "back", type="classlist", options={"class": inner.gid})
    edits.add(draft, PROJECT, outer, Place("fields", back.gid))
    before = draft.schema
    with pytest.raises(InvalidValue):
        states.commit(draft, outer)
    assert draft.schema is before


def test_a_list_goes_on_where_one_item_is_refused(draft: Draft) -> None:
    one, two = make(draft, FIELD, "one"), made(draft, FIELD, "two")
    ended = states.each(draft, [one.gid, NOBODY, two.gid, str(draft.schema.base.layout), one.gid], states.commit)
    assert [(end.gid, end.noop, type(end.refused)) for end in ended] == [
        (one.gid, False, type(None)), (NOBODY, False, NotFound), (two.gid, True, type(None)),
        (draft.schema.base.layout, False, NotFound), (one.gid, True, type(None)),
    ]  # fmt: skip
    ended = states.each(draft, [one.gid, draft.schema.base.gid], states.revert)
    assert all(isinstance(end.refused, InvalidState) for end in ended)


@pytest.mark.parametrize("change", [states.commit, states.revert, states.save_as_new, states.copy, states.delete])
def test_extended_definitions_have_no_states(draft: Draft, change: states.Change) -> None:
    base = draft.schema.base
    extended = Item(0, str(ids.new_token()), DEFINITION, "base", original=base.gid, is_extended=True)
    draft.put(extended)
    with pytest.raises(InvalidState):
        change(draft, extended)
    with pytest.raises(InvalidState):
        modify(draft, extended, name="other")
    with pytest.raises(InUse):
        states.delete(draft, replace(base, is_base=False))


def test_an_extended_definition_is_its_base_with_what_it_adds(draft: Draft) -> None:
    base, more = draft.schema.base, made(draft, FIELD, "more")
    body = {"fields": [more.gid], "fieldlists": {LIST: [more.gid]}}
    extended = Item(0, str(ids.new_token()), DEFINITION, "base", original=base.gid, is_extended=True, body=body)
    draft.put(extended)
    seen = dump_item(PROJECT, draft.schema, extended)
    assert seen["fields"] == [base.titlefield, more.gid]
    assert (seen["titlefield"], seen["layout"], seen["fieldlists"]) == (base.titlefield, base.layout, {LIST: [more.gid]})
    assert (seen["original"], seen["is_extended"], seen["is_base"]) == (base.gid, True, False)
    assert [field.name for field in draft.schema.resolve(extended)] == ["title", "more"]
    assert extended.gid not in dump_schema(PROJECT, draft.schema, extended=False)["definitions"]
    later = made(draft, FIELD, "later")
    states.commit(draft, edits.add(draft, PROJECT, base, Place("fields", later.gid)))
    assert [field.name for field in draft.schema.resolve(now(draft, extended))] == ["title", "later", "more"]


@pytest.mark.parametrize(
    ("kind", "given", "error"),
    [
        (FIELD, {"type": "color"}, InvalidValue),
        (FIELD, {"type": 7}, InvalidValue),
        (FIELD, {"is_localized": "yes"}, InvalidType),
        (FIELD, {"label": "Color"}, InvalidType),
        (FIELD, {"label": {"de": "Farbe"}}, InvalidValue),
        (FIELD, {"label": {"en": 7}}, InvalidType),
        (FIELD, {"unit": 7}, InvalidType),
        (FIELD, {"initial": {"de": "x"}}, InvalidValue),
        (FIELD, {"type": "class", "options": {"class": NOBODY}}, NotFound),
        (FIELD, {"options": {"values": [{"en": "Red"}]}}, InvalidValue),
        (FIELD, {"options": {"values": [{"key": "r"}, {"key": "r"}]}}, InvalidValue),
        (FIELD, {"options": []}, InvalidType),
        (FIELD, {"metadata": {"a b": {"value": "x"}}}, InvalidValue),
        (FIELD, {"metadata": {"a": "x"}}, InvalidType),
        (FIELD, {"name": 7}, InvalidType),
        (CLASS, {"fields": [NOBODY]}, NotFound),
        (CLASS, {"fields": ["x"]}, InvalidValue),
        (CLASS, {"fields": "x"}, InvalidType),
        (DEFINITION, {"childdefinitions": [NOBODY]}, NotFound),
        (DEFINITION, {"fieldlists": {NOBODY: []}}, InvalidValue),
        (DEFINITION, {"titlefield": NOBODY}, NotFound),
    ],
)
def test_wrong_properties_are_refused_and_leave_no_trace(
    draft: Draft, kind: Kind, given: dict[str, Any], error: type[Refused]
) -> None:
    before = draft.schema.by_gid
    with pytest.raises(error):
        edits.create(draft, PROJECT, kind, given)
    assert draft.schema.by_gid == before
    item = {FIELD: draft.schema.resolve(draft.schema.base)[0], DEFINITION: draft.schema.base}.get(kind)
    if item is not None:
        with pytest.raises(error):
            modify(draft, item, **given)
    assert draft.schema.by_gid == before


def test_options_that_another_type_cannot_have_go_with_the_type(draft: Draft) -> None:
    values = [{"key": "r", "en": "Red", "nl": "Rood"}]
    field = make(draft, FIELD, "color", type="textline", options={"values": values, "value_labels": True})
    assert field.options == {"values": values, "value_labels": True}
    assert modify(draft, field, type="number").options == {}


def test_metadata_have_dotted_names_types_and_languages(draft: Draft) -> None:
    base = draft.schema.base
    copy = edits.set_metadata(draft, PROJECT, base, Entry("heading.alignment", value="left"))
    copy = edits.set_metadata(draft, PROJECT, copy, Entry("icon", "image", is_localized=True, value={"nl": NOBODY}))
    assert now(draft, copy).body["metadata"] == {
        "heading.alignment": {"type": "textline", "is_localized": False, "value": "left"},
        "icon": {"type": "image", "is_localized": True, "value": {"nl": NOBODY}},
    }
    edits.clear_metadata(draft, copy, "icon")
    assert list(now(draft, copy).body["metadata"]) == ["heading.alignment"]
    with pytest.raises(NotFound):
        edits.clear_metadata(draft, now(draft, copy), "icon")
    for entry in (
        Entry("a b", value="x"), Entry("a", "color"), Entry("a", value=7), Entry("a", "image", value="x"),
        Entry("a", is_localized=True, value={"de": "x"}), Entry("a", "number", value=True),
    ):  # fmt: skip
        with pytest.raises(InvalidValue):
            edits.set_metadata(draft, PROJECT, copy, entry)


def test_a_layout_is_a_tree_of_components(draft: Draft) -> None:
    base, root, left = draft.schema.base, str(ids.new_token()), str(ids.new_token())
    tree = {root: {"type": "horizontal", "content": [left]}, left: {"type": "vertical", "content": [base.titlefield]}}
    copy = edits.modify_layout(draft, base, {"root": root, "components": tree, "name": "wide"})
    body = layout_of(draft, copy)
    assert (body.name, body.body) == ("wide", {"root": root, "components": tree})
    circle = {root: {"type": "x", "content": [left]}, left: {"type": "x", "content": [root]}}
    wrong: list[dict[str, Any]] = [
        {"root": NOBODY}, {"components": circle, "root": root}, {"components": {"x": tree[root]}},
        {"components": {root: {"content": []}}}, {"components": {root: {"type": "x", "content": "y"}}},
    ]  # fmt: skip
    for given in wrong:
        with pytest.raises(InvalidValue):
            edits.modify_layout(draft, copy, given)
    assert layout_of(draft, copy) == body
    assert states.commit(draft, copy).layout == base.layout
    assert layout_of(draft, base).body["root"] == root
