"""A call of the project face: who asks, for which project, with which parameters; what it answers, in one transaction.

    @call(api, "records/get")
    def get_records(ask: Ask) -> Answer: ...

A refusal that is raised becomes a failure in the face's envelope (`web.failures`). A call that needs other transactions than its
own one (waiting, streaming, rejecting a job) takes the steps below singly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Blueprint, Response, g

from models.catalogue.projects import Project, lock_project, open_project
from models.db import Session, transaction
from models.identity.principal import Principal
from web.auth import principal, sign_in
from web.projects.params import Params, read_form, read_params
from web.projects.replies import success

METHODS = ["GET", "POST"]


@dataclass(frozen=True)
class Visit:
    """A call without a project."""

    session: Session
    principal: Principal
    params: Params


@dataclass(frozen=True)
class Ask(Visit):
    """A call within a project."""

    project: Project

    def writing(self) -> Ask:
        """Return the same with the project locked for writing and as it is now. Raises Forbidden for readers."""
        self.project.check_writable()
        return self.locked()

    def locked(self) -> Ask:
        """Return the same with the project locked and as it is now."""
        return Ask(self.session, self.principal, self.params, lock_project(self.session, self.project))


@dataclass(frozen=True)
class Answer:
    """What a call says: references in `result`, objects by type and gid in `data`."""

    result: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)


Call = TypeVar("Call", bound=Callable[[Ask], Answer])
CommonCall = TypeVar("CommonCall", bound=Callable[[Visit], Answer])


def project_calls(name: str) -> Blueprint:
    """Return a blueprint for calls within a project."""
    return Blueprint(f"projects-{name}", __name__, url_prefix="/api/p/<project>")


def call(blueprint: Blueprint, rule: str, *, form: bool = False) -> Callable[[Call], Call]:
    """Serve a call within a project, by POST and by GET. With `form` its parameters are those of an upload."""

    def add(function: Call) -> Call:
        def view(project: str) -> Response:
            sign_in()
            params = read_form() if form else read_params()
            with transaction() as session:
                answer = function(Ask(session, principal(), params, open_project(session, principal(), project)))
            return reply(answer)

        view.__doc__ = function.__doc__
        blueprint.add_url_rule(f"/{rule}", endpoint=endpoint_of(rule), view_func=view, methods=["POST"] if form else METHODS)
        return function

    return add


def common_call(blueprint: Blueprint, rule: str, *, signed: bool = True) -> Callable[[CommonCall], CommonCall]:
    """Serve a call outside of projects. Without `signed` anybody may make it: its function has to look at credentials itself."""

    def add(function: CommonCall) -> CommonCall:
        def view(**address: str) -> Response:
            if signed:
                sign_in()
            params = Params({**read_params(), **address})
            with transaction() as session:
                answer = function(Visit(session, g.get("principal"), params))
            return reply(answer)

        view.__doc__ = function.__doc__
        blueprint.add_url_rule(f"/{rule}", endpoint=endpoint_of(rule), view_func=view, methods=METHODS)
        return function

    return add


def endpoint_of(rule: str) -> str:
    """Return a name for a rule that the framework takes."""
    return rule.replace("/", "_").replace(".", "_")


def reply(answer: Answer) -> Response:
    """Return an answer in the face's envelope."""
    return success(answer.result, answer.data)
