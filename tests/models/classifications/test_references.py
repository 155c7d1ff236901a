"""Identifiers in texts (contract section 8, "External references")."""

from __future__ import annotations

from typing import Any

import pytest

from models.classifications.references import cell_references, references


def test_s8_a_pubmed_reference_has_the_contracts_shape() -> None:
    assert references("Found a book PMID: 342244") == [
        {"id": "PMID: 342244", "db": "PMID", "idx": "342244", "url": "https://pubmed.ncbi.nlm.nih.gov/342244"}
    ]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("pubmed#12345 PubMed 23456", ["PMID: 12345", "PMID: 23456"]),
        ("PMID: 111, 222,333", ["PMID: 111", "PMID: 222", "PMID: 333"]),
        ("PMID:2574002, PMID:9450897, PMID:2574002", ["PMID: 2574002", "PMID: 9450897"]),
        ("OMIM:236200 mim 236201", ["OMIM:236200", "OMIM:236201"]),
        ("MONDO:0009861 phenylketonuria", ["MONDO:0009861"]),
        ("HP:0001250, HPO 0000707", ["HP:0001250", "HP:0000707"]),
        ("rs80357906; CA114360; VariationID: 586", ["rs80357906", "CA114360", "VariationID: 586"]),
        ("PMC3045880 PMCID: PMC3045880 PubMedCentral 3045881", ["PMCID: PMC3045880", "PMCID: PMC3045881"]),
        ("ORPHA:558 Orphanet #559", ["ORPHA:558", "ORPHA:559"]),
        ("MedGen:C0268490 UniProtKB:P00439", ["MedGen:C0268490", "UniProtKB:P00439"]),
        ("Bookshelf: NBK1250 NCBIBookShelf 1251", ["NCBIBookShelf: NBK1250", "NCBIBookShelf: NBK1251"]),
        ("DOID:14330, SNOMEDCT 190794006", ["DOID:14330", "SNOMEDCT:190794006"]),
        ("GTR000500233 nihms123456 HGNC:8582 COSM476", ["GTR:000500233", "NIHMS: 123456", "HGNC:8582", "COSM476"]),
        ("see https://x.org/a?PMID:123456). And ftp://y.org/b", ["https://x.org/a?PMID:123456", "ftp://y.org/b"]),
        ("no reference here, not in cars123 nor PMID: 12", []),
        ("", []),
    ],
)
def test_s8_identifiers_are_recognised_in_any_case_and_once(text: str, ids: list[str]) -> None:
    assert [reference["id"] for reference in references(text)] == ids


def test_s8_an_address_is_its_own_reference() -> None:
    assert references("(http://x.org/1)") == [{"id": "http://x.org/1", "db": "HTTP", "idx": "x.org/1", "url": "http://x.org/1"}]


def test_s8_every_reference_has_four_texts() -> None:
    text = "PMID:1234 OMIM:123456 HP:0001250 rs1234 CA1234 NBK1250 UniProtKB:P00439 https://x.org"
    for reference in references(text):
        assert list(reference) == ["id", "db", "idx", "url"]
        assert all(isinstance(value, str) and value for value in reference.values())


@pytest.mark.parametrize(
    ("cell", "value_type", "ids"),
    [
        ({"value": "PMID:1234", "note": "rs5678"}, "F", ["PMID: 1234", "rs5678"]),
        ({"value": "PMID:1234", "note": "PMID:1234"}, "T", ["PMID: 1234"]),
        ({"value": "PMID:1234", "note": "rs5678"}, "S", ["rs5678"]),
        ({"value": ["PMID:1234"], "explain": "PMID:1235"}, "F", []),
        ({"value": 12345}, "F", []),
        ({"immutable": "api"}, "F", []),
    ],
)
def test_s8_texts_and_every_note_are_scanned(cell: dict[str, Any], value_type: str, ids: list[str]) -> None:
    assert [reference["id"] for reference in cell_references(cell, value_type)] == ids


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["PMID 1234,", "http", "PMID", "PMID 123456, ", "CA", "1234567,", "PMID   ", "http://", "::: "])
def test_s8_no_text_takes_long(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    assert isinstance(references(text), list)
