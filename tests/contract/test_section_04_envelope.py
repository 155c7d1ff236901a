"""Section 4: the fields of one operation. Section 5: the evidence operations."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.hands import V2, A, cell, codes, make, read, refused, send, wrongs
from tests.web.conftest import GOOD, Caller


def test_4_an_unknown_field_is_named_and_ignored(ann: Caller) -> None:
    answer = make(ann, colour="red")
    assert codes(answer)[0] == "unexpected_parameters"
    assert "colour" in answer["patch_messages"][0]["message"]


def test_4_editable_without_evidence_is_unexpected(ann: Caller) -> None:
    make(ann)
    assert codes(send(ann, {"editable": True, "publish": "lab"}))[0] == "unexpected_parameters"


@pytest.mark.parametrize("field", ["publish", "delete", "test", "editable", "return_data", "source", "config", "overwrite"])
def test_4_null_counts_as_absent(ann: Caller, field: str) -> None:
    make(ann)
    answer = send(ann, {"patch": {"zygosity": "homozygous"}, field: None})
    assert codes(answer) == ["patched"]


def test_4_share_is_publish_by_another_name(ann: Caller) -> None:
    assert make(ann, share="logged_in_users")["publish"] == "logged_in_users"
    assert send(ann, {"publish": "public", "share": "lab"})["publish"] == "public"


@pytest.mark.parametrize("field", [{"publish": "everybody"}, {"source": "variantgrid"}, {"source": "fax"}])
def test_4_what_cannot_be_read_of_the_envelope_changes_nothing(ann: Caller, field: dict[str, Any]) -> None:
    make(ann)
    assert refused(ann, {"patch": {"zygosity": "homozygous"}, **field})[0] == 400
    assert cell(ann, "zygosity")["value"] == "hemizygous"


def test_4_evidence_comes_before_publish_and_the_return_of_a_withdrawn_record(ann: Caller) -> None:
    make(ann, {"zygosity": None})
    send(ann, {"delete": "withdraw"})
    answer = send(ann, {"patch": {"zygosity": "homozygous"}, "publish": "logged_in_users"})
    assert codes(answer) == ["patched", "shared"]
    assert (answer["withdrawn"], answer["publish"]) == (False, "logged_in_users")


def test_4_an_operation_is_done_whole_or_not_at_all(ann: Caller) -> None:
    """The reference keeps what it did before a failure."""
    assert refused(ann, {"create": {**GOOD, "zygosity": {"value": {"nested": True}}}})[0] == 400
    assert ann.get(f"{V2}record/{A}").status_code == 404


@pytest.mark.parametrize(
    ("operation", "there", "not_there"),
    [
        ("create", (409, "already_exists"), 200),
        ("patch", 200, (404, "not_found")),
        ("patch-empty", 200, (404, "not_found")),
        ("upsert", 200, 200),
        ("data", 200, 200),
        ("overwrite", 200, 200),
    ],
)
def test_5_each_operation_on_a_record_that_is_there_or_not(ann: Caller, operation: str, there: Any, not_there: Any) -> None:
    make(ann)
    for name, expected in ((A, there), ("north/one/new", not_there)):
        answer = ann.post(V2 + "record/", {"id": name, operation: {"zygosity": "homozygous"}})
        found = answer.status_code if answer.status_code == 200 else (answer.status_code, answer.json["code"])
        assert found == expected, name


@pytest.mark.parametrize(
    ("operation", "found"),
    [({"delete": True}, 200), ({"publish": "lab"}, 404), ({}, 404), ({"delete": "withdraw"}, 404), ({"delete": False}, 404)],
)
def test_5_without_evidence_only_a_delete_needs_no_record(ann: Caller, operation: dict[str, Any], found: int) -> None:
    answer = ann.post(V2 + "record/", {"id": A, **operation})
    assert answer.status_code == found
    if found == 200:
        assert answer.json["deleted"] is True


@pytest.mark.parametrize("second", ["patch", "upsert", "data", "overwrite", "patch-empty"])
def test_5_two_evidence_operations_are_an_error(ann: Caller, second: str) -> None:
    assert refused(ann, {"create": {}, second: {}}) == (400, "ambiguous_operation")


def test_5_patch_empty_fills_only_what_has_no_value(ann: Caller) -> None:
    make(ann)
    send(ann, {"patch-empty": {"zygosity": "homozygous", "search_terms": "x"}})
    assert cell(ann, "zygosity")["value"] == "hemizygous"
    assert cell(ann, "search_terms")["value"] == "x"


def test_5_an_empty_object_is_an_operation(ann: Caller) -> None:
    made = send(ann, {"create": {}})
    assert {("zygosity", "mandatory", "error"), ("condition", "mandatory", "error")} <= wrongs(made)
    assert codes(send(ann, {"patch": {}})) == ["no_patch"]
    assert read(ann)["meta"]["version"] == made["meta"]["version"]


def test_5_overwrite_removes_what_it_does_not_name_but_for_system_locked_keys(ann: Caller) -> None:
    make(ann, {"search_terms": {"value": "x", "note": "n", "explain": "e"}})
    answer = send(ann, {"overwrite": {"zygosity": "homozygous"}})
    data = read(ann)["data"]

    assert "search_terms" not in data
    assert data["owner"]["value"] == "ann"  # a record keeps whom it belongs to
    assert data["c_hgvs"]["value"] == GOOD["c_hgvs"]
    locked = {message["key"] for message in answer["patch_messages"] if message["code"] == "immutable"}
    assert {"c_hgvs", "genome_build", "gene_symbol", "refseq_transcript_id"} <= locked
    assert ("condition", "mandatory", "error") in wrongs(answer)


def test_5_creating_derives_owns_checks_and_publishes_to_the_lab(ann: Caller) -> None:
    made = make(ann, {"zygosity": None}, return_data=True)
    assert made["data"]["gene_symbol"]["value"] == "CBS"
    assert made["data"]["owner"]["value"] == "ann"
    assert ("zygosity", "mandatory", "error") in wrongs(made)
    assert (made["publish"], made["meta"]["has_changes"]) == ("lab", False)


def test_5_merging_does_not_depend_on_key_order(ann: Caller) -> None:
    for name, evidence in (("a", GOOD), ("b", dict(reversed(GOOD.items())))):
        make(ann, name=f"north/one/{name}")
        send(ann, {"overwrite": evidence}, f"north/one/{name}")
    assert read(ann, "north/one/a")["data"] == read(ann, "north/one/b")["data"]
