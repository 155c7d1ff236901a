"""Calls about the tree of records: its lists, and making, linking, copying and moving records in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from models import ids
from models.catalogue import placing, record_lists, tree
from models.catalogue.changes import RECORDS, Done, Work
from models.catalogue.orderings import check_ordering
from models.catalogue.placing import Target, get_target
from models.catalogue.record_lists import Page, Wanted, check_channel, check_state
from models.catalogue.rows import Member, find_ids, missing
from models.catalogue.singles import apply, close
from models.errors import InvalidValue
from web.projects.envelope import Answer, Ask, call, project_calls
from web.projects.records import shown, view, writing

api = project_calls("record-tree")
Place = Callable[[Work, Sequence[Member], Target, Sequence[str]], list[Done]]


def _ordering(ask: Ask) -> str | None:
    ordering = ask.params.find_text("ordering")
    if ordering is not None and ordering not in ask.project.orderings:
        raise InvalidValue("There is no such ordering in this project.", pointer="/ordering")
    return ordering


def _id(ask: Ask, gid: str) -> int:
    found = find_ids(ask.session, ask.project.id, RECORDS, [gid])
    if gid not in found:
        raise missing(RECORDS)
    return found[gid]


def _gids(ask: Ask, page: Page, *, fields: bool = True) -> tuple[list[str], dict[str, dict[str, Any]]]:
    data = view(ask).data(ask.session, page.ids, fields=fields)
    return list(data["records"]), data


@call(api, "records/root")
def get_root(ask: Ask) -> Answer:
    """Read the root of the tree."""
    gids, data = _gids(ask, Page([record_lists.root_id(ask.session, ask.project)], 1))
    return Answer({"root": gids[0]}, data)


@call(api, "records/children")
def list_children(ask: Ask) -> Answer:
    """List the children of a record, a page at a time."""
    top, size = ask.params.page(100)
    channel = check_channel(ask.project, ask.params.find_text("channel"))
    wanted = Wanted(channel, _ordering(ask), top, size, check_state(ask.params.find_text("status")))
    page = record_lists.children(ask.session, ask.project, _id(ask, ask.params.gid("record")), wanted)
    gids, data = _gids(ask, page)
    return Answer({"children": gids, "children.size": page.total}, data)


@call(api, "records/tree")
def list_tree(ask: Ask) -> Answer:
    """List the tree as far as it is unfolded, without what the records say."""
    top, size = ask.params.page(100)
    expanded = find_ids(ask.session, ask.project.id, RECORDS, ask.params.gids("expanded_records"))
    page = record_lists.tree(ask.session, ask.project, list(expanded.values()), Wanted(None, _ordering(ask), top, size))
    gids, data = _gids(ask, page, fields=False)
    return Answer({"tree": gids, "tree.size": page.total}, data)


@call(api, "records/worksheet")
def get_worksheet(ask: Ask) -> Answer:
    """Read a record with its path, the root first, and a page of its children."""
    top, size = ask.params.page(20)
    record_id = _id(ask, ask.params.gid("record"))
    path = record_lists.path(ask.session, record_id)
    page = record_lists.children(ask.session, ask.project, record_id, Wanted(None, _ordering(ask), top, size))
    gids, data = _gids(ask, Page([*path, *page.ids], page.total))
    above, below = gids[: len(path)], gids[len(path) :]
    return Answer({"record": above[-1], "path": above, "children": below, "children.size": page.total}, data)


@call(api, "records/create")
def create_record(ask: Ask) -> Answer:
    """Make a record, the last child of a parent."""
    work = writing(ask)
    target = get_target(work, ask.params.gid("parent"), ask.params.find_text("ordering"))
    done = close(work, RECORDS, placing.create(work, target, str(ids.new_token())))
    return _placed(ask, work, done, target.parent.gid)


def _placed(ask: Ask, work: Work, done: Done, parent: str) -> Answer:
    gid = done.made or done.gid
    known = find_ids(work.session, work.project.id, RECORDS, [gid, parent])
    return Answer({"record": gid, "parent": parent}, shown(ask, work, [known[gid], known[parent]]))


def _place(ask: Ask, place: Place, state: str | None = None) -> Answer:
    """Hang a record, or something made of it, below a parent; `state` says what of the records below it goes along."""
    work = writing(ask)
    params = ask.params
    target = get_target(work, params.gid("parent"), params.find_text("ordering"), params.find_gid("before_record"))
    new = [str(ids.new_token())]
    done = apply(work, RECORDS, params.gid("record"), lambda work, members: place(work, members, target, new), state)
    return _placed(ask, work, done, target.parent.gid)


@call(api, "records/link")
def link_record(ask: Ask) -> Answer:
    """Hang a link to a record below a parent."""
    return _place(ask, placing.link)


@call(api, "records/shallow_copy")
def copy_record(ask: Ask) -> Answer:
    """Copy a record, without what is below it, to below a parent."""
    return _place(ask, placing.shallow_copy)


@call(api, "records/move")
def move_record(ask: Ask) -> Answer:
    """Hang a record below another parent, with all that is below it."""
    return _place(ask, lambda work, members, target, _: placing.move(work, members, target), tree.ANY)


@call(api, "records/duplicate")
def duplicate_record(ask: Ask) -> Answer:
    """Copy a record, without what is below it, to right after itself."""
    work = writing(ask)
    ordering = check_ordering(work, ask.params.find_text("ordering"))
    new = [str(ids.new_token())]
    gid = ask.params.gid("record")
    done = apply(work, RECORDS, gid, lambda work, members: placing.duplicate(work, members, ordering, new))
    return _placed(ask, work, done, placing.parent_gid(work, done.made or ""))


@call(api, "records/unlink")
def unlink_record(ask: Ask) -> Answer:
    """Make a link a record of its own, that says what its original says now."""
    work = writing(ask)
    done = apply(work, RECORDS, ask.params.gid("record"), placing.unlink)
    return Answer({"record": done.gid}, shown(ask, work, [done.item_id or 0]))
