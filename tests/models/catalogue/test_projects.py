"""Projects: what they have from the start, who may open them, the lock, settings, importing."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from models.catalogue.importing import import_accounts
from models.catalogue.projects import Project, lock_project, open_project, project_by_id, save_settings
from models.catalogue.schema import load_schema
from models.db import Session, driver, transaction
from models.errors import Forbidden, InvalidRequest
from models.identity.principal import Principal
from tests.factories import CHANNELS, PROJECT, accounts, project

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def members() -> dict[str, Principal]:
    with transaction() as session:
        return {**accounts(session), **project(session)}


def count(session: Session, table: str) -> int:
    row = driver(session).execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def document(**more: Any) -> dict[str, Any]:
    described = {"gid": PROJECT, "name": "Things", "languages": ["en"], "members": [{"user": "eve", "roles": ["owner"]}]}
    return {"users": [{"name": "eve"}, {"name": "bot", "api": True}], "projects": [{**described, **more}]}


def told() -> list[tuple[str, str, int]]:
    with transaction() as session:
        rows = (
            driver(session).execute("SELECT action, data_type, count(*) FROM cc_waiting GROUP BY 1, 2 ORDER BY 1, 2").fetchall()
        )
        driver(session).execute("DELETE FROM cc_waiting")
        return [tuple(row) for row in rows]


def test_an_imported_project_has_a_root_record_a_root_folder_and_a_committed_base_definition(
    members: dict[str, Principal],
) -> None:
    with transaction() as session:
        opened = open_project(session, members["owner"], PROJECT)
        schema = load_schema(session, opened)
        record = driver(session).execute("SELECT parent_id, definition_id, status FROM catalogue_records").fetchall()
        folder = driver(session).execute("SELECT parent_id, is_file, name FROM assets").fetchall()
    assert schema.base.is_committed
    assert [field.type for field in schema.resolve(schema.base)] == ["text"]
    assert schema.find("layout", schema.base.layout) is not None
    assert record == [(None, schema.base.id, "published")]
    assert folder == [(None, False, "")]
    assert list(opened.channels) == list(CHANNELS.values())


def test_importing_twice_changes_nothing_and_tells_nothing(members: dict[str, Principal]) -> None:
    assert told() == [("INSERT", "cc.projects", 1), ("INSERT", "cc.projects_members", 4)]
    with transaction() as session:
        before = {table: count(session, table) for table in ("schema_items", "catalogue_records", "assets", "users")}
        project(session)
        assert {table: count(session, table) for table in before} == before
    assert told() == []


def test_importing_again_keeps_what_clients_added_and_changes_what_the_file_says() -> None:
    with transaction() as session:
        assert import_accounts(session, document()).created > 0
    told()
    with transaction() as session:
        eve = Principal(1, "eve", "", superuser=True)
        opened = lock_project(session, open_project(session, eve, PROJECT))
        added = {**opened.settings, "channels": [{"key": "k", "name": "Mine"}]}
        save_settings(session, opened, added, ["nl", "en", "de"])
    told()
    channel = {"key": next(iter(CHANNELS.values())), "name": "Web"}
    more = {"languages": ["en"], "channels": [channel], "members": [{"user": "bot", "roles": ["editor"]}]}
    with transaction() as session:
        assert import_accounts(session, document(**more)).updated == 2
        opened = open_project(session, eve, PROJECT)
    assert list(opened.channels.values()) == ["Web", "Mine"]
    assert opened.languages == ("en", "nl", "de")
    assert told() == [("DELETE", "cc.projects_members", 1), ("INSERT", "cc.projects_members", 1), ("UPDATE", "cc.projects", 1)]


def test_orderings_and_fieldlists_have_a_default_one() -> None:
    with transaction() as session:
        import_accounts(session, document())
        opened = open_project(session, Principal(1, "eve", "", superuser=True), PROJECT)
    assert list(opened.orderings.values()) == list(opened.fieldlists.values()) == ["Default"]


@pytest.mark.parametrize(
    "more",
    [
        {"members": [{"user": "bot", "roles": ["owner"]}]},
        {"members": [{"user": "nobody", "roles": ["owner"]}]},
        {"languages": []},
        {"languages": ["english"]},
        {"channels": [{"key": "x", "name": "Web"}]},
        {"channels": [{"name": "Web"}]},
    ],
)
def test_a_wrong_project_is_refused_and_nothing_is_stored(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest), transaction() as session:
        import_accounts(session, document(**more))
    with transaction() as session:
        assert count(session, "projects") == count(session, "users") == 0


@pytest.mark.parametrize(
    ("name", "roles", "writes"),
    [
        ("owner", {"owner"}, True), ("editor", {"editor"}, True), ("reader", {"reader"}, False), ("admin", {"owner"}, True),
    ],
)  # fmt: skip
def test_members_open_a_project_with_their_roles(members: dict[str, Principal], name: str, roles: set[str], writes: bool) -> None:
    with transaction() as session:
        opened = open_project(session, members[name], PROJECT.upper())
        again = project_by_id(session, members[name], opened.id)
    assert opened == again
    assert (opened.roles, opened.writable) == (roles, writes)


def test_others_open_none_and_do_not_learn_whether_there_is_one(members: dict[str, Principal]) -> None:
    texts = set()
    with transaction() as session:
        for gid in (PROJECT, "99999999-0000-4000-8000-000000000000", "no gid", ""):
            with pytest.raises(Forbidden) as refused:
                open_project(session, members["stranger"], gid)
            texts.add(refused.value.detail)
        for project_id in (open_project(session, members["owner"], PROJECT).id, 0):
            with pytest.raises(Forbidden):
                project_by_id(session, members["stranger"], project_id)
    assert len(texts) == 1


def test_a_project_is_locked_for_one_writer_at_a_time_and_read_anew(members: dict[str, Principal]) -> None:
    seen: list[Project] = []

    def second() -> None:
        with transaction() as session:
            opened = open_project(session, members["editor"], PROJECT)
            started.set()
            seen.extend([opened, lock_project(session, opened)])

    started = threading.Event()
    thread = threading.Thread(target=second)
    with transaction() as session:
        opened = lock_project(session, open_project(session, members["owner"], PROJECT))
        thread.start()
        assert started.wait(5)
        thread.join(0.2)
        assert not seen
        save_settings(session, opened, {**opened.settings, "channels": []}, opened.languages)
    thread.join(5)
    assert [bool(known.channels) for known in seen] == [True, False]
    assert seen[1].roles == {"editor"}


def test_a_schema_is_kept_until_the_project_s_stamp_changes(members: dict[str, Principal]) -> None:
    with transaction() as session:
        opened = open_project(session, members["owner"], PROJECT)
        schema = load_schema(session, opened)
        assert load_schema(session, opened) is schema
        driver(session).execute("UPDATE schema_items SET name = 'other' WHERE kind = 'definition'")
        driver(session).execute("UPDATE projects SET schema_stamp = gen_random_uuid()")
        changed = load_schema(session, open_project(session, members["owner"], PROJECT))
        assert changed.base.name == "other"
        assert schema.base.name == "base"
