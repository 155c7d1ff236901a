"""Section 9: derived and special values. Section 10: criteria strengths."""

from __future__ import annotations

from typing import Any

import pytest

from models.classifications.criteria import POINTS, evidence_weights, is_met, met_of, summary_of
from models.classifications.keys import key_set
from models.classifications.variants import normalise_build
from models.db import driver, transaction
from tests.contract.hands import cell, kept, make, read, send
from tests.web.conftest import GOOD, Caller


def _values(caller: Caller, *keys: str) -> list[Any]:
    data = read(caller)["data"]
    return [data.get(key, {}).get("value") for key in keys]


def test_9_1_the_gene_is_written_in_capitals(ann: Caller) -> None:
    assert kept(ann, "gene_symbol", "cbs") == ("CBS", [])


def test_9_2_whitespace_inside_c_hgvs_is_removed(ann: Caller) -> None:
    assert kept(ann, "c_hgvs", " NM_000071.2 (CBS) : c.1539C>T") == (GOOD["c_hgvs"], [])


def test_9_3_creation_writes_the_gene_inside_c_hgvs_in_capitals(ann: Caller) -> None:
    make(ann, {"c_hgvs": "NM_000071.2(cbs):c.1539C>T"})
    assert cell(ann, "c_hgvs")["value"] == GOOD["c_hgvs"]


def test_9_4_an_escaped_sign_is_repaired(ann: Caller) -> None:
    make(ann, {"c_hgvs": "NM_000071.2(CBS):c.1539C&gt;T"})
    assert cell(ann, "c_hgvs")["value"] == GOOD["c_hgvs"]


@pytest.mark.parametrize(
    ("c_hgvs", "key", "transcript"),
    [
        ("NM_000071.2(CBS):c.1539C>T", "refseq_transcript_id", "NM_000071.2"),
        ("ENST00000398165.7(CBS):c.1539C>T", "ensembl_transcript_id", "ENST00000398165.7"),
        ("LRG_777t1(CBS):c.1539C>T", "lrg_id", "LRG_777t1"),
    ],
)
def test_9_5_creation_takes_transcript_and_gene_out_of_c_hgvs(ann: Caller, c_hgvs: str, key: str, transcript: str) -> None:
    make(ann, {"c_hgvs": c_hgvs})
    assert _values(ann, key, "gene_symbol") == [transcript, "CBS"]


def test_9_5_what_was_supplied_is_not_derived(ann: Caller) -> None:
    make(ann, {"gene_symbol": "OTHER", "refseq_transcript_id": "NM_1.1"})
    assert _values(ann, "gene_symbol", "refseq_transcript_id") == ["OTHER", "NM_1.1"]


def test_9_5_a_supplied_gene_is_put_into_a_c_hgvs_without_one(ann: Caller) -> None:
    make(ann, {"c_hgvs": "NM_000071.2:c.1539C>T", "gene_symbol": "cbs"})
    assert cell(ann, "c_hgvs")["value"] == GOOD["c_hgvs"]


def test_9_5_nothing_is_derived_later(ann: Caller) -> None:
    send(ann, {"create": {}})
    send(ann, {"patch": {"c_hgvs": GOOD["c_hgvs"]}})
    assert _values(ann, "gene_symbol", "refseq_transcript_id") == [None, None]


@pytest.mark.parametrize(
    ("owner", "value", "owned_by"),
    [
        ("both@example.org", "both", "both"),
        ("BOTH", "both", "both"),
        ("cat@example.org", "cat", "ann"),
        ("nobody@example.org", "nobody@example.org", "ann"),
    ],
)
def test_9_6_the_owner_is_a_user_of_the_lab(ann: Caller, owner: str, value: str, owned_by: str) -> None:
    rid = make(ann, {"owner": owner})["meta"]["id"]
    assert cell(ann, "owner")["value"] == value
    with transaction() as session:
        named = "SELECT u.username FROM records r JOIN users u ON u.id = r.owner_id WHERE r.id = %s"
        assert driver(session).execute(named, (rid,)).fetchone() == (owned_by,)


def test_9_6_by_default_the_creating_user_owns(ann: Caller) -> None:
    make(ann)
    assert cell(ann, "owner")["value"] == "ann"


def test_9_7_until_a_variant_is_matched_the_answer_says_processing(ann: Caller) -> None:
    assert make(ann)["allele"]["resolved"] == {"status": "P", "include": False, "full": GOOD["c_hgvs"]}


@pytest.mark.parametrize(("text", "build"), [("GRCh37.p13", "GRCh37"), ("hg19", "GRCh37"), ("hg38", "GRCh38")])
def test_9_7_builds_have_patches_and_aliases(text: str, build: str) -> None:
    assert normalise_build(text) == build


def test_10_codes_and_points() -> None:
    told = {"BA": -8, "BS": -4, "BM": -2, "BP": -1, "N": 0, "NM": 0, "NA": 0, "PP": 1, "PM": 2, "PS": 4, "PVS": 8}
    assert {code: points for code, points in POINTS.items() if points is not None} == told
    assert {code for code, points in POINTS.items() if points is None} == {"BX", "PX"}


@pytest.mark.parametrize(
    ("strength", "met"), [("NM", False), ("NA", False), ("N", False), (None, False), ("BX", True), ("PP", True)]
)
def test_10_what_is_met(strength: Any, met: bool) -> None:
    assert is_met(strength) is met


def test_10_every_criterion_has_a_default_strength() -> None:
    criteria = [key for key in key_set().all() if key.value_type == "C"]
    assert [len([key for key in criteria if key.namespace == space]) for space in ("acmg", "horak")] == [28, 17]
    for key in criteria:
        assert key.default_strength, key.name
        if key.namespace == "acmg":
            assert key.default_strength == key.short_key.upper().rstrip("0123456789")
        assert [option.key for option in key.options if option.default] == [key.default_strength]


@pytest.mark.parametrize(("key", "default"), [("BP4", "BP"), ("PM2", "PM"), ("BA1", "BA"), ("PVS1", "PVS")])
def test_10_true_selects_the_default_and_false_not_met(ann: Caller, key: str, default: str) -> None:
    assert kept(ann, f"acmg:{key.lower()}", True) == (default, [])
    assert kept(ann, f"acmg:{key.lower()}", False) == ("NM", [])


@pytest.mark.parametrize("key", ["acmg:bp4", "acmg:pm2"])
@pytest.mark.parametrize("strength", list(POINTS))
def test_10_a_criterion_takes_the_strengths_of_its_direction(ann: Caller, key: str, strength: str) -> None:
    fits = strength in ("NM", "NA", "N") or strength[0] == key[5].upper()
    assert kept(ann, key, strength) == (strength, [] if fits else ["invalid_value"])


@pytest.mark.parametrize(
    ("evidence", "weights", "summary"),
    [
        ({"acmg:bp4": "BP", "acmg:pm2": "PM"}, "1xBP, 1xPM", "PM2, BP4"),
        ({"acmg:bp4": "BS"}, "1xBS", "BP4_S"),
        ({"acmg:pm2": "PP"}, "1xPP", "PM2_P"),
        ({"acmg:pm2": "PVS"}, "1xPVS", "PM2_VS"),
        ({"acmg:bp4": "PM"}, "1xPM", "BP4_PM"),
        ({"acmg:pm2": "PX"}, "1xP(Unspecified)", "PM2_P_unspecified"),
        ({"acmg:bp4": "NM", "acmg:pm2": "NA"}, "", ""),
        ({"acmg:bs1": "BM"}, "1xBM", "BS1_M"),
    ],
)
def test_10_summary_texts(evidence: dict[str, str], weights: str, summary: str) -> None:
    cells = {key: {"value": value} for key, value in evidence.items()}
    assert evidence_weights(cells) == weights
    assert sorted(summary_of(met_of(cells)).split(", ")) == sorted(summary.split(", "))
