"""Searching records, assets and schema items: a page of hits by relevance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.catalogue.asset_view import AssetView
from models.catalogue.record_view import RecordView
from models.catalogue.schema import load_schema
from models.errors import InvalidSelection
from models.selection import catalogue_pages
from models.selection.catalogue_operands import ASSETS, RECORDS, SCHEMA
from models.selection.catalogue_spaces import read_selection, space_of
from models.selection.grammar import Search
from web.projects.bulk import schema_items
from web.projects.envelope import Answer, Ask, call, project_calls

api = project_calls("search")
WITHIN = "/selection/0/search"  # where the grammar believes to be
HITS = 10
SCHEMA_HITS = 10_000
COMPLETIONS = 10
MOST_COMPLETIONS = 50


@call(api, "records/search")
def search_records(ask: Ask) -> Answer:
    """Find records; `language` is the one that is searched, the answer has all, or those of `languages`."""
    found, *told = _found(ask, RECORDS, HITS)
    wanted = ask.params.languages(ask.project) if ask.params.find_texts("languages") else ask.project.languages
    view = RecordView(ask.project, load_schema(ask.session, ask.project), wanted)
    shown = view.dump(ask.session, found)
    data = {"records": {record["gid"]: record for record in shown.values()}, **view.around(shown.values())}
    return Answer({"records": list(data["records"]), **_size("records", told)}, data)


@call(api, "assets/search")
def search_assets(ask: Ask) -> Answer:
    """Find files."""
    found, *told = _found(ask, ASSETS, HITS)
    data = AssetView(ask.project).data(ask.session, found)
    return Answer({"assets": list(data["assets"]), **_size("assets", told)}, data)


@call(api, "schema/search")
def search_schema(ask: Ask) -> Answer:
    """Find definitions, classes and fields."""
    found, *told = _found(ask, SCHEMA, SCHEMA_HITS)
    named, data = schema_items(ask, found)
    return Answer({"schema_items": named, **_size("schema_items", told)}, data)


@call(api, "assets/search/autocomplete")
def complete(ask: Ask) -> Answer:
    """Complete what was begun of a file's name, an extension, or a folder's path."""
    size = ask.params.whole("completions.size", COMPLETIONS, 1, MOST_COMPLETIONS)
    begun = (ask.params.find_text("fieldq") or "", size)
    return Answer({"completions": catalogue_pages.complete(ask.session, ask.project, ask.params.text("field"), begun)})


def _size(name: str, told: Sequence[int]) -> dict[str, Any]:
    """Return how many hits there are; only a glance that has not seen all of them says so."""
    total, complete = told
    return {f"{name}.size": total} | ({} if complete else {f"{name}.complete": False})


def _found(ask: Ask, kind: str, size: int) -> tuple[list[int], int, bool]:
    """Return the ids of a page of hits, how many there are, and whether these are all: with `glance` no more than some are."""
    most = catalogue_pages.GLANCED if ask.params.flag("glance", default=False) else catalogue_pages.MOST_HITS
    ask.params.language("language", ask.project)
    top, size = ask.params.page(size)
    asked: dict[str, Any] = {name: ask.params.get(name) for name in ("language", "q", "filter")}
    space = space_of(kind, ask.project, load_schema(ask.session, ask.project))
    try:
        search = read_selection([{"search": asked}], space).entries[0]
        assert isinstance(search, Search)
        return catalogue_pages.page(ask.session, space, search, (top, size), most)
    except InvalidSelection as refused:
        raise InvalidSelection(refused.detail, pointer=(refused.pointer or "").removeprefix(WITHIN)) from None
