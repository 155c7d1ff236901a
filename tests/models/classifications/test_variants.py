"""Variant keys: equal variants share one, different ones never, however they are written."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.classifications.changes import normalise_change
from models.classifications.state import Evidence
from models.classifications.variants import (
    BUILD_OF,
    CONTIGS,
    LONGEST,
    buckets,
    normalise_build,
    normalise_key,
    significance,
    variant_key,
)

OPERATIONS = Path(__file__).parents[3] / "data" / "clingen_operations.ndjson.gz"
PAH = "GRCh38:NC_000012.12:g.102852851del"


def _evidence(**values: str) -> Evidence:
    return {key: {"value": value} for key, value in values.items()}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("5A>T", "5A>T"),
        (" 5 a > t ", "5A>T"),
        ("[5A>T]", "5A>T"),
        ("5delAinsT", "5A>T"),
        ("5A=", "5="),
        ("5A>A", "5="),
        ("5_5del", "5del"),
        ("5delG", "5del"),
        ("1_2delAC", "1_2del"),
        ("1_2del2", "1_2del"),
        ("1_2DELac", "1_2del"),
        ("1_2delACG", "1_2delACG"),  # three bases of two: what was meant is not known
        ("-2_1delACG", "-2_1del"),  # there is no position 0
        ("-2_1delACGT", "-2_1delACGT"),
        ("165-13_165-10delGTTT", "165-13_165-10del"),
        ("1357_*2delTAAAG", "1357_*2del"),
        ("801+1dupG", "801+1dup"),
        ("304_306dupAAA", "304_306dup"),
        ("100_200inv101", "100_200inv"),
        ("534_535delTAinsAT", "534_535delinsAT"),
        ("534_535TA>AT", "534_535delinsAT"),
        ("884_900del17insG", "884_900delinsG"),
        ("100_101insac", "100_101insAC"),
        ("2785_2787GAG[2]", "2785GAG[2]"),
        ("2785GAG[2]", "2785GAG[2]"),
        ("(?_34787801)_(34799462_?)del", "(?_34787801)_(34799462_?)del"),
        ("1061-?_1845+?del", "1061-?_1845+?del"),
        ("[7delC;5A>T]", "[5A>T;7del]"),
        ("[83G>C];[76a>c]", "[76A>C];[83G>C]"),
        ("(5A>T)", "(5A>T)"),
        ("=", "="),
        ("", ""),
    ],
)
def test_a_change_has_one_spelling(sent: str, kept: str) -> None:
    assert normalise_change(sent) == kept
    assert normalise_change(kept) == kept


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("GRCh38", "GRCh38"),
        ("grch 38", "GRCh38"),
        ("hg38", "GRCh38"),
        ("GRCh38.p14", "GRCh38"),
        ("GRCh37.p13", "GRCh37"),
        ("hg19", "GRCh37"),
        ("T2T-CHM13v2.0", "T2T-CHM13v2.0"),
        ("hs1", "T2T-CHM13v2.0"),
        ("NCBI36", None),
        ("", None),
    ],
)
def test_a_build_has_one_name(text: str, build: str | None) -> None:
    assert normalise_build(text) == build


@pytest.mark.parametrize(
    "values",
    [
        {"g_hgvs": "NC_000012.12:g.102852851del", "genome_build": "GRCh38"},
        {"g_hgvs": "nc_000012.12 : g.102852851delA"},  # the accession tells the build
        {"g_hgvs": "NC_000012.12:g.102852851del", "genome_build": "GRCh37"},  # and knows it better
        {"g_hgvs": "chr12:g.102852851delA", "genome_build": "hg38"},
        {"g_hgvs": "12:g.102852851_102852851del", "genome_build": "GRCh38.p14"},
        {"variant_coordinate": "12:102852850 TA>T", "genome_build": "GRCh38"},
        {"variant_coordinate": "chr12:102852850 ta>t", "genome_build": "GRCh38", "g_hgvs": "g.102852851del"},
    ],
)
def test_one_variant_has_one_key(values: dict[str, str]) -> None:
    assert variant_key(_evidence(**values, c_hgvs="NM_000277.2(PAH):c.806delT")) == PAH


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"c_hgvs": "NM_000277.2(PAH):c.806delT", "genome_build": "GRCh38"}, "GRCh38:NM_000277.2:c.806del"),
        ({"c_hgvs": "nm_000277.2:C.806del", "genome_build": "GRCh37"}, "GRCh37:NM_000277.2:c.806del"),
        ({"c_hgvs": "c.806del", "refseq_transcript_id": "NM_000277.2", "genome_build": "GRCh37"}, "GRCh37:NM_000277.2:c.806del"),
        ({"c_hgvs": "LRG_1T1:c.5A>T", "genome_build": "GRCh37"}, "GRCh37:LRG_1t1:c.5A>T"),
        ({"c_hgvs": "NM_000277.2:c.5A&gt;T", "genome_build": "GRCh37"}, "GRCh37:NM_000277.2:c.5A>T"),
        ({"c_hgvs": "NM_000277.2:c.\u22125A>T", "genome_build": "GRCh37"}, "GRCh37:NM_000277.2:c.-5A>T"),
        ({"g_hgvs": "chrM:g.5A>T", "genome_build": "GRCh37"}, "GRCh37:NC_012920.1:m.5A>T"),
        ({"g_hgvs": "NC_012920.1:m.5A>T", "genome_build": "GRCh38"}, "GRCh38:NC_012920.1:m.5A>T"),
        ({"g_hgvs": "NC_012920.1:m.5A>T"}, None),  # both builds have it
        ({"c_hgvs": "NM_000277.2:c.5A>T"}, None),
        ({"c_hgvs": "PAH:p.Met1Val", "genome_build": "GRCh38"}, None),
        ({"c_hgvs": "c.806del", "genome_build": "GRCh38"}, None),
        ({"g_hgvs": "somewhere", "genome_build": "GRCh38"}, None),
        ({"g_hgvs": "NC_000012.12:g.5A>\u65e5"}, None),
        ({}, None),
    ],
)
def test_the_key_comes_from_what_says_most(values: dict[str, str], key: str | None) -> None:
    assert variant_key(_evidence(**values)) == key


def test_values_that_are_no_text_tell_nothing() -> None:
    assert variant_key({"g_hgvs": {"value": ["a", "b"]}, "genome_build": {"note": "hg38"}}) is None


def test_accessions_are_those_of_the_builds() -> None:
    assert CONTIGS[("GRCh37", "12")] == "NC_000012.11"
    assert CONTIGS[("GRCh38", "Y")] == "NC_000024.10"
    assert CONTIGS[("T2T-CHM13v2.0", "X")] == "NC_060947.1"
    assert len(BUILD_OF) == 72


@pytest.mark.parametrize(
    ("said", "compared"), [("VUS_A", "VUS_A"), ("P", "P"), ("R", "R"), ("D", None), ("A", None), ("odd", None), (3, None)]
)
def test_what_has_no_bucket_is_not_compared(said: object, compared: str | None) -> None:
    assert significance({"clinical_significance": {"value": said}}) == compared
    assert (compared in buckets()) is (compared is not None)


def test_a_long_key_is_cut_and_told_apart_by_its_digest() -> None:
    keys = {variant_key(_evidence(g_hgvs=f"NC_000012.12:g.1_2ins{'ACGT' * 200}{last}")) for last in "ACGT"}
    assert len(keys) == 4
    assert all(key is not None and len(key) <= LONGEST and normalise_key(key) == key for key in keys)


def test_real_records_have_keys_that_are_stable() -> None:
    keys = []
    for line in gzip.decompress(OPERATIONS.read_bytes()).splitlines():
        sent = json.loads(line)["upsert"]
        keys.append(variant_key({key: value if isinstance(value, dict) else {"value": value} for key, value in sent.items()}))
    assert len(set(keys)) == len(keys) == 6078
    assert all(key is not None and normalise_key(key) == key for key in keys)


BASES = st.text("ACGT", min_size=1, max_size=6)


@dataclass(frozen=True)
class Variant:
    """A change as it is meant: so many bases at a place become others. `word` is for what is said by a word."""

    start: int
    before: str
    after: str
    word: str = ""

    def spell(self, draw: st.DrawFn) -> str:
        """Write it in one of the ways in which people do."""
        last = self.start + len(self.before) - 1
        span = f"{self.start}_{last}" if last > self.start or draw(st.booleans()) else f"{self.start}"
        said = draw(st.sampled_from(["", self.before, self.before.lower(), str(len(self.before))]))
        if self.word:
            return span + draw(st.sampled_from([self.word, self.word.upper()])) + said
        if len(self.before) == len(self.after) == 1:
            return span + draw(st.sampled_from([f"{self.before}>{self.after}", f"del{self.before}ins{self.after}"]))
        return f"{span}del{said}ins{self.after}"


@st.composite
def variants(draw: st.DrawFn) -> Variant:
    before, after = draw(BASES), draw(BASES)
    start = draw(st.integers(1, 50))
    word = draw(st.sampled_from(["del", "dup", "inv", ""]))
    return Variant(start, "A" * len(before), "", word) if word else Variant(start, before, after)


def _meaning(variant: Variant) -> tuple[object, ...]:
    """What two equal variants have in common. A delins does not tell its old bases, a substitution does."""
    before, after = variant.before, variant.after
    last = variant.start + len(before) - 1
    if not variant.word and before == after:
        return (variant.start, last, "=")
    single = len(before) == len(after) == 1
    return (variant.start, last, variant.word, after, before if single else "")


def _key(change: str) -> str | None:
    return variant_key(_evidence(c_hgvs=f"NM_000277.2:c.{change}", genome_build="GRCh38"))


@given(st.data(), variants(), variants())
def test_equal_variants_have_equal_keys_and_others_have_not(data: st.DataObject, one: Variant, other: Variant) -> None:
    spelled, again, another = (data.draw(st.composite(lambda draw, of=of: of.spell(draw))()) for of in (one, one, other))
    if _meaning(one)[-1] != "=":  # unchanged bases may be written as a delins without them, which cannot be told
        assert _key(spelled) == _key(again)
        assert (_key(spelled) == _key(another)) is (_meaning(one) == _meaning(other)) or _meaning(other)[-1] == "="


@given(st.text(max_size=60) | st.text("acgtACGT0123456789_>[];()=+-*?delinsdupinv", max_size=40))
def test_a_key_is_its_own_key(text: str) -> None:
    assert normalise_change(normalise_change(text)) == normalise_change(text)
    for values in ({"c_hgvs": f"NM_1.1:c.{text}"}, {"g_hgvs": f"NC_000012.12:g.{text}"}, {"variant_coordinate": text}):
        key = variant_key(_evidence(genome_build="GRCh38", **values))
        assert key is None or normalise_key(key) == key
