"""When a moment is past: nobody is left who may still add to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from models import ids
from models.classifications import past
from models.classifications.envelope import parse_operation
from models.classifications.reading import load_visible
from models.classifications.service import Ask, Origin, apply
from models.db import Session, engine, transaction
from models.errors import InvalidDate, Unavailable
from models.identity.principal import Principal
from tests.factories import accounts
from tests.models.classifications.samples import SHAREABLE


@pytest.fixture
def people(database: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Principal]:
    monkeypatch.setattr(past, "SKEW", 20_000)
    monkeypatch.setattr(past, "PATIENCE", 1.0)
    with transaction() as session:
        return accounts(session)


@pytest.fixture
def writer(people: dict[str, Principal]) -> Iterator[Session]:
    """A connection that has written and not yet committed."""
    with engine().connect() as session:
        session.begin()
        _create(session, people["ann"], "late")
        yield session
        session.rollback()


def _create(session: Session, principal: Principal, name: str) -> None:
    operation = parse_operation({"id": f"north/one/{name}", "create": SHAREABLE})
    apply(session, Origin(principal), [Ask(operation, "new")])


def _seen(session: Session, principal: Principal, moment: int) -> list[str]:
    rids = [row[0] for row in session.exec_driver_sql("SELECT id FROM records").fetchall()]
    return [seen.record.lab_record_id for seen in load_visible(session, principal, rids, moment).values()]


def test_whoever_locked_records_by_then_is_waited_for(people: dict[str, Principal], writer: Session) -> None:
    moment = ids.stamp(ids.now())
    threading.Timer(0.3, writer.commit).start()
    with transaction() as session:
        past.settle(session, people["ann"], moment)
        assert _seen(session, people["ann"], moment) == ["late"]


def test_who_never_ends_is_not_waited_for_for_ever(people: dict[str, Principal], writer: Session) -> None:
    assert writer.in_transaction()
    with transaction() as session, pytest.raises(Unavailable):
        past.settle(session, people["ann"], ids.stamp(ids.now()))


def test_who_began_later_is_not_waited_for_and_not_seen(people: dict[str, Principal]) -> None:
    with transaction() as session:
        _create(session, people["ann"], "early")
    moment = ids.stamp(ids.now())
    threading.Event().wait(0.1)
    with engine().connect() as later, transaction() as session:
        later.begin()
        _create(later, people["ann"], "late")
        past.settle(session, people["ann"], moment)
        later.commit()
        assert _seen(session, people["ann"], moment) == ["early"]


def test_a_moment_to_come_is_none(people: dict[str, Principal]) -> None:
    with transaction() as session, pytest.raises(InvalidDate):
        past.settle(session, people["ann"], ids.stamp(ids.now()) + 1_000_000)
