"""Users, projects, members and languages, for clients that follow the common stream."""

from __future__ import annotations

from flask import Blueprint

from models.catalogue.languages import named
from models.catalogue.members import (
    check_membership,
    dump_project,
    dump_seats,
    dump_users,
    get_seat,
    get_user,
)
from models.catalogue.ownership import create_project, update_project
from models.catalogue.projects import lock_project, open_project
from web.projects.envelope import Answer, Visit, common_call

api = Blueprint("projects-members", __name__, url_prefix="/api")


@common_call(api, "users/get")
def get_users(visit: Visit) -> Answer:
    """Give a user with whom one shares a project."""
    gid = visit.params.gid("user")
    return Answer({"user": gid}, {"cc.users": get_user(visit.session, visit.principal, gid)})


@common_call(api, "projects/get")
def get_projects(visit: Visit) -> Answer:
    """Give a project that one is a member of, with its settings."""
    gid = visit.params.gid("project")
    check_membership(visit.session, visit.principal, gid)
    return _given(visit, gid)


@common_call(api, "projects/create")
def create(visit: Visit) -> Answer:
    """Make a project of one's own; `languages` has the default one first, English where none is given."""
    name, languages = visit.params.text("name"), visit.params.find_texts("languages")
    return _given(visit, create_project(visit.session, visit.principal, name, ["en"] if languages is None else languages))


@common_call(api, "projects/update")
def update(visit: Visit) -> Answer:
    """Change the name, the icon or the time zone of a project that one owns."""
    gid, params = visit.params.gid("project"), visit.params
    check_membership(visit.session, visit.principal, gid)
    project = open_project(visit.session, visit.principal, gid)
    project.check_owned()
    project = lock_project(visit.session, project)
    update_project(visit.session, project, params.find_text("name"), params.find_text("icon"), params.find_text("timezone"))
    return _given(visit, gid)


def _given(visit: Visit, gid: str) -> Answer:
    project = open_project(visit.session, visit.principal, gid)
    return Answer({"project": gid}, {"cc.projects": {gid: dump_project(visit.session, project)}})


@common_call(api, "members/get")
def get_members(visit: Visit) -> Answer:
    """Give a member of a project that one is a member of."""
    project, gid = visit.params.gid("project"), visit.params.gid("member")
    seat = get_seat(visit.session, visit.principal, project, gid)
    data = {
        "cc.projects_members": dump_seats([seat]),
        "cc.users": dump_users(visit.session, visit.principal, [seat.user_id]),
    }
    return Answer({"project": project, "member": gid}, data)


@common_call(api, "languages/get")
def get_languages(_: Visit) -> Answer:
    """Give all known languages by code."""
    known = named()
    return Answer({"languages": list(known)}, {"cc.languages": known})
