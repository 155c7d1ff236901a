"""Section 8: validation and normalisation by value type, and what is said about values."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.hands import A, cell, codes, kept, make, read, send, wrongs
from tests.web.conftest import GOOD, Caller

ALL = {
    "F": "patient_phenotype", "T": "interpretation_summary", "S": "zygosity", "M": "mode_of_inheritance", "C": "acmg:bp4",
    "B": "nmd_escaping_variant", "D": "curation_date", "N": "gnomad_af", "L": "cadd", "I": "read_depth", "A": "age",
}  # fmt: skip
"""One key of each value type."""


@pytest.mark.parametrize(
    ("kind", "sent", "stored", "said"),
    [
        ("F", "a <b>bold</b> word &amp; more", "a bold word & more", []),
        ("F", "a <p>tag</p> that <b>stays</b>", "a <p>tag</p> that <b>stays</b>", []),
        ("F", "http://x.org/?a=1&amp;b=2", "http://x.org/?a=1&amp;b=2", []),
        ("F", 12, "12", []),
        ("F", True, "true", []),
        ("F", ["one"], "one", []),
        ("T", "a <b>bold</b> word", "a <b>bold</b> word", []),
        ("S", "Homozygous", "homozygous", []),
        ("S", "nonsense", "nonsense", ["invalid_value"]),
        ("S", ["homozygous"], "homozygous", []),
        ("S", ["homozygous", "hemizygous"], ["homozygous", "hemizygous"], ["too_many_values"]),
        ("M", "other, autosomal_dominant", ["autosomal_dominant", "other"], []),
        ("M", "other|_autosomal_dominant", ["autosomal_dominant", "other"], []),
        ("M", ["other", "Autosomal Dominant", "other"], ["autosomal_dominant", "other"], []),
        ("M", "other", ["other"], []),
        ("M", ["other", "nonsense", "worse"], ["nonsense", "other", "worse"], ["invalid_value", "invalid_value"]),
        ("M", [], None, []),
        ("M", ["", None], None, []),
        ("C", "BS", "BS", []),
        ("C", True, "BP", []),
        ("C", False, "NM", []),
        ("C", "true", "true", ["invalid_value"]),
        ("C", "PP", "PP", ["invalid_value"]),
        ("C", "BX", "BX", []),
        ("C", "NA", "NA", []),
        ("B", True, True, []),
        ("B", 1, True, []),
        ("B", "YES", True, []),
        ("B", "t", True, []),
        ("B", "n", False, []),
        ("B", "0", False, []),
        ("B", "perhaps", "PERHAPS", ["invalid_value"]),
        ("B", 2, 2, ["invalid_value"]),
        ("D", "2020-01-31", "2020-01-31", []),
        ("D", "2020-1-2", "2020-1-2", []),
        ("D", "31/01/2020", "31/01/2020", ["invalid_date"]),
        ("D", 20200131, 20200131, ["invalid_date"]),
        ("D", "2020-02-30", "2020-02-30", ["invalid_date"]),
        ("N", 0.5, 0.5, []),
        ("N", "0.5", 0.5, []),
        ("N", 1, 1.0, []),
        ("N", 1.5, 1.5, ["invalid_unit"]),
        ("N", "much", "much", ["invalid_unit"]),
        ("L", "12.5", 12.5, []),
        ("L", 12, 12.0, []),
        ("L", "much", "much", ["invalid_float"]),
        ("I", "12", 12, []),
        ("I", 12.7, 12, []),
        ("I", "12.7", "12.7", ["invalid_integer"]),
        ("I", "much", "much", ["invalid_integer"]),
        ("A", "37", "30-39", []),
        ("A", "81 years", "80+", []),
        ("A", "18 months", "0-9", []),
        ("A", "20 weeks_gestation", "prenatal", []),
        ("A", "adult", "adult", []),
    ],
)
def test_8_each_type_takes_and_keeps(ann: Caller, kind: str, sent: Any, stored: Any, said: list[str]) -> None:
    assert kept(ann, ALL[kind], sent) == (stored, said)


@pytest.mark.parametrize(("sent", "stored"), [("ann@example.org", "ann"), ("ANN", "ann"), ("somebody else", "somebody else")])
def test_8_a_user_is_kept_by_name(ann: Caller, sent: str, stored: str) -> None:
    assert kept(ann, "owner", sent) == (stored, [])


@pytest.mark.parametrize(
    ("key", "sent", "stored"),
    [
        ("clinical_significance", "Likely Pathogenic", "LP"),
        ("clinical_significance", "likely pathogenic (4)", "LP"),
        ("clinical_significance", "us", "VUS"),
        ("affected_status", "Not Affected", "no"),
        ("acmg:bp4", "benign strong", "BS"),
        ("somatic:clinical_significance", "Tier III", "tier_3"),
        ("mode_of_inheritance", "Autosomal-Dominant", ["autosomal_dominant"]),
    ],
)
def test_8_options_are_found_by_key_label_and_alias_in_any_case(ann: Caller, key: str, sent: str, stored: Any) -> None:
    value, said = kept(ann, key, sent)
    assert (value, said) == (stored, []), key


@pytest.mark.parametrize("value", [8, "8"])
def test_8_an_options_index_is_no_value(ann: Caller, value: Any) -> None:
    assert kept(ann, "clinical_significance", value) == (value, ["invalid_value"])


@pytest.mark.parametrize("key", ["assertion_method", "sample_type", "gnomad_popmax", "sequencing_platform"])
def test_8_custom_values_are_allowed_on_some_keys(ann: Caller, key: str) -> None:
    value, said = kept(ann, key, "our own")
    assert (value in ("our own", ["our own"]), said) == (True, [])


def test_8_nothing_is_rejected_for_its_value_and_a_good_one_clears_the_entry(ann: Caller) -> None:
    made = make(ann, {"zygosity": "nonsense", "publish_me": 1}, publish="logged_in_users")
    assert ("zygosity", "invalid_value", "error") in wrongs(made)
    assert made["publish"] == "lab"
    assert cell(ann, "zygosity")["validation"][0]["severity"] == "error"
    answer = send(ann, {"patch": {"zygosity": "homozygous"}, "publish": "logged_in_users"})
    assert cell(ann, "zygosity") == {"value": "homozygous", "immutable": "api"}
    assert answer["publish"] == "logged_in_users"


def test_8_warnings_do_not_keep_a_record_from_being_shared(ann: Caller) -> None:
    made = make(ann, {"gnomad_af": 7}, publish="logged_in_users")
    assert ("gnomad_af", "invalid_unit", "warning") in wrongs(made)
    assert made["publish"] == "logged_in_users"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("PMID: 123456", [("PMID", "PMID: 123456", "123456")]),
        ("pubmed#123456", [("PMID", "PMID: 123456", "123456")]),
        ("PMID 123456, 234567", [("PMID", "PMID: 123456", "123456"), ("PMID", "PMID: 234567", "234567")]),
        ("OMIM:236200", [("OMIM", None, "236200")]),
        ("rs121918506", [(None, None, "121918506")]),
        ("see https://example.org/x.", [(None, None, None)]),
        ("no reference, in 2024", []),
    ],
)
def test_8_identifiers_in_texts_and_notes_are_told(ann: Caller, text: str, found: list[Any]) -> None:
    make(ann, {"interpretation_summary": text, "sex": {"note": text}})
    data = read(ann)["data"]
    for key in ("interpretation_summary", "sex"):
        refs = data[key].get("db_refs", [])
        assert len(refs) == len(found), refs
        for ref, (db, name, idx) in zip(refs, found, strict=True):
            assert {"id", "db", "idx", "url"} <= ref.keys()
            assert (db is None or ref["db"] == db) and (name is None or ref["id"] == name)
            assert idx is None or str(ref["idx"]) == idx


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ({"genome_build": None}, ("genome_build", "mandatory", "error")),
        ({"zygosity": None}, ("zygosity", "mandatory", "error")),
        ({"allele_origin": None}, ("allele_origin", "mandatory", "error")),
        ({"condition": None}, ("condition", "mandatory", "error")),
        ({"clinical_significance": None}, ("clinical_significance", "missing_significance", "error")),
        ({"refseq_transcript_id": "NM_000071"}, ("refseq_transcript_id", "unknown_transcript", "warning")),
        ({"somatic:clinical_significance": "tier_1"}, ("somatic:clinical_significance", "invalid_for_germline", "warning")),
        (
            {"allele_origin": "somatic", "amp:level_a": "x", "somatic:clinical_significance": "tier_3"},
            ("amp:level_a", "somatic_mismatched_level", "warning"),
        ),
        (
            {"interpretation_summary": "We say this variant is classified as benign."},
            ("interpretation_summary", "cs_mismatch", "warning"),
        ),
        ({"owner": "cat"}, ("owner", "not_lab", "warning")),
    ],
)
def test_8_1_what_is_wrong_is_told_by_key_and_code(ann: Caller, evidence: dict[str, Any], message: Any) -> None:
    assert message in wrongs(make(ann, evidence))


def test_8_1_a_somatic_record_may_have_either_significance(ann: Caller) -> None:
    evidence = {"allele_origin": "somatic", "clinical_significance": None, "somatic:clinical_significance": "tier_1"}
    assert not [found for found in wrongs(make(ann, evidence)) if found[2] == "error"]


def test_8_1_requires_note_is_off(ann: Caller) -> None:
    assert "requires_note" not in {code for _, code, _ in wrongs(make(ann, {"bp4": "BS"}))}


def test_8_1_messages_are_sorted_by_key_and_code(ann: Caller) -> None:
    told = [f"{message['key']}:{message['code']}" for message in send(ann, {"create": {"bp4": "x", "age": "x"}})["messages"]]
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"patch": {"zygosity": "homozygous"}}, "patched"),
        ({"patch": {}}, "no_patch"),
        ({"patch": {"c_hgvs": "NM_1.1:c.1A>T"}}, "immutable"),
        ({"patch": {"not_ours": 1}}, "unrecognised_key"),
        ({"what": "ever"}, "unexpected_parameters"),
        ({"publish": "lab"}, "shared"),
        ({"patch": {"zygosity": None}, "publish": "public"}, "share_failure"),
        ({"test": True}, "test_mode"),
    ],
)
def test_8_2_what_happened_is_told_by_a_code_and_a_text(ann: Caller, operation: dict[str, Any], code: str) -> None:
    make(ann)
    answer = send(ann, operation)
    assert code in codes(answer)
    assert all(message["message"] for message in answer["patch_messages"])


def test_8_2_messages_come_in_order_of_occurrence(ann: Caller) -> None:
    make(ann)
    patch = {"c_hgvs": "NM_1.1:c.1A>T", "zygosity": "homozygous", "not_ours": 1}
    told = codes(send(ann, {"patch": patch, "publish": "lab", "what": "ever"}))
    assert told[0] == "unexpected_parameters"
    assert told[-1] == "shared"
    assert set(told[1:-1]) == {"immutable", "patched", "unrecognised_key"}
    assert read(ann, A)["data"]["c_hgvs"]["value"] == GOOD["c_hgvs"]


def test_8_1_a_private_discordance_is_told_where_a_record_is_read(ann: Caller, cat: Caller) -> None:
    variant = {"g_hgvs": "NC_000021.8:g.44478268C>T"}
    make(ann, variant | {"clinical_significance": "P"}, publish="logged_in_users")
    make(ann, variant | {"clinical_significance": "B"}, name="north/one/private")
    make(ann, variant | {"clinical_significance": "P"}, name="north/one/agrees")
    make(ann, variant | {"clinical_significance": "B", "allele_origin": "somatic"}, name="north/one/somatic", publish="public")
    make(ann, {"zygosity": None}, name="north/one/other")

    told = read(ann)["messages"]
    assert [(one["severity"], one["code"]) for one in told] == [("info", "private-discordance")]
    assert ann.get(told[0]["link"]).json["id"] == "north/one/private"
    assert read(cat)["messages"] == [], "others cannot see the private one"
    assert [one["code"] for one in read(ann, "north/one/other")["messages"]] == ["mandatory"]
    send(ann, {"publish": "public"}, "north/one/private")
    assert read(ann)["messages"] == [], "it is widely shared now, and the list of discordances tells it"
    assert [one["code"] for one in read(ann, "north/one/private")["messages"]] == ["private-discordance"]
    send(ann, {"delete": "withdraw"}, "north/one/agrees")
    assert read(ann, "north/one/private")["messages"] == []
