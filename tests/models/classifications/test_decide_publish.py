"""What publish, delete and test do to one record (contract sections 12 to 14; goals P05, P06 and P17)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from models.classifications import sharing
from models.classifications.state import Decision, Level, Message, Record, Snapshot, Status
from models.ids import stamp
from tests.models.classifications.samples import MONDAY, SHAREABLE, TUESDAY, after, codes, context, do, record, shared


@pytest.mark.parametrize("level", [2, 3, 4])
def test_s12_evidence_is_applied_first_and_then_published(level: int) -> None:
    decision = do(record(), overwrite=SHAREABLE, publish=level)
    made = after(decision)
    assert codes(decision) == ["patched", "shared"]
    assert (decision.published, made.share_level, made.live_level, made.widest_level) == (level,) * 4
    assert (made.published_version, made.published_on) == (stamp(TUESDAY), TUESDAY)


def test_s12_a_creation_can_be_published_at_once() -> None:
    decision = do(None, upsert=SHAREABLE, publish="institution")
    assert (decision.published, after(decision).share_level, codes(decision)) == (2, 2, ["patched", "shared"])


def test_s12_errors_keep_a_record_from_being_published_but_the_evidence_stays() -> None:
    decision = do(record(), patch={"age": 55}, publish="logged_in_users")
    assert (decision.status, codes(decision)) == (Status.SUCCEEDED, ["patched", "share_failure"])
    assert (decision.published, after(decision).share_level, after(decision).live_level) == (None, 1, 1)


def test_s20_a_creation_that_cannot_be_shared_stays_with_its_lab() -> None:
    decision = do(None, create={"c_hgvs": "NM_000071.2(CBS):c.1539C>T", "genome_build": "GRCh37"}, publish="logged_in_users")
    assert codes(decision) == ["patched", "share_failure"]
    assert (decision.published, after(decision).share_level, after(decision).widest_level) == (1, 1, 1)


def test_s12_a_refused_publish_alone_is_a_noop() -> None:
    before = record()
    assert do(before, publish="public") == Decision(Status.NOOP, before, (Message("share_failure"),))


def test_s12_publishing_again_what_is_published_so_is_a_noop_that_says_shared() -> None:
    before = shared(3)
    assert do(before, publish=3) == Decision(Status.NOOP, before, (Message("shared"),))


def test_s12_publishing_alone_makes_no_version() -> None:
    before = shared(1)
    decision = do(before, publish="public")
    assert (decision.revision, decision.snapshot, decision.published) == (None, None, 4)
    assert (after(decision).version, after(decision).published_on, after(decision).updated_on) == (
        before.version,
        TUESDAY,
        TUESDAY,
    )


def test_s12_monday_wider_tuesday_narrower_keeps_monday_for_the_wider_readers() -> None:
    monday = shared(3)
    decision = do(monday, patch={"age": 55}, publish=2)
    tuesday = after(decision)
    assert decision.snapshot == Snapshot(3, monday.version, monday.evidence, MONDAY)
    assert sharing.visible(tuesday, [decision.snapshot], Level.ORGANISATION) is tuesday
    stranger = sharing.visible(tuesday, [decision.snapshot], Level.LOGGED_IN_USERS)
    assert stranger is not None
    assert (stranger.version, stranger.evidence) == (monday.version, monday.evidence)
    assert codes(decision) == ["patched", "shared"]


@pytest.mark.parametrize(("publish", "kept"), [(None, True), ("lab", True), ("institution", True), (3, False), ("public", False)])
def test_s12_a_shared_version_is_kept_when_its_readers_do_not_get_the_new_one(publish: Any, kept: bool) -> None:
    assert (do(shared(3), patch={"age": 55}, publish=publish).snapshot is not None) is kept


@pytest.mark.parametrize(("level", "gone"), [(1, True), (2, True), (3, False), (4, False)])
def test_s13_delete_of_a_shared_record_withdraws_it_and_of_another_removes_it(level: int, gone: bool) -> None:
    before = shared(level)
    decision = do(before, delete=True, patch={"age": 99}, publish="public")
    assert (decision.status, decision.deleted, decision.withdrew) == (Status.SUCCEEDED, gone, not gone)
    assert decision.record == (None if gone else replace(before, withdrawn=True, updated_on=TUESDAY))
    assert (decision.revision, decision.published) == (None, None)


def test_s13_a_record_once_shared_stays_withdrawable_only_after_a_narrower_publish() -> None:
    narrowed = after(do(shared(3), patch={"age": 55}, publish="lab"))
    assert do(narrowed, delete=True).withdrew


def test_s13_delete_of_a_record_that_is_not_there_succeeds() -> None:
    gone = Decision(Status.SUCCEEDED, None, deleted=True)
    assert do(None, delete=True) == gone
    assert do(None, delete=True, upsert={"age": 3}, if_version=1) == gone
    assert do(None, context(lab=None), id=77, delete=True) == gone


def test_s13_withdraw_by_name_works_at_any_level() -> None:
    decision = do(shared(1), delete="withdraw")
    assert (after(decision).withdrawn, decision.withdrew, decision.deleted) == (True, True, False)


@pytest.mark.parametrize("delete", [True, "withdraw"])
def test_s13_withdrawing_twice_is_a_noop(delete: Any) -> None:
    before = replace(shared(3), withdrawn=True)
    assert do(before, delete=delete) == Decision(Status.NOOP, before)


@pytest.mark.parametrize(
    "members",
    [{"delete": False}, {}, {"publish": 3}, {"publish": "lab"}, {"patch": {}}, {"patch": {"age": 55}}, {"upsert": SHAREABLE}],
)
def test_s13_any_submission_without_delete_brings_a_withdrawn_record_back(members: dict[str, Any]) -> None:
    decision = do(replace(shared(3), withdrawn=True), **members)
    assert (decision.status, after(decision).withdrawn, after(decision).updated_on) == (Status.SUCCEEDED, False, TUESDAY)


def test_s13_bringing_back_alone_makes_no_version() -> None:
    before = replace(shared(3), withdrawn=True)
    assert do(before, delete=False) == Decision(Status.SUCCEEDED, replace(before, withdrawn=False, updated_on=TUESDAY))


TESTED: list[tuple[Record | None, dict[str, Any]]] = [
    (None, {"create": SHAREABLE, "publish": 3}),
    (None, {"create": {}, "publish": 3}),
    (None, {"delete": True}),
    (None, {"patch": {}}),
    (record(), {"create": {}}),
    (record(), {"patch": {"age": 55}}),
    (record(), {"patch": {}}),
    (record(), {"delete": True}),
    (record(), {"delete": "withdraw"}),
    (record(), {"publish": "public"}),
    (record(withdrawn=True), {"delete": False}),
]


@pytest.mark.parametrize(("before", "members"), TESTED)
def test_s14_a_test_is_decided_as_the_real_thing_and_says_that_it_is_a_test(
    before: Record | None, members: dict[str, Any]
) -> None:
    real, test = do(before, **members), do(before, test=True, **members)
    assert replace(test, messages=()) == replace(real, messages=())
    if real.status is not Status.FAILED:
        assert codes(test) == [code for code in codes(real) if code != "shared"] + ["test_mode"]


def test_s14_the_record_that_a_test_would_create_has_no_number() -> None:
    assert after(do(None, test=True, create={})).id is None
