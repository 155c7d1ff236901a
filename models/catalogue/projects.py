"""Projects as the database has them: who may open one, and the lock that makes its writers take turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from models.catalogue.gids import read_gid
from models.catalogue.project import ACTIVE, OWNER, Project
from models.catalogue.project_settings import names_by_key
from models.db import Session
from models.errors import Forbidden
from models.feed.changes import Action, CcChange, announce
from models.identity.principal import Principal
from models.identity.tables import project_members, projects

__all__ = ["Project", "lock_project", "open_project", "project_by_id", "save_settings"]

EVERYTHING = frozenset({OWNER})  # what a superuser may do in each project
CLOSED = "You are no member of this project, or there is none of this gid."


_seat = sa.and_(
    project_members.c.project_gid == projects.c.gid,
    project_members.c.user_id == sa.bindparam("user_id"),
    project_members.c.status == ACTIVE,
)
_seats = sa.select(projects, project_members.c.roles).select_from(projects.outerjoin(project_members, _seat))
_by_gid = _seats.where(projects.c.gid == sa.bindparam("gid"))
_by_id = _seats.where(projects.c.id == sa.bindparam("id"))
_lock = sa.select(projects).where(projects.c.id == sa.bindparam("id")).with_for_update()


def open_project(session: Session, principal: Principal, gid: str) -> Project:
    """Return a project that the principal is a member of. Raises Forbidden, for an unknown project too."""
    known = read_gid(gid)
    if known is None:
        raise Forbidden(CLOSED)
    return _open(principal, session.execute(_by_gid, {"gid": UUID(known), "user_id": principal.user_id}).first())


def project_by_id(session: Session, principal: Principal, project_id: int) -> Project:
    """Return a project as `open_project` does, for a chunk. Raises Forbidden."""
    return _open(principal, session.execute(_by_id, {"id": project_id, "user_id": principal.user_id}).first())


def _open(principal: Principal, row: sa.Row[Any] | None) -> Project:
    if row is None:
        raise Forbidden(CLOSED)
    roles = EVERYTHING if principal.superuser else frozenset(row.roles or ())
    if not roles:
        raise Forbidden(CLOSED)
    return _project(row, roles)


def _project(row: sa.Row[Any], roles: frozenset[str]) -> Project:
    listed = {name: names_by_key(row.settings, name) for name in ("channels", "orderings", "fieldlists")}
    return Project(
        id=row.id,
        gid=row.gid,
        name=row.name,
        languages=tuple(row.languages),
        **listed,
        roles=roles,
        settings=row.settings,
        schema_stamp=row.schema_stamp,
        cursor=row.cursor,
        icon=row.icon,
        status=row.status,
        owner_id=row.owner_id,
    )


def lock_project(session: Session, project: Project) -> Project:
    """Let this project's writers take turns until the transaction ends; return the project as it is now.

    Decide on what is returned (and on a schema loaded with it): another writer may have changed it since `project` was read.
    """
    row = session.execute(_lock, {"id": project.id}).first()
    if row is None:
        raise Forbidden(CLOSED)
    return _project(row, project.roles)


def save_settings(session: Session, project: Project, settings: Mapping[str, Any], languages: Sequence[str]) -> Project:
    """Store other settings and languages of a locked project, and say so on the common stream; return the project."""
    values = {"settings": dict(settings), "languages": list(languages)}
    row = session.execute(projects.update().where(projects.c.id == project.id).values(values).returning(projects)).one()
    announce(session, CcChange(Action.UPDATE, "cc.projects", str(project.gid), project.id))
    return _project(row, project.roles)
