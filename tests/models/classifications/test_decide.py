"""What one operation does to one record (contract sections 3.3 to 7, 11 and 12.2; goals P03, P18, P33, P42, P46)."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from models.classifications.state import Actor, Context, Decision, Lab, Level, Message, Person, Record, Source, Status
from models.ids import stamp, version_number
from tests.models.classifications.samples import (
    ADMIN,
    CURATOR,
    MONDAY,
    NORTH,
    SHAREABLE,
    SISTER,
    STRANGER,
    TUESDAY,
    WEDNESDAY,
    after,
    codes,
    context,
    do,
    record,
    refused,
)

ID = "xyz/north/R1"
CREATING = ("create", "upsert", "data", "overwrite")
VERBS = (*CREATING, "patch", "patch-empty")


@pytest.mark.parametrize("verb", CREATING)
def test_s5_a_missing_record_is_created_and_published_to_its_lab(verb: str) -> None:
    decision = do(None, **{verb: SHAREABLE})
    made = after(decision)
    version = stamp(TUESDAY)
    assert (decision.status, decision.published, codes(decision)) == (Status.SUCCEEDED, Level.LAB, ["patched"])
    assert (made.id, made.key, made.owner_id) == (None, ("xyz/north", "R1"), CURATOR.user_id)
    assert (made.version, made.published_version, made.published_on, made.created_on) == (version, version, TUESDAY, TUESDAY)
    assert (made.share_level, made.live_level, made.widest_level) == (1, 1, 1)
    assert decision.revision is not None
    assert (decision.revision.version, dict(decision.revision.after)) == (version, made.evidence)
    assert set(decision.revision.before.values()) == {None}


@pytest.mark.parametrize("verb", ["patch", "patch-empty"])
def test_s5_patching_a_missing_record_is_not_found(verb: str) -> None:
    assert refused(do(None, **{verb: {"age": 35}}), None) == ("not_found", "/id")


def test_s5_creating_an_existing_record_is_refused_and_changes_nothing() -> None:
    before = record(withdrawn=True)
    assert refused(do(before, create={"age": 35}), before) == ("already_exists", "/create")


@pytest.mark.parametrize("members", [{}, {"publish": "lab"}, {"delete": False}, {"delete": "withdraw"}, {"editable": True}])
def test_s5_an_operation_without_evidence_needs_its_record(members: dict[str, Any]) -> None:
    assert refused(do(None, **members), None) == ("not_found", "/id")


@pytest.mark.parametrize("verb", CREATING)
def test_s3_3_a_number_never_creates(verb: str) -> None:
    assert refused(do(None, context(lab=None), id=77, **{verb: {}}), None) == ("not_found", "/id")


@pytest.mark.parametrize("members", [{"upsert": {}}, {"patch": {}}, {"publish": "lab"}, {"delete": True}])
def test_s3_3_an_unknown_lab_is_refused_whatever_is_asked(members: dict[str, Any]) -> None:
    assert refused(do(None, context(lab=None), **members), None) == ("unknown_lab", "/id")


def test_s3_3_a_created_record_without_a_name_is_given_one() -> None:
    assert after(do(None, id={"lab_id": "xyz/north"}, upsert={})).lab_record_id == "new-id"


@pytest.mark.parametrize("members", [{"patch": {}}, {"delete": True}, {"publish": "lab"}])
def test_s3_3_only_a_creation_may_leave_the_record_id_out(members: dict[str, Any]) -> None:
    assert refused(do(None, id={"lab_id": "xyz/north"}, **members), None) == ("invalid_id", "/id")


@pytest.mark.parametrize("members", [{"upsert": {"age": 3}}, {"publish": "lab"}, {"delete": True}, {}])
@pytest.mark.parametrize("before", [None, record(), record(widest_level=3)])
@pytest.mark.parametrize("actor", [SISTER, STRANGER])
def test_s12_2_only_the_lab_and_superusers_write(actor: Actor, before: Record | None, members: dict[str, Any]) -> None:
    assert refused(do(before, context(actor), **members), before) == ("forbidden", "/id")


def test_s12_2_a_superuser_writes_records_of_any_lab() -> None:
    assert do(record(), context(ADMIN), patch={"age": 55}).status is Status.SUCCEEDED


@pytest.mark.parametrize(
    ("actor", "widest", "code"), [(SISTER, 1, "not_found"), (SISTER, 2, "forbidden"), (STRANGER, 2, "not_found")]
)
def test_s12_2_a_number_does_not_tell_who_may_not_read_that_the_record_exists(actor: Actor, widest: int, code: str) -> None:
    before = record(widest_level=widest)
    assert refused(do(before, context(actor, lab=None), id=1453, patch={}), before)[0] == code


@pytest.mark.parametrize("members", [{"patch": {"age": 3}}, {"publish": "lab"}, {"delete": True}, {}])
def test_s3_3_versions_are_read_only(members: dict[str, Any]) -> None:
    before = record()
    named = f"{ID}.{version_number(before.version)}"
    assert refused(do(before, id=named, **members), before) == ("read_only_version", "/id")


@pytest.mark.parametrize("members", [{"patch": {"age": 55}}, {"publish": "lab"}, {"delete": True}, {"delete": "withdraw"}])
def test_s22_a_stale_if_version_is_a_conflict_and_the_present_one_is_not(members: dict[str, Any]) -> None:
    before = record()
    assert refused(do(before, if_version=1557189685.485863, **members), before) == ("version_conflict", "/if_version")
    assert do(before, if_version=version_number(before.version), **members).status is not Status.FAILED


def test_s22_no_version_can_be_expected_of_a_record_that_is_not_there() -> None:
    assert refused(do(None, if_version=1, upsert={}), None) == ("version_conflict", "/if_version")


def test_s11_each_effective_change_is_one_version_even_when_the_clock_stands_still() -> None:
    first = do(record(), patch={"age": 55})
    second = do(after(first), patch={"age": 65})
    assert (after(first).version, after(second).version) == (stamp(TUESDAY), stamp(TUESDAY) + 1)
    assert second.revision is not None
    assert second.revision.before["age"] == after(first).evidence["age"]
    assert (after(second).updated_on, after(second).published_version) == (TUESDAY + timedelta(microseconds=1), stamp(MONDAY))


def test_s11_a_clock_that_steps_back_still_makes_a_later_version() -> None:
    before = record(version=stamp(WEDNESDAY))
    assert after(do(before, patch={"age": 55})).version == stamp(WEDNESDAY) + 1


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "create"])
def test_s6_3_what_equals_the_present_state_is_a_noop_without_a_version(verb: str) -> None:
    before = after(do(record(), overwrite={"age": 35}))
    decision = do(before, context(now=WEDNESDAY), **{verb: {"age": 35}})
    assert decision.record is before
    assert (decision.status, decision.revision, decision.published) == (Status.NOOP, None, None)
    assert codes(decision) == ["no_patch"]


def test_s5_an_operation_that_asks_for_nothing_is_a_noop() -> None:
    before = record()
    assert do(before) == Decision(Status.NOOP, before)


def test_s6_1_source_id_is_kept_with_the_record_and_makes_no_version() -> None:
    before = record()
    decision = do(before, patch={"source_id": "S-9"})
    assert (decision.status, decision.revision, codes(decision)) == (Status.SUCCEEDED, None, ["no_patch"])
    assert (after(decision).source_id, after(decision).version, after(decision).updated_on) == ("S-9", before.version, TUESDAY)
    assert do(after(decision), patch={"source_id": "S-9"}).status is Status.NOOP
    assert after(do(None, upsert={"source_id": "S-9"})).source_id == "S-9"


def test_s9_6_an_owner_who_is_known_becomes_the_owner() -> None:
    people = {"boss@example.org": Person(101, "boss", frozenset({1}))}
    around = Context(CURATOR, NORTH, TUESDAY, "new-id", people)
    assert after(do(record(), around, patch={"owner": "boss@example.org"})).owner_id == 101
    assert after(do(None, around, upsert={"owner": "boss@example.org"})).owner_id == 101
    assert after(do(record(), around, patch={"owner": "nobody"})).owner_id == CURATOR.user_id


def test_s7_the_web_form_leaves_uploaded_values_alone_unless_the_upload_was_editable() -> None:
    locked = replace(after(do(None, context(now=MONDAY), upsert={"age": 35})), id=1)
    editable = replace(after(do(None, context(now=MONDAY), upsert={"age": 35}, editable=True)), id=1)
    edit = {"source": "form", "patch": {"age": {"value": 65}}}
    assert (do(locked, **edit).status, codes(do(locked, **edit))) == (Status.NOOP, ["immutable", "no_patch"])
    assert after(do(editable, **edit)).evidence["age"]["value"] == "60-69"
    noted = do(locked, source="form", patch={"age": {"note": "ask again"}})
    assert after(noted).evidence["age"]["note"] == "ask again"
    assert noted.revision is not None
    assert noted.revision.source is Source.FORM


def test_s4_unexpected_members_are_named_first() -> None:
    decision = do(record(), remark="x", patch={"age": 55})
    assert decision.messages[0] == Message("unexpected_parameters", keys=("remark",))
    assert codes(decision) == ["unexpected_parameters", "patched"]
    assert codes(do(record(), remark="x", delete=True)) == ["unexpected_parameters"]


def test_s6_a_cell_that_cannot_be_read_refuses_the_operation_at_its_place() -> None:
    before = record()
    assert refused(do(before, patch={"age": {"value": {"deep": 1}}}), before) == ("invalid_type", "/patch/age/value")


def test_s5_a_copy_of_another_labs_records_is_taken_as_it_is() -> None:
    lab: Lab = dataclasses.replace(NORTH, external=True)
    made = after(do(None, context(lab=lab), upsert={**SHAREABLE, "zygosity": "upside down"}))
    assert "validation" not in made.evidence["zygosity"]
