"""Saved queries: a type, a name that is unique within it, words and a filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from models import ids
from models.catalogue.names import numbered
from models.catalogue.project import Project
from models.catalogue.tables import saved_queries
from models.db import Session
from models.errors import InvalidValue, NotFound
from models.feed.changes import Action, Change, record_changes

TYPES = ("record", "asset", "schema")
LONGEST_NAME = 200
LONGEST_Q = 10_000
MOST = 2_000

_own = sa.select(saved_queries).where(saved_queries.c.project_id == sa.bindparam("project_id")).order_by(saved_queries.c.id)


@dataclass(frozen=True)
class Wanted:
    """What a query is to be; None leaves a part as it is."""

    name: str | None = None
    q: str | None = None
    filter: list[Any] | None = None


def list_queries(session: Session, project: Project) -> dict[str, Any]:
    """Return a project's queries by gid, as clients read them."""
    return {str(row.gid): _dump(row) for row in session.execute(_own, {"project_id": project.id})}


def get_queries(session: Session, project: Project, gids: list[str]) -> dict[str, Any]:
    """Return those of some queries that there are, in the order asked for."""
    found = list_queries(session, project)
    return {gid: found[gid] for gid in gids if gid in found}


def get_query(session: Session, project: Project, gid: str) -> dict[str, Any]:
    """Return a query as clients read it. Raises NotFound."""
    found: dict[str, Any] | None = get_queries(session, project, [gid]).get(gid)
    if found is None:
        raise NotFound(f"There is no query {gid} in this project.", gid=gid)
    return found


def create_query(session: Session, project: Project, kind: str, wanted: Wanted) -> str:
    """Store a query under its name, or with a number behind it where another one has it; return its gid."""
    known = list_queries(session, project)
    if kind not in TYPES:
        raise InvalidValue(f"A query is of type {', '.join(TYPES)}.", pointer="/type")
    if len(known) >= MOST:
        raise InvalidValue(f"A project has at most {MOST} queries.", limit=MOST)
    gid = ids.new_token()
    name = _free_name(known, kind, wanted.name or kind, str(gid))
    row = {"gid": gid, "project_id": project.id, "type": kind, "name": name}
    asked = {"q": _q(wanted.q) or "", "filter": wanted.filter or []}
    session.execute(saved_queries.insert().values(row | asked))
    _tell(session, project, Action.INSERT, str(gid))
    return str(gid)


def update_query(session: Session, project: Project, gid: str, wanted: Wanted) -> None:
    """Change a query. Raises NotFound."""
    query = get_query(session, project, gid)
    known = list_queries(session, project)
    name = query["name"] if wanted.name is None else _free_name(known, query["type"], wanted.name, gid)
    values = {"name": name, "q": _q(wanted.q), "filter": wanted.filter}
    given = {column: value for column, value in values.items() if value is not None}
    session.execute(saved_queries.update().where(saved_queries.c.gid == UUID(gid)).values(given))
    _tell(session, project, Action.UPDATE, gid)


def delete_query(session: Session, project: Project, gid: str) -> None:
    """Remove a query. Raises NotFound."""
    get_query(session, project, gid)
    session.execute(saved_queries.delete().where(saved_queries.c.gid == UUID(gid)))
    _tell(session, project, Action.DELETE, gid)


def _tell(session: Session, project: Project, action: Action, gid: str) -> None:
    record_changes(session, project.id, [Change(action, "queries", gid)])


def _free_name(known: Mapping[str, Any], kind: str, name: str, gid: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidValue(f"A name has 1 to {LONGEST_NAME} printable characters.", pointer="/name")
    taken = {query["name"] for query in known.values() if query["type"] == kind and query["gid"] != gid}
    return numbered(name, taken, " ")


def _q(q: str | None) -> str | None:
    if q is not None and len(q) > LONGEST_Q:
        raise InvalidValue(f"A query has at most {LONGEST_Q} characters.", pointer="/q", limit=LONGEST_Q)
    return q


def _dump(row: sa.Row[Any]) -> dict[str, Any]:
    return {"gid": str(row.gid), "type": row.type, "name": row.name, "q": row.q, "filter": row.filter}
