"""A project's schema, loaded. What was loaded is kept in this process as long as the project's stamp says that it is right."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from models.catalogue.projects import Project
from models.catalogue.schema_items import Item, Schema
from models.catalogue.tables import schema_items
from models.db import Session

__all__ = ["Item", "Schema", "load_schema"]

MOST_KEPT = 64  # projects

_all = sa.select(schema_items).where(schema_items.c.project_id == sa.bindparam("project_id")).order_by(schema_items.c.id)
_kept: dict[int, tuple[UUID, Schema]] = {}


def load_schema(session: Session, project: Project) -> Schema:
    """Return a project's schema, as of `project` or newer."""
    stamp, schema = _kept.get(project.id, (None, None))
    if schema is not None and stamp == project.schema_stamp:
        return schema
    fresh = _load(session, project)
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[project.id] = (project.schema_stamp, fresh)
    return fresh


def _load(session: Session, project: Project) -> Schema:
    rows = session.execute(_all, {"project_id": project.id}).all()
    gids = {row.id: str(row.gid) for row in rows}
    return Schema.of((_item(row, gids) for row in rows), project.schema_stamp)


def _item(row: sa.Row[Any], gids: dict[int, str]) -> Item:
    return Item(
        id=row.id,
        gid=str(row.gid),
        kind=row.kind,
        name=row.name,
        original=gids.get(row.original_id),
        is_new=row.is_new,
        is_working_copy=row.is_working_copy,
        is_base=row.is_base,
        is_extended=row.is_extended,
        body=row.body,
    )
