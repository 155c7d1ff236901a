"""Deleting in a tree, softly and for good, and taking back: each a few statements for a whole chunk, never a walk per item.

What is deleted takes its subtree along, and links to any of it; `deleted_with` names the item whose deletion it was, so that
undeleting brings back exactly that. Nothing live is ever below something deleted.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.catalogue.changes import NOTE, RECORDS, SHOWN, STAMP, Done, Work, note_parents
from models.catalogue.record_store import UNWORDED
from models.catalogue.rows import Member, Node, load, missing
from models.errors import ItemDeleted, NotDeleted, ParentDeleted, Refused, RootFixed, SubtreeTooLarge
from models.settings import settings

LINKS = """
taken (id, place) AS (
    SELECT id, min(place) FROM (
        SELECT id, place FROM standing
        UNION ALL SELECT l.id, s.place FROM standing s JOIN {table} l ON l.canonical_id = s.id AND {state}
    ) found GROUP BY id
)
"""
NO_LINKS = "taken (id, place) AS (SELECT id, place FROM standing)"
BELOW = """
WITH RECURSIVE below (id, place) AS (
    SELECT r.id, asked.place FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS asked (id, place) JOIN {table} r ON r.id = asked.id
    UNION ALL
    SELECT r.id, b.place FROM below b JOIN {table} r ON r.parent_id = b.id AND {state}
), standing (id, place) AS (SELECT id, min(place) FROM below GROUP BY id),
"""
DELETE = """
, gone AS (
    UPDATE {table} r SET status = 'deleted', deleted_with = (%(ids)s::bigint[])[taken.place], updated_on = {stamp}
    FROM taken WHERE r.id = taken.id RETURNING r.id, r.gid, r.updated_on, r.deleted_with
)
{note} SELECT id, gid, 'UPDATE', updated_on, deleted_with, '{{"status": "published", "deleted_with": null}}' FROM gone
"""
REMOVE = """
, leaving AS (
    {shown} SELECT DISTINCT p.id, p.gid, 'UPDATE'
    FROM taken JOIN {table} r ON r.id = taken.id CROSS JOIN LATERAL (VALUES {ups}) AS up (id) JOIN {table} p ON p.id = up.id
    WHERE p.id NOT IN (SELECT id FROM taken)
), gone AS (DELETE FROM {table} r USING taken WHERE r.id = taken.id RETURNING r.id, r.gid)
{unworded}{shown} SELECT id, gid, 'DELETE' FROM gone
"""
BACK = """
WITH RECURSIVE below (id, root, member) AS (
    SELECT r.id, r.deleted_with, r.id FROM {table} r WHERE r.id = ANY(%(ids)s)
    UNION ALL
    SELECT r.id, b.root, b.member FROM below b
    JOIN {table} r ON r.parent_id = b.id AND r.status = 'deleted' AND r.deleted_with = b.root
), wanted (id, member) AS (
    SELECT id, coalesce(max(member) FILTER (WHERE member = id), min(member))
    FROM (SELECT id, member FROM below {links}) found GROUP BY id
), placed AS (
    SELECT r.id, wanted.member, r.deleted_with, p.deleted_with AS other,
        p.status = 'deleted' AND p.id NOT IN (SELECT id FROM below) AS hidden
    FROM wanted JOIN {table} r ON r.id = wanted.id LEFT JOIN {table} p ON p.id = r.parent_id
), back AS (
    UPDATE {table} r SET updated_on = {stamp}, status = CASE WHEN placed.hidden THEN 'deleted' ELSE 'published' END,
        deleted_with = CASE WHEN placed.hidden THEN placed.other END
    FROM placed WHERE r.id = placed.id RETURNING r.id, r.gid, r.updated_on, placed.member, placed.deleted_with AS before
)
{note} SELECT id, gid, 'UPDATE', updated_on, member, jsonb_build_object('status', 'deleted', 'deleted_with', before) FROM back
"""
BACK_LINKS = """
    UNION ALL SELECT l.id, b.member FROM below b
    JOIN {table} l ON l.canonical_id = b.id AND l.status = 'deleted' AND l.deleted_with = b.root
"""


def _below(table: str, state: str) -> str:
    links = LINKS if table == RECORDS else NO_LINKS
    link_state = state.replace("r.", "l.")
    return BELOW.format(table=table, state=state) + links.format(table=table, state=link_state)


LIVE, GONE, ANY = "r.status = 'published'", "r.status = 'deleted'", "true"
REMEDY = "Take what is directly below it first (`children`), then the item itself."
WEIGH = "SELECT place, count(*) FROM taken GROUP BY place"


def weigh(work: Work, table: str, members: Sequence[Member], state: str) -> list[int]:
    """Return how many items each takes along, itself among them. What goes with an earlier one is not counted again.

    `state` says which of the items below, and of the links to any of them, are meant: LIVE, GONE or ANY.
    """
    ids = [member for member in members if isinstance(member, int)]
    sql = (_below(table, state) + WEIGH).format(table=table)
    found = dict(work.execute(sql, {"ids": ids})) if ids else {}
    weights = {member: found.get(place, 0) for place, member in enumerate(ids, 1)}
    return [weights.get(_id(member), 0) for member in members]


def too_heavy(weight: int) -> Refused | None:
    """Return why so many items cannot change with one, or None."""
    most = settings().limits.subtree
    if weight <= most:
        return None
    detail = f"{weight} items would change with it, and at most {most} may. {REMEDY}"
    return SubtreeTooLarge(detail, limit=most, actual=weight)


def delete(work: Work, table: str, members: Sequence[Member]) -> list[Done]:
    """Delete items softly, with all below them and the links to any of it, in this order.

    One that is deleted already fails alone; one that an earlier item took along is a noop.
    """
    nodes = load(work, table, members)
    ids = [member for member in members if isinstance(member, int) and not _undeletable(nodes.get(member), table)]
    if ids:
        statement = _below(table, LIVE) + DELETE
        work.execute(statement.format(table=table, stamp=STAMP, note=NOTE), {"ids": ids})
        note_parents(work, table)
    after = load(work, table, ids)
    return [_deleted(member, (nodes.get(_id(member)), after.get(_id(member))), table) for member in members]


def _id(member: Member) -> int:
    return member if isinstance(member, int) else 0


def _undeletable(node: Node | None, table: str) -> Refused | None:
    if node is None:
        return missing(table)
    if node.parent_id is None:
        return RootFixed("The root cannot be deleted.")
    return ItemDeleted("This is deleted already.", deleted_with=node.deleted_with) if node.deleted else None


def _deleted(member: Member, states: tuple[Node | None, Node | None], table: str) -> Done:
    before, after = states
    refused = _undeletable(before, table)
    if refused or before is None:
        return Done(before.gid if before else str(member), before.id if before else None, refused)
    along = after is not None and after.deleted_with != after.id
    return Done(before.gid, before.id, noop=along)


def undelete(work: Work, table: str, members: Sequence[Member]) -> list[Done]:
    """Take deletions back: what each took along comes back with it. A live one fails alone, and so does one below a deleted one.

    The order does not matter: an item whose parent is among the others comes after it.
    """
    before = now = load(work, table, members)
    back: set[int] = set()
    while ready := _ready(work, table, [node for node in now.values() if node.deleted and node.id not in back]):
        links = BACK_LINKS if table == RECORDS else ""
        work.execute(BACK.format(table=table, stamp=STAMP, note=NOTE, links=links.format(table=table)), {"ids": ready})
        back.update(ready)
        now = load(work, table, list(before))
    if back:
        note_parents(work, table)
    return [_undeleted(member, (before.get(_id(member)), now.get(_id(member))), _id(member) in back, table) for member in members]


def _ready(work: Work, table: str, nodes: Sequence[Node]) -> list[int]:
    """Return those whose parent is live."""
    parents = load(work, table, [node.parent_id for node in nodes if node.parent_id is not None]) if nodes else {}
    return [node.id for node in nodes if node.parent_id in parents and not parents[node.parent_id].deleted]


def _undeleted(member: Member, states: tuple[Node | None, Node | None], own: bool, table: str) -> Done:
    before, after = states
    if before is None or after is None:
        return Done(str(member), refused=missing(table))
    if not before.deleted:
        return Done(before.gid, before.id, NotDeleted("This is not deleted."))
    if after.deleted:
        return Done(before.gid, before.id, ParentDeleted("Its parent is deleted; undelete that first."))
    return Done(before.gid, before.id, noop=not own)


def permanent_delete(work: Work, table: str, members: Sequence[Member]) -> list[Done]:
    """Remove deleted items for good, with all below them and every link to any of it. A live one fails alone.

    One that an earlier item took along, or that is gone since its job was stored, is a noop.
    """
    nodes = load(work, table, members)
    ids = [node.id for node in nodes.values() if node.deleted and node.parent_id is not None]
    if ids:
        ups = "(r.parent_id), (r.canonical_id)" if table == RECORDS else "(r.parent_id)"
        statement = _below(table, ANY) + REMOVE
        unworded = UNWORDED.format(gone="taken") if table == RECORDS else ""
        work.execute(statement.format(table=table, shown=SHOWN, ups=ups, unworded=unworded), {"ids": ids})
    return [_removed(member, nodes.get(_id(member)), table) for member in members]


def check_removable(node: Node | None, table: str) -> Refused | None:
    """Return why an item cannot be removed for good, or None."""
    if node is None:
        return missing(table)
    if node.parent_id is None:
        return RootFixed("The root cannot be removed.")
    return None if node.deleted else NotDeleted("Only what is deleted can be removed for good.")


def _removed(member: Member, node: Node | None, table: str) -> Done:
    if node is None and isinstance(member, int):
        return Done(str(member), member, noop=True)
    return Done(node.gid if node else str(member), node.id if node else None, check_removable(node, table))
