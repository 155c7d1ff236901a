"""A project put straight into the tables: a small schema, a tree of records with links and deleted ones, folders and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from models import ids
from models.catalogue.content import Forms
from models.catalogue.project import Project
from models.catalogue.projects import open_project
from models.catalogue.schema import load_schema
from models.catalogue.schema_items import Schema
from models.catalogue.words import asset_words, schema_words
from models.db import Session, driver
from models.identity.principal import Principal
from tests.factories import CHANNELS, ORDERINGS, PROJECT, project

WORDS = ("red", "blue", "green", "round", "heavy", "stone", "box", "x1")
LANGUAGES = ("en", "nl")
STATES = [{"key": "k1", "en": "new", "nl": "nieuw"}, {"key": "k2", "en": "old"}]
FIELDS: dict[str, dict[str, Any]] = {
    "title": {"type": "textline", "is_localized": True},
    "text": {"type": "text", "is_localized": True},
    "size": {"type": "number"},
    "flag": {"type": "boolean"},
    "tags": {"type": "textlist"},
    "state": {"type": "textline", "options": {"values": STATES}},
    "near": {"type": "record"},
    "extra": {"type": "textline", "is_localized": True},
}
PARTS = {"thing": ["title", "text", "size", "near"], "other": ["title", "flag", "tags", "state"], "more": ["extra"]}
AGES = (0.2, 1.5, 3.0, 9.0)  # days since an update


@dataclass
class Item:
    """What the tests know of a record or asset. `shown_by` is what a link shows: the id of its original."""

    id: int
    gid: str
    name: str
    parent: int | None
    deleted: bool
    updated_on: datetime
    definition: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    shown_by: int | None = None
    is_file: bool = False


@dataclass
class World:
    """What was made."""

    people: Mapping[str, Principal]
    project: Project
    schema: Schema
    records: dict[int, Item] = field(default_factory=dict)
    assets: dict[int, Item] = field(default_factory=dict)

    def gid(self, name: str) -> str:
        """Return the gid of a schema item."""
        return next(item.gid for item in self.schema.by_gid.values() if item.name == name and not item.is_extended)

    def field(self, name: str) -> str:
        """Return the gid of a field."""
        return gid_of("field", name)

    @property
    def extended(self) -> str:
        """The gid of the extended definition."""
        return gid_of("definition", "thing, extended")


def gid_of(kind: str, name: str) -> str:
    """Return the gid that a schema item of this world has."""
    return str(UUID(bytes=ids.digest(f"{kind} {name}".encode())[:16], version=4))


def new_world(session: Session, records: int = 70, assets: int = 30, seed: int = 3) -> World:
    """Make a project with random records and assets."""
    people = project(session)
    opened = open_project(session, people["owner"], PROJECT)
    _make_schema(session, opened.id)
    opened = open_project(session, people["owner"], PROJECT)
    world = World(people, opened, load_schema(session, opened))
    dice = Random(seed)
    _make_records(session, world, dice, records)
    _make_assets(session, world, dice, assets)
    for table in ("catalogue_records", "assets", "schema_items"):
        driver(session).execute(f"ANALYZE {table}")
    return world


def _make_schema(session: Session, project_id: int) -> None:
    for name, body in FIELDS.items():
        label = {"en": f"{name} label", "nl": f"{name} etiket"} if name != "extra" else {"en": "only english"}
        _schema_item(session, project_id, ("field", name), {**body, "label": label})
    _schema_item(session, project_id, ("class", "more"), {"fields": _gids(PARTS["more"])})
    for name in ("thing", "other"):
        body = {"fields": _gids(PARTS[name]), "titlefield": gid_of("field", "title"), "label": {"en": f"a {name}"}}
        _schema_item(session, project_id, ("definition", name), body)
    connection = driver(session)
    row = connection.execute("SELECT id FROM schema_items WHERE gid = %s", (gid_of("definition", "thing"),)).fetchone()
    assert row is not None
    extension = {"classes": [gid_of("class", "more")]}
    _schema_item(session, project_id, ("definition", "thing, extended"), extension, original_id=row[0], is_extended=True)
    _schema_item(session, project_id, ("field", "coming"), {"type": "text", "label": {"en": "not yet"}}, is_new=True)
    connection.execute("UPDATE projects SET schema_stamp = gen_random_uuid() WHERE id = %s", (project_id,))


def _gids(names: list[str]) -> list[str]:
    return [gid_of("field", name) for name in names]


def _schema_item(session: Session, project_id: int, what: tuple[str, str], body: Mapping[str, Any], **columns: Any) -> None:
    kind, name = what
    known = name.split(",")[0]
    values = {"gid": gid_of(kind, name), "project_id": project_id, "kind": kind, "name": known, "body": Jsonb(body), **columns}
    values["words"] = schema_words(project_id, known, body)
    _insert(session, "schema_items", values)


def _insert(session: Session, table: str, values: Mapping[str, Any]) -> int:
    places = ", ".join(f"%({name})s" + ("::tsvector" if name == "words" else "") for name in values)
    sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places}) RETURNING id"
    row = driver(session).execute(sql, values).fetchone()
    assert row is not None
    return int(row[0])


def _text(dice: Random) -> str:
    return " ".join(dice.choice(WORDS) for _ in range(dice.randrange(1, 4)))


def _texts(dice: Random) -> dict[str, str]:
    return {language: _text(dice) for language in LANGUAGES if dice.random() < 0.7}


def _content(dice: Random, names: list[str], gids: list[str]) -> dict[str, Any]:
    makers: dict[str, Any] = {
        "title": lambda: _texts(dice),
        "text": lambda: _texts(dice),
        "extra": lambda: _texts(dice),
        "size": lambda: dice.randrange(5),
        "flag": lambda: dice.random() < 0.5,
        "tags": lambda: [dice.choice(WORDS) for _ in range(2)],
        "state": lambda: dice.choice(["k1", "k2"]),
        "near": lambda: dice.choice(gids),
    }
    made = {name: makers[name]() for name in names if dice.random() < 0.8}
    return {gid_of("field", name): value for name, value in made.items() if value not in ({}, [])}


def _make_records(session: Session, world: World, dice: Random, number: int) -> None:
    row = driver(session).execute(
        "SELECT id, gid::text FROM catalogue_records WHERE project_id = %s AND parent_id IS NULL", (world.project.id,)
    ).fetchone()  # fmt: skip
    assert row is not None
    forms = Forms(world.schema, world.project.id)
    world.records[row[0]] = _root(session, world, forms, row)
    fields = {"thing": PARTS["thing"], "other": PARTS["other"], "thing, extended": [*PARTS["thing"], *PARTS["more"]]}
    parents, gids = [row[0]], [row[1]]
    for _ in range(number):
        parent = world.records[dice.choice(parents)]
        originals = [item for item in world.records.values() if item.shown_by is None and not item.deleted]
        link = dice.choice(originals) if originals and dice.random() < 0.12 else None
        name = link.definition if link else dice.choice(list(fields))
        item = _record(dice, (parent.id, name), link)
        item.deleted = dice.random() < 0.12 or parent.deleted
        if link is None:
            item.content = _content(dice, fields[name], gids)
        definition = world.schema.by_gid[gid_of("definition", name)]
        item.id = _insert(
            session,
            "catalogue_records",
            {
                "gid": item.gid, "project_id": world.project.id, "parent_id": parent.id, "definition_id": definition.id,
                "canonical_id": item.shown_by, "status": "deleted" if item.deleted else "published",
                "channels": list(item.channels), "positions": Jsonb(item.places), "content": Jsonb(item.content),
                "updated_on": item.updated_on,
            },
        )  # fmt: skip
        world.records[item.id] = item
        if link is None:
            words = forms.of(definition).words(item.content)
            driver(session).execute("INSERT INTO catalogue_words VALUES (%s, %s::tsvector)", (item.id, words))
            parents, gids = [*parents, item.id], [*gids, item.gid]


def _root(session: Session, world: World, forms: Forms, row: tuple[Any, ...]) -> Item:
    """Let the root be one of the records, with nothing to say."""
    definition = world.schema.by_gid[gid_of("definition", "other")]
    moment = ids.now() - timedelta(days=AGES[0])
    driver(session).execute(
        "UPDATE catalogue_records SET definition_id = %s, content = '{}', updated_on = %s, positions = '{}' WHERE id = %s",
        (definition.id, moment, row[0]),
    )
    words = forms.of(definition).words({})
    driver(session).execute("UPDATE catalogue_words SET words = %s::tsvector WHERE record_id = %s", (words, row[0]))
    return Item(*row, name="", parent=None, deleted=False, updated_on=moment, definition="other")


def _record(dice: Random, of: tuple[int, str], link: Item | None) -> Item:
    moment = ids.now() - timedelta(days=dice.choice(AGES))
    channels = tuple(key for key in CHANNELS.values() if dice.random() < 0.5)
    places = {key: dice.randrange(20) for key in ORDERINGS.values() if dice.random() < 0.9}
    gid = str(UUID(int=dice.getrandbits(128), version=4))
    return Item(0, gid, "", of[0], deleted=False, updated_on=moment, definition=of[1], channels=channels, places=places,
                shown_by=link.id if link else None)  # fmt: skip


def _make_assets(session: Session, world: World, dice: Random, number: int) -> None:
    row = (
        driver(session)
        .execute("SELECT id FROM assets WHERE project_id = %s AND parent_id IS NULL", (world.project.id,))
        .fetchone()
    )
    assert row is not None
    folders = [row[0]]
    for at in range(number):
        is_file = dice.random() < 0.7
        ext = dice.choice(["png", "pdf", "svg"])
        name = f"{dice.choice(WORDS)}_{at}" + (f".{ext}" if is_file else "")
        body = {"title": _texts(dice), "description": _texts(dice)}
        parent = dice.choice(folders)
        deleted = dice.random() < 0.12 or (parent in world.assets and world.assets[parent].deleted)
        moment = ids.now() - timedelta(days=dice.choice(AGES))
        gid = str(UUID(int=dice.getrandbits(128), version=4))
        item = Item(0, gid, name, parent, deleted, moment, content=body, is_file=is_file)
        values = {"gid": item.gid, "project_id": world.project.id, "parent_id": parent, "name": name, "is_file": is_file,
                  "type": ext if is_file else None, "status": "deleted" if deleted else "published", "body": Jsonb(body),
                  "words": asset_words(world.project.id, name, body), "updated_on": moment}  # fmt: skip
        item.id = _insert(session, "assets", values)
        world.assets[item.id] = item
        if not is_file:
            folders.append(item.id)
