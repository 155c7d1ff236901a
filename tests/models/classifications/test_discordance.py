"""Discordances: what labs say differently of one variant, as each caller may know it."""

from __future__ import annotations

from typing import Any

import pytest

from models.classifications import discordance
from models.classifications.discordance import Ask, Page, Place, list_discordances
from models.classifications.keys import key_set
from models.classifications.state import Level
from models.db import Session, transaction
from tests.models.selection.world import World, new_world

pytestmark = pytest.mark.usefixtures("database")

SHARED = {"share": 3, "live": 3}


def _said(word: str, at: int = 5, **more: Any) -> dict[str, Any]:
    return {
        "genome_build": "GRCh38",
        "g_hgvs": f"NC_000012.12:g.{at:06d}A>T",
        "clinical_significance": word,
        "allele_origin": "germline",
        "gene_symbol": "PAH",
        **more,
    }


def _list(session: Session, world: World, who: str = "ann", **ask: Any) -> Page:
    return list_discordances(session, world.people[who], Ask(**{"size": 50, **ask}))


def _short(page: Page) -> list[tuple[str, str, list[str]]]:
    return [
        (one.place.variant.split(".")[-1], one.kind, [f"{said.lab_record_id}={said.significance}" for said in one.statements])
        for one in page.found
    ]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("P", "LP"), "within"),
        (("P", "O"), "within"),
        (("VUS", "VUS_A"), "within"),
        (("P", "VUS"), "between"),
        (("LB", "LP"), "between"),
        (("P", "R"), "between"),
        (("P", "P"), None),
        (("P", "D"), None),
        (("A", "D"), None),
    ],
)
def test_buckets_say_how_far_labs_differ(words: tuple[str, str], kind: str | None) -> None:
    with transaction() as session:
        world = new_world(session)
        world.add(session, "north/one", "a", _said(words[0]), **SHARED)
        world.add(session, "south/one", "b", _said(words[1]), **SHARED)

        found = _list(session, world).found

    assert [one.kind for one in found] == ([kind] if kind else [])


def test_what_does_not_belong_together_is_not_compared() -> None:
    with transaction() as session:
        world = new_world(session)
        world.add(session, "north/one", "one lab", _said("P", 1), **SHARED)
        world.add(session, "north/one", "itself", _said("B", 1), **SHARED)
        world.add(session, "north/one", "germline", _said("P", 2), **SHARED)
        world.add(session, "south/one", "somatic", _said("B", 2, allele_origin="somatic"), **SHARED)
        world.add(session, "north/one", "other place", _said("P", 3), **SHARED)
        world.add(session, "south/one", "and place", _said("B", 4), **SHARED)
        world.add(session, "north/one", "there", _said("P", 5), **SHARED)
        world.add(session, "south/one", "withdrawn", _said("B", 5), **SHARED, withdrawn=True)
        world.add(session, "north/one", "no variant", {"clinical_significance": "P"}, **SHARED)
        world.add(session, "south/one", "neither", {"clinical_significance": "B"}, **SHARED)

        assert _short(_list(session, world)) == []


def test_everybody_sees_the_discordances_of_what_they_may_see() -> None:
    with transaction() as session:
        world = new_world(session)
        world.add(session, "north/one", "a", _said("P"), **SHARED)
        world.add(session, "north/two", "b", _said("B"), share=2, live=2)
        world.add(session, "south/one", "c", _said("LP"), share=1, live=1)
        world.add(session, "south/one", "d", _said("VUS"), share=1, live=1, snapshots={3: _said("P")})

        seen = {who: _short(_list(session, world, who)) for who in ("ann", "ben", "cat", "both", "outsider", "admin")}

    assert seen["ann"] == seen["ben"] == [("000005A>T", "between", ["a=P", "b=B", "d=P"])]
    assert seen["cat"] == [("000005A>T", "between", ["a=P", "c=LP", "d=VUS"])]
    assert seen["both"] == seen["admin"] == [("000005A>T", "between", ["a=P", "b=B", "c=LP", "d=VUS"])]
    assert seen["outsider"] == []  # who sees a=P and d=P


def test_a_discordance_of_versions_that_only_others_see_is_found() -> None:
    with transaction() as session:
        world = new_world(session)
        world.add(session, "north/one", "a", _said("P"), **SHARED)
        world.add(session, "south/one", "b", _said("P"), live=1, snapshots={3: _said("B")})

        assert _short(_list(session, world, "outsider")) == [("000005A>T", "between", ["a=P", "b=B"])]
        assert _short(_list(session, world, "cat")) == []


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        ({}, [1, 2, 3]),
        ({"kind": "within"}, [2]),
        ({"kind": "between"}, [1, 3]),
        ({"gene": "CBS"}, [3]),
        ({"gene": "cbs"}, [3]),
        ({"gene": "it's \\ no gene"}, []),
        ({"lab": "north/two"}, [3]),
        ({"lab": "no/lab"}, []),
        ({"variant": "GRCh38:NC_000012.12:g.000002A>T"}, [2]),
        ({"variant": "GRCh38:NC_000012.12:g.2A>T"}, []),
        ({"variant": "GRCh38:NC_000012.12:g.000003A>T", "gene": "PAH"}, []),
        ({"lab": "south/one", "gene": "PAH"}, [1, 2]),
    ],
)
@pytest.mark.parametrize("common", [False, True], ids=["rare gene", "common gene"])
def test_filters(ask: dict[str, Any], found: list[int], common: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discordance, "MOST_NAMED", 1 if common else 20_000)
    with transaction() as session:
        world = new_world(session)
        for at, words in enumerate((("P", "B"), ("P", "LP")), 1):
            world.add(session, "north/one", f"a{at}", _said(words[0], at), **SHARED)
            world.add(session, "south/one", f"b{at}", _said(words[1], at), **SHARED)
        world.add(session, "north/one", "a3", _said("P", 3, gene_symbol="CBS"), **SHARED)
        world.add(session, "north/two", "b3", _said("B", 3, gene_symbol="CBS"), **SHARED)

        page = _list(session, world, **ask)

    assert [int(one.place.variant.split(".")[-1][:6]) for one in page.found] == found
    assert page.following is None


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize(("pieces", "patience"), [((1, 2), 60.0), ((4, 4, 4), 60.0), ((4, 100), -1.0), ((100,), 60.0)])
def test_pages_hold_each_discordance_once(
    size: int, pieces: tuple[int, ...], patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    gene = {"gene": "PAH"} if size > 2 else {}
    monkeypatch.setattr(discordance, "MOST_NAMED", 1 if size > 3 else 20_000)
    monkeypatch.setattr(discordance, "PIECES", pieces)
    monkeypatch.setattr(discordance, "PATIENCE", patience)
    monkeypatch.setattr(discordance, "LOOKED_AT", 2)
    monkeypatch.setattr(discordance, "MOST_KEPT", 2)
    with transaction() as session:
        world = new_world(session)
        for at in range(7):
            for origin in ("germline", "somatic"):
                for lab, word in (("north/one", "P"), ("south/one", "B" if at % 3 else "P")):
                    world.add(session, lab, f"{at}{origin}", _said(word, at, allele_origin=origin), **SHARED)
        found: list[Place] = []
        after, pages = Place(), 0
        while pages < 100:
            page = _list(session, world, size=size, after=after, **gene)
            assert len(page.found) <= size
            found += [one.place for one in page.found]
            pages += 1
            if page.following is None:
                break
            after = page.following

    assert [(int(place.variant.split(".")[-1][:6]), place.origin) for place in found] == [
        (at, origin) for at in (1, 2, 4, 5) for origin in ("G", "S")
    ]


def test_more_of_one_variant_than_is_read_at_once_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discordance, "PIECES", (2,))
    with transaction() as session:
        world = new_world(session)
        for at in range(5):
            world.add(session, "north/one", f"a{at}", _said("P", 1), **SHARED)
        world.add(session, "south/one", "b", _said("B", 1), **SHARED)
        world.add(session, "north/one", "c", _said("B", 2), **SHARED)
        world.add(session, "south/one", "c", _said("P", 2), **SHARED)

        first = _list(session, world)
        assert first.following is not None
        second = _list(session, world, after=first.following)

    assert [place.variant[-8:] for place in (one.place for one in first.found + second.found)] == ["00001A>T", "00002A>T"]


@pytest.mark.parametrize("pieces", [(1,), (3, 3), (100,)])
def test_versions_that_only_others_see_are_found_page_by_page(pieces: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discordance, "PIECES", pieces)
    monkeypatch.setattr(discordance, "MOST_KEPT", 2)
    with transaction() as session:
        world = new_world(session)
        for at in range(6):
            world.add(session, "north/one", f"a{at}", _said("P", at), **SHARED)
            world.add(session, "south/one", f"b{at}", _said("P", at), live=1, snapshots={3: _said("B" if at % 2 else "P", at)})
        found: list[int] = []
        after: Place | None = Place()
        while after is not None and len(found) < 100:
            page = _list(session, world, "outsider", size=1, after=after)
            found += [int(one.place.variant.split(".")[-1][:6]) for one in page.found]
            after = page.following

    assert found == [1, 3, 5]


def test_no_key_that_is_told_has_a_ceiling_for_anybody_signed_in() -> None:
    told = ("clinical_significance", "allele_origin", "gene_symbol", "g_hgvs", "c_hgvs", "variant_coordinate", "genome_build")
    for name in told:
        key = key_set().get(name)
        assert key is not None
        assert key.max_share_level >= Level.LOGGED_IN_USERS, name
