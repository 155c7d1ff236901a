"""Section 21: every choice between the pages and the reference is written down, with a test that shows it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.contract.hands import read, send
from tests.web.conftest import Caller

HERE = Path(__file__).parent
CHOICES = HERE.parents[1] / "docs" / "classification-choices.md"
ROW = re.compile(r"^\| (\d+) \|.*\| `(test_\w+)` \|$", re.MULTILINE)


def test_21_all_twenty_rows_are_there_with_tests_that_exist() -> None:
    rows = ROW.findall(CHOICES.read_text(encoding="utf-8"))
    assert [int(number) for number, _ in rows] == list(range(1, 21))
    tests = set(re.findall(r"^def (test_\w+)", "\n".join(path.read_text() for path in HERE.glob("test_*.py")), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", CHOICES.read_text(encoding="utf-8")))
    assert named <= tests


def test_21_the_first_example_of_the_page_is_stored_but_not_shared(ann: Caller) -> None:
    evidence = {
        "c_hgvs": "NM_000071.2(CBS):c.1539C>T",
        "genome_build": "GRCh37",
        "clinical_significance": "VUS",
        "zygosity": "hemizygous",
        "bp4": True,
        "mode_of_inheritance": ["autosomal_dominant", "autosomal_recessive"],
        "literature": "Found a book PMID: 342244",
    }
    answer = send(ann, {"data": evidence, "publish": "institution", "return_data": "changes"})

    assert answer["publish"] == "lab"
    assert answer["data"].keys() >= evidence.keys() - {"bp4"} | {"acmg:bp4", "gene_symbol"}
    assert {found["key"] for found in answer["messages"] if found["severity"] == "error"} == {"condition", "allele_origin"}
    assert read(ann)["data"]["literature"]["db_refs"][0]["idx"] == "342244"
