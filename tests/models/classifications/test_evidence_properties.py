"""What holds for any submission to any evidence (contract sections 5 to 7), and for a real data set."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.classifications.cells import LOCK_RANKS, changed
from models.classifications.evidence import Rules, merge
from models.classifications.keys import key_set
from models.classifications.state import Cell, Evidence, Message, Person, Source

OPERATIONS = Path(__file__).parents[3] / "data" / "clingen_operations.ndjson.gz"
PEOPLE = {"ann": Person(7, "ann", frozenset()), "ann@example.org": Person(7, "ann", frozenset())}

NAMES = [
    *(
        "c_hgvs",
        "gene_symbol",
        "genome_build",
        "refseq_transcript_id",
        "condition",
        "zygosity",
        "bp4",
        "acmg:pm2",
        "age",
        "owner",
    ),
    *("mode_of_inheritance", "gnomad_af", "clinvar_variation_id", "curation_date", "nmd_escaping_variant"),
    "interpretation_summary",
]
WORDS = ["", " x ", "mosaic", "BP", "2020-01-02", "NM_1.1(cbs):c.1A>G", "NM_1.1:c.1A>G", "cbs", "ann@example.org", "40", "other"]

scalars = st.none() | st.booleans() | st.integers(-5, 90) | st.floats(-2, 2) | st.sampled_from(WORDS)
values = scalars | st.lists(scalars, max_size=3)
texts = st.sampled_from([None, "", "n", "m", 5])
objects = st.fixed_dictionaries({}, optional={"value": values, "note": texts, "explain": texts, "immutable": texts})
submissions = st.dictionaries(st.sampled_from([*NAMES, "unknown"]), values | objects, max_size=8)
sources = st.sampled_from(Source)
changing = st.builds(
    Rules, st.sampled_from(["patch", "patch-empty", "overwrite", "upsert"]), sources, st.booleans(), people=st.just(PEOPLE)
)
creating = st.builds(
    Rules,
    st.just("upsert"),
    sources,
    st.booleans(),
    st.just(True),
    people=st.just(PEOPLE),
    default_owner=st.sampled_from([None, "bob"]),
)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Evidence as it comes about: a creation and up to two changes."""
    evidence = merge({}, draw(submissions), draw(creating)).evidence
    for _ in range(draw(st.integers(0, 2))):
        evidence = merge(evidence, draw(submissions), draw(changing)).evidence
    return evidence


def _typed(evidence: Any) -> str:
    return json.dumps(evidence, sort_keys=True)


def _names(submitted: dict[str, Any]) -> set[str]:
    return {key.name for spelling in submitted if (key := key_set().find(spelling))}


@given(evidences(), submissions, changing)
def test_s6_3_the_same_submission_twice_is_no_change_the_second_time(
    current: Evidence, sent: dict[str, Any], rules: Rules
) -> None:
    once = merge(current, sent, rules)
    twice = merge(once.evidence, sent, rules)
    assert twice.evidence is once.evidence
    assert (twice.before, twice.after, twice.messages[-1].code) == ({}, {}, "no_patch")


@given(submissions, creating)
def test_s6_3_what_created_a_record_changes_nothing_when_sent_again(sent: dict[str, Any], rules: Rules) -> None:
    made = merge({}, sent, rules)
    assert merge(made.evidence, sent, replace(rules, creating=False)).after == {}


@given(evidences(), submissions, changing, st.randoms(use_true_random=False))
def test_s5_merging_does_not_depend_on_the_order_of_keys(
    current: Evidence, sent: dict[str, Any], rules: Rules, random: Any
) -> None:
    items = [(spelling, raw) for spelling, raw in sent.items() if spelling != "unknown"]
    shuffled = items.copy()
    random.shuffle(shuffled)
    one, other = merge(current, dict(items), rules), merge(current, dict(shuffled), rules)
    assert (one.evidence, one.before, one.after) == (other.evidence, other.before, other.after)
    assert _told(one.messages) == _told(other.messages)


def _told(messages: tuple[Message, ...]) -> set[tuple[str, str | None, frozenset[str]]]:
    return {(message.code, message.key, frozenset(message.keys)) for message in messages}


@given(evidences(), submissions, changing)
def test_s7_1_locks_never_go_down(current: Evidence, sent: dict[str, Any], rules: Rules) -> None:
    after = merge(current, sent, rules).evidence
    kept = current.keys() if rules.verb != "overwrite" else current.keys() & _names(sent)
    assert all(_rank(after.get(name)) >= _rank(current[name]) for name in kept)
    assert all(_rank(after.get(name)) == 3 for name in current if _rank(current[name]) == 3)


def _rank(cell: Cell | None) -> int:
    return LOCK_RANKS[(cell or {}).get("immutable")]


@given(evidences(), submissions, changing)
def test_s7_1_a_value_under_a_higher_lock_never_changes(current: Evidence, sent: dict[str, Any], rules: Rules) -> None:
    after = merge(current, sent, rules).evidence
    authority = 2 if rules.source is Source.API else 1
    for name, cell in current.items():
        if _rank(cell) > authority:
            assert after[name].get("value") == cell.get("value")
            assert after[name].get("explain") == cell.get("explain")


@given(evidences(), submissions, changing)
def test_s11_before_undoes_a_change_and_after_redoes_it(current: Evidence, sent: dict[str, Any], rules: Rules) -> None:
    merged = merge(current, sent, rules)
    assert _with(merged.evidence, merged.before) == current
    assert _with(current, merged.after) == merged.evidence


def _with(evidence: Evidence, changes: dict[str, Cell | None]) -> Evidence:
    return {name: cell for name, cell in {**evidence, **changes}.items() if cell is not None}


@given(evidences(), submissions, changing)
def test_s5_untouched_cells_are_shared_and_nothing_given_is_altered(
    current: Evidence, sent: dict[str, Any], rules: Rules
) -> None:
    as_given = _typed([current, sent])
    merged = merge(current, sent, rules)
    assert _typed([current, sent]) == as_given
    assert all(merged.evidence[name] is current[name] for name in current if name not in merged.after)


@given(evidences(), submissions, changing)
def test_s5_a_patch_touches_only_what_was_submitted(current: Evidence, sent: dict[str, Any], rules: Rules) -> None:
    if rules.verb != "overwrite":
        assert merge(current, sent, rules).after.keys() <= _names(sent)


@given(evidences(), submissions, sources, st.booleans())
def test_s5_an_overwrite_leaves_what_a_creation_would_where_no_lock_holds(
    current: Evidence, sent: dict[str, Any], source: Source, editable: bool
) -> None:
    rules = Rules("overwrite", source, editable, people=PEOPLE)
    after = merge(current, sent, rules).evidence
    fresh = merge({}, sent, rules).evidence
    free = {name for name in {*after, *fresh} if _rank(current.get(name)) <= (2 if source is Source.API else 1)}
    assert not [name for name in free - {"c_hgvs", "owner"} if changed(_said(after.get(name)), _said(fresh.get(name)))]


def _said(cell: Cell | None) -> Cell:
    return {part: content for part, content in (cell or {}).items() if part not in ("immutable", "validation")}


@given(evidences())
def test_s1_a_stored_cell_holds_no_null_and_no_empty_member(evidence: Evidence) -> None:
    for cell in evidence.values():
        assert cell
        assert cell.keys() <= {"value", "note", "explain", "immutable", "validation"}
        assert all(content not in (None, "", [], {}) or content is False or content == 0 for content in cell.values())


def test_every_operation_of_the_demonstration_data_is_created_and_then_changes_nothing() -> None:
    rules = Rules("upsert", creating=True, default_owner="ann")
    with gzip.open(OPERATIONS, "rt", encoding="utf-8") as lines:
        operations = [json.loads(line)["upsert"] for line in lines]
    assert len(operations) == 6078
    for sent in operations:
        made = merge({}, sent, rules)
        assert not any("validation" in cell for cell in made.evidence.values())
        assert merge(made.evidence, sent, replace(rules, creating=False)).evidence is made.evidence
