"""Calls of the contract that this product does not have: told so, instead of an unknown address (see docs/project-choices.md)."""

from __future__ import annotations

from flask import Blueprint

from models.errors import NotOffered
from web.projects.envelope import Answer, Ask, Visit, call, common_call

RULES = (
    *(f"backups/{verb}" for verb in ("create", "update", "restore", "delete")),
    *(f"modules/{verb}" for verb in ("all", "get", "register", "unregister")),
    *(f"modules/{verb}" for verb in ("keys/set", "keys/clear", "actions/publish", "actions/unpublish", "logs/add")),
    *(f"records/excel/{verb}" for verb in ("children", "update")),
    "batch",
)
COMMON_RULES = ("signup", "reset")

api = Blueprint("projects-absent", __name__, url_prefix="/api")


def _refuse(name: str) -> Answer:
    raise NotOffered(f"{name} is not offered here.")


def _absent(rule: str) -> None:
    @call(api, f"p/<project>/{rule}")
    def refuse(_: Ask) -> Answer:
        return _refuse(rule)


def _absent_common(rule: str) -> None:
    @common_call(api, rule)
    def refuse(_: Visit) -> Answer:
        return _refuse(rule)


for one in RULES:
    _absent(one)
for one in COMMON_RULES:
    _absent_common(one)
