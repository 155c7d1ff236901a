"""Random selections of schema items, against a plain evaluation of every item."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.catalogue.schema_items import LAYOUT, Item
from models.db import Session, driver, transaction
from models.selection import resolve
from models.selection.catalogue_spaces import read_selection, space_of
from models.selection.spaces import Space
from tests.models.selection.catalogue_oracle import answers, has, terms, words
from tests.models.selection.catalogue_world import LANGUAGES, World, new_world

pytestmark = pytest.mark.usefixtures("database")

FULL = os.environ.get("WAYBILL_FAULTS") == "full"
EXAMPLES = 500 if FULL else 60
UNKNOWN = "99999999-9999-4999-8999-999999999999"
SAID = ("title", "label", "etiket", "thing", "only", "english", "not", "yet", "tit*", '"title label"', "missing")
QUERIES = st.lists(
    st.builds("".join, st.tuples(st.sampled_from(["", "", "+", "-"]), st.sampled_from(SAID))), min_size=1, max_size=3
).map(" ".join)
CONDITIONS = st.one_of(
    st.sampled_from([["type", "is", kind] for kind in ("definition", "class", "field")]),
    st.sampled_from([["is_committed", "is_true"], ["is_committed", "is_false"]]),
    st.tuples(st.just("name"), st.just("is"), st.sampled_from(["title", "THING", "more", "none"])).map(list),
    st.tuples(st.just("label"), st.just("is"), st.sampled_from(["Title label", "a thing", "not yet", "title etiket"])).map(list),
    st.tuples(st.sampled_from(["name", "label"]), st.just("q"), QUERIES).map(list),
)


def _either(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, min_size=1, max_size=3)
    together = st.tuples(st.sampled_from(["and", "or"]), st.just(""), lists).map(list)
    return together | inner.map(lambda term: ["not", "", term])


def _selections(gids: list[str]) -> st.SearchStrategy[list[Any]]:
    named = st.sampled_from([*gids, UNKNOWN])
    asked = st.fixed_dictionaries(
        {"language": st.sampled_from(LANGUAGES)},
        optional={"q": QUERIES | st.just(""), "filter": st.recursive(CONDITIONS, _either, max_leaves=4) | st.just([])},
    )
    searches = st.fixed_dictionaries({"search": asked}, optional={"exclude": st.lists(named, max_size=5)})
    return st.lists(named | searches, min_size=1, max_size=4)


def _texts(item: Item, language: str) -> list[list[str]]:
    label = (item.body.get("label") or {}).get(language) or ""
    return [words(item.name), words(label)]


def _holds(tree: list[Any], item: Item, language: str) -> bool:
    name, operator, operand = (*tree, None)[:3]
    label = (item.body.get("label") or {}).get(language)
    match name:
        case "and" | "or":
            held = [_holds(term, item, language) for term in operand]
            return all(held) if name == "and" else any(held)
        case "not":
            return not _holds(operand, item, language)
        case "type":
            return bool(item.kind == operand)
        case "is_committed":
            return item.is_committed == (operator == "is_true")
        case _:
            text = item.name if name == "name" else label
            if operator == "is":
                return text is not None and text.lower() == operand.lower()
            return answers(operand, [words(text or "")])


def _found(item: Item, search: dict[str, Any]) -> bool:
    q, tree, language = (search.get("q") or "").strip(), search.get("filter") or None, search["language"]
    if not q and tree is None:
        return False
    return (not q or answers(q, _texts(item, language))) and (tree is None or _holds(tree, item, language))


def _score(item: Item, search: dict[str, Any]) -> int:
    said = _texts(item, search["language"])
    return len({term for sign, term in terms(search.get("q") or "") if sign == "" and has(term, said)})


def _resolved(session: Session, world: World, space: Space, sent: list[Any]) -> list[int | str]:
    resolve.members(session, world.people["owner"], read_selection(sent, space), space)
    rows = (
        driver(session).execute("SELECT seq, coalesce(to_json(record_id), to_json(target)) FROM members ORDER BY seq").fetchall()
    )
    assert [row[0] for row in rows] == list(range(len(rows)))
    return [row[1] for row in rows]


def _expected(session: Session, world: World, space: Space, sent: list[Any], items: dict[str, Item]) -> list[int | str]:
    expected: list[int | str] = []
    for entry in sent:
        if isinstance(entry, str):
            expected.append(items[entry].id if entry in items else entry)
            continue
        own = _resolved(session, world, space, [entry])
        left_out = set(entry.get("exclude") or ())
        named = {item.id for item in items.values() if item.gid not in left_out and _found(item, entry["search"])}
        assert set(own) == named, entry
        by_id = {item.id: item for item in items.values()}
        scores = [_score(by_id[int(member)], entry["search"]) for member in own]
        assert scores == sorted(scores, reverse=True), entry
        expected += own
    return list(dict.fromkeys(expected))


@pytest.mark.timeout(1_800 if FULL else 240)
def test_random_selections_name_what_a_plain_evaluation_names() -> None:
    with transaction() as session:
        world = new_world(session)
    items = {item.gid: item for item in world.schema.by_gid.values() if item.kind != LAYOUT}

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_selections(list(items)))
    def check(sent: list[Any]) -> None:
        space = space_of("schema", world.project, world.schema)
        with transaction() as session:
            expected = _expected(session, world, space, sent, items)
            assert _resolved(session, world, space, sent) == expected
            known = {member for member in expected if isinstance(member, int)}
            selection, everything = read_selection(sent, space), [item.id for item in items.values()]
            assert resolve.matching(session, world.people["owner"], selection, everything, space) == known
            session.rollback()

    check()
