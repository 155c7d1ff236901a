"""Where assets are: moving them, taking deletions back, removing them for good."""

from __future__ import annotations

from collections.abc import Sequence

from models.catalogue import asset_bytes, tree
from models.catalogue.assets import BELOW, names_in
from models.catalogue.changes import ASSETS, NOTE, SHOWN, STAMP, Done, Work, note_parents
from models.catalogue.rows import AssetNode, Member, load_assets, missing
from models.errors import Cycle, ItemDeleted, NameTaken, Refused, RootFixed

MOVE = """
WITH wanted AS (SELECT id FROM unnest(%(ids)s::bigint[]) AS wanted (id)),
leaving AS (
    {shown} SELECT DISTINCT p.id, p.gid, 'UPDATE'
    FROM wanted JOIN assets r ON r.id = wanted.id JOIN assets p ON p.id = r.parent_id
), before AS (SELECT r.id, r.parent_id FROM wanted JOIN assets r ON r.id = wanted.id),
moved AS (
    UPDATE assets r SET parent_id = %(parent)s, updated_on = {stamp} FROM wanted WHERE r.id = wanted.id
    RETURNING r.id, r.gid, r.updated_on
)
{note} SELECT m.id, m.gid, 'UPDATE', m.updated_on, m.id, jsonb_build_object('parent_id', b.parent_id)
FROM moved m JOIN before b ON b.id = m.id
"""
ABOVE = """
WITH RECURSIVE up (id, parent_id) AS (
    SELECT id, parent_id FROM assets WHERE id = %(id)s
    UNION ALL SELECT p.id, p.parent_id FROM up JOIN assets p ON p.id = up.parent_id
) SELECT id FROM up
"""
BYTES = """
WITH RECURSIVE below (id) AS (
    SELECT id FROM assets WHERE id = ANY(%(ids)s) AND status = 'deleted'
    UNION ALL SELECT r.id FROM below b JOIN assets r ON r.parent_id = b.id
) SELECT DISTINCT r.body->'info'->>'key' FROM below JOIN assets r ON r.id = below.id WHERE r.is_file
"""
CLASHES = """
SELECT r.id FROM assets r WHERE r.id = ANY(%(ids)s) AND EXISTS (
    SELECT FROM assets o WHERE o.parent_id = r.parent_id AND o.name = r.name AND o.id <> r.id AND (
        o.status = 'published' OR (o.id = ANY(%(ids)s) AND o.id < r.id)))
"""


def move(work: Work, members: Sequence[Member], parent: AssetNode) -> list[Done]:
    """Put assets into another folder, with all that is in them."""
    nodes = load_assets(work, members)
    above = {row[0] for row in work.execute(ABOVE, {"id": parent.id})}
    taken = names_in(work, parent.id)
    able: list[int] = []
    done = [_moved(nodes.get(member) if isinstance(member, int) else None, (member, parent, above), taken) for member in members]
    able = [one.item_id for one in done if one.item_id is not None and one.status == "succeeded"]
    if able:
        work.execute(MOVE.format(note=NOTE, shown=SHOWN, stamp=STAMP), {"ids": able, "parent": parent.id})
        work.execute(BELOW.format(shown=SHOWN), {"ids": able})
        note_parents(work, ASSETS)
    return done


def _moved(node: AssetNode | None, within: tuple[Member, AssetNode, set[int]], taken: set[str]) -> Done:
    """Decide on one asset; a name that it brings is taken for those after it."""
    member, parent, above = within
    refused: Refused | None = None
    if node is None:
        return Done(str(member), None, missing(ASSETS))
    if node.deleted:
        refused = ItemDeleted("The asset is deleted.")
    elif node.parent_id is None:
        refused = RootFixed("The root cannot be moved.")
    elif node.id in above:
        refused = Cycle("A folder cannot be put into itself.")
    elif node.parent_id == parent.id:
        return Done(node.gid, node.id, noop=True)
    elif node.name in taken:
        refused = NameTaken("Something in this folder has the name.")
    else:
        taken.add(node.name)
    return Done(node.gid, node.id, refused)


def undelete(work: Work, members: Sequence[Member]) -> list[Done]:
    """Take deletions back. One whose name is taken meanwhile fails alone."""
    ids = [member for member in members if isinstance(member, int)]
    clashing = {row[0] for row in work.execute(CLASHES, {"ids": ids})}
    nodes = load_assets(work, clashing)
    refused = {key for key, node in nodes.items() if node.deleted}
    done = iter(tree.undelete(work, ASSETS, [member for member in members if member not in refused]))
    return [_clashing(nodes[member]) if member in refused else next(done) for member in members]


def _clashing(node: AssetNode) -> Done:
    return Done(node.gid, node.id, NameTaken("Something in the same folder has the name meanwhile."))


def permanent_delete(work: Work, members: Sequence[Member]) -> list[Done]:
    """Remove deleted assets for good; their bytes are removed once this is committed."""
    ids = [member for member in members if isinstance(member, int)]
    keys = [row[0] for row in work.execute(BYTES, {"ids": ids}) if row[0]]
    done = tree.permanent_delete(work, ASSETS, members)
    asset_bytes.leave(work.session, keys)
    return done
