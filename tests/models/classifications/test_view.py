"""A record on the wire (contract sections 8.2, 12.1 and 14 to 16; goals P06, P33, P34, P46)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from models.classifications.decide import decide
from models.classifications.envelope import parse_operation
from models.classifications.state import Actor, Message, Record
from models.classifications.view import PastVersion, Posted, View, dump_posted, dump_record, layout_v1, patch_messages
from models.ids import stamp, version_number
from tests.models.classifications.samples import (
    ADMIN,
    CURATOR,
    MONDAY,
    SHAREABLE,
    SISTER,
    STRANGER,
    TUESDAY,
    context,
    record,
)

COLLEAGUE = Actor(101, "colleague", frozenset({1}), frozenset({10}))
META = {
    "id": 1453,
    "lab_record_id": "R1",
    "lab_id": "xyz/north",
    "lab_name": "North Street Lab",
    "institution_name": "XYZ Pathology",
    "title": "xyz/north/R1",
    "version": 1709542800.25,
    "last_edited": 1709542800.25,
    "published_version": 1709542800.25,
    "published_on": "2024-03-04T09:00:00.250000Z",
    "created_on": "2024-03-04T09:00:00.250000Z",
    "updated_on": "2024-03-04T09:00:00.250000Z",
    "has_changes": False,
    "can_write": True,
    "can_write_latest": True,
    "clinical_context": None,
    "flag_collection": None,
}


def post(before: Record | None, **members: Any) -> dict[str, Any]:
    """Return the answer to one operation by the curator on Tuesday."""
    operation = parse_operation({"id": "xyz/north/R1", **members})
    decision = decide(before, operation, context(now=TUESDAY))
    made = decision.record
    stored = replace(made, id=1453) if made and made.id is None and not operation.test else made
    return dump_posted(Posted(operation, decision, stored, before), CURATOR)


def codes(answer: dict[str, Any]) -> list[str]:
    return [message["code"] for message in answer.get("patch_messages", [])]


def test_s16_a_record_is_written_in_the_nested_layout() -> None:
    answer = dump_record(
        record(evidence={"allele_origin": {"value": "somatic"}, "c_hgvs": {"value": "NM_1.1:c.1A>G"}}), View(CURATOR)
    )
    messages = answer.pop("messages")
    assert {"code", "severity", "message", "key"} <= messages[0].keys()
    assert answer == {
        "id": "xyz/north/R1",
        "meta": META,
        "publish": "lab",
        "version_publish_level": "lab",
        "version_is_published": None,
        "is_last_published": True,
        "withdrawn": False,
        "cr_lab_id": "R1",
        "org_name": "XYZ Pathology",
        "allele_origin_bucket": "S",
        "resolved_condition": None,
        "condition_text_match": None,
        "allele": {"resolved": {"status": "P", "include": False, "full": "NM_1.1:c.1A>G"}, "genome_builds": {}},
        "data": {"allele_origin": {"value": "somatic"}, "c_hgvs": {"value": "NM_1.1:c.1A>G"}},
    }


def test_s16_version_1_spreads_meta_and_names_the_level_otherwise() -> None:
    nested = dump_record(record(), View(CURATOR))
    flat = layout_v1(nested)
    assert (flat["id"], flat["publish_level"], flat["title"]) == (1453, "lab", "xyz/north/R1")
    assert not flat.keys() & {"meta", "publish"}
    assert flat.keys() == (nested.keys() | nested["meta"].keys() | {"publish_level"}) - {"meta", "publish"}
    assert layout_v1({"deleted": True}) == {"deleted": True}


@pytest.mark.parametrize(
    ("actor", "writes"), [(CURATOR, True), (COLLEAGUE, True), (ADMIN, True), (SISTER, False), (STRANGER, False)]
)
def test_s16_only_writers_are_told_of_edits(actor: Actor, writes: bool) -> None:
    meta = dump_record(record(version=stamp(TUESDAY)), View(actor))["meta"]
    assert (meta["can_write"], meta["can_write_latest"], meta["has_changes"]) == (writes,) * 3
    assert ("last_edited" in meta, "updated_on" in meta) == (writes, writes)


def test_s11_a_named_version_is_shown_as_it_was_and_cannot_be_written() -> None:
    past = record(published_version=stamp(TUESDAY), share_level=3)
    view = View(CURATOR, version=PastVersion(level=2, published=True, last_edited=stamp(TUESDAY)))
    answer = dump_record(past, view)
    meta = answer["meta"]
    assert (meta["title"], meta["version"]) == ("xyz/north/R1.1709542800.250000", 1709542800.25)
    assert (meta["last_edited"], meta["has_changes"]) == (version_number(stamp(TUESDAY)), False)
    assert (meta["can_write"], meta["can_write_latest"]) == (False, True)
    assert (answer["version_publish_level"], answer["version_is_published"]) == ("institution", True)
    assert (answer["is_last_published"], answer["publish"]) == (False, "logged_in_users")


HELD = {"owner": {"value": "curator"}, "age": {"value": "30-39"}, "own:key": {"note": "x"}, "curated_by": {"immutable": "api"}}
HIDDEN = {"value": "(hidden)", "hidden": True}


@pytest.mark.parametrize(
    ("actor", "seen"),
    [
        (CURATOR, HELD),
        (ADMIN, HELD),
        (COLLEAGUE, {**HELD, "own:key": HIDDEN}),
        (SISTER, {**HELD, "own:key": HIDDEN}),
        (STRANGER, {"owner": HIDDEN, "age": HELD["age"], "own:key": HIDDEN}),
    ],
)
def test_s12_1_cells_beyond_the_readers_ceiling_are_hidden(actor: Actor, seen: dict[str, Any]) -> None:
    held = record(evidence=HELD)
    assert dump_record(held, View(actor))["data"] == seen
    changes = dump_record(held, View(actor, data="changes", changes=HELD))["data"]
    assert changes == {key: seen.get(key) for key in HELD}


def test_s12_1_no_message_speaks_of_a_hidden_cell() -> None:
    wrong = {"value": "x", "validation": [{"severity": "warning", "code": "unknown_key", "message": "x"}]}
    held = record(evidence={"own:key": wrong})
    about = [[found["key"] for found in dump_record(held, View(actor))["messages"]] for actor in (CURATOR, STRANGER)]
    assert ("own:key" in about[0], "own:key" in about[1]) == (True, False)


@pytest.mark.parametrize(
    ("asked", "data"),
    [
        (None, None),
        (False, None),
        (True, {"age": {"value": "50-59", "note": "n", "immutable": "api"}, "sex": {"value": "female"}}),
        ("flat", {"age": "50-59", "age.note": "n", "age.immutable": "api", "sex": "female"}),
        ("changes", {"age": {"value": "50-59", "note": "n", "immutable": "api"}}),
    ],
)
def test_s15_return_data_says_how_much_comes_back(asked: Any, data: Any) -> None:
    before = record(evidence={"age": {"value": "30-39"}, "sex": {"value": "female"}})
    assert post(before, patch={"age": {"value": 55, "note": "n"}}, return_data=asked).get("data") == data


def test_s15_the_changes_of_a_noop_are_empty_and_a_removed_cell_is_null() -> None:
    before = record(evidence={"age": {"value": "30-39", "immutable": "api"}, "sex": {"value": "female"}})
    assert post(before, patch={"age": 35}, return_data="changes")["data"] == {}
    assert post(before, overwrite={"age": 35}, return_data="changes")["data"] == {"sex": None}


def test_s8_identifiers_in_texts_come_along() -> None:
    held = record(evidence={"literature": {"value": "PMID: 123456"}, "zygosity": {"value": "PMID: 1234"}})
    data = dump_record(held, View(CURATOR))["data"]
    assert [found["id"] for found in data["literature"]["db_refs"]] == ["PMID: 123456"]
    assert data["zygosity"] == {"value": "PMID: 1234"}
    flat = dump_record(held, View(CURATOR, data="flat"))["data"]
    assert flat["literature.db_refs"] == data["literature"]["db_refs"]


@pytest.mark.parametrize(
    ("before", "members", "status", "keys", "found"),
    [
        (None, {"create": {"age": 55}}, "created", ["age", "owner"], ["patched"]),
        (record(), {"patch": {"age": 55}}, "updated", ["age"], ["patched"]),
        (record(), {"patch": {}}, "unchanged", [], ["no_patch"]),
        (record(), {}, "unchanged", [], []),
        (record(withdrawn=True), {"delete": False}, "unwithdrawn", [], []),
        (record(), {"delete": "withdraw"}, "withdrawn", [], []),
        (record(), {"delete": True}, "deleted", [], []),
        (record(), {"publish": "lab"}, "unchanged", [], ["share_failure"]),
    ],
)
def test_s22_an_answer_says_what_was_done(
    before: Record | None, members: dict[str, Any], status: str, keys: list[str], found: list[str]
) -> None:
    answer = post(before, **members)
    assert (answer["status"], sorted(answer["changed_keys"]), codes(answer)) == (status, keys, found)


def test_s13_what_is_deleted_is_shown_once_more_and_what_never_was_only_says_deleted() -> None:
    answer = post(record(), delete=True, return_data=True)
    assert (answer["deleted"], answer["meta"]["id"], answer["data"]) == (True, 1453, {"age": {"value": "30-39"}})
    assert post(None, delete=True) == {"deleted": True}


def test_s13_what_is_withdrawn_says_so() -> None:
    answer = post(record(widest_level=3), delete=True)
    assert (answer["withdrawn"], "deleted" in answer) == (True, False)


def test_s14_a_test_answers_with_data_and_a_record_without_a_number() -> None:
    answer = post(None, create=SHAREABLE, publish=3, test=True)
    assert (answer["meta"]["id"], answer["meta"]["can_write"]) == (None, False)
    assert (answer["publish"], answer["meta"]["published_version"]) == ("lab", None)
    assert answer["data"]["zygosity"] == {"value": "hemizygous", "immutable": "api"}
    assert codes(answer) == ["patched", "test_mode"]


def test_s14_a_test_shows_a_record_as_if_not_published_deleted_or_withdrawn() -> None:
    before = replace(record(), evidence={}, share_level=2, live_level=2, widest_level=2)
    published = post(before, upsert=SHAREABLE, publish="public", test=True)
    assert (published["publish"], published["meta"]["published_version"]) == ("institution", version_number(stamp(MONDAY)))
    assert (published["version_publish_level"], published["meta"]["has_changes"]) == ("lab", True)
    assert "deleted" not in post(before, delete=True, test=True)
    assert post(before, delete="withdraw", test=True)["withdrawn"] is False
    assert post(None, delete=True, test=True).keys() == {"patch_messages"}


def test_s4_config_adds_the_labs_overrides_of_which_there_are_none() -> None:
    assert post(record(), config=True)["config"] == {}
    assert "config" not in post(record())


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (Message("patched", keys=("age", "sex")), "age, sex"),
        (Message("no_patch"), "nothing"),
        (Message("immutable", key="age"), "age"),
        (Message("unrecognised_key", keys=("nonsense",)), "nonsense"),
        (Message("unexpected_parameters", keys=("remark",)), "remark"),
        (Message("shared"), "institution"),
        (Message("share_failure"), "errors"),
        (Message("test_mode"), "Test"),
    ],
)
def test_s8_2_every_patch_message_has_a_text(message: Message, words: str) -> None:
    (dumped,) = patch_messages((message,), 2)["patch_messages"]
    assert words in dumped["message"]
    assert (dumped["code"], dumped.get("key")) == (message.code, message.key)


def test_s8_2_braces_in_what_a_client_sent_stay_braces() -> None:
    dumped = patch_messages((Message("unexpected_parameters", keys=("{level}", "x" * 500)),), 1)["patch_messages"][0]
    assert "{level}" in dumped["message"]
    assert len(dumped["message"]) < 200


def test_s8_2_without_messages_there_is_no_member() -> None:
    assert patch_messages((), 1) == {}
