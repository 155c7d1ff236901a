"""Reading single records and versions of them, as different callers."""

from __future__ import annotations

from typing import Any

import pytest

from models.classifications.envelope import parse_operation
from models.classifications.reading import find_visible, load_visible, show
from models.classifications.record_id import parse_id, parse_url_id
from models.classifications.service import apply_single
from models.classifications.state import Level
from models.db import Session, transaction
from models.errors import NotFound
from models.identity.principal import Principal
from tests.models.classifications.samples import SHAREABLE
from tests.models.selection.world import World, new_world

pytestmark = pytest.mark.usefixtures("database")

R1 = "north/one/R1"


def _post(session: Session, principal: Principal, **operation: Any) -> dict[str, Any]:
    return apply_single(session, principal, parse_operation({"id": R1, **operation}))


def _history(session: Session) -> tuple[World, list[int]]:
    """R1 as ann writes it: made and published to all users, edited for the lab, edited and published to the organisation."""
    world = new_world(session)
    ann = world.people["ann"]
    _post(session, ann, create={**SHAREABLE, "condition": "first", "age": 31}, publish="logged_in_users")
    _post(session, ann, patch={"condition": {"value": "second"}, "sex": "female"}, editable=True)
    _post(session, ann, patch={"condition": "third", "age": None}, editable=True, publish="organisation")
    seen = find_visible(session, ann, parse_id(R1))
    assert seen
    rows = session.exec_driver_sql("SELECT version FROM versions ORDER BY version").fetchall()
    assert len(rows) == 3 and rows[-1][0] == seen.record.version
    return world, [row[0] for row in rows]


def _condition(session: Session, principal: Principal, name: str) -> Any:
    seen = find_visible(session, principal, parse_url_id(name))
    return seen and seen.record.evidence["condition"]["value"]


def _named(version: int) -> str:
    return f"{R1}.{version // 1_000_000}.{version % 1_000_000:06d}"


def test_each_caller_reads_the_newest_state_that_reaches_them() -> None:
    with transaction() as session:
        world, _ = _history(session)

        found = {name: _condition(session, person, R1) for name, person in world.people.items()}

    assert found == {"ann": "third", "both": "third", "admin": "third", "ben": "third", "cat": "first", "outsider": "first"}


@pytest.mark.parametrize(("name", "readable"), [("ann", (0, 1, 2)), ("admin", (0, 1, 2)), ("ben", (0, 2)), ("cat", (0,))])
def test_a_version_is_read_by_those_it_was_published_to(name: str, readable: tuple[int, ...]) -> None:
    with transaction() as session:
        world, versions = _history(session)

        found = [_condition(session, world.people[name], _named(version)) for version in versions]

    assert found == [text if at in readable else None for at, text in enumerate(("first", "second", "third"))]


def test_a_version_is_the_whole_evidence_of_then() -> None:
    with transaction() as session:
        world, versions = _history(session)
        states = [find_visible(session, world.people["ann"], parse_url_id(_named(version))) for version in versions]

    moving = ("condition", "age", "sex")
    assert [state and [state.record.evidence.get(key, {}).get("value") for key in moving] for state in states] == [
        ["first", "30-39", None],
        ["second", "30-39", "female"],
        ["third", None, "female"],
    ]
    assert [state and state.record.version for state in states] == versions


def test_a_version_a_microsecond_off_is_none() -> None:
    with transaction() as session:
        world, versions = _history(session)

        assert find_visible(session, world.people["ann"], parse_url_id(_named(versions[1] + 1))) is None


def test_a_named_version_says_that_it_is_one() -> None:
    with transaction() as session:
        world, versions = _history(session)
        shown = show(session, world.people["ann"], parse_url_id(_named(versions[0])), {})

    assert shown["meta"]["title"] == _named(versions[0])
    assert (shown["meta"]["can_write"], shown["meta"]["can_write_latest"]) == (False, True)
    assert shown["version_publish_level"] == "logged_in_users"


@pytest.mark.parametrize("name", ["north/one/none", "north/none/R1", "none/one/R1", "999999999", f"{R1}.1.000001"])
def test_what_is_not_there_is_not_found(name: str) -> None:
    with transaction() as session:
        world, _ = _history(session)
        for principal in world.people.values():
            with pytest.raises(NotFound):
                show(session, principal, parse_url_id(name), {})


def test_what_may_not_be_seen_looks_like_what_is_not_there() -> None:
    with transaction() as session:
        world = new_world(session)
        record_id = world.add(session, "north/one", "R2", {"age": "30-39"})
        refusals = []
        for name in (str(record_id), "north/one/R2", "999999999", "north/one/R3"):
            with pytest.raises(NotFound) as refusal:
                show(session, world.people["ben"], parse_url_id(name), {})
            refusals.append((refusal.value.detail, refusal.value.pointer))

    assert len(set(refusals)) == 1


def test_a_withdrawn_record_is_read_by_its_id() -> None:
    with transaction() as session:
        world = new_world(session)
        record_id = world.add(session, "north/one", "R2", {"age": "30-39"}, live=3, withdrawn=True)

        assert show(session, world.people["cat"], parse_id(record_id), {})["withdrawn"] is True


def test_cells_beyond_the_ceiling_are_hidden_when_shown() -> None:
    values = {"curated_by": "Ann Other", "somatic:summary_interpretation": "secret", "condition": "open"}
    hidden = {}
    with transaction() as session:
        world = new_world(session)
        record_id = world.add(session, "north/one", "R2", values, live=4)
        for name, principal in world.people.items():
            data = show(session, principal, parse_id(record_id), {})["data"]
            hidden[name] = {key for key, cell in data.items() if cell.get("hidden")}

    lab, organisation = {"somatic:summary_interpretation"}, {"somatic:summary_interpretation", "curated_by"}
    everybody = {"ann": set(), "both": set(), "admin": set(), "ben": lab, "cat": organisation, "outsider": organisation}
    assert hidden == everybody


@pytest.mark.parametrize(
    ("data", "members"), [("true", {"age": {"value": "30-39"}}), ("flat", {"age": "30-39"}), ("false", None)]
)
def test_as_much_evidence_comes_as_was_asked_for(data: str, members: Any) -> None:
    with transaction() as session:
        world = new_world(session)
        record_id = world.add(session, "north/one", "R2", {"age": "30-39"})

        assert show(session, world.people["ann"], parse_id(record_id), {"data": data}).get("data") == members


def test_many_records_are_loaded_at_once_with_the_callers_relation() -> None:
    with transaction() as session:
        world = new_world(session)
        made = [world.add(session, lab, "R2", {"age": "30-39"}, live=2) for lab in world.labs]
        found = load_visible(session, world.people["ben"], [*made, 999_999_999])

    relations = {seen.record.lab.group_name: seen.relation for seen in found.values()}
    assert relations == {"north/one": Level.ORGANISATION, "north/two": Level.LAB}
    assert all(seen.record == world.records[record_id] for record_id, seen in found.items())
