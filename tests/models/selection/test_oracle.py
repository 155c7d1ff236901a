"""Random selections by random callers, against a plain evaluation of every record."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.classifications.keys import key_set
from models.db import Session, driver, transaction
from models.selection import resolve
from models.selection.grammar import Search, parse_selection
from models.selection.operands import BY_VALUE_TYPE
from models.selection.search import FACE, ranked_hits
from tests.factories import LABS
from tests.models.selection import oracle
from tests.models.selection.world import START, World, new_world

pytestmark = pytest.mark.usefixtures("database")

SIZE = 60
WORDS = ("ataxia", "cardio", "cardiomyopathy", "renal", "brca1", "r7", "x1")
POOLS: dict[str, list[Any]] = {
    "gene_symbol": ["BRCA1", "CBS", "TP53"],
    "clinical_significance": ["VUS", "P", "B", "not an option"],
    "zygosity": ["heterozygous", "mosaic"],
    "acmg:pvs1": ["PVS", "PS", "NM"],
    "mode_of_inheritance": [["autosomal_dominant"], ["autosomal_dominant", "x_linked"], ["x_linked"]],
    "gnomad_af": [0, 0.1, 0.25, 1, "unusable"],
    "copy_number": [0, 3, 7],
    "curation_date": ["2024-01-02", "2024-1-2", "2023-12-31", "last week"],
    "condition": ["ataxia cardio", "cardiomyopathy", "renal ataxia", "R7"],
    "interpretation_summary": ["ataxia", "BRCA1 renal"],
    "curated_by": ["ann", "ben"],
    "somatic:summary_interpretation": ["ataxia", "renal"],
    "nmd_escaping_variant": [True, False],
    "autopopulate": ["x1"],
    "owner": ["ann"],
}
UNUSABLE = ("not an option", "unusable", "last week")
TIMES = [(START.timestamp() + 60 * minutes) for minutes in (0, 7, 20, 41, 59)]


def _cells(dice: random.Random) -> dict[str, Any]:
    values: dict[str, Any] = {key: dice.choice(pool) for key, pool in POOLS.items() if dice.random() < 0.55}
    for key in ("condition", "gnomad_af", "zygosity"):
        if dice.random() < 0.2:
            cell = {"note": dice.choice(WORDS)}
            values[key] = {**cell, "value": values[key]} if key in values else {**cell, "value": None}
    return values


def _random_world(session: Session) -> World:
    dice = random.Random(7)
    world = new_world(session)
    owners = [person.user_id for person in world.people.values()]
    for number in range(SIZE):
        live = dice.choice((1, 1, 2, 3, 4))
        world.add(
            session,
            dice.choice(LABS),
            f"R{number}",
            _cells(dice),
            live=live,
            share=dice.choice((1, 2, 3, 4)),
            withdrawn=dice.random() < 0.15,
            owner=dice.choice(owners),
            snapshots={level: _cells(dice) for level in (2, 3, 4) if level > live and dice.random() < 0.4},
        )
    driver(session).execute("ANALYZE records")
    return world


def _operand(name: str) -> st.SearchStrategy[Any]:
    usable = [value for value in POOLS[name] if value not in UNUSABLE]
    return st.sampled_from(usable)


@st.composite
def _key_conditions(draw: st.DrawFn) -> list[Any]:
    name = draw(st.sampled_from(sorted(POOLS)))
    operators = ["is", "is_not", "in", "exists", "missing"]
    if name in ("gnomad_af", "copy_number", "curation_date"):
        operators += ["<", ">", "between"]
    if name in ("condition", "interpretation_summary", "curated_by", "somatic:summary_interpretation"):
        operators += ["q", "q"]
    if name == "mode_of_inheritance":
        operators += ["has", "has"]
    operator = draw(st.sampled_from(operators))
    match operator:
        case "exists" | "missing":
            return [name, operator]
        case "in":
            return [name, operator, draw(st.lists(_operand(name), min_size=1, max_size=3))]
        case "between":
            return [name, operator, draw(st.lists(_operand(name), min_size=2, max_size=2))]
        case "q":
            return [name, operator, draw(QUERIES)]
        case _:
            return [name, operator, draw(_operand(name))]


@st.composite
def _property_conditions(draw: st.DrawFn) -> list[Any]:
    name = draw(
        st.sampled_from(["lab", "organisation", "publish", "withdrawn", "created_on", "updated_on", "published_on", "version"])
    )
    match name:
        case "lab":
            return [name, draw(st.sampled_from(["is", "is_not"])), draw(st.sampled_from([*LABS, "none/such"]))]
        case "organisation":
            return [name, "in", draw(st.lists(st.sampled_from(["north", "south", "east"]), min_size=1))]
        case "publish":
            word = st.sampled_from(["lab", "institution", "logged_in_users", "public"])
            return [name, draw(st.sampled_from(["is", "<", ">"])), draw(word)]
        case "withdrawn":
            return [name, draw(st.sampled_from(["is", "is_not"])), draw(st.booleans())]
    operator = draw(st.sampled_from(["<", ">", "is", "between", "exists", "missing"]))
    match operator:
        case "exists" | "missing":
            return [name, operator]
        case "between":
            return [name, operator, [draw(st.sampled_from(TIMES)), draw(st.sampled_from(TIMES))]]
    return [name, operator, draw(st.sampled_from(TIMES))]


TERM = st.builds("".join, st.tuples(st.sampled_from(["", "", "+", "-"]), st.sampled_from([*WORDS, "cardio*", "re*", "missing"])))
QUERIES = st.lists(TERM, min_size=1, max_size=3).map(" ".join)
FILTERS = st.recursive(
    _key_conditions() | _property_conditions(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda terms: ["and", *terms]),
        st.lists(inner, min_size=1, max_size=3).map(lambda terms: ["or", *terms]),
        inner.map(lambda term: ["not", term]),
    ),
    max_leaves=5,
)


def _ids(world: World) -> st.SearchStrategy[str]:
    both = [str(record_id) for record_id in world.records]
    both += [f"{record.lab.group_name}/{record.lab_record_id}" for record in world.records.values()]
    return st.sampled_from([*both, "999999999", "north/one/none", "none/such/R1"])


def _selections(world: World) -> st.SearchStrategy[list[Any]]:
    ids = _ids(world)
    asked = st.fixed_dictionaries({}, optional={"q": QUERIES, "filter": FILTERS})
    searches = st.fixed_dictionaries({"search": asked}, optional={"exclude": st.lists(ids, max_size=4)})
    return st.lists(ids | searches | searches, min_size=1, max_size=4)


def _every_condition() -> list[list[Any]]:
    """Each key with each of its operators and usable values, and each property with each of its operators."""
    found: list[list[Any]] = []
    for name, pool in POOLS.items():
        key = key_set().get(name)
        assert key
        values = [value for value in pool if value not in UNUSABLE]
        listed = [values[:2]] if name != "mode_of_inheritance" else [values, values[1:]]
        operands = {"exists": [None], "missing": [None], "in": listed, "between": [sorted(values, key=str)[:2]], "q": WORDS}
        for operator in sorted(BY_VALUE_TYPE[key.value_type]):
            asked = operands.get(operator, values)
            found += [[name, operator] if operand is None else [name, operator, operand] for operand in asked]
    for name in ("created_on", "updated_on", "published_on", "version"):
        found += [[name, operator, TIMES[1]] for operator in ("is", "is_not", "<", ">")]
        found += [[name, "between", TIMES[1:3]], [name, "exists"], [name, "in", TIMES[:2]]]
    for name, values in {"lab": [*LABS, "none/such"], "organisation": ["north", "east"], "publish": ["lab", "public"]}.items():
        found += [[name, operator, value] for value in values for operator in ("is", "is_not")]
    return [*found, ["withdrawn", "is", True], ["withdrawn", "is_not", True], ["publish", "between", ["institution", "public"]]]


def test_each_condition_alone_turned_round_and_beside_another() -> None:
    other = ["copy_number", ">", 2]
    with transaction() as session:
        world = _random_world(session)
        for principal in (world.people[name] for name in ("ann", "cat")):
            seen = oracle.visible(world, principal)
            for condition in _every_condition():
                for tree in (condition, ["not", condition], ["or", condition, other], ["and", other, condition]):
                    (entry,) = parse_selection([{"search": {"filter": tree}}], FACE).entries
                    assert isinstance(entry, Search)
                    hits = session.execute(ranked_hits(entry, principal, (), 1_000)).all()
                    expected = {record_id for record_id, item in seen.items() if oracle.found({"filter": tree}, item)}
                    assert {hit.record_id for hit in hits} == expected, tree


def _members(session: Session) -> list[int | str]:
    rows = (
        driver(session).execute("SELECT seq, coalesce(to_json(record_id), to_json(target)) FROM members ORDER BY seq").fetchall()
    )
    assert [row[0] for row in rows] == list(range(len(rows)))
    return [row[1] for row in rows]


def test_random_selections_name_what_a_plain_evaluation_names() -> None:
    with transaction() as session:
        world = _random_world(session)
    principals = st.sampled_from(list(world.people.values()))

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(principals, _selections(world), st.integers(1, 9))
    def check(principal: Any, sent: list[Any], size: int) -> None:
        expected = oracle.resolved(world, principal, sent)
        known = [member for member in expected if isinstance(member, int)]
        selection = parse_selection(sent, FACE)
        with transaction() as session:
            resolve.members(session, principal, selection)
            assert _members(session) == expected
            assert resolve.matching(session, principal, selection, list(world.records)) == set(known)
            first = resolve.resolve(session, principal, selection, resolve.FirstPage(size, b""))
            assert first.total == len(known)
            read = first.members
            while first.selection_id and len(read) < first.total:
                read = read + resolve.page(session, first.selection_id, len(read), size)[1]
            assert read == list(enumerate(known))
            session.rollback()

    check()
