"""Calls about the definitions of records: setting one, and extending it for some of them."""

from __future__ import annotations

from models.catalogue import extending, saying
from models.catalogue.changes import RECORDS, Done, Work, publish
from models.catalogue.extending import Edit
from models.catalogue.rows import RecordNode, load_records
from models.catalogue.schema_items import DEFINITION
from models.catalogue.singles import apply, get_id
from models.errors import InvalidState, ItemDeleted, NotFound
from web.projects.envelope import Answer, Ask, call, project_calls
from web.projects.records import shown, writing

api = project_calls("record-definitions")


@call(api, "records/definition/set")
def set_definition(ask: Ask) -> Answer:
    """Give a record another definition; the values of fields that it has too are kept."""
    work = writing(ask)
    definition = saying.get_definition(work, ask.params.gid("definition"))
    gid = ask.params.gid("record")
    done = apply(work, RECORDS, gid, lambda work, members: saying.set_definition(work, members, definition))
    return _answer(ask, work, done)


def _answer(ask: Ask, work: Work, done: Done) -> Answer:
    data = shown(ask, work, [done.item_id or 0])
    definition = next(record["definition"] for gid, record in data["records"].items() if gid == done.gid)
    return Answer({"record": done.gid, "definition": definition}, data)


def _open(ask: Ask) -> tuple[Work, RecordNode]:
    """Return the record that is asked about. What is done to a link is done to its original."""
    work = writing(ask)
    node = load_records(work, [get_id(work, RECORDS, ask.params.gid("record"))]).popitem()[1]
    if node.deleted:
        raise ItemDeleted("The record is deleted.")
    return work, node


def _extend(ask: Ask, edit: Edit, *, own: bool = False) -> Answer:
    work, node = _open(ask)
    work, _ = extending.extend(work, node, edit, own=own)
    return _finished(ask, work, node)


def _finished(ask: Ask, work: Work, node: RecordNode) -> Answer:
    publish(work, "records")
    return _answer(ask, work, Done(node.gid, node.id))


@call(api, "records/definition/classes/add")
def add_class(ask: Ask) -> Answer:
    """Extend a record's definition by a class."""
    return _extend(ask, extending.add("classes", ask.params.gid("class")))


@call(api, "records/definition/fields/add")
def add_field(ask: Ask) -> Answer:
    """Extend a record's definition by a field."""
    return _extend(ask, extending.add("fields", ask.params.gid("field")))


def _shrink(ask: Ask, edit: Edit) -> Answer:
    work, node = _open(ask)
    extending.get_extension(work, node)
    work, _ = extending.extend(work, node, edit)
    return _finished(ask, work, node)


@call(api, "records/definition/classes/remove")
def remove_class(ask: Ask) -> Answer:
    """Take a class out of what a record's definition was extended by."""
    return _shrink(ask, extending.remove("classes", ask.params.gid("class")))


@call(api, "records/definition/fields/remove")
def remove_field(ask: Ask) -> Answer:
    """Take a field out of what a record's definition was extended by."""
    return _shrink(ask, extending.remove("fields", ask.params.gid("field")))


def _fieldlist(ask: Ask) -> str:
    key = ask.params.key("fieldlist")
    if key not in ask.project.fieldlists:
        raise NotFound("There is no such fieldlist in this project.")
    return key


@call(api, "records/definition/fieldlists/fields/add")
def add_listed_field(ask: Ask) -> Answer:
    """Extend a field list of a record's definition."""
    return _extend(ask, extending.list_field(_fieldlist(ask), ask.params.gid("field")))


@call(api, "records/definition/fieldlists/fields/remove")
def remove_listed_field(ask: Ask) -> Answer:
    """Take a field out of what a field list was extended by."""
    return _shrink(ask, extending.unlist_field(_fieldlist(ask), ask.params.gid("field")))


@call(api, "records/definition/revert")
def revert_definition(ask: Ask) -> Answer:
    """Give a record the base of its extended definition again."""
    work, node = _open(ask)
    work, _ = extending.revert(work, node)
    return _finished(ask, work, node)


@call(api, "records/definition/copy_to_siblings")
def copy_definition_to_siblings(ask: Ask) -> Answer:
    """Give a record's definition to all its siblings that are no links."""
    work, node = _open(ask)
    work = extending.hand_on(work, node, None, work.schema.by_id[node.definition_id])
    return _finished(ask, work, node)


@call(api, "records/definition/clone")
def clone_definition(ask: Ask) -> Answer:
    """Give a record an extended definition of its own, like the one that it has, with what is given."""
    return _extend(ask, extending.restructure(ask.params, ask.project.fieldlists), own=True)


@call(api, "records/definition/update")
def update_definition(ask: Ask) -> Answer:
    """Change the extended definition of a record, for all that have it."""
    return _shrink(ask, extending.restructure(ask.params, ask.project.fieldlists))


@call(api, "records/definition/transfer_to")
def transfer_definition_to(ask: Ask) -> Answer:
    """Give another definition to a record, and to its siblings that share its extended one."""
    work, node = _open(ask)
    target = saying.get_definition(work, ask.params.gid("target_definition"))
    source = extending.get_extension(work, node)
    return _finished(ask, extending.hand_on(work, node, source, target), node)


@call(api, "records/definition/transfer_from")
def transfer_definition_from(ask: Ask) -> Answer:
    """Give a record's definition to its siblings that have another one."""
    work, node = _open(ask)
    source = work.schema.get(DEFINITION, ask.params.gid("source_definition"))
    definition = work.schema.by_id[node.definition_id]
    if source.gid == definition.gid:
        raise InvalidState("The record has this definition itself.", gid=source.gid)
    return _finished(ask, extending.hand_on(work, node, source, definition), node)
