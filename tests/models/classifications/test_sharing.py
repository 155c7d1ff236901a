"""Publishing and visibility (contract sections 11 and 12; goals P05 and P06)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.classifications import sharing
from models.classifications.state import Actor, Evidence, Level, Record, Snapshot
from models.errors import InvalidPublish
from models.ids import stamp
from tests.models.classifications.samples import ADMIN, CURATOR, MONDAY, NORTH, SISTER, STRANGER, TUESDAY, WEDNESDAY, record

OUTSIDE = (Level.ORGANISATION, Level.LOGGED_IN_USERS, Level.PUBLIC)
EDITED: Evidence = {"age": {"value": "40-49"}}


@pytest.mark.parametrize(
    ("spelling", "level"),
    [
        ("user", None),
        (0, None),
        ("0", None),
        ("lab", 1),
        (1, 1),
        ("institution", 2),
        ("organisation", 2),
        ("2", 2),
        ("logged_in_users", 3),
        (3.0, 3),
        ("public", 4),
        ("global", 4),
        (4, 4),
    ],
)
def test_s12_all_spellings_of_a_level_are_read(spelling: Any, level: int | None) -> None:
    assert sharing.parse_level(spelling) == level


@pytest.mark.parametrize("spelling", ["", "Lab", "everyone", "5", 5, -1, 1.5, True, None, [], {}, "01"])
def test_s12_an_unknown_level_is_refused(spelling: Any) -> None:
    with pytest.raises(InvalidPublish) as refused:
        sharing.parse_level(spelling, "/share")
    assert refused.value.pointer == "/share"


def test_s12_levels_are_written_as_the_page_names_them() -> None:
    assert [sharing.level_name(level) for level in Level] == ["user", "lab", "institution", "logged_in_users", "public"]
    assert sharing.level_name(Level.ORGANISATION, "reference") == "organisation"


@pytest.mark.parametrize(
    ("actor", "relation", "ceiling"),
    [
        (CURATOR, Level.LAB, Level.USER),
        (ADMIN, Level.LAB, Level.USER),
        (SISTER, Level.ORGANISATION, Level.ORGANISATION),
        (STRANGER, Level.LOGGED_IN_USERS, Level.LOGGED_IN_USERS),
        (Actor(101, "colleague", frozenset({1}), frozenset({10})), Level.LAB, Level.LAB),
    ],
)
def test_s12_1_a_reader_stands_in_a_relation_and_owner_and_superuser_have_no_ceiling(
    actor: Actor, relation: Level, ceiling: Level
) -> None:
    assert sharing.relation(NORTH, actor) == relation
    assert sharing.ceiling(record(), actor) == ceiling


@dataclass
class History:
    """A record with its snapshots as they are stored, and beside it every version with the level it reached, for the oracle."""

    record: Record = field(default_factory=record)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    reached: dict[int, int] = field(default_factory=lambda: {stamp(MONDAY): 1})

    def change(self, evidence: Evidence | None, level: int | None) -> None:
        """Carry out one operation: an edit, a publish, or both."""
        kept: Snapshot | None = None
        now = (self.record.updated_on or MONDAY) + timedelta(hours=1)
        if evidence is not None:
            self.record, kept = sharing.edit(self.record, evidence, stamp(now), now)
        if level is not None:
            self.record, kept = sharing.publish(self.record, level, now, kept)
            self.snapshots = {at: snapshot for at, snapshot in self.snapshots.items() if at > level}
        if kept:
            self.snapshots[kept.level] = kept
        self.reached[self.record.version] = max(level or 1, self.reached.get(self.record.version, 1))

    def seen(self, reader: Level) -> Record | None:
        return sharing.visible(self.record, self.snapshots.values(), reader)

    def newest_readable(self, reader: Level) -> int | None:
        """Say by looking at all versions which one a relation reads; writers read the newest whatever its level."""
        return max((version for version, level in self.reached.items() if level >= reader or reader <= 1), default=None)


change = st.tuples(st.booleans(), st.none() | st.integers(1, 4))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(change, max_size=12))
def test_s12_every_reader_sees_the_newest_version_that_ever_reached_them(changes: list[tuple[bool, int | None]]) -> None:
    history = History()
    for number, (edits, level) in enumerate(changes):
        history.change({"age": {"value": number}} if edits else None, level)
        for reader in (Level.LAB, *OUTSIDE):
            seen = history.seen(reader)
            assert (seen and seen.version) == history.newest_readable(reader)
        assert history.record.widest_level == max(history.reached.values())
        assert all(level > history.record.live_level for level in history.snapshots)
        ages = [history.snapshots[level].version for level in sorted(history.snapshots)]
        assert ages == sorted(ages, reverse=True)


def test_s12_monday_and_tuesday_readers_of_the_wider_level_keep_the_old_version() -> None:
    monday, _ = sharing.publish(record(), Level.LOGGED_IN_USERS, MONDAY)
    edited, kept = sharing.edit(monday, EDITED, stamp(TUESDAY), TUESDAY)
    tuesday, kept = sharing.publish(edited, Level.ORGANISATION, TUESDAY, kept)
    assert kept is not None
    sister, stranger = (sharing.visible(tuesday, [kept], reader) for reader in OUTSIDE[:2])
    assert sister is tuesday
    assert stranger is not None
    assert (stranger.version, stranger.evidence, stranger.share_level) == (monday.version, monday.evidence, 3)
    assert (stranger.published_version, stranger.published_on) == (monday.version, MONDAY)
    assert (tuesday.share_level, tuesday.live_level, tuesday.widest_level) == (2, 2, 3)
    assert sharing.visible(tuesday, [kept], Level.PUBLIC) is None


def test_s12_an_unpublished_edit_is_for_writers_and_everybody_else_keeps_what_they_had() -> None:
    shared, _ = sharing.publish(record(), Level.PUBLIC, MONDAY)
    edited, kept = sharing.edit(shared, EDITED, stamp(TUESDAY), TUESDAY)
    assert kept == Snapshot(Level.PUBLIC, shared.version, shared.evidence, MONDAY)
    assert sharing.visible(edited, [kept], Level.LAB) is edited
    assert [getattr(sharing.visible(edited, [kept], reader), "version", None) for reader in OUTSIDE] == [shared.version] * 3


def test_s12_publishing_as_wide_in_the_same_operation_leaves_no_snapshot() -> None:
    shared, _ = sharing.publish(record(), Level.LOGGED_IN_USERS, MONDAY)
    edited, kept = sharing.edit(shared, EDITED, stamp(TUESDAY), TUESDAY)
    _, kept = sharing.publish(edited, Level.LOGGED_IN_USERS, TUESDAY, kept)
    assert kept is None


def test_s11_a_published_version_cannot_be_unpublished_by_publishing_it_lower() -> None:
    shared, _ = sharing.publish(record(), Level.LOGGED_IN_USERS, MONDAY)
    lower, kept = sharing.publish(shared, Level.LAB, TUESDAY)
    assert sharing.visible(lower, [], Level.LOGGED_IN_USERS) is lower
    assert (lower.share_level, lower.version, kept) == (Level.LAB, shared.version, None)


@pytest.mark.parametrize(("level", "deletable"), [(1, True), (2, True), (3, False), (4, False)])
def test_s13_once_shared_with_all_logged_in_users_a_record_stays_withdrawable_only(level: int, deletable: bool) -> None:
    shared, _ = sharing.publish(record(), level, MONDAY)
    edited, _ = sharing.edit(shared, EDITED, stamp(TUESDAY), TUESDAY)
    narrowed, _ = sharing.publish(edited, Level.LAB, WEDNESDAY)
    assert sharing.deletable(narrowed) is deletable


@pytest.mark.parametrize(
    ("actor", "widest", "known"),
    [(CURATOR, 1, True), (SISTER, 1, False), (SISTER, 2, True), (STRANGER, 2, False), (STRANGER, 3, True), (ADMIN, 1, True)],
)
def test_s12_who_can_read_no_version_does_not_know_the_record(actor: Actor, widest: int, known: bool) -> None:
    assert sharing.known(record(widest_level=widest), actor) is known
