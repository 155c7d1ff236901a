"""Operators by type, operands as stored values, and the promises between the key set and the index of words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from models.classifications.keys import key_set
from models.classifications.sharing import PAGE_NAMES
from models.classifications.state import Level
from models.errors import InvalidSelection
from models.identity.principal import Principal
from models.selection.grammar import Condition, Search, parse_selection
from models.selection.operands import BY_VALUE_TYPE, PROPERTIES, read_filter
from models.selection.search import FACE, ranked_hits
from models.selection.words import FACTS, TEXTS

MOMENT = datetime(2019, 5, 7, 1, 14, 45, 485_863, tzinfo=UTC)


def _read(*condition: Any) -> Any:
    entry = parse_selection([{"search": {"filter": list(condition)}}], FACE).entries[0]
    assert isinstance(entry, Search) and entry.filter
    tree = read_filter(entry.filter)
    assert isinstance(tree, Condition)
    return tree


@pytest.mark.parametrize(
    ("condition", "operand"),
    [
        (("clinical_significance", "is", "vous"), "VUS"),
        (("Clinical Significance", "in", ["P", "likely pathogenic"]), ["P", "LP"]),
        (("acmg:bp4", "is", True), "BP"),
        (("bp4", "is", False), "NM"),
        (("gene_symbol", "is", " brca1 "), "BRCA1"),
        (("mode_of_inheritance", "has", "Autosomal Dominant"), ["autosomal_dominant"]),
        (("mode_of_inheritance", "is", "autosomal_recessive,autosomal_dominant"), ["autosomal_dominant", "autosomal_recessive"]),
        (("curation_date", ">", "2024-3-4"), "2024-03-04"),
        (("gnomad_af", "<", 0.1), Decimal("0.1")),
        (("gnomad_af", "between", ["0.5", 2]), [Decimal("0.5"), Decimal(2)]),
        (("publish", "is", "institution"), 2),
        (("publish", ">", 2), 2),
        (("withdrawn", "is", True), True),
        (("version", "is", 1557191685.485863), 1557191685485863),
        (("version", "is", "1557191685.485863"), 1557191685485863),
        (("created_on", "<", 1557191685.485863), MOMENT),
        (("updated_on", ">", "2019-05-07T03:14:45.485863+02:00"), MOMENT),
        (("published_on", "between", [0, "2019-05-07T01:14:45.485863Z"]), [datetime(1970, 1, 1, tzinfo=UTC), MOMENT]),
        (("lab", "is", "xyz/north"), "xyz/north"),
        (("age", "exists"), None),
        (("condition", "q", " +a "), "+a"),
    ],
)
def test_operands_are_read_as_stored_values(condition: tuple[Any, ...], operand: Any) -> None:
    assert _read(*condition).operand == operand


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        (("clinical_significance", "is", "banana"), "/2"),
        (("clinical_significance", "in", ["VUS", "banana"]), "/2/1"),
        (("clinical_significance", "in", "VUS"), "/2"),
        (("clinical_significance", "in", []), "/2"),
        (("clinical_significance", "in", ["VUS"] * 1_001), "/2"),
        (("clinical_significance", "<", "VUS"), "/1"),
        (("clinical_significance", "has", "VUS"), "/1"),
        (("condition", "has", "x"), "/1"),
        (("condition", "is"), "/2"),
        (("condition", "is", None), "/2"),
        (("condition", "is", ""), "/2"),
        (("condition", "is", {"value": "x"}), "/2"),
        (("condition", "is", "\x00"), "/2"),
        (("condition", "is", "\ud800"), "/2"),
        (("condition", "q", 5), "/2"),
        (("condition", "exists", True), "/2"),
        (("gnomad_af", "is", "much"), "/2"),
        (("gnomad_af", "is", True), "/2"),
        (("gnomad_af", "is", float("nan")), "/2"),
        (("gnomad_af", "is", float("inf")), "/2"),
        (("gnomad_af", "is", 10**400), "/2"),
        (("gnomad_af", "between", [1]), "/2"),
        (("gnomad_af", "between", [1, "x"]), "/2/1"),
        (("curation_date", "<", "last week"), "/2"),
        (("curation_date", "<", []), "/2"),
        (("withdrawn", "is", "true"), "/2"),
        (("withdrawn", "exists"), "/1"),
        (("publish", "is", "everybody"), "/2"),
        (("publish", "is", "user"), "/2"),
        (("lab", "is", 5), "/2"),
        (("lab", "<", "x"), "/1"),
        (("created_on", "<", "2024-03-04"), "/2"),
        (("created_on", "<", "2024-03-04T09:00:00"), "/2"),
        (("created_on", "<", -1), "/2"),
        (("created_on", "<", 1e300), "/2"),
        (("created_on", "<", [7, "days"]), "/2"),
        (("created_on", "<", True), "/2"),
    ],
)
def test_what_does_not_fit_is_refused_by_place(condition: tuple[Any, ...], place: str) -> None:
    with pytest.raises(InvalidSelection) as refusal:
        _read(*condition)

    assert refusal.value.pointer == "/selection/0/search/filter" + place


def test_every_key_and_property_has_operators() -> None:
    assert {key.value_type for key in key_set().all()} == set(BY_VALUE_TYPE)
    assert all(set(operators) for operators, _ in PROPERTIES.values())


def test_no_key_is_hidden_behind_a_property() -> None:
    assert not [name for name in PROPERTIES if key_set().find(name)]


def test_what_all_callers_search_has_no_ceiling_below_them() -> None:
    for name in FACTS | TEXTS:
        key = key_set().get(name)
        assert key and key.max_share_level >= Level.LOGGED_IN_USERS


def test_every_level_name_is_an_operand() -> None:
    assert [_read("publish", "is", name).operand for name in PAGE_NAMES[1:]] == [1, 2, 3, 4]


def test_a_q_of_too_many_terms_is_refused_before_anything_is_asked() -> None:
    entry = parse_selection([{"search": {"q": " ".join(map(str, range(31)))}}], FACE).entries[0]
    assert isinstance(entry, Search)
    with pytest.raises(InvalidSelection) as refusal:
        ranked_hits(entry, Principal(1, "ann", "north"), (), 10)
    assert refusal.value.pointer == "/selection/0/search/q"
