"""REDCap's rules: names, codes, types, and a file that its dictionary describes."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from models.classifications.keys import key_set
from models.exports.format import Column, Context
from models.exports.redcap import RedcapWriter, redcap_columns
from models.exports.redcap_fields import HEADER, codes, dictionary, field_name, field_text
from tests.models.exports.redcap_rules import check_dictionary, check_file
from tests.models.exports.samples import ANN, context, row


def test_the_dictionary_keeps_redcap_s_rules() -> None:
    rows = dictionary(10)
    assert rows[0] == list(HEADER) and len(HEADER) == 18
    check_dictionary([dict(zip(HEADER, line, strict=True)) for line in rows[1:]])


def test_every_key_has_a_name_of_its_own() -> None:
    columns = [Column(key.name, part, place) for key in key_set().all() for part in ("value", "note") for place in (1, 2, 11)]
    assert len({field_name(column) for column in columns}) == len(columns)
    assert field_name(Column("1000_genomes_af", "value", 2)) == "vc_x1000_genomes_af_2"
    assert field_name(Column("acmg:bp4", "note", 3)) == "vc_acmg_bp4_n3"


def test_every_option_has_a_code_of_its_own() -> None:
    for key in key_set().all():
        given = codes(key.name)
        assert len(set(given.values())) == len(given) == len(key.options)
        assert all(given[option.key] == str(option.index) for option in key.options[:1] if option.index is not None)
    assert (codes("acmg:bp4")["NA"], codes("acmg:bp4")["BM"]) == ("9", "12")


@pytest.mark.parametrize(("key", "value", "taken", "rest"), [
    ("zygosity", "hemizygous", codes("zygosity")["hemizygous"], ""),
    ("zygosity", "something else", "", "something else"),
    ("zygosity", ["a", "b"], "", "a, b"),
    ("sample_type", "eyelash", "eyelash", ""),
    ("curation_date", "2020-1-2", "02/01/2020", ""),
    ("curation_date", "2020-13-40", "", "2020-13-40"),
    ("nmd_escaping_variant", True, "TRUE", ""),
    ("nmd_escaping_variant", "MAYBE", "", "MAYBE"),
    ("gnomad_af", 0.25, "0.25", ""),
    ("gnomad_af", "rare", "", "rare"),
    ("mode_of_inheritance", ["autosomal_dominant"], "Autosomal dominant", ""),
    ("condition", "=1", "=1", ""),
    ("condition", None, "", ""),
])  # fmt: skip
def test_what_a_field_cannot_take_is_told_apart(key: str, value: Any, taken: str, rest: str) -> None:
    found = field_text({"value": value}, key)
    assert (found[0].lower(), found[1]) == (taken.lower(), rest)


def test_a_file_is_what_the_dictionary_describes() -> None:
    rows = [
        row(1, {"redcap_record_id": "7", "zygosity": {"value": "hemizygous", "note": "n"}, "curation_date": "2020-02-03"}),
        row(2, {"redcap_record_id": "7", "zygosity": "odd", "acmg:bp4": "BM"}),
        row(3, {"redcap_record_id": "8"}),
    ]
    numbered = [(1, rows[0]), (2, rows[1]), (1, rows[2])]
    writer = RedcapWriter(Context(context(output="redcap").shape, ANN, redcap_columns(numbered)))
    text = (writer.begin() + writer.write(rows[:1]) + writer.write(rows[1:]) + writer.end()).decode()
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    check_file(found, [dict(zip(HEADER, line, strict=True)) for line in dictionary(10)[1:]])
    assert [(line["vc_record_id"], line["vc_count"]) for line in found] == [("7", "2"), ("8", "1")]
    assert (found[0]["vc_zygosity_2"], found[0]["vc_zygosity_n2"]) == ("", "[odd]")
    assert re.fullmatch(r"\d+\.\d{6}", found[0]["vc_version_1"])
