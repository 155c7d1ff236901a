"""The schema: definitions, classes, fields and layouts, read and changed one at a time."""

from __future__ import annotations

from collections.abc import Callable

from models.catalogue import edits, states
from models.catalogue.drafts import Draft
from models.catalogue.edits import Place
from models.catalogue.metadata import Entry
from models.catalogue.schema import load_schema
from models.catalogue.schema_items import CLASS, DEFINITION, FIELD, LAYOUT, Item, Kind, Schema
from models.catalogue.schema_store import store
from models.catalogue.schema_view import PLURALS, dump_around
from web.projects.envelope import Answer, Ask, call, project_calls

api = project_calls("schema")

Change = Callable[[Draft, Item], Item]
LISTS: tuple[tuple[Kind, str, str], ...] = (
    (DEFINITION, "classes", "class"),
    (DEFINITION, "fields", "field"),
    (DEFINITION, "childdefinitions", "childdefinition"),
    (DEFINITION, "fieldlists/fields", "field"),
    (CLASS, "fields", "field"),
)
STATES: dict[str, Change] = {
    "commit": states.commit,
    "revert": states.revert,
    "save_as_new": states.save_as_new,
    "copy": states.copy,
}
RELIST = {"add": edits.add, "move": edits.move, "remove": edits.remove}


def _get(kind: Kind) -> None:
    """Serve `<kinds>/get`."""

    @call(api, f"{PLURALS[kind]}/get")
    def get(ask: Ask) -> Answer:
        schema = load_schema(ask.session, ask.project)
        single, gids = ask.params.one_or_more(kind, PLURALS[kind])
        if single:
            return _said(ask, schema, kind, [schema.get(kind, gids[0])])
        found = [item for gid in gids if (item := schema.find(kind, gid))]
        return Answer({PLURALS[kind]: [item.gid for item in found]}, dump_around(ask.project, schema, found))


def _create(kind: Kind) -> None:
    """Serve `<kinds>/create`."""

    @call(api, f"{PLURALS[kind]}/create")
    def create(ask: Ask) -> Answer:
        return _write(ask, kind, lambda ask, draft: edits.create(draft, ask.project, kind, ask.params))


def _modify(kind: Kind) -> None:
    """Serve `<kinds>/modify`."""

    @call(api, f"{PLURALS[kind]}/modify")
    def modify(ask: Ask) -> Answer:
        return _change(ask, kind, lambda ask, draft, item: edits.modify(draft, ask.project, item, ask.params))


def _state(kind: Kind, verb: str, change: Change) -> None:
    """Serve `<kinds>/commit` and the like."""

    @call(api, f"{PLURALS[kind]}/{verb}")
    def turn(ask: Ask) -> Answer:
        return _change(ask, kind, lambda _, draft, item: change(draft, item))


def _delete(kind: Kind) -> None:
    """Serve `<kinds>/delete`."""

    @call(api, f"{PLURALS[kind]}/delete")
    def delete(ask: Ask) -> Answer:
        ask = ask.writing()
        draft = Draft(load_schema(ask.session, ask.project))
        gone = states.delete(draft, draft.get(kind, ask.params.gid(kind)))
        store(ask.session, ask.project, draft)
        return Answer({kind: gone.gid})


def _layout(kind: Kind) -> None:
    """Serve `<kinds>/layouts/modify`."""

    @call(api, f"{PLURALS[kind]}/layouts/modify")
    def modify_layout(ask: Ask) -> Answer:
        return _change(ask, kind, lambda ask, draft, item: edits.modify_layout(draft, item, ask.params))


def _metadata(kind: Kind) -> None:
    """Serve `<kinds>/metadata/set` and `clear`."""

    @call(api, f"{PLURALS[kind]}/metadata/set")
    def set_metadata(ask: Ask) -> Answer:
        entry = metadata_entry(ask)
        return _change(ask, kind, lambda ask, draft, item: edits.set_metadata(draft, ask.project, item, entry))

    @call(api, f"{PLURALS[kind]}/metadata/clear")
    def clear_metadata(ask: Ask) -> Answer:
        name = ask.params.text("name")
        return _change(ask, kind, lambda _, draft, item: edits.clear_metadata(draft, item, name))


def metadata_entry(ask: Ask) -> Entry:
    """Return the entry of metadata that a call sets; of assets too."""
    params = ask.params
    localized = None if params.get("is_localized") is None else params.flag("is_localized")
    return Entry(params.text("name"), params.find_text("type"), localized, params.get("value"), has_value="value" in params)


def _list(kind: Kind, part: str, member: str, verb: str) -> None:
    """Serve `<kinds>/<part>/add`, `move` and `remove`."""

    @call(api, f"{PLURALS[kind]}/{part}/{verb}")
    def relist(ask: Ask) -> Answer:
        place = _place(ask, part, member)
        return _change(ask, kind, lambda ask, draft, item: RELIST[verb](draft, ask.project, item, place))


def _place(ask: Ask, part: str, member: str) -> Place:
    """Return which list is meant: a field list is named by `fieldlist_key`, or by `fieldlist` as records call it."""
    params = ask.params
    if part == "fieldlists/fields":
        part = f"fieldlists/{params.find_text('fieldlist_key') or params.text('fieldlist')}"
    return Place(part, params.gid(member), params.find_gid(f"before_{member}"))


def _change(ask: Ask, kind: Kind, change: Callable[[Ask, Draft, Item], Item]) -> Answer:
    """Change an item, the one that the parameter of its kind's name tells."""
    gid = ask.params.gid(kind)
    return _write(ask, kind, lambda ask, draft: change(ask, draft, draft.get(kind, gid)))


def _write(ask: Ask, kind: Kind, change: Callable[[Ask, Draft], Item]) -> Answer:
    """Change the schema under the project's lock, and answer the item that came out, with all that changed beside it."""
    ask = ask.writing()
    draft = Draft(load_schema(ask.session, ask.project))
    item = change(ask, draft)
    found = store(ask.session, ask.project, draft)
    others = [*found.inserted, *found.updated]
    return _said(ask, draft.schema, kind, [draft.schema.by_gid[item.gid], *others])


def _said(ask: Ask, schema: Schema, kind: Kind, items: list[Item]) -> Answer:
    """Answer an item, the first one; a definition or class with the gid of its layout."""
    item = items[0]
    layout = schema.merged(item).get("layout")
    return Answer({kind: item.gid} | ({"layout": layout} if layout else {}), dump_around(ask.project, schema, items))


for one in (DEFINITION, CLASS, FIELD, LAYOUT):
    _get(one)
for one in (DEFINITION, CLASS, FIELD):
    _create(one)
    _modify(one)
    _delete(one)
    _metadata(one)
    for verb, function in STATES.items():
        _state(one, verb, function)
for one in (DEFINITION, CLASS):
    _layout(one)
for one, part, member in LISTS:
    for verb in RELIST:
        _list(one, part, member, verb)
