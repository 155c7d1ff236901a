"""The session: signing in, the first data of a client, and the keys of API users."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g

from models.catalogue.languages import named
from models.catalogue.members import (
    dump_other_projects,
    dump_project,
    dump_seats,
    dump_users,
    list_seats,
    roles_by_project,
    user_gid,
)
from models.catalogue.projects import Project, open_project, project_by_id
from models.catalogue.queries import list_queries
from models.catalogue.schema import load_schema
from models.catalogue.schema_view import dump_schema
from models.db import Session
from models.errors import Forbidden, Unauthorized
from models.feed.reading import latest
from models.identity.api_users import key_of_api_user
from models.identity.principal import Principal
from models.identity.tokens import Signed, sign_in_by_key, sign_in_by_password
from web import quotas
from web.projects.envelope import Answer, Ask, Visit, call, common_call
from web.projects.params import Params

VERSION = "2026.09.001"  # of this API, as its clients compare it
NEVER = 0.0  # when a project without backups was backed up
UNKNOWN_KEY = "There is no such API key."

api = Blueprint("projects-session", __name__, url_prefix="/api")


@common_call(api, "p/<project>/auth", signed=False)
def auth(visit: Visit) -> Answer:
    """Sign in by API key, and give the first data."""
    key = visit.params.text("api_key")
    try:
        with quotas.guessing(key):
            signed = sign_in_by_key(visit.session, key)
    except Unauthorized:
        raise Forbidden(UNKNOWN_KEY) from None
    return _enter(visit, signed)


@common_call(api, "p/<project>/login", signed=False)
def login(visit: Visit) -> Answer:
    """Sign in by name and password, and give the first data."""
    return _enter(visit, _by_password(visit.session, visit.params))


@call(api, "p/<project>/init")
def init(ask: Ask) -> Answer:
    """Give the first data again."""
    return _first_data(ask.session, ask.principal, ask.project, omit=_omit(ask.params))


@common_call(api, "login", signed=False)
def common_login(visit: Visit) -> Answer:
    """Sign in by name and password, for no project."""
    signed = _by_password(visit.session, visit.params)
    g.principal, g.token = signed.principal, signed.token
    return _common_data(visit.session, signed.principal)


@common_call(api, "init")
def common_init(visit: Visit) -> Answer:
    """Give what belongs to no project."""
    return _common_data(visit.session, visit.principal)


@common_call(api, "ping", signed=False)
def ping(_: Visit) -> Answer:
    """Answer."""
    return Answer({"cc.version": VERSION})


@call(api, "p/<project>/apikeys/get")
def get_api_key(ask: Ask) -> Answer:
    """Show the key of an API user of a project that one owns."""
    ask.project.check_owned()
    return Answer({"apikey": key_of_api_user(ask.session, ask.principal, ask.params.gid("user"), ask.project.gid)})


def _by_password(session: Session, params: Params) -> Signed:
    username, password = params.text("username"), params.text("password")
    try:
        with quotas.guessing(f"{username}\0{password}"):
            return sign_in_by_password(session, username, password)
    except Unauthorized as refused:
        raise Forbidden(refused.detail) from None


def _enter(visit: Visit, signed: Signed) -> Answer:
    project = open_project(visit.session, signed.principal, visit.params.text("project"))
    g.principal, g.token = signed.principal, signed.token
    return _first_data(visit.session, signed.principal, project, omit=_omit(visit.params))


def _omit(params: Params) -> bool:
    return params.flag("omit_extended_definitions", default=False)


def _first_data(session: Session, principal: Principal, project: Project, *, omit: bool) -> Answer:
    """Return who asks, the project with its members, and its schema.

    The cursors are read first, the project after them: what changes meanwhile comes again with the next sync, nothing is missed.
    """
    position = latest(session, project.id)
    project = project_by_id(session, principal, project.id)
    mine, seats = roles_by_project(session, principal.user_id), list_seats(session, project.gid)
    shown = {principal.user_id, *(seat.user_id for seat in seats)} | ({project.owner_id} if project.owner_id else set())
    result = {
        "user": user_gid(session, principal.user_id),
        "user_projects": {str(project.gid): sorted(project.roles), **mine},
        "project": str(project.gid),
        "project_members": [seat.user for seat in seats],
        "last_backed_up": NEVER,
        "cc.version": VERSION,
        "cc.cursor": position.cc,
        "cursor": position.project,
    }
    others = dump_other_projects(session, mine.keys() - {str(project.gid)})
    data: dict[str, Any] = {
        "cc.users": dump_users(session, principal, shown),
        "cc.projects": {**others, str(project.gid): dump_project(session, project)},
        "cc.projects_members": dump_seats(seats),
        "cc.languages": named(project.languages),
        **dump_schema(project, load_schema(session, project), extended=not omit),
        "queries": list_queries(session, project),
    }
    return Answer(result, data)


def _common_data(session: Session, principal: Principal) -> Answer:
    position = latest(session)
    mine, gid = roles_by_project(session, principal.user_id), user_gid(session, principal.user_id)
    result = {"user": gid, "user_projects": mine, "cc.version": VERSION, "cc.cursor": position.cc}
    data = {
        "cc.users": dump_users(session, principal, [principal.user_id]),
        "cc.projects": dump_other_projects(session, mine),
        "cc.languages": named(),
    }
    return Answer(result, data)
