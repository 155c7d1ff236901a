"""Merging, locks, creation, and what readers see (contract sections 5, 6, 7, 9, 12.1 and 15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from models.classifications.disclosure import flatten, restrict
from models.classifications.evidence import Merge, Rules, merge
from models.classifications.keys import key_set
from models.classifications.state import Evidence, Level, Message, Person, Source
from models.errors import InvalidNumber, InvalidType

API = Rules("patch")
EDITABLE = Rules("patch", editable=True)
FORM = Rules("patch", Source.FORM)
CREATE = Rules("create", creating=True)
FULL = {"value": "old", "note": "n", "explain": "e", "immutable": "api"}
ANN = Person(7, "ann", frozenset([1]))
PEOPLE = {"ann": ANN, "ann@example.org": ANN}


def _codes(merged: Merge) -> list[str]:
    return [message.code for message in merged.messages]


def _condition(old: Mapping[str, Any] | None, raw: Any, rules: Rules = API) -> Any:
    current = {} if old is None else {"condition": dict(old)}
    return merge(current, {"condition": raw}, rules).evidence.get("condition")


@pytest.mark.parametrize(
    ("raw", "value", "note", "explain"),
    [
        (None, None, None, None),
        ("new", "new", None, None),
        (["new"], "new", None, None),
        ({"value": "new"}, "new", "n", "e"),
        ({"note": "m"}, "old", "m", "e"),
        ({"explain": "f"}, "old", "n", "f"),
        ({"value": None}, None, "n", "e"),
        ({"value": "new", "note": None}, "new", None, "e"),
        ({"value": "new", "note": " ", "explain": []}, "new", None, None),
        ({}, "old", "n", "e"),
    ],
)
def test_s6_2_every_form_of_a_cell(raw: Any, value: Any, note: Any, explain: Any) -> None:
    cell = _condition(FULL, raw)
    assert (cell.get("value"), cell.get("note"), cell.get("explain"), cell["immutable"]) == (value, note, explain, "api")


@pytest.mark.parametrize("raw", [None, "new", {"value": "new"}, {"note": "m"}, {"explain": "f"}, {"value": None}, {}])
def test_s6_2_every_form_locks_unless_editable(raw: Any) -> None:
    unlocked = {"value": "old", "note": "n"}
    assert _condition(unlocked, raw)["immutable"] == "api"
    assert "immutable" not in (_condition(unlocked, raw, EDITABLE) or {})


def test_s6_2_null_clears_everything_and_locks() -> None:
    assert _condition(FULL, None) == {"immutable": "api"}
    assert _condition(None, None) == {"immutable": "api"}


def test_s6_2_an_absent_key_is_kept_as_it_is() -> None:
    current = {"condition": FULL}
    assert merge(current, {"zygosity": "mosaic"}, API).evidence["condition"] is FULL


def test_s6_2_null_for_an_unknown_key_does_nothing_at_all() -> None:
    assert _codes(merge({}, {"no_such": None}, API)) == ["no_patch"]


def test_s6_2_nothing_else_can_be_injected() -> None:
    raw = {"value": "x", "immutable": "variantgrid", "validation": [], "db_refs": [1], "hidden": True}
    assert _condition(None, raw) == {"value": "x", "immutable": "api"}


@pytest.mark.parametrize("raw", [0, False])
def test_s6_2_zero_and_false_stay_values(raw: Any) -> None:
    assert merge({}, {"nmd_escaping_variant": raw}, API).evidence["nmd_escaping_variant"]["value"] is False


def test_s6_2_escaped_signs_are_repaired_for_the_api_only() -> None:
    raw = {"value": "c.1A&gt;G", "note": "1 &lt; 2"}
    sent = {"g_hgvs": raw, "interpretation_summary": raw}
    assert merge({}, sent, API).evidence["interpretation_summary"]["value"] == "c.1A>G"
    assert merge({}, sent, API).evidence["g_hgvs"]["note"] == "1 < 2"
    assert merge({}, sent, FORM).evidence["interpretation_summary"]["value"] == "c.1A&gt;G"
    assert merge({}, {"mode_of_inheritance": ["&gt;a", "b"]}, API).evidence["mode_of_inheritance"]["value"] == [">a", "b"]


@pytest.mark.parametrize(("raw", "stored"), [(5, "5"), (True, "true"), ("  a\xa0b ", "a b"), ({}, None), ("", None)])
def test_s6_2_a_note_is_text(raw: Any, stored: str | None) -> None:
    assert _condition(None, {"note": raw}).get("note") == stored


@pytest.mark.parametrize(
    ("submitted", "pointer"),
    [
        ({"age": [[1]]}, "/upsert/age"),
        ({" Age ": {"value": {"x": 1}}}, "/upsert/ Age /value"),
        ({"a/b~age": {"value": 1}, "age": {"note": ["x"]}}, "/upsert/age/note"),
        ({"age": {"explain": {"x": 1}}}, "/upsert/age/explain"),
        ({"SOURCE_ID": {"value": {"x": 1}}}, "/upsert/SOURCE_ID/value"),
    ],
)
def test_s8_what_cannot_be_a_cell_is_refused_with_its_place(submitted: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidType) as refused:
        merge({}, submitted, Rules("upsert"))
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(("raw", "part"), [(2**63, ""), ({"value": 2**63}, "/value"), ({"note": 10**5000}, "/note")])
def test_s8_a_number_out_of_bounds_is_refused_with_its_place(raw: Any, part: str) -> None:
    with pytest.raises(InvalidNumber) as refused:
        merge({}, {"clinvar_variation_id": raw}, Rules("patch", member="data"))
    assert refused.value.pointer == f"/data/clinvar_variation_id{part}"


def test_s6_1_of_two_spellings_of_one_key_the_later_wins() -> None:
    assert merge({}, {"BP4": "BS", "acmg:bp4": "BP"}, API).evidence == {"acmg:bp4": {"value": "BP", "immutable": "api"}}
    assert merge({}, {"acmg:bp4": {"value": "BP"}, "bp4": {"note": "n"}}, API).evidence["acmg:bp4"].get("value") is None


def test_s6_1_unknown_keys_are_dropped_and_listed_and_the_rest_is_applied() -> None:
    merged = merge({}, {"no_such": 1, "zygosity": "mosaic", "nor this": {}}, API)
    assert list(merged.evidence) == ["zygosity"]
    assert merged.messages == (
        Message("unrecognised_key", keys=("no_such", "nor this")),
        Message("patched", keys=("zygosity",)),
    )


def test_s6_1_pseudo_keys_are_no_evidence() -> None:
    merged = merge({}, {"Source ID": " s1 ", "existing_sample_id": {"value": 5}, "condition": "c"}, API)
    assert merged.extras == {"source_id": "s1", "existing_sample_id": "5"}
    assert list(merged.evidence) == ["condition"]
    assert merge({}, {"source_id": None}, API).extras == {"source_id": None}
    assert merge({}, {"source_id": {"note": "x"}}, API).extras == {}


@pytest.mark.parametrize(
    ("key", "stored", "sent"),
    [
        ("gnomad_af", 0.123456, "0.123456"),
        ("gnomad_af", 0.123456, 0.1234560000001),
        ("gnomad_af", 1, 1.0),
        ("clinical_significance", "VUS", "vous"),
        ("nmd_escaping_variant", True, "Yes"),
        ("mode_of_inheritance", ["autosomal_dominant", "other"], "other, Autosomal Dominant"),
        ("c_hgvs", "NM_1.1(CBS):c.1A>G", " NM_1.1(CBS): c.1A&gt;G"),
        ("bp4", "BP", True),
        ("condition", "a  b", "  a  b "),
    ],
)
def test_s6_3_what_normalises_to_the_stored_value_is_no_change(key: str, stored: Any, sent: Any) -> None:
    found = key_set().find(key)
    assert found is not None
    current: Evidence = {found.name: {"value": stored, "immutable": "api"}}
    merged = merge(current, {key: {"value": sent}}, Rules("patch", editable=found.system_locked))
    assert merged.evidence[found.name]["value"] == stored
    assert merged.after == ({found.name: {"value": stored, "immutable": "variantgrid"}} if found.system_locked else {})


def test_s6_3_an_identifier_that_differs_in_its_last_digit_is_a_change() -> None:
    current: Evidence = {"clinvar_variation_id": {"value": 5_000_000_000, "immutable": "api"}}
    assert merge(current, {"clinvar_variation_id": 5_000_000_001}, API).after


def test_s6_3_true_is_not_one() -> None:
    current: Evidence = {"clinvar_variation_id": {"value": 1, "immutable": "api"}}
    assert merge(current, {"clinvar_variation_id": True}, API).evidence["clinvar_variation_id"]["value"] is True


def test_s6_3_adding_a_lock_is_a_change_and_adding_none_is_not() -> None:
    current: Evidence = {"condition": {"value": "c"}}
    assert merge(current, {"condition": "c"}, API).after == {"condition": {"value": "c", "immutable": "api"}}
    assert merge(current, {"condition": "c"}, EDITABLE).evidence is current


def test_s6_3_a_text_that_repeats_the_value_but_clears_a_note_is_a_change() -> None:
    assert _condition({"value": "c", "note": "n", "immutable": "api"}, "c") == {"value": "c", "immutable": "api"}


def test_s6_3_a_cell_without_members_disappears() -> None:
    merged = merge({"condition": {"value": "c"}}, {"condition": None}, FORM)
    assert (merged.evidence, merged.after, merged.before) == ({}, {"condition": None}, {"condition": {"value": "c"}})


def test_s6_3_before_and_after_hold_the_changed_cells_only() -> None:
    current: Evidence = {"condition": {"value": "c", "immutable": "api"}, "zygosity": {"value": "mosaic", "immutable": "api"}}
    merged = merge(current, {"condition": "c", "zygosity": "homozygous", "age": 3}, API)
    assert merged.before == {"zygosity": {"value": "mosaic", "immutable": "api"}, "age": None}
    assert merged.after.keys() == {"zygosity", "age"}
    assert merged.messages == (Message("patched", keys=("zygosity", "age")),)
    assert merged.evidence["condition"] is current["condition"]


def test_s8_validations_live_in_the_cell_and_go_with_a_good_value() -> None:
    bad = merge({}, {"zygosity": {"value": "maybe", "note": "n"}}, API).evidence
    assert [entry["code"] for entry in bad["zygosity"]["validation"]] == ["invalid_value"]
    assert set(bad["zygosity"]["validation"][0]) == {"severity", "code", "message"}
    noted = merge(bad, {"zygosity": {"note": "m"}}, API).evidence
    assert noted["zygosity"]["validation"] == bad["zygosity"]["validation"]
    assert merge(bad, {"zygosity": "mosaic"}, API).evidence["zygosity"] == {"value": "mosaic", "immutable": "api"}


def test_s8_cells_of_an_external_lab_get_no_validation() -> None:
    assert merge({}, {"zygosity": "maybe"}, Rules("patch", external=True)).evidence["zygosity"] == {
        "value": "maybe",
        "immutable": "api",
    }


LOCKS = [None, "api", "variantgrid"]


@pytest.mark.parametrize(
    ("rules", "applied"),
    [(API, [True, True, False]), (EDITABLE, [True, True, False]), (FORM, [True, False, False])],
)
@pytest.mark.parametrize("raw", ["new", None, {"value": "new"}, {"explain": "new"}, {"value": "new", "note": "new"}])
def test_s7_3_who_may_change_a_locked_value(rules: Rules, applied: list[bool], raw: Any) -> None:
    for lock, may in zip(LOCKS, applied, strict=True):
        old = {"value": "old", "note": "n"} | ({"immutable": lock} if lock else {})
        merged = merge({"condition": old}, {"condition": raw}, rules)
        assert (merged.evidence["condition"] != old if "condition" in merged.evidence else True) is may
        assert (Message("immutable", key="condition") in merged.messages) is not may


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("rules", [FORM, Rules("patch", Source.CONSENSUS)])
def test_s7_1_notes_are_exempt_from_locks(lock: str | None, rules: Rules) -> None:
    old = {"value": "old", "note": "n"} | ({"immutable": lock} if lock else {})
    assert _condition(old, {"note": "m"}, rules) == {**old, "note": "m"}


def test_s7_1_a_cell_with_a_forbidden_value_and_a_note_is_refused_whole() -> None:
    merged = merge({"condition": FULL}, {"condition": {"value": "x", "note": "m"}, "age": 3}, FORM)
    assert merged.evidence["condition"] is FULL
    assert merged.evidence["age"] == {"value": "0-9"}
    assert _codes(merged) == ["immutable", "patched"]


def test_s7_1_a_locked_empty_cell_refuses_form_values() -> None:
    assert _condition({"immutable": "api"}, "x", FORM) == {"immutable": "api"}


@pytest.mark.parametrize("lock", LOCKS)
def test_s7_3_the_same_value_is_no_change_from_any_source(lock: str | None) -> None:
    old = {"value": "old"} | ({"immutable": lock} if lock else {})
    assert _condition(old, "old", FORM) == old
    assert _condition(old, "old", EDITABLE) == old
    assert _condition(old, "old") == {"value": "old", "immutable": lock or "api"}


def test_s7_1_editable_does_not_unlock() -> None:
    assert _condition(FULL, "new", EDITABLE) == {"value": "new", "immutable": "api"}


@pytest.mark.parametrize("rules", [API, EDITABLE])
def test_s7_2_a_system_key_is_locked_by_its_first_value(rules: Rules) -> None:
    evidence = merge({}, {"genome_build": "GRCh37"}, rules).evidence
    assert evidence == {"genome_build": {"value": "GRCh37", "immutable": "variantgrid"}}
    for raw in ("GRCh38", None, {"value": None}):
        merged = merge(evidence, {"genome_build": raw}, rules)
        assert merged.evidence is evidence
        assert merged.messages == (Message("immutable", key="genome_build"), Message("no_patch"))
    assert _codes(merge(evidence, {"genome_build": " GRCh37 "}, rules)) == ["no_patch"]


def test_s7_2_a_system_key_without_a_value_is_locked_as_any_other() -> None:
    assert merge({}, {"g_hgvs": None}, API).evidence == {"g_hgvs": {"immutable": "api"}}
    assert merge({"g_hgvs": {"value": "x"}}, {"g_hgvs": {"note": "n"}}, API).evidence["g_hgvs"]["immutable"] == "api"


def test_s7_2_a_form_does_not_lock_a_system_key() -> None:
    assert merge({}, {"genome_build": "GRCh37"}, FORM).evidence == {"genome_build": {"value": "GRCh37"}}


def test_s5_patch_empty_fills_only_what_has_no_value() -> None:
    current: Evidence = {"condition": {"value": "c"}, "age": {"immutable": "api"}, "zygosity": {"note": "n"}}
    sent = {"condition": {"value": "d", "note": "m"}, "age": 30, "zygosity": {"value": "mosaic"}, "curated_by": "me"}
    merged = merge(current, sent, Rules("patch-empty"))
    assert merged.evidence["condition"] is current["condition"]
    assert {key: cell.get("value") for key, cell in merged.after.items() if cell} == {
        "age": "30-39",
        "zygosity": "mosaic",
        "curated_by": "me",
    }
    assert merged.evidence["zygosity"]["note"] == "n"


def test_s5_overwrite_removes_what_is_not_sent() -> None:
    current: Evidence = {"condition": FULL, "age": {"value": "0-9", "immutable": "api"}, "owner": {"value": "ann"}}
    merged = merge(current, {"condition": {"value": "new"}}, Rules("overwrite", default_owner="ann"))
    assert merged.evidence == {"condition": {"value": "new", "immutable": "api"}, "owner": {"value": "ann"}}
    assert merged.after == {"condition": {"value": "new", "immutable": "api"}, "age": None}


def test_s5_system_locked_keys_survive_an_overwrite_with_a_message() -> None:
    current = merge({}, {"c_hgvs": "NM_1.1:c.1A>G", "condition": "c"}, CREATE).evidence
    merged = merge(current, {}, Rules("overwrite"))
    assert merged.evidence.keys() == {"c_hgvs", "refseq_transcript_id"}
    assert [message.key for message in merged.messages if message.code == "immutable"] == ["c_hgvs", "refseq_transcript_id"]


def test_s5_a_form_cannot_overwrite_what_the_api_locked() -> None:
    current: Evidence = {"condition": FULL, "age": {"value": "0-9"}}
    assert merge(current, {}, Rules("overwrite", Source.FORM)).evidence == {"condition": FULL}
    assert merge(current, {"condition": {"note": "m"}}, Rules("overwrite", Source.FORM)).evidence == {
        "condition": {**FULL, "note": "m"}
    }


def test_s5_an_overwrite_keeps_the_lock_of_what_it_sends() -> None:
    assert _condition(FULL, "new", Rules("overwrite", editable=True)) == {"value": "new", "immutable": "api"}


@pytest.mark.parametrize(
    ("c_hgvs", "key", "transcript", "gene"),
    [
        ("NM_000071.2(CBS):c.1539C>T", "refseq_transcript_id", "NM_000071.2", "CBS"),
        ("NR_000071.2(cbs):n.1539C>T", "refseq_transcript_id", "NR_000071.2", "CBS"),
        ("ENST00000357654.9(BRCA1):c.1A>G", "ensembl_transcript_id", "ENST00000357654.9", "BRCA1"),
        ("LRG_292t1(BRCA1):c.1A>G", "lrg_id", "LRG_292t1", "BRCA1"),
        ("NM_000071.2:c.1539C>T", "refseq_transcript_id", "NM_000071.2", None),
    ],
)
def test_s9_5_a_creation_takes_transcript_and_gene_from_c_hgvs(c_hgvs: str, key: str, transcript: str, gene: str | None) -> None:
    evidence = merge({}, {"c_hgvs": c_hgvs}, CREATE).evidence
    assert evidence[key]["value"] == transcript
    assert evidence.get("gene_symbol", {}).get("value") == gene
    assert evidence[key]["immutable"] == ("api" if key == "lrg_id" else "variantgrid")


@pytest.mark.parametrize(
    "c_hgvs", ["NG_012232.1(NM_004006.2):c.93+1G>T", "NC_000001.10:g.1A>G", "CBS:c.1A>G", "no hgvs", "x(y)z:"]
)
def test_s9_5_nothing_is_derived_from_what_names_no_transcript(c_hgvs: str) -> None:
    assert merge({}, {"c_hgvs": c_hgvs}, CREATE).evidence.keys() == {"c_hgvs"}


def test_s9_5_what_is_supplied_is_not_derived() -> None:
    sent = {"c_hgvs": "NM_1.1(CBS):c.1A>G", "gene_symbol": "pah", "refseq_transcript_id": None}
    evidence = merge({}, sent, CREATE).evidence
    assert evidence["gene_symbol"]["value"] == "PAH"
    assert evidence["refseq_transcript_id"] == {"immutable": "api"}


def test_s9_3_the_gene_inside_c_hgvs_is_upper_cased_at_creation() -> None:
    assert merge({}, {"c_hgvs": "NM_1.1(cbs):c.1A>G"}, CREATE).evidence["c_hgvs"]["value"] == "NM_1.1(CBS):c.1A>G"


def test_s9_5_a_supplied_gene_is_put_into_c_hgvs() -> None:
    evidence = merge({}, {"c_hgvs": {"value": "NM_1.1:c.1A>G", "note": "n"}, "gene_symbol": "cbs"}, CREATE).evidence
    assert evidence["c_hgvs"] == {"value": "NM_1.1(CBS):c.1A>G", "note": "n", "immutable": "variantgrid"}


def test_s9_5_a_gene_that_cannot_stand_in_c_hgvs_is_not_put_there() -> None:
    evidence = merge({}, {"c_hgvs": "NM_1.1:c.1A>G", "gene_symbol": "NM_1.1(cbs):c.1A>G"}, CREATE).evidence
    assert evidence["c_hgvs"]["value"] == "NM_1.1:c.1A>G"


@pytest.mark.parametrize("sent", [{"c_hgvs": "NM_1.1(cbs):c.1A>G"}, {"c_hgvs": "NM_1.1:c.1A>G", "gene_symbol": "CBS"}])
def test_s7_2_an_identical_submission_of_a_completed_c_hgvs_is_fine(sent: dict[str, Any]) -> None:
    evidence = merge({}, sent, CREATE).evidence
    assert _codes(merge(evidence, sent, Rules("upsert"))) == ["no_patch"]
    assert _codes(merge(evidence, {"c_hgvs": "NM_1.1(PAH):c.1A>G"}, Rules("upsert"))) == ["immutable", "no_patch"]


def test_s9_5_nothing_is_derived_after_creation() -> None:
    assert merge({}, {"c_hgvs": "NM_1.1(CBS):c.1A>G"}, API).evidence.keys() == {"c_hgvs"}


def test_s9_6_a_creation_without_an_owner_gets_the_creator() -> None:
    rules = Rules("create", creating=True, default_owner="bob")
    assert merge({}, {}, rules).evidence == {"owner": {"value": "bob"}}
    assert merge({}, {"owner": "x@y.z"}, rules).evidence["owner"]["value"] == "x@y.z"
    assert merge({}, {"owner": None}, rules).evidence["owner"] == {"immutable": "api"}


@pytest.mark.parametrize(
    ("lab_id", "external", "codes"), [(None, False, []), (7, False, []), (8, False, ["not_lab"]), (8, True, ["not_lab"])]
)
def test_s8_1_an_owner_of_another_lab_is_warned_about(lab_id: int | None, external: bool, codes: list[str]) -> None:
    people = {"ann": Person(1, "ann", frozenset({7}))}
    merged = merge({}, {"owner": "ANN"}, Rules("create", people=people, lab_id=lab_id, external=external))
    found = merged.evidence["owner"].get("validation", ())
    assert [entry["code"] for entry in found] == ([] if external else codes)


def test_s9_6_an_owner_that_is_a_known_user_becomes_the_owner() -> None:
    rules = Rules("patch", people=PEOPLE)
    merged = merge({}, {"owner": " ANN@example.org "}, rules)
    assert (merged.owner, merged.evidence["owner"]["value"]) == (ANN, "ann")
    assert merge(merged.evidence, {"owner": "ann"}, rules).evidence is merged.evidence
    unknown = merge({}, {"owner": "Nobody"}, rules)
    assert (unknown.owner, unknown.evidence["owner"]) == (None, {"value": "Nobody", "immutable": "api"})


def test_s9_6_a_refused_owner_owns_nothing() -> None:
    merged = merge({"owner": {"value": "bob", "immutable": "api"}}, {"owner": "ann"}, Rules("patch", Source.FORM, people=PEOPLE))
    assert (merged.owner, _codes(merged)) == (None, ["immutable", "no_patch"])


def test_s20_the_worked_example() -> None:
    sent = {
        "c_hgvs": "NM_000071.2(CBS):c.1539C>T",
        "clinical_significance": "vous",
        "zygosity": {"value": "Hemizygous", "note": "check parent"},
        "bp4": True,
        "mode_of_inheritance": "autosomal_recessive, autosomal_dominant",
    }
    flat = flatten(merge({}, sent, CREATE).evidence)
    assert flat["clinical_significance"] == "VUS"
    assert (flat["zygosity"], flat["zygosity.note"]) == ("hemizygous", "check parent")
    assert flat["acmg:bp4"] == "BP"
    assert flat["mode_of_inheritance"] == "autosomal_dominant, autosomal_recessive"
    assert flat["gene_symbol"] == "CBS"
    assert flat["zygosity.immutable"] == "api"


def test_s15_flat_leaves_nulls_out_and_carries_every_member() -> None:
    validation = [{"severity": "error", "code": "c", "message": "m"}]
    cell = {"value": False, "explain": "e", "validation": validation, "db_refs": [{"id": "PMID: 123"}]}
    assert flatten({"a": cell, "b": {"immutable": "api"}}) == {
        "a": False,
        "a.explain": "e",
        "a.validation": validation,
        "a.db_refs": [{"id": "PMID: 123"}],
        "b.immutable": "api",
    }


HIDDEN = {"value": "(hidden)", "hidden": True}


@pytest.mark.parametrize(
    ("level", "owner", "summary", "other"),
    [
        (Level.USER, {"value": "ann"}, {"note": "n"}, {"value": 1}),
        (Level.LAB, {"value": "ann"}, {"note": "n"}, HIDDEN),
        (Level.ORGANISATION, {"value": "ann"}, HIDDEN, HIDDEN),
        (Level.LOGGED_IN_USERS, HIDDEN, HIDDEN, HIDDEN),
    ],
)
def test_s12_1_cells_beyond_the_ceiling_are_hidden(level: Level, owner: Any, summary: Any, other: Any) -> None:
    evidence: Evidence = {
        "owner": {"value": "ann"},
        "somatic:summary_interpretation": {"note": "n"},
        "unregistered": {"value": 1},
    }
    assert restrict(evidence, level, key_set()) == {
        "owner": owner,
        "somatic:summary_interpretation": summary,
        "unregistered": other,
    }


def test_s12_1_a_cell_with_only_a_lock_is_not_shown_at_all() -> None:
    assert restrict({"owner": {"immutable": "api"}, "condition": FULL}, Level.LOGGED_IN_USERS, key_set()) == {"condition": FULL}
