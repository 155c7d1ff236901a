"""What a search finds, in which order, and what it may never tell."""

from __future__ import annotations

from typing import Any

import pytest

from models.classifications.keys import key_set
from models.db import Session, driver, transaction
from models.errors import InvalidSelection
from models.identity.principal import Principal
from models.selection import resolve
from models.selection.grammar import Selection, parse_selection
from models.selection.search import FACE, ranked_hits
from tests.models.selection.world import World, new_world

pytestmark = pytest.mark.usefixtures("database")

CBS = {"search": {"filter": ["gene_symbol", "is", "CBS"]}}


def _parse(*entries: Any, **options: Any) -> Selection:
    return parse_selection(list(entries), FACE, **options)


def _genes(session: Session, number: int, **facts: Any) -> World:
    """Records R00, R01 and so on of north/one, all of one gene."""
    world = new_world(session)
    for at in range(number):
        world.add(session, "north/one", f"R{at:02d}", {"gene_symbol": "CBS"}, **facts)
    return world


def _frozen(session: Session, principal: Principal, selection: Selection) -> list[tuple[int, int | None, str | None]]:
    name = resolve.members(session, principal, selection)
    return driver(session).execute(f"SELECT seq, record_id, target FROM {name} ORDER BY seq").fetchall()


def test_hits_come_by_relevance_then_lab_then_id() -> None:
    with transaction() as session:
        world = new_world(session)
        texts = {"b": "ataxia", "a": "renal", "d": "ataxia and renal", "c": "benign"}
        made = {name: world.add(session, "north/one", name, {"condition": text}) for name, text in texts.items()}
        made["z"] = world.add(session, "south/one", "A", {"condition": "ataxia renal"})
        both = world.people["both"]

        plain = _frozen(session, both, _parse({"search": {"q": "ataxia renal"}}))
        must = _frozen(session, both, _parse({"search": {"q": "+ataxia renal"}}))

    assert [row[1] for row in plain] == [made["d"], made["z"], made["a"], made["b"]]
    assert [row[1] for row in must] == [made["d"], made["z"], made["b"]]


def test_withdrawn_records_are_found_by_id_and_when_asked_about() -> None:
    with transaction() as session:
        world = _genes(session, 2, withdrawn=True)
        ann, (r0, r1) = world.people["ann"], world.records
        asked = {"search": {"filter": ["and", ["gene_symbol", "is", "CBS"], ["withdrawn", "is", True]]}}

        assert _frozen(session, ann, _parse(CBS)) == []
        assert [row[1] for row in _frozen(session, ann, _parse(r1, asked))] == [r1, r0]


@pytest.mark.parametrize("name", ["ann", "ben", "cat", "admin"])
def test_a_search_never_tells_what_a_hidden_cell_holds(name: str) -> None:
    conditions = [["curated_by", operator, "Ann"] for operator in ("is", "q")]
    conditions += [["not", ["curated_by", "missing"]], ["curated_by", "exists"], ["curated_by", "in", ["Ann", "Ben"]]]
    with transaction() as session:
        world = new_world(session)
        world.add(session, "north/one", "R1", {"curated_by": "Ann"}, live=4)
        found = [len(_frozen(session, world.people[name], _parse({"search": {"filter": condition}}))) for condition in conditions]
        by_q = len(_frozen(session, world.people[name], _parse({"search": {"q": "Ann"}})))

    assert found == [0 if name == "cat" else 1] * len(conditions)
    assert by_q == 0


@pytest.mark.parametrize(
    "text", ["%", "_", "\\", "'", "''", '"', ";--", "a\\", ":*", "!", "&", "| |", "()", "<->", "$1", "%s", "{}", "\u2028"]
)
def test_what_means_something_to_sql_is_plain_text(text: str) -> None:
    with transaction() as session:
        world = new_world(session)
        exact = world.add(session, "north/one", "exact", {"patient_id": text, "condition": text, "curated_by": text})
        world.add(session, "north/one", "other", {"patient_id": "x", "condition": "x", "curated_by": "x"})
        ann = world.people["ann"]
        for key in ("patient_id", "condition", "curated_by"):
            if text.strip():
                assert [row[1] for row in _frozen(session, ann, _parse({"search": {"filter": [key, "is", text]}}))] == [exact]
                _frozen(session, ann, _parse({"search": {"filter": [key, "q", text]}}))
        for q in (text, f"+{text}", f"-{text}", f'"{text}"', f"ab{text}*"):
            _frozen(session, ann, _parse({"search": {"q": q}}))


@pytest.mark.parametrize(
    "value", ["<b>", "&amp;", "a <b unclosed", "-", "NM_000071.2(CBS):c.1539C>T", "x" * 5_000, "é ü", "A-B_c/d"]
)
def test_the_index_loses_no_value_whatever_its_words(value: str) -> None:
    with transaction() as session:
        world = new_world(session)
        for name in ("condition", "c_hgvs", "patient_id", "interpretation_summary"):
            key = key_set().get(name)
            stored = key and key.normalise(value)[0]
            if stored:
                made = world.add(session, "north/one", name, {name: stored, "literature": "> tail"})
                for condition in ([name, "is", value], [name, "in", ["other", value]]):
                    found = _frozen(session, world.people["ann"], _parse({"search": {"filter": condition}}))
                    assert [row[1] for row in found] == [made]


def test_a_text_longer_than_words_can_be_is_stored_and_found() -> None:
    with transaction() as session:
        world = new_world(session)
        long = " ".join(f"w{number}" for number in range(40_000))
        record_id = world.add(session, "north/one", "R1", {"condition": long, "interpretation_summary": "y" * 100_000})

        found = _frozen(session, world.people["ann"], _parse({"search": {"q": "w7"}}))

    assert [row[1] for row in found] == [record_id]


def test_an_operand_that_does_not_fit_is_refused_before_anything_is_stored() -> None:
    with transaction() as session:
        world = new_world(session)
        with pytest.raises(InvalidSelection) as refusal:
            resolve.members(session, world.people["ann"], _parse("1", {"search": {"filter": ["zygosity", "is", "banana"]}}))

    assert refusal.value.pointer == "/selection/1/search/filter/2"


COPIES = """
INSERT INTO records (lab_id, lab_record_id, owner_id, version, created_on, updated_on, evidence, live_level)
SELECT lab_id, 'C' || n, owner_id, version, created_on, updated_on, evidence, live_level FROM records, generate_series(1, 3000) n;
INSERT INTO snapshots SELECT r.id, s.level, s.version, s.published_on, s.evidence, s.variant, s.significance, s.lab_id
FROM records r, snapshots s WHERE r.id <> s.record_id;
ANALYZE records, snapshots, words;
SELECT gin_clean_pending_list('words_words')
"""


def test_the_index_narrows_a_filter() -> None:
    with transaction() as session:
        world = new_world(session)
        world.add(session, "north/one", "R", {"gene_symbol": "CBS"}, snapshots={3: {"gene_symbol": "PAH"}})
        session.exec_driver_sql(COPIES)
        selection = _parse({"search": {"filter": ["and", ["gene_symbol", "is", "BRCA1"], ["age", "exists"]]}})
        for name in ("ann", "cat", "admin"):
            query = ranked_hits(selection.entries[0], world.people[name], (), 10)  # type: ignore[arg-type]
            compiled = query.compile(dialect=session.dialect, compile_kwargs={"render_postcompile": True})
            plan = driver(session).execute(f"EXPLAIN {compiled}", dict(compiled.params)).fetchall()
            branches = 1 if name == "admin" else 2  # what others see of a record may be an older version
            assert sum("Index Scan on words_words" in row[0] for row in plan) == branches
