"""Loading an accounts file whole: people and projects, and in each new project what every project has from the start."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from models.catalogue.defaults import found_project
from models.catalogue.tables import catalogue_records
from models.db import Session
from models.feed.changes import Action, CcChange, announce
from models.identity.importing import Report
from models.identity.importing import import_accounts as import_people
from models.identity.tables import project_members, projects, users

Things = dict[tuple[str, str], tuple[int | None, Any]]

_unfounded = sa.select(projects).where(
    ~sa.exists().where(catalogue_records.c.project_id == projects.c.id, catalogue_records.c.parent_id.is_(None))
)
_seats = (
    sa.select(project_members, projects.c.id.label("project_id"), users.c.gid.label("user_gid"))
    .join(projects, projects.c.gid == project_members.c.project_gid)
    .join(users, users.c.id == project_members.c.user_id)
)


def import_accounts(session: Session, document: Any) -> Report:
    """Load organisations, labs, users and projects, and found the projects that are new. A second run changes nothing.

    Raises InvalidRequest, with a pointer into the document; then nothing is stored.
    """
    before = _things(session)
    report = import_people(session, document)
    for row in session.execute(_unfounded.order_by(projects.c.id)).all():
        found_project(session, row.id, row.name, row.languages[0])
        report.created += 1
    announce(session, *_changes(before, _things(session)))
    return report


def _things(session: Session) -> Things:
    """Return what the common stream tells of, by type and key: projects and members, each with its project and state."""
    found: Things = {}
    for row in session.execute(sa.select(projects)):
        found["cc.projects", str(row.gid)] = (row.id, (row.name, row.icon, row.owner_id, row.languages, row.settings))
    for row in session.execute(_seats):
        found["cc.projects_members", f"{row.project_gid}/{row.user_gid}"] = (row.project_id, (row.roles, row.status, row.options))
    return found


def _changes(before: Things, after: Things) -> list[CcChange]:
    found = []
    for (kind, key), (project_id, state) in {**before, **after}.items():
        action = _action(before.get((kind, key)), after.get((kind, key)))
        if action is not None and state is not None:
            found.append(CcChange(action, kind, key, project_id))
    return found


def _action(before: object, after: object) -> Action | None:
    if before == after:
        return None
    if before is None:
        return Action.INSERT
    return Action.DELETE if after is None else Action.UPDATE
