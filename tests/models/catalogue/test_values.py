"""What becomes of values when their field changes."""

from __future__ import annotations

from typing import Any

import pytest

from models.catalogue.content import Form, Shape
from models.catalogue.schema_items import Item
from models.catalogue.values import lost_or_changed, take_over

LANGUAGES = ("en", "nl")


def shape(kind: str, *, localized: bool = False, parts: tuple[Shape, ...] = (), gid: str = "f") -> Shape:
    return Shape(gid, gid, kind, localized, False, None, parts)


def form(*shapes: Shape) -> Form:
    return Form(definition=Item(1, "d", "definition", "d"), shapes=shapes, titlefield=None, project_id=1, initials={})


@pytest.mark.parametrize(
    ("old", "new", "value", "expected"),
    [
        ("textline", "text", "x", "x"),
        ("text", "barcode", "x", "x"),
        ("number", "decimal", 7, 7.0),
        ("number", "textline", 7, "7"),
        ("textline", "number", "7", None),
        ("decimal", "boolean", 1.5, None),
        ("textline", "textlist", "x", ["x"]),
        ("textlist", "text", ["x", "y"], "x"),
        ("textlist", "number", ["x"], None),
        ("image", "file", "gid", "gid"),
        ("imagelist", "filelist", ["gid"], ["gid"]),
        ("imagelist", "recordlist", ["gid"], None),
        ("record", "recordlist", "gid", ["gid"]),
    ],
)
def test_a_value_follows_the_type_where_it_fits(old: str, new: str, value: Any, expected: Any) -> None:
    before, after = form(shape(old)), form(shape(new))
    assert lost_or_changed(before, after) == ["f"]
    kept = {} if expected is None else {"f": expected}
    assert take_over({"f": value, "other": 1}, before, after, LANGUAGES) == {"other": 1} | kept


def test_languages_come_and_go() -> None:
    plain, localized = form(shape("text")), form(shape("text", localized=True))
    assert take_over({"f": "x"}, plain, localized, LANGUAGES) == {"f": {"en": "x", "nl": "x"}}
    assert take_over({"f": {"nl": "x", "de": "y"}}, localized, plain, LANGUAGES) == {"f": "x"}
    assert take_over({"f": {"de": "y"}}, localized, plain, LANGUAGES) == {}


def test_what_did_not_change_is_not_touched() -> None:
    same = form(shape("text"), shape("number", gid="n"))
    assert lost_or_changed(same, same) == []
    assert lost_or_changed(same, form(shape("text"))) == ["n"]
    assert take_over({"f": "x", "n": 1}, same, form(shape("text")), LANGUAGES) == {"f": "x", "n": 1}


@pytest.mark.parametrize("localized", [False, True])
def test_parts_of_classes_follow_their_fields(localized: bool) -> None:
    parts = (shape("number", gid="a"), shape("text", gid="b", localized=True), shape("text", gid="c"))
    changed = (shape("decimal", gid="a"), shape("text", gid="b"))
    before, after = (
        form(shape("class", parts=parts, localized=localized)),
        form(shape("class", parts=changed, localized=localized)),
    )
    inner = {"a": 1, "b": "x" if localized else {"nl": "x"}, "c": "y"}
    expected = {"a": 1.0, "b": "x"}
    value, taken = ({"en": inner}, {"en": expected}) if localized else (inner, expected)
    assert take_over({"f": value}, before, after, LANGUAGES) == {"f": taken}


def test_a_class_becomes_a_list_of_classes_and_back() -> None:
    parts = (shape("number", gid="a"),)
    one, more = form(shape("class", parts=parts)), form(shape("classlist", parts=parts))
    assert take_over({"f": {"a": 1}}, one, more, LANGUAGES) == {"f": [{"a": 1}]}
    assert take_over({"f": [{"a": 1}, {"a": 2}]}, more, one, LANGUAGES) == {"f": {"a": 1}}
