"""Where records hang: making, linking, copying, duplicating and moving them. A chunk is decided in memory and written at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from models.catalogue.changes import NOTE, RECORDS, SHOWN, STAMP, Done, Work, note_parents
from models.catalogue.content import Content, Form
from models.catalogue.fields import initial_content
from models.catalogue.orderings import check_ordering, check_sibling, ends, make_room, renumber, write
from models.catalogue.record_store import NewRecord, contents, insert, next_ids
from models.catalogue.rows import Member, RecordNode, find_ids, load_records, missing
from models.catalogue.schema_items import Item
from models.errors import Cycle, ItemDeleted, NoParent, NoSibling, Refused, RootFixed
from models.settings import settings


@dataclass(frozen=True, slots=True)
class Target:
    """Where records are to hang: below `parent`, before one of its children, or last. An `ordering` of None stands for all."""

    parent: RecordNode
    ordering: str | None = None
    before: RecordNode | None = None


def find_record(work: Work, gid: str) -> RecordNode | None:
    """Return a record of the project, or None."""
    ids = find_ids(work.session, work.project.id, RECORDS, [gid])
    return load_records(work, ids.values()).get(ids[gid]) if gid in ids else None


def get_target(work: Work, parent: str, ordering: object = None, before: str | None = None) -> Target:
    """Return where records are to hang. Raises NotFound, ItemDeleted, NoParent, NoSibling, InvalidValue."""
    node = find_record(work, parent)
    if node is None:
        raise missing(RECORDS)
    refused = unfit_parent(node)
    if refused:
        raise refused
    sibling = None if before is None else check_sibling(find_record(work, before), node)
    return Target(node, check_ordering(work, ordering), sibling)


def unfit_parent(node: RecordNode) -> Refused | None:
    """Return why nothing can hang below a record, or None."""
    if node.deleted:
        return ItemDeleted("The parent is deleted.", pointer="/parent")
    return NoParent("A link has no children.", pointer="/parent") if node.leaf else None


def _refused(node: RecordNode | None) -> Refused | None:
    if node is None:
        return missing(RECORDS)
    return ItemDeleted("The record is deleted.") if node.deleted else None


def _places(work: Work, target: Target, count: int) -> list[dict[str, int]]:
    """Return the places of newcomers, in their order, after making room for them."""
    end = ends(work, [target.parent.id])
    places = [end.next(target.parent.id) for _ in range(count)]
    if target.before is not None and count:
        for key in [target.ordering] if target.ordering else end.keys:
            first = make_room(work, target.before, key, count)
            for at, place in enumerate(places):
                place[key] = first + at
    return places


def create(work: Work, target: Target, gid: str) -> Done:
    """Make an empty record, the last child of its parent, in the parent's channels."""
    form = work.forms.of(default_definition(work, target.parent))
    content = initial_content(form, work.project.languages, settings().limits)
    record_id = next_ids(work, 1)[0]
    place = _places(work, target, 1)[0]
    parent = target.parent
    insert(work, [
        NewRecord(record_id, gid, parent.id, form.definition.id, parent.channels, place, None, content, form.words(content))
    ])  # fmt: skip
    note_parents(work, RECORDS)
    return Done(gid, record_id, made=gid)


LAST_CHILD = """
SELECT DISTINCT ON (parent_id) parent_id, definition_id FROM catalogue_records
WHERE parent_id = ANY(%(parents)s) AND status = 'published' AND canonical_id IS NULL
ORDER BY parent_id, (positions->>%(ordering)s)::int DESC NULLS LAST, id DESC
"""


def default_definition(work: Work, parent: RecordNode) -> Item:
    """Return the definition of a new child: that of the last one, else the first that may hang there, else the base."""
    return default_definitions(work, [parent])[parent.id]


def default_definitions(work: Work, parents: Iterable[RecordNode]) -> dict[int, Item]:
    """Return the same for several parents."""
    nodes = {parent.id: parent for parent in parents}
    ordering = next(iter(work.project.orderings), "")
    last = dict(work.execute(LAST_CHILD, {"parents": list(nodes), "ordering": ordering}))
    found = {}
    for parent_id, node in nodes.items():
        allowed = work.schema.childdefinitions(work.schema.by_id[node.definition_id])
        found[parent_id] = work.schema.by_id[last[parent_id]] if parent_id in last else (allowed or [work.schema.base])[0]
    return found


def link(work: Work, members: Sequence[Member], target: Target, gids: Sequence[str]) -> list[Done]:
    """Hang links to records below a parent; a link to a link is one to its original."""
    nodes = load_records(work, members)
    refused = {member: _refused(_node(nodes, member)) for member in members}
    able = [(_known(nodes, member), gid) for member, gid in zip(members, gids, strict=True) if refused[member] is None]
    places = _places(work, target, len(able))
    insert(work, [
        NewRecord(record_id, gid, target.parent.id, node.definition_id, node.channels, place, node.source_id, member_id=node.id)
        for record_id, (node, gid), place in zip(next_ids(work, len(able)), able, places, strict=True)
    ])  # fmt: skip
    note_parents(work, RECORDS)
    return _all_done(members, gids, nodes, refused)


def shallow_copy(work: Work, members: Sequence[Member], target: Target, gids: Sequence[str]) -> list[Done]:
    """Copy records without what is below them; the copy of a link is a record of its own."""
    nodes = load_records(work, members)
    refused = {member: _refused(_node(nodes, member)) for member in members}
    able = [(_known(nodes, member), gid) for member, gid in zip(members, gids, strict=True) if refused[member] is None]
    places = _places(work, target, len(able))
    said = _said(work, [node.source_id for node, _ in able])
    insert(work, [
        _copy(NewRecord(record_id, gid, target.parent.id, 0, node.channels, place, member_id=node.id), said[node.source_id])
        for record_id, (node, gid), place in zip(next_ids(work, len(able)), able, places, strict=True)
    ])  # fmt: skip
    note_parents(work, RECORDS)
    return _all_done(members, gids, nodes, refused)


def duplicate(work: Work, members: Sequence[Member], ordering: str | None, gids: Sequence[str]) -> list[Done]:
    """Copy records, without what is below them, to right after themselves; a link's duplicate is a link."""
    nodes = load_records(work, members)
    refused = {member: _unduplicable(_node(nodes, member)) for member in members}
    able = [(_known(nodes, member), gid) for member, gid in zip(members, gids, strict=True) if refused[member] is None]
    keys = [ordering] if ordering else list(work.project.orderings)
    parents = {node.parent_id for node, _ in able if node.parent_id is not None}
    if any(key not in node.positions for node, _ in able for key in keys):
        renumber(work, parents, keys)
        nodes = load_records(work, members)
    end, said = ends(work, parents), _said(work, [node.id for node, _ in able if not node.leaf])
    new = []
    for record_id, (old, gid) in zip(next_ids(work, len(able)), able, strict=True):
        node = nodes[old.id]
        place = end.next(node.parent_id or 0) | {key: node.positions[key] for key in keys}
        blank = NewRecord(
            record_id, gid, node.parent_id or 0, node.definition_id, node.channels, place, node.canonical_id, member_id=node.id
        )
        new.append(blank if node.leaf else _copy(blank, said[node.id]))
    insert(work, new)
    renumber(work, parents, keys)  # equal places are told apart by id, and the copy's is the higher one
    note_parents(work, RECORDS)
    return _all_done(members, gids, nodes, refused)


def _unduplicable(node: RecordNode | None) -> Refused | None:
    if node is not None and node.parent_id is None:
        return RootFixed("There is one root.")
    return _refused(node)


def _said(work: Work, record_ids: Sequence[int]) -> dict[int, tuple[Form, Content]]:
    return {key: (work.forms.by_id(definition), said) for key, (definition, said) in contents(work, record_ids).items()}


def _copy(blank: NewRecord, said: tuple[Form, Content]) -> NewRecord:
    form, content = said
    return replace(blank, definition_id=form.definition.id, content=content, words=form.words(content))


def _node(nodes: dict[int, RecordNode], member: Member) -> RecordNode | None:
    return nodes.get(member) if isinstance(member, int) else None


def _known(nodes: dict[int, RecordNode], member: Member) -> RecordNode:
    node = _node(nodes, member)
    if node is None:
        raise LookupError("members that there are not have been refused before")
    return node


def _all_done(
    members: Sequence[Member], gids: Sequence[str], nodes: dict[int, RecordNode], refused: dict[Member, Refused | None]
) -> list[Done]:
    done = []
    for member, gid in zip(members, gids, strict=True):
        node = _node(nodes, member)
        failed = refused[member]
        done.append(Done(node.gid if node else str(member), node.id if node else None, failed, made=None if failed else gid))
    return done


MOVE = """
WITH wanted AS (SELECT * FROM unnest(%(ids)s::bigint[]) AS wanted (id)),
leaving AS (
    {shown} SELECT DISTINCT p.id, p.gid, 'UPDATE'
    FROM wanted JOIN catalogue_records r ON r.id = wanted.id JOIN catalogue_records p ON p.id = r.parent_id
), before AS (SELECT r.id, r.parent_id, r.positions FROM wanted JOIN catalogue_records r ON r.id = wanted.id),
moved AS (
    UPDATE catalogue_records r SET parent_id = %(parent)s, positions = '{{}}', updated_on = {stamp}
    FROM wanted WHERE r.id = wanted.id RETURNING r.id, r.gid, r.updated_on
)
{note} SELECT m.id, m.gid, 'UPDATE', m.updated_on, m.id, jsonb_build_object('parent_id', b.parent_id, 'positions', b.positions)
FROM moved m JOIN before b ON b.id = m.id
"""
BELOW = """
WITH RECURSIVE below (id, gid) AS (
    SELECT r.id, r.gid FROM catalogue_records r WHERE r.parent_id = ANY(%(ids)s)
    UNION ALL SELECT r.id, r.gid FROM below b JOIN catalogue_records r ON r.parent_id = b.id
)
{shown} SELECT DISTINCT id, gid, 'UPDATE' FROM below
"""
ANCESTORS = """
WITH RECURSIVE up (id, parent_id) AS (
    SELECT id, parent_id FROM catalogue_records WHERE id = %(id)s
    UNION ALL SELECT p.id, p.parent_id FROM up JOIN catalogue_records p ON p.id = up.parent_id
) SELECT id FROM up
"""


def move(work: Work, members: Sequence[Member], target: Target) -> list[Done]:
    """Hang records below another parent, with all that is below them. One that hangs there stays, unless a sibling is named."""
    nodes = load_records(work, members)
    above = {row[0] for row in work.execute(ANCESTORS, {"id": target.parent.id})}
    refused = {member: _unmovable(_node(nodes, member), target, above) for member in members}
    stays = {key for key, node in nodes.items() if node.parent_id == target.parent.id and target.before is None}
    able = [_known(nodes, member).id for member in members if refused[member] is None and member not in stays]
    if able:
        places = _places(work, target, len(able))
        work.execute(MOVE.format(note=NOTE, shown=SHOWN, stamp=STAMP), {"ids": able, "parent": target.parent.id})
        write(work, dict(zip(able, places, strict=True)))
        rehung = [record_id for record_id in able if nodes[record_id].parent_id != target.parent.id]
        work.execute(BELOW.format(shown=SHOWN), {"ids": rehung})
        note_parents(work, RECORDS)
    return [_moved(member, _node(nodes, member), refused[member], noop=member in stays) for member in members]


def _moved(member: Member, node: RecordNode | None, refused: Refused | None, *, noop: bool) -> Done:
    return Done(node.gid if node else str(member), node.id if node else None, refused, noop=noop and refused is None)


def _unmovable(node: RecordNode | None, target: Target, above: set[int]) -> Refused | None:
    if node is None or node.deleted:
        return _refused(node)
    if node.parent_id is None:
        return RootFixed("The root cannot be moved.")
    if node.id in above:
        return Cycle("A record cannot hang below itself.")
    same = target.before is not None and target.before.id == node.id
    return NoSibling("A record cannot stand before itself.", pointer="/before_record") if same else None


UNLINK = """
WITH before AS (SELECT r.id, r.canonical_id, r.content FROM catalogue_records r WHERE r.id = %(id)s), written AS (
    UPDATE catalogue_records r SET canonical_id = NULL, definition_id = c.definition_id, content = c.content, updated_on = {stamp}
    FROM catalogue_records c WHERE c.id = r.canonical_id AND r.id = %(id)s RETURNING r.id, r.gid, r.updated_on
), worded AS (
    INSERT INTO catalogue_words SELECT before.id, w.words FROM before JOIN catalogue_words w ON w.record_id = before.canonical_id
), shown AS (
    {shown} SELECT c.id, c.gid, 'UPDATE' FROM before JOIN catalogue_records c ON c.id = before.canonical_id
)
{note} SELECT w.id, w.gid, 'UPDATE', w.updated_on, w.id,
    jsonb_build_object('canonical_id', before.canonical_id, 'content', before.content) FROM written w, before
"""


def unlink(work: Work, members: Sequence[Member]) -> list[Done]:
    """Make links records of their own, that say what their originals say now."""
    nodes = load_records(work, members)
    for node in nodes.values():
        if node.leaf and not node.deleted:
            work.execute(UNLINK.format(note=NOTE, shown=SHOWN, stamp=STAMP), {"id": node.id})
    return [_unlinked(member, _node(nodes, member)) for member in members]


def _unlinked(member: Member, node: RecordNode | None) -> Done:
    return Done(
        node.gid if node else str(member), node.id if node else None, _refused(node), noop=node is not None and not node.leaf
    )


def parent_gid(work: Work, gid: str) -> str:
    """Return the gid of a record's parent."""
    rows = work.execute(
        "SELECT p.gid::text FROM catalogue_records r JOIN catalogue_records p ON p.id = r.parent_id WHERE r.gid = %(gid)s::uuid",
        {"gid": gid},
    )
    return str(rows[0][0])
