"""Undo and reads of a past moment against what was seen at the time: random operations of several jobs, then one is undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models import ids
from models.classifications.envelope import parse_operation
from models.classifications.history import moments
from models.classifications.journal import RECORD
from models.classifications.loading import find_labs, record_of
from models.classifications.reading import dump_seen, load_visible
from models.classifications.reversal import Undoing, undo
from models.classifications.service import Ask, Origin, apply
from models.db import Session, driver, engine
from models.identity.principal import Principal
from tests.factories import accounts
from tests.models.classifications.samples import SHAREABLE

NAMES = ("A", "B")
JOBS = (1, 2, 3)
State = Mapping[str, Any]

patches: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "age": st.sampled_from([None, 31, 55, {"note": "n"}]),
        "condition": st.sampled_from([{"value": "one"}, {"value": "two", "note": "x"}, "three"]),
        "owner": st.sampled_from(["ann", "both"]),
        "source_id": st.sampled_from(["S-1", "S-2", None]),
        "curated_by": st.sampled_from(["somebody", None]),
    },
)
levels = st.sampled_from([None, None, 1, 2, 3, 4])
verbs = st.sampled_from(["patch", "patch", "upsert", "upsert", "upsert", "overwrite", None])


@st.composite
def operations(draw: st.DrawFn) -> dict[str, Any]:
    """Return an operation; most of them make something that can be shared."""
    operation: dict[str, Any] = {"id": f"north/one/{draw(st.sampled_from(NAMES))}"}
    if draw(st.integers(0, 5)) == 0:
        return operation | {"delete": draw(st.sampled_from([True, "withdraw", False]))}
    if verb := draw(verbs):
        base = SHAREABLE if verb != "patch" else {}
        operation |= {verb: base | draw(patches), "editable": draw(st.booleans())}
    return operation | {"publish": draw(levels)}


MADE = {"id": "north/one/A", "upsert": SHAREABLE}
AGED = {"id": "north/one/A", "patch": {"age": 31}}
GONE = {"id": "north/one/A", "delete": True}
chunks = st.lists(st.tuples(st.sampled_from(JOBS), st.lists(operations(), min_size=1, max_size=3)), min_size=1, max_size=9)


@dataclass
class Story:
    """What was done, and what was there after each step: the state of every record, what people saw, and when."""

    session: Session
    people: dict[str, Principal]
    steps: list[tuple[int, dict[int, State]]] = field(default_factory=list)  # (job, records after it)
    seen: list[tuple[int, dict[str, bytes]]] = field(default_factory=list)  # (moment, what each person saw)
    start: int = 0

    def run(self, job: int, sent: Sequence[Mapping[str, Any]]) -> None:
        asks = [Ask(parse_operation(dict(operation)), "new") for operation in sent]
        apply(self.session, Origin(self.people["ann"], job_id=job), asks)
        self.look(job)

    def undo(self, undone: int, job: int) -> dict[int, str]:
        rids = sorted({rid for _, records in self.steps for rid in records}, reverse=True)
        done = undo(self.session, Undoing(self.people["ann"], undone, job), rids)
        self.look(job)
        return {rid: item.fate for rid, item in zip(rids, done, strict=True)}

    def look(self, job: int) -> None:
        self.steps.append((job, states(self.session)))
        self.seen.append((ids.stamp(ids.now()), views(self.session, self.people)))

    def records(self) -> dict[int, State]:
        return self.steps[-1][1]

    def expected(self, job: int) -> dict[int, State]:
        """Return what undoing a job has to leave: what nobody else changed from its first change on is as it was before."""
        now = dict(self.records())
        removed: set[int] = set()
        coming: dict[int, State] = {}
        for rid in sorted({rid for _, records in self.steps for rid in records}):
            changes = [(who, before.get(rid)) for (_, before), (who, after) in self.pairs() if before.get(rid) != after.get(rid)]
            mine = [at for at, (who, _) in enumerate(changes) if who == job]
            if not mine or any(who != job for who, _ in changes[mine[0] :]):
                continue
            if (before := changes[mine[0]][1]) is not None and rid not in now:
                coming[rid] = before
            elif before is not None:
                now[rid] = before
            elif now.pop(rid, None):
                removed.add(rid)
        for rid, before in coming.items():
            if all(other["name"] != before["name"] for other in now.values()):
                now[rid] = before
        return now

    def pairs(self) -> list[tuple[tuple[int, dict[int, State]], tuple[int, dict[int, State]]]]:
        return list(zip([(0, {}), *self.steps], self.steps, strict=False))


def states(session: Session) -> dict[int, State]:
    """Return all there is of each record; versions only by what they say."""
    rows = driver(session).execute(f"SELECT {RECORD} FROM records ORDER BY id").fetchall()
    labs = {lab.id: lab for lab in find_labs(session, lab_ids={row[1] for row in rows})}
    return {row[0]: _state(session, record_of(row, labs)) for row in rows}


def _state(session: Session, record: Any) -> State:
    rid = record.id
    levels = "SELECT version, level FROM versions WHERE record_id = %s ORDER BY version"
    versions = dict(driver(session).execute(levels, (rid,)).fetchall())
    held = driver(session).execute("SELECT level, version, evidence FROM snapshots WHERE record_id = %s ORDER BY level", (rid,))
    snapshots = {level: (version, evidence) for level, version, evidence in held.fetchall()}
    past = {version: told.record.evidence for (_, version), told in moments(session, {(rid, one) for one in versions}).items()}
    assert all(past[version] == evidence for version, evidence in snapshots.values())
    assert (versions[record.version], past[record.version]) == (record.live_level, record.evidence)
    return {
        "name": record.lab_record_id,
        "owner": record.owner_id,
        "source_id": record.source_id,
        "evidence": record.evidence,
        "levels": (record.share_level, record.live_level, record.widest_level),
        "withdrawn": record.withdrawn,
        "published": record.published_version == record.version or past[record.published_version],
        "snapshots": snapshots,
        "created_on": record.created_on,
        "updated_on": record.updated_on,
        "versions": {version: (level, past[version]) for version, level in versions.items() if version != record.version},
    }


TIMELESS = ("name", "owner", "source_id", "evidence", "levels", "withdrawn", "published", "snapshots", "created_on")


def timeless(records: Mapping[int, State]) -> dict[int, State]:
    return {rid: {name: state[name] for name in TIMELESS} for rid, state in records.items()}


def views(session: Session, people: Mapping[str, Principal], at: int | None = None) -> dict[str, bytes]:
    """Return what each person reads of all records, byte by byte."""
    rids = [row[0] for row in driver(session).execute("SELECT DISTINCT record_id FROM versions").fetchall()]
    shown = {}
    for name, person in people.items():
        seen = load_visible(session, person, rids, at)
        shown[name] = msgspec.json.encode({rid: dump_seen(seen[rid], person, {}) for rid in sorted(seen)})
    return shown


@contextmanager
def story() -> Iterator[Story]:
    """Tell a story in a transaction that is rolled back."""
    with engine().connect() as session:
        session.begin()
        yield Story(session, accounts(session))
        session.rollback()


@pytest.mark.usefixtures("database")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(told=chunks, undone=st.sampled_from(JOBS))
@example([(1, [MADE]), (2, [GONE])], 2)
@example([(1, [MADE]), (2, [GONE, MADE | {"publish": 4}]), (2, [GONE])], 2)
@example([(1, [MADE | {"publish": 4}]), (1, [AGED | {"publish": 2}]), (2, [{**AGED, "patch": {"age": 55}, "publish": 4}])], 2)
@example([(1, [MADE | {"publish": 3}]), (2, [AGED]), (2, [{"id": MADE["id"], "publish": 2}]), (2, [GONE])], 2)
def test_x06_x15_undo_takes_back_and_the_past_stays(told: list[tuple[int, list[dict[str, Any]]]], undone: int) -> None:
    with story() as tale:
        for job, sent in told:
            tale.run(job, sent)
        expected, before = tale.expected(undone), tale.records()
        fates = tale.undo(undone, 100)
        after = tale.records()
        assert timeless(after) == timeless(expected), fates
        assert all(
            after[rid] == before[rid] for rid in after.keys() & before.keys() if fates.get(rid) in ("unchanged", "touched_since")
        )
        assert _levels_of_then(after, expected)

        tale.undo(100, 101)
        assert timeless(tale.records()) == timeless(before), fates
        assert _levels_of_then(tale.records(), before)

        tale.undo(101, 102)
        assert timeless(tale.records()) == timeless(expected)
        for moment, seen in tale.seen:
            assert views(tale.session, tale.people, moment) == seen


def _levels_of_then(now: Mapping[int, State], then: Mapping[int, State]) -> bool:
    """Say whether each version that was there says the same, to those who could read it, as it did."""
    return all(
        now[rid]["versions"].get(version, what) == what
        for rid, state in then.items()
        for version, what in state["versions"].items()
    )
