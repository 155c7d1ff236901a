"""CSV's own way to write rows gives, to the byte, what the table and the library's writer give."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.classifications.keys import key_set
from models.classifications.references import articles, references
from models.exports import get
from models.exports.columns import all_columns, used_columns
from models.exports.format import Context
from models.exports.rows import Row
from models.exports.table import Table, cells_of
from models.exports.texts import guard
from tests.models.exports.samples import context, row

KEYS = (
    "c_hgvs", "genome_build", "condition", "zygosity", "mode_of_inheritance", "acmg:bp4", "acmg:pm2", "horak:om1", "age",
    "allele_frequency", "nmd_escaping_variant", "clingen_allele_id", "variant_coordinate", "literature", "no_key_of_ours",
)  # fmt: skip
ODD_LETTERS = st.sampled_from("'\"=+-@\t\r\n ,;a1\uff1d\ufeffü🧬PMIDpubmed:#") | st.characters(exclude_categories=["Cs"])
ODD = st.text(ODD_LETTERS, max_size=12)
WORDS = ("PMID", "PubMed", "pmid", ":", "#", " ", "123", "4567", ",", "x", "_", "\u0130", "\u017f", "\u212a")
CITING = st.builds("".join, st.lists(st.sampled_from(WORDS), max_size=7))
OPTIONS = st.sampled_from([option.key for name in KEYS for key in [key_set().get(name)] if key for option in key.options])
TEXTS = ODD | CITING | OPTIONS | st.sampled_from(["GRCh37", "hg38", "-1", "=1+1", "", "\\", '"'])
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | TEXTS | st.booleans() | NUMBERS | st.lists(TEXTS | NUMBERS | st.booleans(), max_size=3)
NOTES = TEXTS | st.none()
PARTS: dict[str, st.SearchStrategy[Any]] = {"value": VALUES, "note": NOTES, "explain": TEXTS, "immutable": st.just("api")}
CELLS = st.fixed_dictionaries({}, optional=PARTS)
EVIDENCE = st.dictionaries(st.sampled_from(KEYS), CELLS, max_size=8)
NAMES = ODD.filter(bool)
SHAPES = st.fixed_dictionaries({
    "output": st.just("csv"), "face": st.sampled_from(["bulk", "export"]), "labels": st.booleans(), "guard": st.booleans(),
    "build": st.none() | st.sampled_from(["GRCh37", "GRCh38"]),
})  # fmt: skip


def slowly(given_context: Context, rows: list[Row]) -> bytes:
    """Write rows as the library does it."""
    table, buffer = Table(given_context), io.StringIO(newline="")
    lines = [table.header(), *(table.row(one, evidence) for one, evidence in cells_of(rows))]
    guarded = given_context.shape.guard
    csv.writer(buffer, lineterminator="\r\n").writerows(
        [guard(cell) if guarded and isinstance(cell, str) else cell for cell in line] for line in lines
    )
    return buffer.getvalue().encode()


@given(st.lists(st.tuples(EVIDENCE, NAMES), max_size=3), SHAPES, st.booleans())
@settings(deadline=None)
@example([({"condition": {"value": 'say "x",\r\n', "note": "=1", "explain": "@"}}, "a,b")], {"output": "csv"}, True)
def test_both_ways_give_the_same_bytes(drawn: list[tuple[dict[str, Any], str]], shape: dict[str, Any], whole: bool) -> None:
    rows = [row(at, evidence, name) for at, (evidence, name) in enumerate(drawn)]
    columns = all_columns() if whole else used_columns([rows])
    asked = replace(context(**shape), columns=columns)
    writer = get("csv").open(asked)
    assert writer.begin() + writer.write(rows) + writer.end() == slowly(asked, rows)


@given(st.lists(CITING, max_size=4))
def test_articles_are_the_references_to_pubmed(texts: list[str]) -> None:
    named = [found["id"] for text in texts for found in references(text) if found["db"] == "PMID"]
    assert articles(texts) == list(dict.fromkeys(named))


@pytest.mark.parametrize("part", ["value", "note", "explain"])
def test_a_word_in_a_text_makes_no_column(part: str) -> None:
    used = used_columns([[row(1, {"condition": {part: 'say "note" and "explain" and "value"'}})]])
    assert [column.part for column in used] == (["value"] if part == "value" else ["value", part])
