"""Loading an accounts file: what it names is made to be as it says; what it does not name stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid5

import sqlalchemy as sa

from models import ids
from models.db import Session
from models.errors import InvalidRequest, pointer_to
from models.identity.accounts import Accounts, Project, User, parse_accounts
from models.identity.tables import api_keys, lab_members, labs, organisations, project_members, projects, users

LOCK = 0x57_42_41_43  # one import at a time
SHOWN = 8
DEFAULT_NAME = "Default"


@dataclass
class Report:
    """How many things an import made, changed and found as they should be."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    @property
    def changed(self) -> int:
        """Things that are different now."""
        return self.created + self.updated


def import_accounts(session: Session, document: Any) -> Report:
    """Load organisations, labs, users with keys, and projects with members. A second run changes nothing.

    A user's labs and a project's members become those of the file. Keys are only added: an older key lives on until it is
    revoked. Raises InvalidRequest, with a pointer into the document; then nothing is stored.
    """
    accounts = parse_accounts(document)
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    report = Report()
    _import_labs(session, accounts, report)
    for at, user in enumerate(accounts.users):
        _import_user(session, user, at, report)
    for at, project in enumerate(accounts.projects):
        _import_project(session, project, at, report)
    return report


def _store(session: Session, table: sa.Table, row: Mapping[str, Any], report: Report) -> Any:
    """Make a row be as given. Its first member is what names it; return its primary key's first column."""
    name = next(iter(row))
    key = table.primary_key.columns[0]
    found = session.execute(sa.select(table).where(table.c[name] == row[name])).mappings().first()
    if found is None:
        report.created += 1
        return session.execute(table.insert().values(row).returning(key)).scalar_one()
    if all(found[member] == value for member, value in row.items()):
        report.unchanged += 1
        return found[key.name]
    report.updated += 1
    session.execute(table.update().where(key == found[key.name]).values(row))
    return found[key.name]


def _import_labs(session: Session, accounts: Accounts, report: Report) -> None:
    for organisation in accounts.organisations:
        _store(session, organisations, {"group_name": organisation.group_name, "name": organisation.name}, report)
    known = {row.group_name: row.id for row in session.execute(sa.select(organisations))}
    for at, lab in enumerate(accounts.labs):
        if lab.organisation not in known:
            raise InvalidRequest("There is no such organisation.", pointer=pointer_to("labs", at, "organisation"))
        row = {"group_name": lab.group_name, "name": lab.name, "external": lab.external}
        _store(session, labs, row | {"organisation_id": known[lab.organisation]}, report)


def _import_user(session: Session, user: User, at: int, report: Report) -> None:
    lab_ids = [_lab_id(session, group, pointer_to("users", at, "labs", place)) for place, group in enumerate(user.labs)]
    _refuse_foreign_email(session, user, pointer_to("users", at, "email"))
    row = {"username": user.name, "email": user.email, "name": user.full_name, "superuser": user.superuser}
    user_id: int = _store(session, users, row | _sign_in(user) | {"tenant": _tenant(session, user)}, report)
    _import_memberships(session, user_id, lab_ids, report)
    if user.api_key:
        _import_key(session, user_id, user.api_key, pointer_to("users", at, "api_key"), report)


def _sign_in(user: User) -> dict[str, Any]:
    """Return how a user may sign in; a password that the file does not name stays."""
    options = {"options": {"api": True} if user.api else {}}
    return options | ({"password_digest": user.password_digest} if user.password_digest else {})


def _lab_id(session: Session, group: str, pointer: str) -> int:
    found: int | None = session.execute(sa.select(labs.c.id).where(labs.c.group_name == group)).scalar()
    if found is None:
        raise InvalidRequest("There is no such lab.", pointer=pointer)
    return found


def _refuse_foreign_email(session: Session, user: User, pointer: str) -> None:
    if user.email is None:
        return
    holder = session.execute(sa.select(users.c.username).where(users.c.email == user.email)).scalar()
    if holder not in (None, user.name):
        raise InvalidRequest("Another user has this e-mail address.", pointer=pointer)


def _tenant(session: Session, user: User) -> str:
    """Return whose jobs a user sees: those of the main lab's organisation. Who loses the last lab keeps sight of the old jobs."""
    if user.labs:
        return user.labs[0].partition("/")[0]
    present = session.execute(sa.select(users.c.tenant).where(users.c.username == user.name)).scalar()
    return present or f"user:{user.name}"


def _import_memberships(session: Session, user_id: int, lab_ids: list[int], report: Report) -> None:
    mine = lab_members.c.user_id == user_id
    present = set(session.execute(sa.select(lab_members.c.lab_id).where(mine)).scalars())
    gone, new = present.difference(lab_ids), sorted(set(lab_ids) - present)
    if gone:
        session.execute(lab_members.delete().where(mine, lab_members.c.lab_id.in_(gone)))
    for lab_id in new:
        session.execute(lab_members.insert().values(user_id=user_id, lab_id=lab_id))
    report.created += len(new)
    report.updated += len(gone)


def _import_key(session: Session, user_id: int, key: str, pointer: str, report: Report) -> None:
    digest = ids.digest(key.encode())
    holder = session.execute(sa.select(api_keys.c.user_id).where(api_keys.c.digest == digest)).scalar()
    if holder not in (None, user_id):
        raise InvalidRequest("Another user has this API key.", pointer=pointer)
    if holder is not None:
        return
    row = {"user_id": user_id, "prefix": key[:SHOWN], "digest": digest, "created_on": ids.now()}
    session.execute(api_keys.insert().values(row))
    report.created += 1


def _import_project(session: Session, project: Project, at: int, report: Report) -> None:
    present = session.execute(sa.select(projects).where(projects.c.gid == project.gid).with_for_update()).first()
    wanted = {
        _user_id(session, member.user, pointer_to("projects", at, "members", place, "user")): list(member.roles)
        for place, member in enumerate(project.members)
    }
    owner = next((user_id for user_id, roles in wanted.items() if "owner" in roles), None)
    row = {"gid": project.gid, "name": project.name, "icon": project.icon, "owner_id": owner}
    languages = _with_others(list(project.languages), present.languages if present else [])
    settings = _settings(project, present.settings if present else {})
    _store(session, projects, row | {"languages": languages, "settings": settings}, report)
    _import_members(session, project, wanted, report)


def _with_others(named: list[str], present: list[str]) -> list[str]:
    return named + [other for other in present if other not in named]


def _settings(project: Project, present: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with what the file names, in its order; what clients added stays, after it."""
    settings = dict(present)
    for part, minimum in (("channels", 0), ("orderings", 1), ("fieldlists", 1)):
        entries = {str(entry.key): entry.name for entry in getattr(project, part)}
        others = {entry["key"]: entry["name"] for entry in present.get(part, ()) if entry["key"] not in entries}
        if minimum and not entries and not others:  # clients look for a default one
            entries = {str(uuid5(project.gid, part)): DEFAULT_NAME}
        settings[part] = [{"key": key, "name": name} for key, name in {**entries, **others}.items()]
    return settings | ({"timezone": project.timezone} if project.timezone else {})


def _import_members(session: Session, project: Project, wanted: Mapping[int, list[str]], report: Report) -> None:
    """Make the members those of the file; of who stays one, the options stay."""
    members = project_members.c.project_gid == project.gid
    present = {row.user_id: row.roles for row in session.execute(sa.select(project_members).where(members))}
    if wanted == present:
        return
    report.updated += 1
    gone = set(present) - set(wanted)
    session.execute(project_members.delete().where(members, project_members.c.user_id.in_(gone)))
    for user_id, roles in wanted.items():
        if user_id in present:
            session.execute(project_members.update().where(members, project_members.c.user_id == user_id).values(roles=roles))
        else:
            session.execute(project_members.insert().values(project_gid=project.gid, user_id=user_id, roles=roles))


def _user_id(session: Session, username: str, pointer: str) -> int:
    found: int | None = session.execute(sa.select(users.c.id).where(users.c.username == username)).scalar()
    if found is None:
        raise InvalidRequest("There is no such user.", pointer=pointer)
    return found
