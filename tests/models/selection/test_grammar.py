"""The grammar of selections: what is read, what is refused and where."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidSelection, Refused, TooManyItems
from models.selection.grammar import (
    Children,
    Combination,
    Condition,
    Face,
    Ids,
    Kind,
    Search,
    Selection,
    dump_selection,
    parse_selection,
)
from models.selection.search import FACE
from models.settings import settings

LIMITS = settings().limits


def _gid(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidSelection("This is no gid.")
    return value


TREES = Face(frozenset(Kind), _gid, lambda name: name, frozenset({"is", "q"}), frozenset({"q", "filter", "language"}))


def _search(**asked: Any) -> list[Any]:
    return [{"search": asked}]


def _filter(*condition: Any) -> list[Any]:
    return _search(filter=list(condition))


def test_ids_in_every_form_name_the_same_records() -> None:
    forms = [1453, "1453", {"rid": 1453}, "xyz/north/R1", {"lab_id": "xyz/north", "lab_record_id": "R1"}]

    selection = parse_selection(forms, FACE)

    pointers = tuple(f"/selection/{at}" for at in range(5))
    assert selection == Selection((Ids(("1453", "1453", "1453", "xyz/north/R1", "xyz/north/R1"), pointers),))


def test_a_dot_in_an_object_id_survives_storing() -> None:
    selection = parse_selection([{"lab_id": "xyz/north", "lab_record_id": "R.1/2%41"}], FACE)

    assert parse_selection(dump_selection(selection), FACE) == selection


def test_entries_keep_their_order_and_runs_of_ids_stay_together() -> None:
    selection = parse_selection(["1", "2", {"search": {"q": "cms"}, "exclude": ["3"]}, "4"], FACE)

    assert [type(entry) for entry in selection.entries] == [Ids, Search, Ids]
    assert selection.entries[1].exclude == ("3",)
    assert selection.entries[2] == Ids(("4",), ("/selection/3",))


def test_a_filter_is_a_tree_with_pointers() -> None:
    short = ["or", ["zygosity", "is", "mosaic"], ["not", ["age", "exists"]]]

    entry = parse_selection(_search(filter=short), FACE).entries[0]

    assert isinstance(entry, Search)
    base = "/selection/0/search/filter"
    negated = Combination("not", (Condition("age", "exists", None, f"{base}/2/1"),))
    assert entry.filter == Combination("or", (Condition("zygosity", "is", "mosaic", f"{base}/1"), negated))


def test_the_longer_spelling_of_combinations_is_read_too() -> None:
    long = ["and", "", [["definition", "is", "x"], ["not", "", ["name", "q", "y"]]]]

    entry = parse_selection(_search(filter=long), TREES).entries[0]

    base = "/selection/0/search/filter"
    negated = Combination("not", (Condition("name", "q", "y", f"{base}/2/1/2"),))
    assert isinstance(entry, Search)
    assert entry.filter == Combination("and", (Condition("definition", "is", "x", f"{base}/2/0"), negated))


def test_children_are_read_where_a_face_has_them() -> None:
    sent = [{"children": "g9", "exclude": ["g1"], "channel": "c", "ordering": "o"}]

    selection = parse_selection(sent, TREES)

    assert selection.entries == (Children("g9", ("g1",), "c", "o", "/selection/0"),)
    assert dump_selection(selection) == sent


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        (None, "/selection"),
        ({}, "/selection"),
        ("1453", "/selection"),
        ([], "/selection"),
        ([True], "/selection/0"),
        ([1.5], "/selection/0"),
        (["1", None], "/selection/1"),
        (["nonsense"], "/selection/0"),
        (["1453.1557189685.485863"], "/selection/0"),
        ([{"lab_id": "xyz/north"}], "/selection/0"),
        ([{}], "/selection/0"),
        ([{"exclude": ["1"]}], "/selection/0"),
        ([{"children": "1"}], "/selection/0/children"),
        ([{"children": "1", "search": {}}], "/selection/0"),
        (["1", {"search": {}, "include": []}], "/selection/1/include"),
        ([{"search": []}], "/selection/0/search"),
        ([{"search": {"language": "nl"}}], "/selection/0/search/language"),
        ([{"search": {"q": 5}}], "/selection/0/search/q"),
        ([{"search": {"q": "\x00"}}], "/selection/0/search/q"),
        ([{"search": {"q": "\ud800"}}], "/selection/0/search/q"),
        ([{"search": {"q": "a"}, "exclude": "1"}], "/selection/0/exclude"),
        ([{"search": {"q": "a"}, "exclude": ["1", "?"]}], "/selection/0/exclude/1"),
        (_search(filter="age"), "/selection/0/search/filter"),
        (_search(filter={"age": 1}), "/selection/0/search/filter"),
        (_filter(5, "is", 1), "/selection/0/search/filter"),
        (_filter("age"), "/selection/0/search/filter"),
        (_filter("age", 5), "/selection/0/search/filter/1"),
        (_filter("age", "like", "%"), "/selection/0/search/filter/1"),
        (_filter("no_such_key", "exists"), "/selection/0/search/filter/0"),
        (_filter("age", "is", "3", "4"), "/selection/0/search/filter/3"),
        (_filter("and"), "/selection/0/search/filter"),
        (_filter("and", "", []), "/selection/0/search/filter/2"),
        (_filter("and", ["age", "exists"], []), "/selection/0/search/filter/2"),
        (_filter("not", ["age", "exists"], ["age", "exists"]), "/selection/0/search/filter"),
        (_filter("or", ["age", "exists"], ["not", ["nothing", "exists"]]), "/selection/0/search/filter/2/1/0"),
    ],
)
def test_what_is_no_selection_is_refused_by_place(sent: Any, pointer: str) -> None:
    with pytest.raises(InvalidSelection) as refusal:
        parse_selection(sent, FACE)

    assert refusal.value.pointer == pointer


def test_an_empty_search_means_everything_only_where_that_is_allowed() -> None:
    for empty in ({}, {"q": "", "filter": []}, {"q": " ", "filter": None}):
        plain = parse_selection([{"search": empty}], FACE).entries[0]
        allowed = parse_selection([{"search": empty}], FACE, allow_all=True).entries[0]
        assert isinstance(plain, Search) and isinstance(allowed, Search)
        assert (plain.everything, allowed.everything) == (False, True)


def test_storing_an_empty_search_never_makes_it_everything() -> None:
    selection = parse_selection(["1", {"search": {}}], FACE)

    assert dump_selection(selection) == ["1"]


def test_a_search_with_a_filter_is_never_everything() -> None:
    entry = parse_selection(_filter("age", "exists"), FACE, allow_all=True).entries[0]

    assert isinstance(entry, Search) and not entry.everything


def test_limits_are_named() -> None:
    ids = [{"search": {"q": "a"}, "exclude": ["1"] * LIMITS.selection_entries}]
    terms = _filter("and", *[["age", "exists"]] * (LIMITS.filter_terms + 1))
    for sent, limit in ((ids, LIMITS.selection_entries), (terms, LIMITS.filter_terms)):
        with pytest.raises(TooManyItems) as refusal:
            parse_selection(sent, FACE)
        assert refusal.value.members["limit"] == limit


def test_a_deep_filter_is_refused() -> None:
    deep: list[Any] = ["age", "exists"]
    for _ in range(LIMITS.depth + 1):
        deep = ["not", deep]
    with pytest.raises(InvalidSelection):
        parse_selection(_search(filter=deep), FACE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["and", "not", "age", "is"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["search", "q", "filter", "exclude", "rid"]), inner)
    ),
    max_leaves=20,
)


@given(JSON | st.lists(JSON, min_size=1, max_size=4))
def test_any_json_is_read_or_refused(sent: Any) -> None:
    try:
        selection = parse_selection(sent, FACE, allow_all=True)
    except Refused:
        return
    again = parse_selection(dump_selection(selection), FACE, allow_all=True)
    assert dump_selection(again) == dump_selection(selection)
