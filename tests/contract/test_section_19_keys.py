"""Section 19: the list of evidence keys. Section 20: the worked examples."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.contract.hands import V2, read
from tests.web.conftest import Caller

KEYS = "/classification/api/evidence_keys"
EXAMPLE = {
    "c_hgvs": "NM_000071.2(CBS):c.1539C>T", "genome_build": "GRCh37", "clinical_significance": "vous",
    "zygosity": {"value": "Hemizygous", "note": "check parent"}, "condition": "OMIM:236200",
    "allele_origin": "germline", "bp4": True, "mode_of_inheritance": "autosomal_recessive, autosomal_dominant",
}  # fmt: skip


def _depths(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value, *(found for item in value.values() for found in _depths(item))]
    return [value, *(found for item in value for found in _depths(item))] if isinstance(value, list) else [value]


def test_19_it_is_an_array_in_display_order_that_needs_no_login(ann: Caller) -> None:
    listed = ann.client.get(KEYS).json
    assert [key["position"] for key in listed] == list(range(1, 331))


def test_19_null_empty_and_false_are_omitted_at_every_depth(ann: Caller) -> None:
    assert not [found for found in _depths(ann.get(KEYS).json) if found is None or found is False or found in ("", [], {})]


@pytest.mark.parametrize("member", ["key", "label", "evidence_category", "value_type", "order", "max_share_level", "position"])
def test_19_every_element_has(ann: Caller, member: str) -> None:
    assert all(member in key for key in ann.get(KEYS).json)


def test_19_what_the_reference_hides_is_told_too(ann: Caller) -> None:
    listed = {key["key"]: key for key in ann.get(KEYS).json}
    significance = {option["key"]: option for option in listed["clinical_significance"]["options"]}
    assert significance["VUS"] == {"key": "VUS", "label": "VUS (3)", "index": 3, "aliases": ["US", "VOUS"], "bucket": 2}
    assert listed["c_hgvs"]["immutable"] is True
    assert listed["owner"]["max_share_level"] == "institution"
    assert listed["acmg:bp4"]["default_strength"] == "BP"
    assert listed["assertion_method"]["allow_custom_values"] is True
    assert listed["allele_origin"]["options"][0]["namespaces"] == ["germline"]


def test_19_1_there_are_330_keys_of_these_types(ann: Caller) -> None:
    listed = ann.get(KEYS).json
    assert Counter(key["value_type"] for key in listed) == {
        "F": 125, "T": 30, "C": 45, "S": 42, "M": 11, "L": 29, "I": 28, "N": 12, "D": 5, "B": 1, "A": 1, "U": 1,
    }  # fmt: skip


def test_20_create_and_share(ann: Caller) -> None:
    body = {"id": "north/one/A-1", "upsert": EXAMPLE, "publish": "institution", "return_data": "flat"}
    answer = ann.post(V2 + "record/", body).json

    assert answer["publish"] == "institution"
    expected = {
        "clinical_significance": "VUS", "zygosity": "hemizygous", "zygosity.note": "check parent", "acmg:bp4": "BP",
        "mode_of_inheritance": "autosomal_dominant, autosomal_recessive", "gene_symbol": "CBS",
    }  # fmt: skip
    assert expected.items() <= answer["data"].items()
    assert [message["code"] for message in answer["patch_messages"]] == ["patched", "shared"]


def test_20_refused_share(ann: Caller) -> None:
    evidence = {"c_hgvs": "NM_000071.2(CBS):c.1539C>T", "genome_build": "GRCh37"}
    answer = ann.post(V2 + "record/", {"id": "north/one/A-2", "create": evidence, "publish": "logged_in_users"})

    assert (answer.status_code, answer.json["publish"]) == (200, "lab")
    errors = {(found["key"], found["code"]) for found in answer.json["messages"] if found["severity"] == "error"}
    assert errors == {
        ("allele_origin", "mandatory"), ("condition", "mandatory"), ("zygosity", "mandatory"),
        ("clinical_significance", "missing_significance"),
    }  # fmt: skip
    assert [message["code"] for message in answer.json["patch_messages"]] == ["patched", "share_failure"]


@pytest.mark.usefixtures("worker")
def test_20_bulk_with_one_failure(ann: Caller) -> None:
    rid = ann.post(V2 + "record/", {"id": "north/one/A-1", "upsert": EXAMPLE}).json["meta"]["id"]
    records = [{"id": rid, "patch": {"ps1": "NM"}}, {"id": "north/one/none", "patch": {"ps1": "NM"}}]
    answer = ann.post(V2 + "record/", {"records": records})

    assert answer.status_code == 200
    done, failed = answer.json["results"]
    assert (done["id"], done["meta"]["id"]) == ("north/one/A-1", rid)
    assert failed["internal_error"]
    assert read(ann, "north/one/A-1")["data"]["acmg:ps1"]["value"] == "NM"
