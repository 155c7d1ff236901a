"""Who sees which state of a record: the query against the rule over values, for every relation, level and set of snapshots."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any

import pytest
import sqlalchemy as sa

from models.classifications import sharing
from models.classifications.visibility import visible_records
from models.db import Session, transaction
from models.identity.principal import Principal
from tests.models.selection.world import World, new_world

pytestmark = pytest.mark.usefixtures("database")

LEVELS = (1, 2, 3, 4)
PEOPLE = ("ann", "ben", "cat", "both", "outsider", "admin")


def _seen(session: Session, principal: Principal, record_ids: list[int] | None = None) -> dict[int, Any]:
    seen = visible_records(principal, record_ids)
    rows = session.execute(sa.select(seen)).mappings().all()
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row for row in rows}


def _every_state(session: Session) -> World:
    """One record of north/one for each level of the working copy and each set of wider snapshots, owned by nobody here."""
    world = new_world(session)
    for live in LEVELS:
        wider = [level for level in LEVELS if level > live]
        for kept in chain.from_iterable(combinations(wider, size) for size in range(len(wider) + 1)):
            name = f"live{live}-" + "".join(map(str, kept))
            snapshots = {level: {"condition": f"snapshot {level}"} for level in kept}
            world.add(session, "north/one", name, {"condition": "working copy"}, live=live, snapshots=snapshots)
    return world


@pytest.mark.parametrize("name", PEOPLE)
def test_the_query_says_what_the_rule_says(name: str) -> None:
    with transaction() as session:
        world = _every_state(session)
        principal = world.people[name]
        found = _seen(session, principal)
        expected = {}
        for record_id, record in world.records.items():
            relation = sharing.relation(record.lab, principal.actor())
            state = sharing.visible(record, world.snapshots[record_id], relation)
            if state is not None:
                expected[record_id] = (state.version, state.share_level, state.live_level, state.evidence, int(relation))

    columns = ("version", "share_level", "live_level", "evidence", "relation")
    assert {key: tuple(row[column] for column in columns) for key, row in found.items()} == expected


@pytest.mark.parametrize(
    ("name", "live", "kept", "seen"),
    [
        ("ann", 1, (), "working copy"),
        ("both", 1, (3,), "working copy"),
        ("admin", 1, (), "working copy"),
        ("ben", 1, (), None),
        ("ben", 2, (), "working copy"),
        ("ben", 1, (3,), "snapshot 3"),
        ("ben", 1, (2, 4), "snapshot 2"),
        ("cat", 2, (), None),
        ("cat", 2, (3, 4), "snapshot 3"),
        ("cat", 1, (2,), None),
        ("cat", 1, (2, 4), "snapshot 4"),
        ("cat", 3, (4,), "working copy"),
        ("outsider", 4, (), "working copy"),
        ("outsider", 2, (4,), "snapshot 4"),
        ("outsider", 1, (), None),
    ],
)
def test_readers_see_the_newest_state_that_reaches_them(name: str, live: int, kept: tuple[int, ...], seen: str | None) -> None:
    with transaction() as session:
        world = new_world(session)
        snapshots = {level: {"condition": f"snapshot {level}"} for level in kept}
        record_id = world.add(session, "north/one", "R1", {"condition": "working copy"}, live=live, snapshots=snapshots)
        row = _seen(session, world.people[name]).get(record_id)

    assert (row and row["evidence"]["condition"]["value"]) == seen


@pytest.mark.parametrize(("name", "ceiling"), [("ann", 1), ("both", 1), ("ben", 2), ("cat", 3), ("outsider", 3), ("admin", 0)])
def test_the_ceiling_is_the_relation_but_for_owner_and_superuser(name: str, ceiling: int) -> None:
    with transaction() as session:
        world = new_world(session)
        principal = world.people[name]
        foreign = world.add(session, "north/one", "foreign", {"age": "30-39"}, live=4)
        own = world.add(session, "north/one", "own", {"age": "30-39"}, live=4, owner=principal.user_id)
        found = _seen(session, principal)

    assert (found[foreign]["ceiling"], found[own]["ceiling"]) == (ceiling, 0)


def test_withdrawn_records_stay_visible_and_say_so() -> None:
    with transaction() as session:
        world = new_world(session)
        record_id = world.add(session, "north/one", "R1", {}, live=4, withdrawn=True)

        assert _seen(session, world.people["outsider"])[record_id]["withdrawn"]


def test_only_the_records_asked_for_come() -> None:
    with transaction() as session:
        world = _every_state(session)
        wanted = sorted(world.records)[::3]
        for principal in world.people.values():
            everything = _seen(session, principal)
            assert _seen(session, principal, wanted) == {key: row for key, row in everything.items() if key in wanted}
            assert _seen(session, principal, []) == {}


def test_somebody_without_a_lab_sees_what_all_users_see() -> None:
    with transaction() as session:
        world = _every_state(session)

        assert _seen(session, Principal(999, "nobody", "nowhere")).keys() == _seen(session, world.people["outsider"]).keys()
