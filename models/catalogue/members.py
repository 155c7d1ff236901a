"""Users, projects and members as clients read them: who shares a project sees each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from models.catalogue.project import ACTIVE, Project
from models.catalogue.project_settings import ALL_CHANNEL, ALL_CHANNEL_NAME
from models.catalogue.projects import EVERYTHING
from models.db import Session
from models.errors import NotFound
from models.identity.principal import Principal
from models.identity.tables import project_members, projects, users

NO_USER = "There is no such user among those you share a project with."
NO_PROJECT = "There is no such project among yours."
NO_MEMBER = "There is no such member."

_members = (
    sa.select(project_members, users.c.gid.label("user_gid"))
    .join(users, users.c.id == project_members.c.user_id)
    .where(project_members.c.status == ACTIVE)
    .order_by(users.c.id)
)
_own_seats = sa.select(project_members.c.project_gid, project_members.c.roles).where(
    project_members.c.user_id == sa.bindparam("user_id"), project_members.c.status == ACTIVE
)
_owner = sa.select(users.c.gid).where(users.c.id == sa.bindparam("owner_id"))


@dataclass(frozen=True)
class Seat:
    """One user's membership of one project."""

    project: str
    user: str
    user_id: int
    status: str
    roles: list[str]
    options: Mapping[str, Any]


def list_seats(session: Session, project_gid: UUID) -> list[Seat]:
    """Return the members of a project."""
    rows = session.execute(_members.where(project_members.c.project_gid == project_gid))
    return [Seat(str(row.project_gid), str(row.user_gid), row.user_id, row.status, list(row.roles), row.options) for row in rows]


def roles_by_project(session: Session, user_id: int) -> dict[str, list[str]]:
    """Return a user's roles by the gid of each project the user is a member of."""
    rows = session.execute(_own_seats.order_by(project_members.c.project_gid), {"user_id": user_id})
    return {str(row.project_gid): list(row.roles) for row in rows}


def user_gid(session: Session, user_id: int) -> str:
    """Return a user's gid."""
    return str(session.execute(sa.select(users.c.gid).where(users.c.id == user_id)).scalar_one())


def dump_users(session: Session, principal: Principal, user_ids: Collection[int]) -> dict[str, Any]:
    """Return users by gid; of the principal's own, more."""
    rows = session.execute(sa.select(users).where(users.c.id.in_(set(user_ids))).order_by(users.c.id))
    return {str(row.gid): _dump_user(row, own=row.id == principal.user_id) for row in rows}


def _dump_user(row: sa.Row[Any], *, own: bool) -> dict[str, Any]:
    shown = {"gid": str(row.gid), "username": row.username, "name": row.name or row.username, "avatar": None, "status": ACTIVE}
    return shown | {"email": row.email, "options": row.options} if own else shown


def dump_project(session: Session, project: Project) -> dict[str, Any]:
    """Return the project that is worked on, with all its settings."""
    brief = _brief(project.gid, project.name, project.icon, project.status)
    return brief | {
        "owner": _owner_gid(session, project.owner_id),
        "options": dump_options(project),
        "backups": {"versions": [], "next_version": 1},
    }


def dump_options(project: Project) -> dict[str, Any]:
    """Return a project's settings as clients read them."""
    channels = {ALL_CHANNEL: ALL_CHANNEL_NAME, **project.channels}
    return {
        "timezone": project.settings.get("timezone") or "UTC",
        "languages": list(project.languages),
        "imageserver": project.settings.get("imageserver"),
        "channels": channels,
        "orderedchannels": list(channels),
        "orderings": dict(project.orderings),
        "orderedorderings": list(project.orderings),
        "fieldlists": dict(project.fieldlists),
        "orderedfieldlists": list(project.fieldlists),
    }


def _brief(gid: UUID, name: str, icon: str | None, status: str) -> dict[str, Any]:
    return {"gid": str(gid), "name": name, "icon": icon, "status": status}


def _owner_gid(session: Session, owner_id: int | None) -> str | None:
    found = session.execute(_owner, {"owner_id": owner_id}).scalar() if owner_id else None
    return str(found) if found else None


def dump_other_projects(session: Session, gids: Iterable[str]) -> dict[str, Any]:
    """Return projects by gid without their settings."""
    wanted = [UUID(gid) for gid in gids]
    owners = projects.outerjoin(users, users.c.id == projects.c.owner_id)
    found = sa.select(projects, users.c.gid.label("owner")).select_from(owners).where(projects.c.gid.in_(wanted))
    rows = session.execute(found).all()
    briefs = {str(row.gid): _brief(row.gid, row.name, row.icon, row.status) for row in rows}
    return {str(row.gid): briefs[str(row.gid)] | {"owner": row.owner and str(row.owner)} for row in rows}


def dump_seats(seats: Iterable[Seat]) -> list[dict[str, Any]]:
    """Return members as `cc.projects_members` lists them."""
    return [_dump_seat(seat) for seat in seats]


def _dump_seat(seat: Seat) -> dict[str, Any]:
    options = {"rate_limit_per_second": None, **seat.options}
    return {"project_gid": seat.project, "user_gid": seat.user, "status": seat.status, "roles": seat.roles, "options": options}


def get_user(session: Session, principal: Principal, gid: str) -> dict[str, Any]:
    """Return a user by gid, as `dump_users` does. Raises NotFound for one with whom the principal shares no project."""
    user_id = session.execute(sa.select(users.c.id).where(users.c.gid == UUID(gid))).scalar()
    if user_id is None or not _acquainted(session, principal, user_id):
        raise NotFound(NO_USER)
    return dump_users(session, principal, [user_id])


def _acquainted(session: Session, principal: Principal, user_id: int) -> bool:
    if principal.superuser or user_id == principal.user_id:
        return True
    mine, theirs = roles_by_project(session, principal.user_id), roles_by_project(session, user_id)
    return bool(mine.keys() & theirs.keys())


def get_seat(session: Session, principal: Principal, project_gid: str, gid: str) -> Seat:
    """Return a member of one of the principal's projects. Raises NotFound."""
    check_membership(session, principal, project_gid)
    seats = list_seats(session, UUID(project_gid))
    found = next((seat for seat in seats if seat.user == gid), None)
    if found is None:
        raise NotFound(NO_MEMBER)
    return found


def check_membership(session: Session, principal: Principal, project_gid: str) -> frozenset[str]:
    """Return the principal's roles in a project. Raises NotFound for projects of others."""
    if principal.superuser:
        return EVERYTHING
    roles = roles_by_project(session, principal.user_id).get(project_gid)
    if not roles:
        raise NotFound(NO_PROJECT)
    return frozenset(roles)
