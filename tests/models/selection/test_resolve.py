"""Selections resolved against the database: each record once, at its first position, the same on every page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from models.db import Session, driver, transaction
from models.errors import CursorExpired, SelectionTooLarge
from models.identity.principal import Principal
from models.jobs.retention import expire_selections
from models.selection import resolve
from models.selection.grammar import Selection, dump_selection, parse_selection
from models.selection.search import FACE
from models.settings import settings
from tests.models.selection.world import World, new_world

pytestmark = pytest.mark.usefixtures("database")

CBS = {"search": {"filter": ["gene_symbol", "is", "CBS"]}}


def _parse(*entries: Any, **options: Any) -> Selection:
    return parse_selection(list(entries), FACE, **options)


def _genes(session: Session, number: int, **facts: Any) -> World:
    """Records R00, R01 and so on of north/one, all of one gene."""
    world = new_world(session)
    for at in range(number):
        world.add(session, "north/one", f"R{at:02d}", {"gene_symbol": "CBS"}, **facts)
    return world


def _frozen(session: Session, principal: Principal, selection: Selection) -> list[tuple[int, int | None, str | None]]:
    name = resolve.members(session, principal, selection)
    return driver(session).execute(f"SELECT seq, record_id, target FROM {name} ORDER BY seq").fetchall()


def _first(session: Session, principal: Principal, selection: Selection, size: int) -> resolve.Resolved:
    return resolve.resolve(session, principal, selection, resolve.FirstPage(size, b"digest"))


def _walk(principal: Principal, selection: Selection, size: int) -> Iterator[tuple[int, list[int]]]:
    """Give (records.size, record ids) page by page, each in a transaction of its own."""
    with transaction() as session:
        first = _first(session, principal, selection, size)
    yield first.total, [record_id for _, record_id in first.members]
    read = len(first.members)
    while first.selection_id and read < first.total:
        with transaction() as session:
            total, members = resolve.page(session, first.selection_id, read, size)
        yield total, [record_id for _, record_id in members]
        read += len(members)


def test_known_ids_come_once_and_unknown_ones_keep_their_place() -> None:
    with transaction() as session:
        world = _genes(session, 3)
        r0, r1, _ = world.records
        sent = ["north/one/R01", str(r0), "north/one/none", {"lab_id": "north/one", "lab_record_id": "R01"}, r0, "north/one/none"]

        frozen = _frozen(session, world.people["ann"], _parse(*sent))

    assert frozen == [(0, r1, None), (1, r0, None), (2, None, "north/one/none")]


def test_invisible_ids_look_unknown() -> None:
    with transaction() as session:
        world = _genes(session, 1)
        (record_id,) = world.records

        for name in (str(record_id), "north/one/R00"):
            assert _frozen(session, world.people["cat"], _parse(name)) == [(0, None, name)]
            assert _first(session, world.people["cat"], _parse(name), 10).total == 0


def test_a_search_freezes_all_it_matches() -> None:
    with transaction() as session:
        world = _genes(session, 23)
        world.add(session, "north/one", "other", {"gene_symbol": "TP53"})
        world.add(session, "south/one", "foreign", {"gene_symbol": "CBS"})

        frozen = _frozen(session, world.people["ann"], _parse(CBS))

    assert [row[0] for row in frozen] == list(range(23))
    assert {row[1] for row in frozen} == set(list(world.records)[:23])


def test_an_exclude_that_matches_nothing_changes_nothing() -> None:
    with transaction() as session:
        world = _genes(session, 5)
        ann = world.people["ann"]
        plain = _frozen(session, ann, _parse(CBS))

        for exclude in (["999999999"], ["north/one/none"], ["none/such/lab"], []):
            assert _frozen(session, ann, _parse({**CBS, "exclude": exclude})) == plain


def test_an_exclude_belongs_to_its_own_entry() -> None:
    with transaction() as session:
        world = _genes(session, 4)
        made = list(world.records)

        frozen = _frozen(session, world.people["ann"], _parse({**CBS, "exclude": ["north/one/R00", made[2]]}, made[0]))

    assert [row[1] for row in frozen] == [made[1], made[3], made[0]]


def test_an_exclude_of_everything_leaves_nothing() -> None:
    with transaction() as session:
        world = _genes(session, 3)
        everything = {**CBS, "exclude": list(world.records)}

        assert _frozen(session, world.people["ann"], _parse(everything)) == []
        assert _first(session, world.people["ann"], _parse(everything), 10) == resolve.Resolved(None, 0, [])


def test_overlapping_entries_name_a_record_once_at_its_first_position() -> None:
    with transaction() as session:
        world = _genes(session, 4)
        r0, r1, r2, r3 = world.records
        by_text = {"search": {"q": "R01"}}

        frozen = _frozen(session, world.people["ann"], _parse(r2, by_text, "north/one/R01", CBS, r0, by_text))

    assert [row[1] for row in frozen] == [r2, r1, r0, r3]


def test_an_empty_search_names_nothing_unless_everything_is_allowed() -> None:
    with transaction() as session:
        world = _genes(session, 3)
        ann = world.people["ann"]

        assert _frozen(session, ann, _parse({"search": {"q": "", "filter": []}})) == []
        assert len(_frozen(session, ann, _parse({"search": {}}, allow_all=True))) == 3


def test_seventeen_by_ten_are_ten_and_seven() -> None:
    with transaction() as session:
        world = _genes(session, 17)
        made = list(world.records)

    pages = list(_walk(world.people["ann"], _parse(CBS), 10))

    assert pages == [(17, made[:10]), (17, made[10:])]


@pytest.mark.parametrize(("number", "stored"), [(0, False), (9, False), (10, False), (11, True)])
def test_only_what_does_not_fit_on_the_first_page_is_stored(number: int, stored: bool) -> None:
    with transaction() as session:
        world = _genes(session, number)
        first = _first(session, world.people["ann"], _parse(CBS), 10)
        rows = driver(session).execute("SELECT count(*) FROM selection_members").fetchone()

    assert (first.total, len(first.members)) == (number, min(number, 10))
    assert (first.selection_id is not None, rows) == (stored, (number if stored else 0,))


def test_unknown_ids_are_left_out_of_a_read_and_of_its_size() -> None:
    with transaction() as session:
        world = _genes(session, 12)
        made = list(world.records)

    pages = list(_walk(world.people["ann"], _parse("999999999", *made, "north/one/none", made[0]), 5))

    assert pages == [(12, made[:5]), (12, made[5:10]), (12, made[10:])]


def test_the_page_size_may_change_between_pages() -> None:
    with transaction() as session:
        world = _genes(session, 12)
        made = list(world.records)
        first = _first(session, world.people["ann"], _parse(CBS), 3)
        assert first.selection_id
        total, members = resolve.page(session, first.selection_id, 3, 100)

    assert total == 12
    assert [*first.members, *members] == list(enumerate(made))


def test_what_matched_throughout_appears_once_while_others_write() -> None:
    with transaction() as session:
        world = _genes(session, 40)
        made = list(world.records)
    changes: list[Callable[[Session], object]] = [
        lambda session: world.add(session, "north/one", "A-first", {"gene_symbol": "CBS"}),
        lambda session: driver(session).execute("UPDATE records SET lab_record_id = 'Z' || lab_record_id WHERE id % 3 = 0"),
        lambda session: driver(session).execute("UPDATE records SET lab_record_id = '0' || lab_record_id WHERE id % 3 = 1"),
        lambda session: driver(session).execute("DELETE FROM records WHERE id = ANY(%s)", ([made[0], made[25], made[39]],)),
        lambda session: world.add(session, "north/one", "Z-last", {"gene_symbol": "CBS"}),
    ]

    read = []
    for total, page in _walk(world.people["ann"], _parse(CBS), 7):
        assert total == 40
        read += page
        with transaction() as session:
            changes.pop(0)(session) if changes else None

    assert read == made


def test_a_purged_selection_is_expired_and_never_begins_again() -> None:
    with transaction() as session:
        world = _genes(session, 5)
        first = _first(session, world.people["ann"], _parse(CBS), 2)
        assert first.selection_id

    with transaction() as session:
        expire_selections(session)
        assert resolve.page(session, first.selection_id, 2, 2)[0] == 5
        driver(session).execute("UPDATE selections SET created_on = created_on - interval '1 year'")
        expire_selections(session)
        with pytest.raises(CursorExpired):
            resolve.page(session, first.selection_id, 2, 2)


def test_a_selection_that_never_was_is_expired_too() -> None:
    with transaction() as session, pytest.raises(CursorExpired):
        resolve.page(session, UUID(int=1), 0, 10)


def test_a_job_over_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        world = _genes(session, 6)
        ann, made = world.people["ann"], list(world.records)
    monkeypatch.setenv("WAYBILL_MAX_OPERATIONS", "5")
    settings.cache_clear()
    try:
        for sent in ([CBS], made, [*made[:3], {**CBS, "exclude": made[:3]}]):
            with transaction() as session, pytest.raises(SelectionTooLarge) as refusal:
                resolve.members(session, ann, _parse(*sent))
            assert refusal.value.members["limit"] == 5
        with transaction() as session:
            assert len(_frozen(session, ann, _parse({**CBS, "exclude": made[:1]}))) == 5
            assert _first(session, ann, _parse(CBS), 10).total == 6
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_job_may_freeze_twice_in_one_transaction() -> None:
    with transaction() as session:
        world = _genes(session, 2)

        assert _frozen(session, world.people["ann"], _parse(CBS)) == _frozen(session, world.people["ann"], _parse(CBS))


def test_members_that_no_longer_match_are_told() -> None:
    with transaction() as session:
        world = _genes(session, 6)
        ann, made = world.people["ann"], list(world.records)
        selection = _parse("north/one/R00", made[1], {**CBS, "exclude": [made[5]]})
        stored = parse_selection(dump_selection(selection), FACE, allow_all=True)
        assert resolve.matching(session, ann, stored, made) == set(made[:5])

        change = driver(session).execute
        change("UPDATE records SET evidence = '{}' WHERE id = ANY(%s)", ([made[1], made[2]],))
        change("UPDATE records SET lab_record_id = 'renamed' WHERE id = %s", (made[0],))
        change("UPDATE records SET evidence = '{}' WHERE id = %s", (made[0],))
        change("UPDATE records SET withdrawn = true WHERE id = %s", (made[3],))

        assert resolve.matching(session, ann, stored, made) == {made[1], made[4]}
        assert resolve.matching(session, world.people["cat"], stored, made) == set()
        assert resolve.matching(session, ann, stored, []) == set()
