"""Section 6: names of keys, forms of values, what counts as a change. Section 7: locks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.hands import V2, A, cell, codes, make, read, send
from tests.web.conftest import GOOD, Caller

FULL = {"value": "old", "note": "n", "explain": "e"}
KEY = "search_terms"
SYSTEM_LOCKED = (
    "c_hgvs", "g_hgvs", "variant_coordinate", "genome_build", "gene_symbol", "refseq_transcript_id", "ensembl_transcript_id",
    "curation_system", "autopopulate",
)  # fmt: skip


@pytest.mark.parametrize(
    ("spelling", "key", "value"),
    [
        ("Affected  Status!", "affected_status", "yes"),
        ("ZYGOSITY", "zygosity", "homozygous"),
        ("zygosity\t", "zygosity", "homozygous"),
        ("BP4", "acmg:bp4", "NM"),
        ("acmg:BP4", "acmg:bp4", "NM"),
        ("ps1", "acmg:ps1", "NM"),
        ("somatic:testing_context", "testing_context", None),
    ],
)
def test_6_1_every_spelling_finds_its_key(ann: Caller, spelling: str, key: str, value: Any) -> None:
    make(ann)
    answer = send(ann, {"patch": {spelling: value}, "return_data": "changes"})
    assert "unrecognised_key" not in codes(answer)
    if value is not None:
        assert answer["data"][key]["value"] == value


def test_6_1_of_two_spellings_of_one_key_the_later_wins(ann: Caller) -> None:
    make(ann)
    body = '{"id": "north/one/A", "patch": {"bp4": "NM", "acmg:bp4": "BS"}}'  # as text: the test's client sorts
    assert ann.open(V2 + "record/", method="POST", data=body, headers={"Content-Type": "application/json"}).status_code == 200
    assert cell(ann, "acmg:bp4")["value"] == "BS"


def test_6_1_unknown_keys_are_dropped_and_told_in_one_message(ann: Caller) -> None:
    answer = make(ann, {"variant_type": "indel", "nothing_of_ours": 1})
    told = [message for message in answer["patch_messages"] if message["code"] == "unrecognised_key"]
    assert len(told) == 1
    assert "variant_type" in told[0]["message"]
    assert "nothing_of_ours" in told[0]["message"]
    assert not {"variant_type", "nothing_of_ours"} & read(ann)["data"].keys()


def test_6_1_source_id_is_no_evidence_and_makes_no_version(ann: Caller) -> None:
    version = make(ann)["meta"]["version"]
    answer = send(ann, {"patch": {"source_id": "X-1"}})
    assert "source_id" not in read(ann)["data"]
    assert answer["meta"]["version"] == version


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        (None, {}),
        ("new", {"value": "new"}),
        ({"value": "new"}, FULL | {"value": "new"}),
        ({"note": "new"}, FULL | {"note": "new"}),
        ({"explain": "new"}, FULL | {"explain": "new"}),
        ({"value": None}, {"note": "n", "explain": "e"}),
        ({"value": "new", "note": None}, {"value": "new", "explain": "e"}),
        ({"value": "new", "note": "new", "explain": "new"}, {"value": "new", "note": "new", "explain": "new"}),
        ({"note": None}, {"value": "old", "explain": "e"}),
        ({"explain": None}, {"value": "old", "note": "n"}),
        ({}, FULL),
    ],
)
def test_6_2_each_form_of_a_value_on_a_full_cell(ann: Caller, sent: Any, left: dict[str, Any]) -> None:
    make(ann, {KEY: FULL}, editable=True)
    send(ann, {"patch": {KEY: sent}})
    assert cell(ann, KEY) == left | {"immutable": "api"}


@pytest.mark.parametrize(("key", "after"), [(KEY, {"immutable": "api"}), ("nothing_of_ours", None)])
def test_6_2_null_locks_a_known_key_and_does_nothing_to_an_unknown_one(ann: Caller, key: str, after: Any) -> None:
    make(ann)
    send(ann, {"patch": {key: None}})
    assert cell(ann, key) == after


def test_6_2_what_is_absent_stays(ann: Caller) -> None:
    make(ann, {KEY: FULL})
    send(ann, {"patch": {"zygosity": "homozygous"}})
    assert cell(ann, KEY) == FULL | {"immutable": "api"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  x ", "x"),
        ("", None),
        ([], None),
        ({}, None),
        ("a\u00a0b", "a b"),
        ("5A&gt;T", "5A>T"),
        ("a&lt;b", "a<b"),
        (0, "0"),
        (False, "false"),
    ],
)
def test_6_2_values_are_cleaned_before_their_type_sees_them(ann: Caller, sent: Any, kept: Any) -> None:
    make(ann)
    send(ann, {"patch": {KEY: {"value": sent}}})
    assert (cell(ann, KEY) or {}).get("value") == kept


def test_6_2_zero_and_false_stay_values(ann: Caller) -> None:
    make(ann, {"gnomad_af": 0, "nmd_escaping_variant": False})
    assert cell(ann, "gnomad_af")["value"] == 0
    assert cell(ann, "nmd_escaping_variant")["value"] is False


def test_6_2_other_attributes_cannot_be_injected(ann: Caller) -> None:
    injected = {"immutable": "variantgrid", "validation": [{"severity": "error"}], "db_refs": [{"id": "x"}], "hidden": True}
    make(ann, {KEY: {"value": "x", **injected}})
    assert cell(ann, KEY) == {"value": "x", "immutable": "api"}
    assert read(ann)["data"][KEY] == {"value": "x", "immutable": "api"}


@pytest.mark.parametrize(
    ("key", "stored", "again"),
    [
        ("gnomad_af", 0.123456, "0.123456"),
        ("gnomad_af", 0.123456, 0.1234560000001),
        ("clinical_significance", "VUS", "vous"),
        ("nmd_escaping_variant", True, "Yes"),
        ("mode_of_inheritance", ["autosomal_dominant", "other"], "other, autosomal_dominant"),
        ("mode_of_inheritance", ["autosomal_dominant", "other"], ["other", "autosomal_dominant"]),
        ("c_hgvs", "NM_000071.2(CBS):c.1539C>T", " NM_000071.2(CBS): c.1539C>T "),
    ],
)
def test_6_3_what_normalises_to_what_is_stored_is_no_change(ann: Caller, key: str, stored: Any, again: Any) -> None:
    version = make(ann, {key: stored})["meta"]["version"]
    answer = send(ann, {"patch": {key: again}})
    assert codes(answer) == ["no_patch"]
    assert answer["meta"]["version"] == version


def test_6_3_a_new_lock_is_a_change_and_so_is_a_note_wiped(ann: Caller) -> None:
    make(ann, {KEY: "x"}, editable=True)
    assert codes(send(ann, {"patch": {KEY: "x"}})) == ["patched"]
    send(ann, {"patch": {KEY: {"note": "n"}}})
    assert codes(send(ann, {"patch": {KEY: "x"}})) == ["patched"]
    assert cell(ann, KEY) == {"value": "x", "immutable": "api"}


def test_6_3_patched_names_the_changed_keys(ann: Caller) -> None:
    make(ann)
    answer = send(ann, {"patch": {"zygosity": "homozygous", "condition": GOOD["condition"]}})
    assert [message["code"] for message in answer["patch_messages"]] == ["patched"]
    assert "zygosity" in answer["patch_messages"][0]["message"]
    assert "condition" not in answer["patch_messages"][0]["message"]
    assert answer["changed_keys"] == ["zygosity"]


def test_6_3_a_cell_without_attributes_disappears(ann: Caller) -> None:
    make(ann, {KEY: "x"}, editable=True)
    send(ann, {"patch": {KEY: None}, "editable": True})
    assert cell(ann, KEY) is None
    make(ann, {KEY: "x"}, name="north/one/B")
    send(ann, {"patch": {KEY: None}}, "north/one/B")
    assert cell(ann, KEY, "north/one/B") == {"immutable": "api"}


def test_7_1_every_key_that_the_api_mentions_is_locked(ann: Caller) -> None:
    make(ann, {KEY: "x", "age": {"note": "n"}, "sex": None})
    assert [cell(ann, key)["immutable"] for key in (KEY, "age", "sex")] == ["api"] * 3


def test_7_1_editable_adds_no_lock_and_takes_none_away(ann: Caller) -> None:
    make(ann, {KEY: "x"}, editable=True)
    assert "immutable" not in cell(ann, KEY)
    send(ann, {"patch": {KEY: "y"}})
    send(ann, {"patch": {KEY: "z"}, "editable": True})
    assert cell(ann, KEY) == {"value": "z", "immutable": "api"}


@pytest.mark.parametrize("source", ["form", "consensus"])
def test_7_1_form_and_consensus_add_no_lock(ann: Caller, source: str) -> None:
    make(ann)
    send(ann, {"patch": {KEY: "x"}, "source": source})
    assert cell(ann, KEY) == {"value": "x"}


def test_7_1_a_refused_cell_is_told_and_the_others_are_applied(ann: Caller) -> None:
    make(ann, {KEY: "x"})
    answer = send(ann, {"patch": {KEY: "y", "age": "30-39"}, "source": "form"})
    assert [(message["code"], message.get("key")) for message in answer["patch_messages"]] == [
        ("immutable", KEY),
        ("patched", None),
    ] or codes(answer) == ["patched", "immutable"]
    assert (cell(ann, KEY)["value"], cell(ann, "age")["value"]) == ("x", "30-39")


def test_7_1_notes_are_exempt_but_not_beside_a_forbidden_value(ann: Caller) -> None:
    make(ann, {KEY: "x"})
    send(ann, {"patch": {KEY: {"note": "n"}}, "source": "form"})
    assert cell(ann, KEY) == {"value": "x", "note": "n", "immutable": "api"}
    send(ann, {"patch": {KEY: {"value": "y", "note": "m"}}, "source": "form"})
    assert cell(ann, KEY) == {"value": "x", "note": "n", "immutable": "api"}


def test_7_1_a_locked_cell_without_a_value_refuses_the_form_too(ann: Caller) -> None:
    make(ann, {KEY: None})
    assert "immutable" in codes(send(ann, {"patch": {KEY: "x"}, "source": "form"}))
    assert cell(ann, KEY) == {"immutable": "api"}


@pytest.mark.parametrize("editable", [True, False])
@pytest.mark.parametrize("key", SYSTEM_LOCKED)
def test_7_2_nine_keys_are_locked_against_the_api_itself(ann: Caller, key: str, editable: bool) -> None:
    make(ann, {key: "NM_1.1" if "transcript" in key else "First"}, editable=editable)
    first = cell(ann, key)
    assert first["immutable"] == "variantgrid"
    for value in ("Second", None, {"value": None}):
        assert "immutable" in codes(send(ann, {"patch": {key: value}, "editable": editable}))
    assert codes(send(ann, {"patch": {key: first["value"]}})) == ["no_patch"]
    assert cell(ann, key) == first


def test_7_2_lrg_id_is_not_one_of_them(ann: Caller) -> None:
    make(ann, {"lrg_id": "LRG_1"})
    send(ann, {"patch": {"lrg_id": "LRG_2"}})
    assert cell(ann, "lrg_id") == {"value": "LRG_2", "immutable": "api"}


@pytest.mark.parametrize(
    ("lock", "submission", "outcome"),
    [
        (None, "api", ("new", "api")),
        (None, "editable", ("new", None)),
        (None, "form", ("new", None)),
        (None, "note", ("old", None)),
        ("api", "api", ("new", "api")),
        ("api", "editable", ("new", "api")),
        ("api", "form", ("old", "api")),
        ("api", "note", ("old", "api")),
        ("variantgrid", "api", ("old", "variantgrid")),
        ("variantgrid", "editable", ("old", "variantgrid")),
        ("variantgrid", "form", ("old", "variantgrid")),
        ("variantgrid", "note", ("old", "variantgrid")),
    ],
)
def test_7_3_the_matrix(ann: Caller, lock: str | None, submission: str, outcome: tuple[str, str | None]) -> None:
    key = "curation_system" if lock == "variantgrid" else KEY
    make(ann, {key: "old"}, editable=lock is None)
    value: Any = {"note": "n"} if submission == "note" else {"value": "new"}
    more = {"api": {}, "editable": {"editable": True}}.get(submission, {"source": "form"})
    send(ann, {"patch": {key: value}, **more})
    found = cell(ann, key)
    assert (found["value"], found.get("immutable")) == outcome
    assert (found.get("note") == "n") is (submission == "note")


@pytest.mark.parametrize(("lock", "changed"), [(None, True), ("api", False), ("variantgrid", False)])
def test_7_3_the_same_value_only_adds_a_lock(ann: Caller, lock: str | None, changed: bool) -> None:
    key = "curation_system" if lock == "variantgrid" else KEY
    make(ann, {key: "old"}, editable=lock is None)
    assert codes(send(ann, {"patch": {key: {"value": "old"}}})) == (["patched"] if changed else ["no_patch"])
    assert codes(send(ann, {"patch": {key: {"value": "old"}}, "source": "form"})) == ["no_patch"]
    assert read(ann, A)["data"][key]["value"] == "old"
