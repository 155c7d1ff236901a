"""What `store` leaves in the tables is what was decided, however little of it is sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from models.classifications.loading import Entry, load
from models.classifications.state import Cell, Decision, Evidence, Level, Record, Revision, Snapshot, Source, Status, Target
from models.classifications.store import store
from models.db import Session, driver, transaction
from tests.models.selection.world import World, new_world

pytestmark = pytest.mark.usefixtures("database")

WIDE = {f"ps{number}": "NM" for number in range(1, 5)} | {f"bp{number}": "BM" for number in range(1, 8)}


def _loaded(session: Session, values: dict[str, str], live: int = 1) -> tuple[World, Entry]:
    world = new_world(session)
    made = world.add(session, "north/one", "R1", values, live=live)
    return world, load(session, [Target(rid=made)]).by_rid[made]


def _changed(record: Record, evidence: Evidence) -> Record:
    assert record.updated_on
    later = record.updated_on + timedelta(hours=1)
    return replace(record, evidence=evidence, version=record.version + 3_600_000_000, updated_on=later)


def _change(entry: Entry, evidence: Evidence, snapshot: Snapshot | None = None) -> None:
    old = entry.record()
    new = _changed(old, evidence)
    names = {name for name in old.evidence.keys() | evidence.keys() if old.evidence.get(name) != evidence.get(name)}
    before, after = ({name: said.get(name) for name in names} for said in (old.evidence, evidence))
    entry.take(Decision(Status.SUCCEEDED, new, (), Revision(new.version, before, after, Source.API), snapshot))


@pytest.mark.parametrize(
    ("gone", "other"),
    [
        ((), {"ps1": "PM"}),
        (("ps1",), {}),
        (("ps1", "bp7"), {"ps2": 'a "quoted" \\ and\ttabbed', "age": "4"}),
        (tuple(WIDE), {"age": "4"}),
        (tuple(WIDE), {}),
        ((), dict.fromkeys(WIDE, "BS")),
    ],
)
def test_stored_evidence_is_what_was_decided(gone: tuple[str, ...], other: dict[str, str]) -> None:
    with transaction() as session:
        _, entry = _loaded(session, WIDE)
        kept: Evidence = {name: cell for name, cell in entry.record().evidence.items() if name not in gone}
        wanted: Evidence = kept | {name: Cell(value=value) for name, value in other.items()}
        _change(entry, wanted)

        store(session, [entry], 1, None)

        rid = entry.record().id
        assert rid is not None
        again = load(session, [Target(rid=rid)]).by_rid[rid].record()
        assert again == entry.record()


def test_two_changes_in_a_chunk_are_stored_as_one() -> None:
    with transaction() as session:
        _, entry = _loaded(session, WIDE)
        first = entry.record().evidence
        _change(entry, {name: cell for name, cell in first.items() if name != "ps1"})
        _change(entry, entry.record().evidence | {"ps1": {"value": "PVS"}, "bp1": {"value": "NM"}})

        store(session, [entry], 1, None)

        rid = entry.record().id
        assert rid is not None
        assert load(session, [Target(rid=rid)]).by_rid[rid].record().evidence == entry.record().evidence
        told = driver(session).execute("SELECT before, after FROM versions ORDER BY version").fetchall()
        assert [sorted(after) for _, after in told] == [["ps1"], ["bp1", "ps1"]]


@pytest.mark.parametrize("first", [True, False])
def test_a_snapshot_is_what_was_published_before_the_change(first: bool) -> None:
    """Of the stored state it is taken inside the database; a state that was never stored is sent."""
    with transaction() as session:
        _, entry = _loaded(session, {**WIDE, "clinical_significance": "VUS"}, live=int(Level.PUBLIC))
        if not first:
            _change(entry, entry.record().evidence | {"age": {"value": "7"}})
        old = entry.record()
        kept = Snapshot(int(Level.PUBLIC), old.version, old.evidence, old.published_on)
        _change(entry, old.evidence | {"clinical_significance": {"value": "P"}}, kept)

        store(session, [entry], 1, None)

        columns = "level, version, published_on, evidence, significance, lab_id"
        row = driver(session).execute(f"SELECT {columns} FROM snapshots").fetchone()
        assert row == (4, old.version, old.published_on, old.evidence, "VUS", old.lab.id)
