"""Values of fields: what fits which type, how they are kept and shown, and what languages have to do with it."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue.content import Form, Forms
from models.catalogue.fields import initial_content, merge
from models.catalogue.schema_items import CLASS, DEFINITION, FIELD, Item, Schema
from models.settings import settings

GID = "12345678-1234-4234-8234-123456789012"
LANGUAGES = ("en", "nl")
COLOURS = [{"key": "r", "en": "Red", "nl": "Rood"}, {"key": "b", "en": "Blue", "nl": "Blauw"}]


def item(name: str, kind: str = "textline", **body: Any) -> Item:
    return Item(len(name), f"gid-{name}", FIELD, name, body={"type": kind, **body})


def form(*fields: Item, parts: tuple[Item, ...] = ()) -> Form:
    """Return a definition's form; `parts` are the fields of the class `c`."""
    held = Item(900, "c", CLASS, "c", body={"fields": [part.gid for part in parts]})
    body = {"fields": [field.gid for field in fields], "titlefield": fields[0].gid}
    definition = Item(901, "d", DEFINITION, "d", body=body)
    schema = Schema.of([*fields, *parts, held, definition])
    return Forms(schema, 7).of(definition)


def put(shape: Form, sent: dict[str, dict[str, Any]], content: dict[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    merged = merge(shape, content or {}, sent, settings().limits)
    return dict(merged.content), [fault.code for fault in merged.faults]


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("text", "two\nlines", "two\nlines"), ("textline", "one", "one"), ("code", "<b>", "<b>"), ("barcode", "871", "871"),
        ("number", 5, 5), ("number", 5.0, 5), ("decimal", 5, 5), ("decimal", 2.5, 2.5), ("boolean", False, False),
        ("textlist", ["a", "b"], ["a", "b"]), ("image", GID.upper(), GID), ("filelist", [GID], [GID]), ("fieldpicker", GID, GID),
        ("text", "", None), ("textlist", [], None), ("number", None, None), ("number", 0, 0),
    ],
)  # fmt: skip
def test_what_fits_is_kept(kind: str, value: object, kept: object) -> None:
    content, faults = put(form(item("f", kind)), {"en": {"f": value}})
    assert faults == []
    assert content.get("gid-f") == kept
    assert (kept is None) == ("gid-f" not in content)


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("text", 5, "invalid_type"), ("textline", "a\nb", "invalid_value"), ("number", 2.5, "invalid_type"),
        ("number", True, "invalid_type"), ("number", "5", "invalid_type"), ("number", 2**63, "invalid_value"),
        ("decimal", False, "invalid_type"), ("boolean", 0, "invalid_type"), ("textlist", "a", "invalid_type"),
        ("textlist", ["a", 5], "invalid_type"), ("image", "photo.png", "invalid_value"), ("recordlist", [None], "invalid_type"),
        ("text", "x" * 100_001, "too_long"), ("class", "x", "invalid_type"), ("classlist", {}, "invalid_type"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_left_out(kind: str, value: object, code: str) -> None:
    content, faults = put(form(item("f", kind, options={"class": "c"})), {"en": {"f": value}}, {"gid-f": "before"})
    assert (content, faults) == ({"gid-f": "before"}, [code])


def test_a_required_field_is_not_emptied() -> None:
    assert put(form(item("f", is_required=True)), {"en": {"f": ""}}, {"gid-f": "x"}) == ({"gid-f": "x"}, ["required"])


def test_a_localized_field_changes_in_the_languages_that_were_sent() -> None:
    shape = form(item("f", is_localized=True))
    content, _ = put(shape, {"en": {"f": "one"}, "nl": {"gid-f": "een"}})
    assert content == {"gid-f": {"en": "one", "nl": "een"}}
    assert put(shape, {"en": {"f": None}}, content)[0] == {"gid-f": {"nl": "een"}}
    assert put(shape, {"en": {"f": 5}, "nl": {"f": "twee"}}, content) == (
        {"gid-f": {"en": "one", "nl": "twee"}},
        ["invalid_type"],
    )
    assert shape.title(content, LANGUAGES) == {"en": "one", "nl": "een"}


def test_any_other_field_says_the_same_in_all_languages() -> None:
    shape = form(item("f", "number"))
    assert put(shape, {"en": {"f": 1}, "nl": {"f": 1}}) == ({"gid-f": 1}, [])
    assert put(shape, {"en": {"f": 1}, "nl": {"f": 2}}) == ({}, ["ambiguous_value"])
    assert put(shape, {"en": {"f": 1}, "nl": {"f": "x"}}) == ({}, ["invalid_type"])
    assert shape.show({"gid-f": 1}, LANGUAGES) == {"en": {"f": 1}, "nl": {"f": 1}}


@pytest.mark.parametrize(
    "sent",
    [
        {"en": {"f": "Red"}}, {"nl": {"f": "Rood"}}, {"en": {"f": "r"}}, {"en": {"f/key": "r"}},
        {"en": {"f": "Red"}, "nl": {"f": "Rood"}}, {"en": {"f": "Blue", "gid-f/key": "r"}},
    ],
)  # fmt: skip
def test_one_of_a_list_of_values_is_kept_by_its_key(sent: dict[str, dict[str, Any]]) -> None:
    shape = form(item("f", options={"values": COLOURS}))
    content, faults = put(shape, sent)
    assert (content, faults) == ({"gid-f": "r"}, [])
    assert shape.show(content, LANGUAGES) == {"en": {"f": "Red", "f/key": "r"}, "nl": {"f": "Rood", "f/key": "r"}}
    assert "'nl:rood'" in shape.words(content)


def test_what_is_in_no_list_of_values_is_refused() -> None:
    shape = form(item("f", "textlist", options={"values": COLOURS}), item("g"))
    assert put(shape, {"en": {"f": ["Red", "Rood"]}}) == ({}, ["not_listed"])
    assert put(shape, {"en": {"f/key": ["Red"]}}) == ({}, ["not_listed"])
    assert put(shape, {"en": {"g/key": "x"}}) == ({}, ["unknown_field"])
    assert put(shape, {"nl": {"f": ["Rood", "b"]}})[0] == {"gid-f": ["r", "b"]}


PARTS = (item("w", "number"), item("t", is_localized=True), item("k", options={"values": COLOURS}))


def test_a_class_is_taken_whole_or_not_at_all() -> None:
    shape = form(item("f", "class", options={"class": "c"}), parts=PARTS)
    content, faults = put(shape, {"en": {"f": {"w": 5, "t": "five", "k": "Red"}}})
    assert (content, faults) == ({"gid-f": {"gid-w": 5, "gid-t": {"en": "five"}, "gid-k": "r"}}, [])
    assert put(shape, {"en": {"f": {"w": 6, "t": 5}}}, content) == (content, ["invalid_type"])
    assert put(shape, {"en": {"f": {"w": 6, "x": 5}}}, content) == (content, ["unknown_field"])
    shown = shape.show(content, LANGUAGES)
    assert shown["nl"]["f"] == {"w": 5, "t": None, "k": "Rood", "k/key": "r"}
    both, _ = put(shape, {"nl": {"f": {"w": 7, "t": "zeven"}}}, content)
    assert both == {"gid-f": {"gid-w": 7, "gid-t": {"en": "five", "nl": "zeven"}}}
    assert put(shape, {"en": {"f": {"w": 1, "t": "a"}}, "nl": {"f": {"w": 1, "t": "b"}}})[0]["gid-f"]["gid-t"] == {
        "en": "a",
        "nl": "b",
    }
    assert put(shape, {"en": {"f": {"w": 1}}, "nl": {"f": {"w": 2}}}) == ({}, ["ambiguous_value"])


def test_entries_of_a_class_list_keep_their_other_languages_by_place() -> None:
    shape = form(item("f", "classlist", options={"class": "c"}), parts=PARTS)
    content, _ = put(shape, {"en": {"f": [{"t": "one"}, {"t": "two"}]}})
    content, _ = put(shape, {"nl": {"f": [{"t": "een"}]}}, content)
    assert content == {"gid-f": [{"gid-t": {"en": "one", "nl": "een"}}]}
    assert shape.show(content, ["en"])["en"]["f"] == [{"w": None, "t": "one", "k": None, "k/key": None}]


def test_a_localized_class_has_one_value_for_each_language() -> None:
    shape = form(item("f", "class", options={"class": "c"}, is_localized=True), parts=PARTS)
    content, _ = put(shape, {"en": {"f": {"w": 1, "t": "a"}}, "nl": {"f": {"w": 2}}})
    assert content == {"gid-f": {"en": {"gid-w": 1, "gid-t": "a"}, "nl": {"gid-w": 2}}}
    assert shape.show(content, LANGUAGES)["nl"]["f"]["w"] == 2


def test_a_class_that_holds_itself_ends_somewhere() -> None:
    inner = item("f", "class", options={"class": "c"})
    shape = form(inner, parts=(inner, item("w")))
    content, faults = put(shape, {"en": {"f": {"w": "x"}}})
    assert (content, faults) == ({"gid-f": {"gid-w": "x"}}, [])


def test_a_new_record_says_what_its_fields_say_from_the_start() -> None:
    shape = form(
        item("a", is_localized=True, initial={"en": "new", "nl": "nieuw"}), item("b", "number", initial={"en": 3, "nl": 4}),
        item("c", options={"values": COLOURS}, initial={"key": "b"}), item("d", "number", initial={"en": "no number"}),
    )  # fmt: skip
    assert initial_content(shape, LANGUAGES, settings().limits) == {
        "gid-a": {"en": "new", "nl": "nieuw"}, "gid-b": 3, "gid-c": "b"
    }  # fmt: skip
