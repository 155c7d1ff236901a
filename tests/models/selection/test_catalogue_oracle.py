"""Random selections of records and assets, against a plain evaluation of every item."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import ids
from models.db import Session, driver, transaction
from models.selection import resolve
from models.selection.catalogue_spaces import read_selection, space_of
from models.selection.spaces import Space
from tests.factories import CHANNELS, ORDERINGS
from tests.models.selection import catalogue_oracle as oracle
from tests.models.selection.catalogue_world import AGES, FIELDS, LANGUAGES, WORDS, World, gid_of, new_world

pytestmark = pytest.mark.usefixtures("database")

FULL = os.environ.get("WAYBILL_FAULTS") == "full"
EXAMPLES = 500 if FULL else 60
UNKNOWN = "99999999-9999-4999-8999-999999999999"
PHRASES = st.lists(st.sampled_from(WORDS), min_size=2, max_size=2).map(lambda pair: f'"{pair[0]} {pair[1]}"')
TERM = st.builds("".join, st.tuples(st.sampled_from(["", "", "+", "-"]), st.sampled_from([*WORDS, "gr*", "missing"]) | PHRASES))
QUERIES = st.lists(TERM, min_size=1, max_size=3).map(" ".join)
MOMENTS = [ids.now().timestamp() - 86_400 * (age + 0.1) for age in AGES]
TIMES = st.one_of(
    st.tuples(st.just("updated_on"), st.sampled_from(["<", ">"]), st.sampled_from([[1, "days"], [2, "days"], [5.5, "days"]])),
    st.tuples(st.just("updated_on"), st.just("between"), st.lists(st.sampled_from(MOMENTS), min_size=2, max_size=2)),
).map(list)
CHECKS = st.sampled_from(["is_empty", "not_translated", "any"])


def _either(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(lists.map(lambda terms: ["and", "", terms]), lists.map(lambda terms: ["or", "", terms]),
                     inner.map(lambda term: ["not", "", term]))  # fmt: skip


def _record_conditions(world: World) -> st.SearchStrategy[list[Any]]:
    gids = [item.gid for item in world.records.values()]
    values: dict[str, list[Any]] = {
        "title": ["red", "red blue", "x1", None], "text": ["stone"], "size": [0, 3, 3.0], "flag": [True, False],
        "tags": ["red", ["red", "red"]], "state": ["k1", "new", "nieuw", "old"], "near": gids, "extra": ["box"],
    }  # fmt: skip
    return st.one_of(
        TIMES,
        st.sampled_from([["definition", "is", gid_of("definition", name)] for name in ("thing", "other", "thing, extended")]),
        st.just(["definition", "is", UNKNOWN]),
        st.just(["classes", "has", "more"]),
        st.tuples(st.just("validation"), CHECKS, st.none() | st.sampled_from(list(FIELDS))).map(list),
        st.sampled_from([["value", "is", [gid_of("field", name), value]] for name, some in values.items() for value in some]),
        st.tuples(st.just("value"), st.sampled_from(["<", ">"]), st.just([gid_of("field", "size"), 2])).map(list),
        st.just(["value", "between", [gid_of("field", "size"), [1, 3]]]),
        st.just(["value", "in", [gid_of("field", "title"), ["red", "blue", "box"]]]),
        st.just(["value", "is", [UNKNOWN, 1]]),
    )  # fmt: skip


def _asset_conditions(world: World) -> st.SearchStrategy[list[Any]]:
    names = [item.name for item in world.assets.values()]
    return st.one_of(
        TIMES,
        st.tuples(st.just("name"), st.just("is"), st.sampled_from([*names, names[0].upper()])).map(list),
        st.tuples(st.just("name"), st.just("q"), QUERIES).map(list),
        st.sampled_from([["type", "is", "image"], ["type", "is", "video"], ["ext", "is", "pdf"]]),
        st.tuples(st.just("validation"), CHECKS, st.none() | st.sampled_from(["title", "description"])).map(list),
    )


def _selections(world: World, kind: str) -> st.SearchStrategy[list[Any]]:
    items = world.records if kind == "records" else world.assets
    gids = st.sampled_from([*(item.gid for item in items.values()), UNKNOWN])
    conditions = _record_conditions(world) if kind == "records" else _asset_conditions(world)
    asked = st.fixed_dictionaries(
        {"language": st.sampled_from(LANGUAGES)},
        optional={"q": QUERIES | st.just(""), "filter": st.recursive(conditions, _either, max_leaves=4) | st.just([])},
    )
    exclude = {"exclude": st.lists(gids, max_size=5)}
    places = {"channel": st.sampled_from([*CHANNELS.values(), "__all__"]), "ordering": st.sampled_from(list(ORDERINGS.values()))}
    searches = st.fixed_dictionaries({"search": asked}, optional=exclude)
    children = st.fixed_dictionaries({"children": gids}, optional={**exclude, **(places if kind == "records" else {})})
    return st.lists(gids | searches | children, min_size=1, max_size=4)


def _resolved(session: Session, world: World, space: Space, sent: list[Any]) -> list[int | str]:
    selection = read_selection(sent, space)
    resolve.members(session, world.people["owner"], selection, space)
    sql = "SELECT seq, coalesce(to_json(record_id), to_json(target)) FROM members ORDER BY seq"
    rows = driver(session).execute(sql).fetchall()
    assert [row[0] for row in rows] == list(range(len(rows)))
    return [row[1] for row in rows]


def _expected(session: Session, world: World, space: Space, kind: str, sent: list[Any]) -> list[int | str]:
    """Put the entries one after the other; the order of a search is its own, looked at below."""
    expected: list[int | str] = []
    for entry in sent:
        named = oracle.members(world, kind, entry)
        if isinstance(named, set):
            own = _resolved(session, world, space, [entry])
            assert set(own) == named, entry
            items = world.records if kind == "records" else world.assets
            scores = [oracle.score(world, kind, entry["search"], items[int(member)]) for member in own]
            assert scores == sorted(scores, reverse=True), entry
            named = own
        expected += named
    return list(dict.fromkeys(expected))


@pytest.mark.timeout(1_800 if FULL else 240)
@pytest.mark.parametrize("kind", ["records", "assets"])
def test_random_selections_name_what_a_plain_evaluation_names(kind: str) -> None:
    with transaction() as session:
        world = new_world(session)
    items = world.records if kind == "records" else world.assets

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_selections(world, kind), st.integers(1, 9))
    def check(sent: list[Any], size: int) -> None:
        space = space_of(kind, world.project, world.schema)
        with transaction() as session:
            expected = _expected(session, world, space, kind, sent)
            assert _resolved(session, world, space, sent) == expected
            known = [member for member in expected if isinstance(member, int)]
            selection = read_selection(sent, space)
            owner = world.people["owner"]
            assert resolve.matching(session, owner, selection, list(items), space) == set(known)
            first = resolve.resolve(session, owner, selection, resolve.FirstPage(size, b""), space)
            assert first.total == len(known)
            read = first.members
            while first.selection_id and len(read) < first.total:
                total, page = resolve.page(session, first.selection_id, len(read), size)
                assert total == len(known)
                read = read + page
            assert read == list(enumerate(known))
            session.rollback()

    check()
