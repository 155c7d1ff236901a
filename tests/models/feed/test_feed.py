"""The feed: numbers that become visible in their order, whatever the order of commits, and what is told to whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from models.db import Session, driver, engine, transaction
from models.errors import CursorExpired, Forbidden, InvalidCursor
from models.feed.changes import Action, CcChange, Change, announce, number, record_changes, record_selected
from models.feed.reading import Entry, News, Position, Reader, latest, purge, read, read_many
from tests.factories import project

pytestmark = pytest.mark.usefixtures("database")

START = Position(0, 0)


@contextmanager
def members() -> Iterator[dict[str, Reader]]:
    """Give readers: members of the project, and somebody who is none."""
    with transaction() as session:
        people = project(session)
        row = driver(session).execute("SELECT id FROM projects").fetchone()
        assert row is not None
    yield {name: Reader(who.user_id, int(row[0])) for name, who in people.items()}


def news(reader: Reader, after: Position = START) -> News:
    with transaction() as session:
        number(session)
    with transaction() as session:
        return read(session, reader, after)


def keys(found: News) -> list[str]:
    return [entry.data_key for entry in found.entries]


def head() -> Position:
    """Return where the common stream stands: its head is nobody's to clean up."""
    with transaction() as session:
        number(session)
        return Position(latest(session).cc, 0)


def test_changes_are_numbered_without_gaps_in_their_order() -> None:
    with members() as known, transaction() as session:
        reader = known["reader"]
        record_changes(session, reader.project_id or 0, [Change(Action.INSERT, "records", f"r{at}") for at in range(5)])
        record_changes(session, reader.project_id or 0, [Change(Action.DELETE, "assets", "a")])
    before = head()
    found = news(reader, before)
    assert [(entry.cursor, entry.action, entry.data_type, entry.data_key) for entry in found.entries] == [
        *((at + 1, "INSERT", "records", f"r{at}") for at in range(5)),
        (6, "DELETE", "assets", "a"),
    ]
    assert (found.position.project, found.more) == (6, False)


def test_a_rolled_back_change_leaves_no_gap() -> None:
    with members() as known:
        reader, before = known["reader"], head()
        for fails in (False, True, False):
            with engine().connect() as session, session.begin() as begun:
                record_changes(session, reader.project_id or 0, [Change(Action.UPDATE, "records", "r")])
                announce(session, CcChange(Action.UPDATE, "cc.users", "u"))
                if fails:
                    begun.rollback()
        found = news(reader, before)
        assert [entry.cursor for entry in found.entries if entry.stream == "project"] == [1, 2]
        assert [entry.cursor - before.cc for entry in found.entries if entry.stream == "cc"] == [1, 2]


def test_a_selected_change_is_one_for_each_row() -> None:
    with members() as known, transaction() as session:
        project_id = known["reader"].project_id or 0
        gids = "SELECT unnest(%(gids)s::text[])"
        assert record_selected(session, project_id, (Action.UPDATE, "records"), gids, {"gids": ["a", "b"]}) == 2
        assert record_selected(session, project_id, (Action.UPDATE, "records"), gids, {"gids": []}) == 0
        assert record_selected(session, project_id, (Action.DELETE, "records"), gids, {"gids": ["c"]}) == 1
    assert keys(news(known["reader"], head())) == ["a", "b", "c"]


def test_a_late_commit_is_never_skipped_and_an_open_one_never_shown() -> None:
    """Two connections announce in one order and commit in the other; a reader looks between."""
    with members() as known:
        reader, position = known["reader"], head()
        first, second = engine().connect(), engine().connect()
        with first, second:
            first.begin()
            second.begin()
            announce(first, CcChange(Action.UPDATE, "cc.users", "first"))
            announce(second, CcChange(Action.UPDATE, "cc.users", "second"))
            assert keys(news(reader, position)) == []
            second.commit()
            seen = news(reader, position)
            assert keys(seen) == ["second"]
            first.commit()
            assert keys(news(reader, seen.position)) == ["first"]


def test_a_project_has_its_writers_take_turns() -> None:
    with members() as known:
        reader, position = known["reader"], head()
        first, second = engine().connect(), engine().connect()
        done = threading.Event()

        def write_second() -> None:
            second.begin()
            record_changes(second, reader.project_id or 0, [Change(Action.UPDATE, "records", "second")])
            second.commit()
            done.set()

        with first, second:
            first.begin()
            record_changes(first, reader.project_id or 0, [Change(Action.UPDATE, "records", "first")])
            writer = threading.Thread(target=write_second)
            writer.start()
            assert not done.wait(0.3)
            assert keys(news(reader, position)) == []
            first.commit()
            writer.join(5)
            assert keys(news(reader, position)) == ["first", "second"]


WRITERS = 3
WRITES = 60


def _write(seed: int, project_id: int) -> None:
    """Make, change and remove rows of a table, telling both streams of each; now and then change one's mind."""
    dice = Random(seed)
    for turn in range(WRITES):
        with engine().connect() as session, session.begin() as begun:
            key, action = f"{seed}-{dice.randrange(8)}", dice.choice(list(Action))
            connection = driver(session)
            if action is Action.DELETE:
                connection.execute("DELETE FROM mirrored WHERE key = %s", (key,))
            else:
                connection.execute(
                    "INSERT INTO mirrored VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, turn)
                )
            announce(session, CcChange(action, "things", key, data={"value": turn}))
            record_changes(session, project_id, [Change(action, f"things {turn}", key)])
            if dice.random() < 0.15:
                begun.rollback()


def _apply(mirror: dict[str, int], found: list[Entry]) -> None:
    for entry in found:
        if entry.action == Action.DELETE:
            mirror.pop(entry.data_key, None)
        else:
            mirror[entry.data_key] = int(entry.data["value"] if entry.data else entry.data_type.split()[1])


def test_a_reader_at_full_speed_mirrors_the_table() -> None:
    with members() as known:
        reader = known["reader"]
        position = head()
        with transaction() as session:
            driver(session).execute("CREATE TABLE IF NOT EXISTS mirrored (key text PRIMARY KEY, value integer)")
            driver(session).execute("DELETE FROM mirrored")
        writers = [threading.Thread(target=_write, args=(seed, reader.project_id)) for seed in range(WRITERS)]
        for writer in writers:
            writer.start()
        common: dict[str, int] = {}
        own: dict[str, int] = {}
        cursors: list[tuple[str, int]] = []
        while True:
            running = any(writer.is_alive() for writer in writers)
            found = news(reader, position)
            assert found.position.cc >= position.cc
            _apply(common, [entry for entry in found.entries if entry.stream == "cc"])
            _apply(own, [entry for entry in found.entries if entry.stream == "project"])
            cursors += [(entry.stream, entry.cursor) for entry in found.entries]
            position = found.position
            if not running and not found.entries:
                break
        with transaction() as session:
            table = dict(driver(session).execute("SELECT key, value FROM mirrored").fetchall())
            driver(session).execute("DROP TABLE mirrored")
        assert common == own == table
        for stream in ("cc", "project"):
            numbers = [cursor for name, cursor in cursors if name == stream]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_each_sees_what_is_for_it() -> None:
    with members() as known:
        position, reader, stranger = head(), known["reader"], Reader(known["stranger"].user_id)
        with transaction() as session:
            announce(
                session,
                CcChange(Action.UPDATE, "cc.version", "for all"),
                CcChange(Action.UPDATE, "jobs", "for members", project_id=reader.project_id, data={"n": 1}),
                CcChange(Action.UPDATE, "jobs", "for one", user_id=known["owner"].user_id),
            )
        assert keys(news(reader, position)) == ["for all", "for members"]
        assert keys(news(Reader(reader.user_id), position)) == ["for all", "for members"]
        assert keys(news(known["owner"], position)) == ["for all", "for members", "for one"]
        assert keys(news(stranger, position)) == ["for all"]
        assert keys(news(Reader(stranger.user_id, reader.project_id, superuser=True), position)) == ["for all", "for members"]
        with pytest.raises(Forbidden):
            news(Reader(stranger.user_id, reader.project_id), position)


def test_many_readers_get_what_each_would_get_alone() -> None:
    with members() as known:
        position = head()
        with transaction() as session:
            project_id = known["reader"].project_id or 0
            for at in range(7):
                announce(session, CcChange(Action.UPDATE, "jobs", f"{at}", user_id=known["owner"].user_id if at % 2 else None))
                record_changes(session, project_id, [Change(Action.UPDATE, "records", f"{at}")])
            number(session)
        asked = [
            (reader, Position(position.cc + cc, cursor))
            for reader in [*known.values(), Reader(known["stranger"].user_id)]
            for cc, cursor in ((0, 0), (3, 5), (7, 7))
        ]
        with transaction() as session:
            together = read_many(session, asked, 1_000)
            for (reader, after), found in zip(asked, together, strict=True):
                if isinstance(found, Forbidden):
                    assert reader == known["stranger"]
                else:
                    assert found == read(session, reader, after)


def test_what_is_more_than_a_chunk_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with members() as known:
        reader, position = known["reader"], head()
        with transaction() as session:
            record_changes(session, reader.project_id or 0, [Change(Action.UPDATE, "records", f"{at}") for at in range(25)])
            announce(session, *(CcChange(Action.UPDATE, "cc.users", f"u{at}") for at in range(12)))
            number(session)
        seen: list[str] = []
        rounds = 0
        while True:
            with transaction() as session:
                found = read_many(session, [(reader, position)], 10)[0]
            assert isinstance(found, News)
            seen, position, rounds = [*seen, *keys(found)], found.position, rounds + 1
            if not found.more:
                break
        assert rounds == 3
        assert sorted(seen) == sorted([*(f"{at}" for at in range(25)), *(f"u{at}" for at in range(12))])


def age(session: Session, table: str, days: int) -> None:
    driver(session).execute(f"UPDATE {table} SET created_on = now() - make_interval(days => %s)", (days,))


def test_a_cursor_older_than_what_is_kept_is_told_so_and_only_then() -> None:
    with members() as known:
        before, reader, other = head(), known["reader"], Reader(known["stranger"].user_id)
        with transaction() as session:
            record_changes(session, reader.project_id or 0, [Change(Action.UPDATE, "records", "old")])
            announce(session, CcChange(Action.UPDATE, "jobs", "old", project_id=reader.project_id))
            number(session)
            age(session, "cc_changes", 31)
            age(session, "project_changes", 31)
        middle = news(reader, before).position
        with transaction() as session:
            announce(session, CcChange(Action.UPDATE, "jobs", "new", project_id=reader.project_id))
            purge(session)
        assert keys(news(reader, middle)) == ["new"]
        assert keys(news(other, before)) == [], "nothing was for this one, so it has missed nothing"
        for after, name in ((Position(before.cc, middle.project), "cc_cursor"), (Position(middle.cc, 0), "cursor")):
            with pytest.raises(CursorExpired) as refused:
                news(reader, after)
            assert refused.value.members["cursor"] == name


def test_a_cursor_that_the_feed_has_not_reached_is_refused() -> None:
    with members() as known:
        position = head()
        for after in (Position(position.cc + 1, 0), Position(position.cc, 1)):
            with pytest.raises(InvalidCursor):
                news(known["reader"], after)
