"""Making projects, and what their owners change about them."""

from __future__ import annotations

from typing import Any
from uuid import uuid5

import sqlalchemy as sa

from models import ids
from models.catalogue.defaults import found_project
from models.catalogue.languages import MOST as MOST_LANGUAGES
from models.catalogue.languages import is_language
from models.catalogue.project import OWNER, Project
from models.db import Session
from models.errors import Forbidden, InvalidValue, QuotaExceeded
from models.feed.changes import Action, CcChange, announce
from models.identity.importing import DEFAULT_NAME
from models.identity.principal import Principal
from models.identity.tables import project_members, projects, users

LONGEST_NAME = 200
MOST_OWNED = 100


def create_project(session: Session, principal: Principal, name: str, languages: list[str]) -> str:
    """Make a project that the principal owns, with what every project has from the start; return its gid.

    Raises Forbidden for API users, QuotaExceeded for who owns very many, InvalidValue.
    """
    _check_owner(session, principal)
    _check_name(name)
    if not 1 <= len(set(languages)) == len(languages) <= MOST_LANGUAGES or not all(map(is_language, languages)):
        raise InvalidValue("`languages` are language tags, each once.", pointer="/languages")
    gid = ids.new_token()
    settings = {part: [{"key": str(uuid5(gid, part)), "name": DEFAULT_NAME}] for part in ("orderings", "fieldlists")}
    row = {
        "gid": gid,
        "name": name,
        "languages": languages,
        "settings": {"channels": [], **settings},
        "owner_id": principal.user_id,
    }
    project_id: int = session.execute(projects.insert().values(row).returning(projects.c.id)).scalar_one()
    session.execute(project_members.insert().values(project_gid=gid, user_id=principal.user_id, roles=[OWNER]))
    found_project(session, project_id, name, languages[0])
    user = session.execute(sa.select(users.c.gid).where(users.c.id == principal.user_id)).scalar_one()
    made = CcChange(Action.INSERT, "cc.projects", str(gid), project_id)
    announce(session, made, CcChange(Action.INSERT, "cc.projects_members", f"{gid}/{user}", project_id))
    return str(gid)


def update_project(session: Session, project: Project, name: str | None, icon: str | None, timezone: str | None) -> None:
    """Change what is given of a locked project. Raises InvalidValue."""
    values: dict[str, Any] = {"settings": {**project.settings, **({"timezone": timezone} if timezone else {})}}
    if name is not None:
        _check_name(name)
        values["name"] = name
    if icon is not None:
        values["icon"] = icon or None
    for text in (icon, timezone):
        if text is not None and (len(text) > LONGEST_NAME or not text.isprintable()):
            raise InvalidValue(f"A text of up to {LONGEST_NAME} printable characters is wanted.")
    session.execute(projects.update().where(projects.c.id == project.id).values(values))
    announce(session, CcChange(Action.UPDATE, "cc.projects", str(project.gid), project.id))


def _check_owner(session: Session, principal: Principal) -> None:
    user = session.execute(sa.select(users).where(users.c.id == principal.user_id).with_for_update()).one()
    if user.options.get("api"):
        raise Forbidden("An API user cannot own a project.")
    owned = sa.select(sa.func.count()).select_from(projects).where(projects.c.owner_id == principal.user_id)
    if session.execute(owned).scalar_one() >= MOST_OWNED:
        raise QuotaExceeded(f"A user owns at most {MOST_OWNED} projects.", limit=MOST_OWNED)


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidValue(f"A name has 1 to {LONGEST_NAME} printable characters.", pointer="/name")
