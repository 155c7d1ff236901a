"""The spaces of the project face: one project's records, its assets, its schema items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from models.catalogue.gids import read_gid
from models.catalogue.project_settings import ALL_CHANNEL
from models.catalogue.projects import Project
from models.catalogue.schema_items import Schema
from models.catalogue.tables import assets, catalogue_records, schema_items
from models.db import Session
from models.errors import InvalidId, InvalidSelection
from models.selection.catalogue_operands import ASSETS, KINDS, OPERATORS, RECORDS, SCHEMA, properties, read_filter
from models.selection.catalogue_search import LIVE, found_among, ranked_hits, scope_of
from models.selection.grammar import Children, Face, Kind, Search, Selection, parse_selection
from models.selection.spaces import ChildRows, Space

TABLES: dict[str, sa.Table] = {RECORDS: catalogue_records, ASSETS: assets, SCHEMA: schema_items}
MOMENTS = {SCHEMA: "schema_moments"}  # an item of the schema changes with its working copy and their layouts
MOST = 10_000_000  # children of one parent
IN_ORDER = 1  # chunks of one job, one after the other: what one of them deletes or moves, the next must see


def name_item(value: Any) -> str:
    """Return the one spelling of a gid. Raises InvalidId."""
    gid = read_gid(value)
    if gid is None:
        raise InvalidId("An entry is a gid, or an object with `children` or `search`.")
    return gid


def face_of(kind: str) -> Face:
    """Return what the grammar of selections must know of a kind of items."""
    kinds = frozenset({Kind.SEARCH} if kind == SCHEMA else {Kind.SEARCH, Kind.CHILDREN})
    known = properties(kind)
    members = frozenset({"language", "q", "filter"})
    return Face(kinds, name_item, lambda name: name if name in known else None, OPERATORS, members)


def space_of(kind: str, project: Project, schema: Schema) -> Space:
    """Return the space of a project's records, assets or schema items."""

    def hits(search: Search, exclude: Sequence[int], most: int) -> sa.Select[Any]:
        return ranked_hits(search, scope_of(kind, project.id, schema, search.language or ""), exclude, most)

    def still(entry: Search | Children, parent: int, ids: Sequence[int]) -> sa.Select[int]:
        if isinstance(entry, Search):
            return found_among(entry, scope_of(kind, project.id, schema, entry.language or "", ids), ids)
        rows = CHILDREN[kind](entry, parent, [], MOST).subquery()
        return sa.select(rows.c.record_id).where(rows.c.record_id == sa.any_(sa.literal(list(ids), ARRAY(sa.BigInteger))))

    check = partial(_check, kind, project, schema)
    where = TABLES[kind].name, MOMENTS.get(kind, TABLES[kind].name)
    return Space(face_of(kind), partial(look_up, kind, project.id), hits, CHILDREN.get(kind), check, still, IN_ORDER, *where)


def read_selection(value: object, space: Space, *, allow_all: bool = False) -> Selection:
    """Return a selection as sent, each entry checked against the project. Raises InvalidSelection, TooManyItems."""
    selection = parse_selection(value, space.face, allow_all=allow_all)
    for entry in selection.entries:
        if space.check and isinstance(entry, Search | Children):
            space.check(entry)
    return selection


def _check(kind: str, project: Project, schema: Schema, entry: Search | Children) -> None:
    """Refuse languages, channels and orderings that the project has not, and operands that do not fit."""
    if isinstance(entry, Search):
        if entry.language not in project.languages:
            detail = f"`language` is one of the project's: {', '.join(project.languages)}."
            raise InvalidSelection(detail, pointer=f"{entry.pointer}/language")
        if entry.filter:
            read_filter(entry.filter, kind, schema)
        return
    if kind != RECORDS and (entry.channel is not None or entry.ordering is not None):
        raise InvalidSelection("`channel` and `ordering` are for records.", pointer=entry.pointer)
    if entry.channel not in (None, ALL_CHANNEL, *project.channels):
        raise InvalidSelection("There is no such channel in this project.", pointer=f"{entry.pointer}/channel")
    if entry.ordering not in (None, *project.orderings):
        raise InvalidSelection("There is no such ordering in this project.", pointer=f"{entry.pointer}/ordering")


def look_up(kind: str, project_id: int, session: Session, names: Iterable[str]) -> dict[str, int]:
    """Return gid -> id for those gids that name something of this kind in the project, deleted things too."""
    table = TABLES[kind]
    wanted = list(names)
    if not wanted:
        return {}
    among = table.c.gid == sa.any_(sa.cast(sa.literal(wanted, ARRAY(sa.Text)), ARRAY(sa.Uuid)))
    shown = [table.c.kind.in_(KINDS)] if kind == SCHEMA else []
    rows = session.execute(sa.select(table.c.gid, table.c.id).where(among, table.c.project_id == project_id, *shown))
    return {str(gid): item_id for gid, item_id in rows}


def record_children(entry: Children, parent: int, exclude: Sequence[int], most: int) -> sa.Select[Any]:
    """Return the live records below another, by the entry's ordering, else as they were made."""
    own = catalogue_records.c
    placed = [sa.cast(own.positions[entry.ordering].astext, sa.Integer).asc().nulls_last()] if entry.ordering else []
    channel = [] if entry.channel in (None, ALL_CHANNEL) else [own.channels.contains([entry.channel])]
    return _children(catalogue_records, (parent, exclude, most), channel, [*placed, own.id])


def asset_children(_: Children, parent: int, exclude: Sequence[int], most: int) -> sa.Select[Any]:
    """Return the live assets of a folder: folders first, then by name."""
    return _children(assets, (parent, exclude, most), [], [assets.c.is_file, *by_name()])


def by_name() -> list[sa.ColumnElement[Any]]:
    """Return the order of assets by name: without regard to case, then exactly."""
    return [sa.func.lower(assets.c.name), assets.c.name, assets.c.id]


def _children(
    table: sa.Table, within: tuple[int, Sequence[int], int], where: Sequence[Any], order: Sequence[Any]
) -> sa.Select[Any]:
    parent, exclude, most = within
    left_out = [table.c.id != sa.all_(sa.literal(list(exclude), ARRAY(sa.BigInteger)))] if exclude else []
    place = sa.func.row_number().over(order_by=order)
    rows = sa.select(table.c.id.label("record_id"), place.label("place"))
    return rows.where(table.c.parent_id == parent, table.c.status == LIVE, *where, *left_out).limit(most + 1)


CHILDREN: dict[str, ChildRows] = {RECORDS: record_children, ASSETS: asset_children}
