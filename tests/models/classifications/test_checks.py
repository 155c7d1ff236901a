"""What keeps a record from being published, and what is remarked about it (contract section 8.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.classifications.checks import active_namespaces, blocks_publishing, counts, messages
from models.classifications.evidence import Rules, merge
from models.classifications.keys import key_set
from models.classifications.state import Evidence

GOOD = {
    "genome_build": "GRCh38",
    "zygosity": "mosaic",
    "allele_origin": "germline",
    "condition": "OMIM:236200",
    "clinical_significance": "VUS",
}
SOMATIC = {**GOOD, "allele_origin": "somatic"}


def _evidence(sent: dict[str, Any], **changes: Any) -> Evidence:
    return merge({}, {**sent, **changes}, Rules("create")).evidence


def _found(sent: dict[str, Any], **changes: Any) -> list[tuple[str, str, str]]:
    return [(one["severity"], one["key"], one["code"]) for one in messages(_evidence(sent, **changes))]


def test_s8_1_a_complete_record_has_no_messages() -> None:
    assert _found(GOOD) == []
    assert not blocks_publishing(_evidence(GOOD))


def test_s20_a_record_without_anything_lacks_what_the_example_says() -> None:
    assert _found({"c_hgvs": "NM_000071.2(CBS):c.1539C>T", "genome_build": "GRCh37"}) == [
        ("error", "allele_origin", "mandatory"),
        ("error", "clinical_significance", "missing_significance"),
        ("error", "condition", "mandatory"),
        ("error", "zygosity", "mandatory"),
    ]


@pytest.mark.parametrize("name", ["genome_build", "zygosity", "allele_origin", "condition"])
@pytest.mark.parametrize("raw", [None, {"note": "only a note"}, ""])
def test_s8_1_a_mandatory_key_without_a_value_is_an_error(name: str, raw: Any) -> None:
    assert ("error", name, "mandatory") in _found(GOOD, **{name: raw})
    assert blocks_publishing(_evidence(GOOD, **{name: raw}))


@pytest.mark.parametrize(
    ("origin", "significance", "tier", "missing"),
    [
        ("germline", None, "tier_1", True),
        (None, None, "tier_1", True),
        ("somatic", None, None, True),
        ("somatic", None, "tier_1", False),
        ("somatic", "VUS", None, False),
        ("germline", "VUS", None, False),
        ("who knows", None, "tier_1", False),
    ],
)
def test_s8_1_missing_significance(origin: Any, significance: Any, tier: Any, missing: bool) -> None:
    changes = {"allele_origin": origin, "clinical_significance": significance, "somatic:clinical_significance": tier}
    assert (("error", "clinical_significance", "missing_significance") in _found(GOOD, **changes)) is missing


def test_s8_1_a_mandatory_namespaced_key_counts_only_while_its_namespace_is_active() -> None:
    found = key_set().find("bp4")
    assert found is not None
    key = replace(found, mandatory=True)
    assert not counts(key, active_namespaces(_evidence(GOOD)))
    assert counts(key, active_namespaces(_evidence(GOOD, assertion_method=["modified_ACMG", "acmg"])))
    assert counts(replace(key, namespace=None), frozenset())


def test_s8_1_namespaces_come_from_assertion_method_and_allele_origin() -> None:
    assert active_namespaces(_evidence(GOOD, assertion_method="acmg, horak, own method")) == {"germline", "acmg", "horak"}
    assert active_namespaces({}) == frozenset()


@pytest.mark.parametrize(("transcript", "warned"), [("NM_000071.2", False), ("NM_000071", True), ("NM_000071.", True)])
def test_s8_1_unknown_transcript(transcript: str, warned: bool) -> None:
    expected = [("warning", "refseq_transcript_id", "unknown_transcript")]
    assert _found(GOOD, refseq_transcript_id=transcript) == (expected if warned else [])


def test_s8_1_somatic_keys_do_not_belong_on_a_germline_record() -> None:
    changes = {"somatic:clinical_significance": "tier_1", "level_b": "diagnostic"}
    expected = [("warning", key, "invalid_for_germline") for key in ("amp:level_b", "somatic:clinical_significance")]
    assert _found(GOOD, **changes) == expected
    assert _found(SOMATIC, **changes) == []


@pytest.mark.parametrize(
    ("level", "tier", "warned"),
    [
        ("level_a", "tier_1", False),
        ("level_b", "tier_1", False),
        ("level_c", "tier_2", False),
        ("level_d", "tier_1_or_2", False),
        ("level_a", "tier_1_or_2", False),
        ("level_a", "tier_2", True),
        ("level_c", "tier_1", True),
        ("level_d", None, True),
        ("level_b", ["tier_1", "tier_2"], True),
    ],
)
def test_s8_1_somatic_mismatched_level(level: str, tier: Any, warned: bool) -> None:
    found = _found(SOMATIC, **{level: "therapeutic", "somatic:clinical_significance": tier})
    assert (("warning", f"amp:{level}", "somatic_mismatched_level") in found) is warned


@pytest.mark.parametrize(
    ("significance", "text", "warned"),
    [
        ("P", "This variant is classified as pathogenic.", False),
        ("P", "In sum, this variant (NM_1.1:c.1A>G) has been classified as Likely Pathogenic.", True),
        ("LP", "This variant has been classified as likely-pathogenic.", False),
        ("B", "This variant was classified likely benign", True),
        ("VUS_A", "this variant is classified as a variant of uncertain significance", False),
        ("VUS", "This variant is classified as VUS", False),
        ("LP", "This variant is classified as VUS", True),
        ("LO", "This variant is classified as oncogenic.", True),
        ("P", "This variant is rare. It was classified benign by others.", False),
        ("P", "Another one is classified as benign.", False),
        ("P", "This variant is classified by us.", False),
        ("R", "This variant is classified as benign.", False),
    ],
)
def test_s8_1_cs_mismatch(significance: str, text: str, warned: bool) -> None:
    found = _found(GOOD, clinical_significance=significance, interpretation_summary=text)
    assert found == ([("warning", "interpretation_summary", "cs_mismatch")] if warned else [])


@pytest.mark.timeout(20)
def test_s8_1_no_interpretation_takes_long() -> None:
    assert messages(_evidence(GOOD, interpretation_summary="this variant " * 8_000)) == []


def test_s8_1_validations_of_cells_are_repeated_with_their_key_and_sorted() -> None:
    found = _found(GOOD, zygosity="maybe", curation_date="soon", bp4="XX")
    assert found == [
        ("error", "acmg:bp4", "invalid_value"),
        ("warning", "curation_date", "invalid_date"),
        ("error", "zygosity", "invalid_value"),
    ]
    assert all(set(one) == {"key", "severity", "code", "message"} for one in messages(_evidence(GOOD, zygosity="maybe")))


def test_s12_warnings_do_not_block_and_errors_do() -> None:
    assert not blocks_publishing(_evidence(GOOD, curation_date="soon", refseq_transcript_id="NM_1"))
    assert blocks_publishing(_evidence(GOOD, bp4="XX"))


names = st.sampled_from([*GOOD, "bp4", "somatic:clinical_significance", "curation_date", "mode_of_inheritance", "level_a"])
values = st.sampled_from([None, "x", True, "germline", "somatic", "VUS", "tier_1", ["a", "b"], "BP", "2020-01-01"])


@given(st.dictionaries(names, values), st.dictionaries(names, values))
def test_s12_a_record_blocks_exactly_when_one_of_its_messages_is_an_error(one: dict[str, Any], other: dict[str, Any]) -> None:
    evidence = _evidence({**GOOD, **one} if one else other)
    assert blocks_publishing(evidence) is any(message["severity"] == "error" for message in messages(evidence))
