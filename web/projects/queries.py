"""Saved queries: create, change, delete, get."""

from __future__ import annotations

from typing import Any

from models.catalogue import queries
from models.catalogue.queries import Wanted
from models.errors import InvalidRequest
from web.projects.envelope import Answer, Ask, call, project_calls
from web.projects.params import Params

api = project_calls("queries")


@call(api, "queries/create")
def create(ask: Ask) -> Answer:
    """Save a query."""
    kind, wanted = ask.params.text("type"), _wanted(ask.params)
    if wanted.name is None:
        raise InvalidRequest("`name` is missing.", pointer="/name")
    ask = ask.writing()
    return _said(ask, queries.create_query(ask.session, ask.project, kind, wanted))


@call(api, "queries/update")
def update(ask: Ask) -> Answer:
    """Change a saved query."""
    gid, wanted = ask.params.gid("query"), _wanted(ask.params)
    ask = ask.writing()
    queries.update_query(ask.session, ask.project, gid, wanted)
    return _said(ask, gid)


@call(api, "queries/delete")
def delete(ask: Ask) -> Answer:
    """Remove a saved query."""
    gid = ask.params.gid("query")
    ask = ask.writing()
    queries.delete_query(ask.session, ask.project, gid)
    return Answer({"query": gid})


@call(api, "queries/get")
def get(ask: Ask) -> Answer:
    """Give saved queries."""
    single, gids = ask.params.one_or_more("query", "queries")
    if single:
        return _said(ask, gids[0])
    found = queries.get_queries(ask.session, ask.project, gids)
    return Answer({"queries": list(found)}, {"queries": found})


def _said(ask: Ask, gid: str) -> Answer:
    found = queries.get_query(ask.session, ask.project, gid)
    return Answer({"query": gid}, {"queries": {gid: found}})


def _wanted(params: Params) -> Wanted:
    found: list[Any] | None = None if params.get("filter") is None else params.listing("filter")
    return Wanted(params.find_text("name"), params.find_text("q"), found)
