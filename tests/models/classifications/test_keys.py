"""The registry, its spellings, and the values of every type (contract sections 6.1, 8 and 19)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.classifications.choices import Choice, Option, compile_choice, compile_choices
from models.classifications.keys import Key, KeySet, Normalise, canonical, dump_keys, key_set
from models.classifications.state import Level
from models.errors import InvalidNumber, InvalidType

KEYS = key_set().all()
ONE_OF_EACH_TYPE = {key.value_type: key for key in KEYS}
SPECIAL = [key for key in KEYS if key.name in ("gene_symbol", "c_hgvs", "sample_type", "assertion_method", "acmg:bp4")]


def _key(name: str) -> Key:
    key = key_set().find(name)
    assert key is not None
    return key


def _codes(name: str, value: Any) -> list[tuple[str, str]]:
    return [(one.severity, one.code) for one in _key(name).normalise(value)[1]]


def _value(name: str, value: Any) -> Any:
    return _key(name).normalise(value)[0]


def test_s19_1_there_are_330_keys_in_position_order() -> None:
    assert len(KEYS) == 330
    assert [key.position for key in KEYS] == list(range(1, 331))


def test_s7_2_nine_keys_are_system_locked() -> None:
    assert {key.name for key in KEYS if key.system_locked} == {
        "c_hgvs",
        "g_hgvs",
        "variant_coordinate",
        "genome_build",
        "gene_symbol",
        "refseq_transcript_id",
        "ensembl_transcript_id",
        "curation_system",
        "autopopulate",
    }


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("affected_status", "affected_status"),
        ("Affected  Status!", "affected_status"),
        (" affected-status ", "affected_status"),
        ("affected\tstatus", "affected_status"),
        ("AFFECTED_STATUS", "affected_status"),
        ("bp4", "acmg:bp4"),
        ("BP4", "acmg:bp4"),
        ("acmg:bp4", "acmg:bp4"),
        ("ACMG:BP4", "acmg:bp4"),
        ("om1", "horak:om1"),
        ("Level A", "amp:level_a"),
        ("clinical_significance", "clinical_significance"),
        ("somatic:clinical_significance", "somatic:clinical_significance"),
        ("somatic:testing_context", "testing_context"),
        ("anything:zygosity", "zygosity"),
        ("other:bp4", None),
        ("acmg:no_such", None),
        ("no_such", None),
        ("variant_type", None),
        ("", None),
        ("!!!", None),
    ],
)
def test_s6_1_a_key_is_found_by_any_spelling(spelling: str, name: str | None) -> None:
    found = key_set().find(spelling)
    assert (found and found.name) == name
    assert key_set().find(spelling) is found  # remembered


def test_s6_1_spellings_are_remembered_up_to_a_bound() -> None:
    keys = KeySet(KEYS)
    for number in range(25_000):
        assert keys.find(f"nobody {number}") is None
    assert keys.find("x" * 100_000) is None
    assert keys.find("Zygosity ") is _key("zygosity")
    assert len(keys.spelled) <= 25_000


def test_s6_1_canonical_names_are_their_own_canonical_form() -> None:
    assert all(canonical(key.name) == key.name for key in KEYS)


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("condition", "  a \xa0 b ", "a   b"),
        ("condition", "", None),
        ("condition", "   ", None),
        ("condition", [], None),
        ("condition", {}, None),
        ("condition", None, None),
        ("condition", 0, "0"),
        ("condition", False, "false"),
        ("condition", 2.5, "2.5"),
        ("condition", 10**30, "1" + "0" * 30),
        ("condition", ["one"], "one"),
        ("condition", ["one", 2], "one, 2"),
        ("condition", ["", None], None),
        ("condition", "<b>bold</b> and <SUP>2</SUP>", "bold and 2"),
        ("condition", '<div class="x">in</div>', "in"),
        ("condition", "a &amp; b &#233;", "a & b é"),
        ("condition", "<b>x</b> <p>y</p>", "<b>x</b> <p>y</p>"),
        ("condition", "http://x.org/?a=1&amp;b=<b>", "http://x.org/?a=1&amp;b=<b>"),
        ("condition", "p<0.05 and q>3", "p<0.05 and q>3"),
        ("condition", "a <b and c> d", "a <b and c> d"),
        ("condition", "&nbsp;", None),
        ("condition", "<b></b>", None),
        ("condition", "R&D; x&y", "R&D; x&y"),
        ("interpretation_summary", "<b>kept</b> &amp;", "<b>kept</b> &amp;"),
        ("gene_symbol", " brca1 ", "BRCA1"),
        ("c_hgvs", " NM_1.1 : c.1 A>G ", "NM_1.1:c.1A>G"),
    ],
)
def test_s8_text(name: str, value: Any, stored: Any) -> None:
    assert _key(name).normalise(value) == (stored, ())


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("zygosity", "heterozygous", "heterozygous"),
        ("zygosity", "Heterozygous", "heterozygous"),
        ("zygosity", " HETEROZYGOUS ", "heterozygous"),
        ("zygosity", "Compound-Heterozygous", "compound_heterozygous"),
        ("zygosity", "compound heterozygous", "compound_heterozygous"),
        ("zygosity", ["mosaic"], "mosaic"),
        ("affected_status", "Not Affected", "no"),
        ("clinical_significance", "vous", "VUS"),
        ("clinical_significance", "us-a", "VUS_A"),
        ("clinical_significance", "Likely Pathogenic", "LP"),
        ("clinical_significance", "Likely Pathogenic (4)", "LP"),
        ("clinical_significance", "benign", "B"),
        ("somatic:clinical_significance", "Tier III", "tier_3"),
        ("somatic:clinical_significance", "1", "tier_1"),
        ("somatic:clinical_significance", "1 or 2", "tier_1_or_2"),
        ("bp4", "Benign Strong", "BS"),
        ("bp4", "bp", "BP"),
        ("bp4", True, "BP"),
        ("bp4", False, "NM"),
        ("ba1", True, "BA"),
        ("pvs1", True, "PVS"),
        ("om1", True, "PM"),
        ("sample_type", "moon dust", "moon dust"),
        ("sample_type", 12, "12"),
    ],
)
def test_s8_select_and_criteria_accept_key_label_and_alias_in_any_case(name: str, value: Any, stored: Any) -> None:
    assert _key(name).normalise(value) == (stored, ())


@pytest.mark.parametrize(
    ("name", "value", "stored", "code"),
    [
        ("zygosity", "maybe", "maybe", "invalid_value"),
        ("zygosity", 1, 1, "invalid_value"),
        ("zygosity", True, True, "invalid_value"),
        ("zygosity", ["mosaic", "homozygous"], ["mosaic", "homozygous"], "too_many_values"),
        ("clinical_significance", 3, 3, "invalid_value"),
        ("bp4", "true", "true", "invalid_value"),
        ("bp4", "PM", "PM", "invalid_value"),
        ("pm2", "BS", "BS", "invalid_value"),
        ("bp4", 1, 1, "invalid_value"),
        ("bp4", ["BP", "BS"], ["BP", "BS"], "invalid_value"),
    ],
)
def test_s8_unusable_choices_are_kept_as_given_with_an_error(name: str, value: Any, stored: Any, code: str) -> None:
    assert _value(name, value) == stored
    assert _codes(name, value) == [("error", code)]


@pytest.mark.parametrize("name", ["bp4", "ba1"])
def test_s8_a_benign_criterion_accepts_only_benign_strengths(name: str) -> None:
    assert {option.key for option in _key(name).options} == {"NM", "NA", "N", "BA", "BS", "BM", "BP", "BX"}


@pytest.mark.parametrize("name", ["pm2", "pvs1"])
def test_s8_a_pathogenic_criterion_accepts_only_pathogenic_strengths(name: str) -> None:
    assert {option.key for option in _key(name).options} == {"NM", "NA", "N", "PP", "PM", "PS", "PVS", "PX"}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("autosomal_recessive, autosomal_dominant", ["autosomal_dominant", "autosomal_recessive"]),
        ("autosomal_dominant|_other", ["autosomal_dominant", "other"]),
        (["other", "autosomal_dominant", "Other"], ["autosomal_dominant", "other"]),
        (["Autosomal Dominant"], ["autosomal_dominant"]),
        ("X-linked", ["x_linked"]),
        (["", None], None),
        (" , ", None),
        ({}, None),
    ],
)
def test_s8_multi_select_is_sorted_and_without_duplicates(value: Any, stored: Any) -> None:
    assert _key("mode_of_inheritance").normalise(value) == (stored, ())


def test_s8_each_bad_element_of_a_multi_select_has_its_error() -> None:
    assert _value("mode_of_inheritance", ["zz", "other", 7, "zz"]) == ["7", "other", "zz"]
    assert _codes("mode_of_inheritance", ["zz", "other", 7, "zz"]) == [("error", "invalid_value")] * 2


def test_s8_a_multi_select_may_allow_custom_values() -> None:
    assert _key("assertion_method").normalise("ACMG Guidelines, sherloc") == (["acmg", "sherloc"], ())


def test_s8_an_option_that_differs_only_in_case_stays_what_it_is() -> None:
    assert _value("molecular_consequence", ["mature_miRNA_variant"]) == ["mature_miRNA_variant"]
    assert _value("molecular_consequence", "MATURE_MIRNA_VARIANT") == ["mature_mirna_variant"]


def test_s8_an_option_without_a_label_answers_to_its_humanised_key() -> None:
    normalise = compile_choice(Choice((Option("first_one"), Option("second_one"))))
    assert normalise("Second One") == ("second_one", ())


def test_s8_a_shortened_label_that_two_options_share_is_no_spelling() -> None:
    normalise = compile_choices(Choice((Option("a", "Yes (left)"), Option("b", "Yes (right)"))))
    assert normalise("yes")[1][0].code == "invalid_value"


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        *((word, True) for word in (True, 1, 1.0, "true", "Y", "yes", "T", "1")),
        *((word, False) for word in (False, 0, "False", "n", "NO", "f", "0")),
        ("", None),
        (None, None),
    ],
)
def test_s8_boolean(value: Any, stored: Any) -> None:
    normalised, found = _key("nmd_escaping_variant").normalise(value)
    assert (normalised, type(normalised), found) == (stored, type(stored), ())


@pytest.mark.parametrize(("value", "stored"), [("maybe", "MAYBE"), (2, 2), (-1, -1), (0.5, 0.5), ("a b", "A B")])
def test_s8_what_is_no_boolean_is_an_error(value: Any, stored: Any) -> None:
    assert _value("nmd_escaping_variant", value) == stored
    assert _codes("nmd_escaping_variant", value) == [("error", "invalid_value")]


def test_s8_an_array_is_no_boolean() -> None:
    assert _value("nmd_escaping_variant", ["yes", "no"]) == ["yes", "no"]
    assert _codes("nmd_escaping_variant", ["yes", "no"]) == [("error", "invalid_value")]


@pytest.mark.parametrize("value", ["2020-01-02", "2020-1-2", "2024-02-29", "0001-01-01"])
def test_s8_a_date_is_unchanged(value: str) -> None:
    assert _key("curation_date").normalise(value) == (value, ())


@pytest.mark.parametrize(
    "value",
    [
        *("2026-02-30", "2023-02-29", "2020-13-01", "0000-01-01", "10000-01-01"),
        *("20200102", "2020-W01-1", "02/01/2020", "today", "infinity", "2020-01-02T00:00:00", "\uff12\uff10\uff12\uff10-01-02"),
        *(20200102, 2020.5, True, ["2020-01-02", "2020-01-03"]),
    ],
)
def test_s8_what_is_no_real_date_is_kept_with_a_warning(value: Any) -> None:
    assert _value("curation_date", value) == value
    assert _codes("curation_date", value) == [("warning", "invalid_date")]


@pytest.mark.parametrize(
    ("value", "stored", "codes"),
    [
        (0, 0.0, []),
        (1, 1.0, []),
        ("0.25", 0.25, []),
        ("1e-5", 1e-5, []),
        (-0.0, 0.0, []),
        (1.5, 1.5, ["invalid_unit"]),
        ("-1", -1.0, ["invalid_unit"]),
        ("rare", "rare", ["invalid_unit"]),
        (True, True, ["invalid_unit"]),
        (None, None, []),
    ],
)
def test_s8_unit(value: Any, stored: Any, codes: list[str]) -> None:
    normalised = _value("gnomad_af", value)
    assert (normalised, type(normalised)) == (stored, type(stored))
    assert _codes("gnomad_af", value) == [("warning", code) for code in codes]


@pytest.mark.parametrize(
    ("value", "stored", "codes"),
    [
        (3, 3.0, []),
        ("3.50", 3.5, []),
        (" .5 ", 0.5, []),
        ("+1.", 1.0, []),
        ("1e999", "1e999", ["invalid_float"]),
        ("nan", "nan", ["invalid_float"]),
        ("Infinity", "Infinity", ["invalid_float"]),
        ("1_000", "1_000", ["invalid_float"]),
        ("\u0661", "\u0661", ["invalid_float"]),
        ([1, 2], [1, 2], ["invalid_float"]),
        (False, False, ["invalid_float"]),
    ],
)
def test_s8_float(value: Any, stored: Any, codes: list[str]) -> None:
    name = ONE_OF_EACH_TYPE["L"].name
    normalised = _value(name, value)
    assert (normalised, type(normalised)) == (stored, type(stored))
    assert _codes(name, value) == [("warning", code) for code in codes]


@pytest.mark.parametrize(
    ("value", "stored", "codes"),
    [
        (12, 12, []),
        (12.7, 12, []),
        (-12.7, -12, []),
        (1e2, 100, []),
        (" 12 ", 12, []),
        ("-3", -3, []),
        ([4], 4, []),
        ("12.7", "12.7", ["invalid_integer"]),
        ("12.0", "12.0", ["invalid_integer"]),
        ("1,000", "1,000", ["invalid_integer"]),
        ("0x10", "0x10", ["invalid_integer"]),
        ("²", "²", ["invalid_integer"]),
        ("9" * 30, "9" * 30, ["invalid_integer"]),
        ("9" * 5000, "9" * 5000, ["invalid_integer"]),
        (True, True, ["invalid_integer"]),
    ],
)
def test_s8_integer(value: Any, stored: Any, codes: list[str]) -> None:
    name = ONE_OF_EACH_TYPE["I"].name
    normalised = _value(name, value)
    assert (normalised, type(normalised)) == (stored, type(stored))
    assert _codes(name, value) == [("warning", code) for code in codes]


@pytest.mark.parametrize("value_type", ["I", "L", "N"])
@pytest.mark.parametrize("value", [2**63, -(2**63), 10**400])
def test_s8_a_number_beyond_64_bits_is_refused(value_type: str, value: int) -> None:
    with pytest.raises(InvalidNumber):
        ONE_OF_EACH_TYPE[value_type].normalise(value)


def test_s8_a_float_that_makes_no_integer_of_64_bits_is_refused() -> None:
    with pytest.raises(InvalidNumber):
        ONE_OF_EACH_TYPE["I"].normalise(1e300)


@pytest.mark.parametrize("value_type", ["F", "T", "S", "M", "A", "U"])
def test_s8_a_number_without_bound_is_no_text_either(value_type: str) -> None:
    with pytest.raises(InvalidNumber):
        ONE_OF_EACH_TYPE[value_type].normalise(10**5000)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("9", "0-9"),
        (45, "40-49"),
        (45.9, "40-49"),
        ("45 years", "40-49"),
        ("79", "70-79"),
        ("80", "80+"),
        ("123", "80+"),
        ("9" * 400, "80+"),
        ("20weeks_gestation", "prenatal"),
        ("20 weeks gestation", "prenatal"),
        ("30months", "0-9"),
        ("130 months", "10-19"),
        ("90 days", "0-9"),
        ("40-49", "40-49"),
        ("80+", "80+"),
        ("prenatal", "prenatal"),
        ("adult", "adult"),
        ("-5", "-5"),
        ("", None),
    ],
)
def test_s8_an_age_is_blurred_to_its_decade(value: Any, stored: Any) -> None:
    assert _key("age").normalise(value) == (stored, ())


@pytest.mark.parametrize("value_type", sorted(ONE_OF_EACH_TYPE))
@pytest.mark.parametrize("value", [{"a": 1}, [{"a": 1}], [["a"]], [{}], ["a", []]])
def test_s8_an_object_or_a_nested_array_is_no_value_of_any_type(value_type: str, value: Any) -> None:
    with pytest.raises(InvalidType):
        ONE_OF_EACH_TYPE[value_type].normalise(value)


JSON_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(-1e15, 1e15)
    | st.text(max_size=20)
    | st.sampled_from(
        ["yes", "BP", "VUS", "tier_1", "<b>x</b>", "&lt;b&gt;", "&amp;amp;", "2020-01-02", "40 months", "a,b|_c", "ye\u017f"]
    )
)
JSON_VALUES = JSON_SCALARS | st.lists(JSON_SCALARS, max_size=4)


@pytest.mark.parametrize("normalise", [key.normalise for key in [*ONE_OF_EACH_TYPE.values(), *SPECIAL]])
@given(value=JSON_VALUES)
def test_s6_3_what_is_stored_normalises_to_itself(normalise: Normalise, value: Any) -> None:
    stored, found = normalise(value)
    again, found_again = normalise(stored)
    assert (again, type(again), found_again) == (stored, type(stored), found)


@given(value=st.text(alphabet="<>b/ip&;amltg#38 \xa0=\"'", max_size=40))
def test_s8_markup_is_removed_once_and_for_all(value: str) -> None:
    normalise = _key("condition").normalise
    assert normalise(normalise(value)[0]) == normalise(value)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["<b ", "<", "&#38;", "&amp;", "<b a='", "<b a=b ", "<<b>b>", "weeks ", "1", ","])
def test_s8_no_text_takes_long(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    for key in ONE_OF_EACH_TYPE.values():
        key.normalise(text)


def test_s19_the_key_list_is_in_display_order_with_what_the_contract_asks_for() -> None:
    dumped = dump_keys()
    assert [key["key"] for key in dumped] == [key.name for key in KEYS]
    tier = next(key for key in dumped if key["key"] == "somatic:clinical_significance")
    assert tier["options"][0] == {"key": "tier_1", "label": "Tier I", "index": 1, "aliases": ("1",)}
    build = next(key for key in dumped if key["key"] == "genome_build")
    assert (build["mandatory"], build["immutable"], build["max_share_level"]) == (True, True, "public")
    assert next(key for key in dumped if key["key"] == "owner")["max_share_level"] == "institution"


def test_s19_null_empty_and_false_members_are_left_out_at_every_depth() -> None:
    members = [member for key in dump_keys() for part in (key, *key.get("options", [])) for member in part.items()]
    assert all(value not in (None, "", [], (), {}) and value is not False for _, value in members)


def test_s12_1_ceilings() -> None:
    keys = key_set()
    hidden = {key.name for key in KEYS} - keys.readable(Level.LOGGED_IN_USERS)
    assert hidden == {"owner", "curated_by", "curation_verified_by", "somatic:summary_interpretation"}
    assert len(keys.readable(Level.PUBLIC)) == 23
    assert {key.name for key in KEYS} - keys.readable(Level.ORGANISATION) == {"somatic:summary_interpretation"}
    assert len(keys.readable(Level.LAB)) == 330
