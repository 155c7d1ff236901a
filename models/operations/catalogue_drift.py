"""Which members of a project's chunk are not what was frozen, and which of them are left alone for it.

What the job itself has changed meanwhile is no drift: deleting one record takes along others, which may be members too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from models.catalogue.changes import Work
from models.catalogue.rows import Member
from models.jobs.frozen import Drift, find_changes, note_drifts
from models.jobs.ledger import Chunk
from models.operations import catalogue_images as images
from models.selection.catalogue_spaces import read_selection, space_of
from models.selection.resolve import still_named
from models.selection.spaces import Space

CURRENT = "SELECT id, updated_on FROM {moments} WHERE id = ANY(%s)"  # nobody else writes: the project is locked


def find_drifted(work: Work, chunk: Chunk, kind: str, members: Sequence[Member]) -> Mapping[Member, Drift]:
    """Note what has changed since the members were frozen; return by id which of them are to be skipped.

    Under `on_drift: skip` these are the members that the selection would not name any more; under a plan all that have changed.
    """
    if not chunk.selection:
        return {}
    space = space_of(kind, work.project, work.schema)
    drifts = _foreign(
        work, chunk, space, find_changes(work.session, members, chunk.moments, CURRENT.format(moments=space.moments))
    )
    skipping, planned = chunk.params.get("on_drift") == "skip", bool(chunk.params.get("plan_token"))
    places = {member: place for place, member in enumerate(members) if isinstance(member, int)}
    for item_id in _unmatched(work, chunk, space, list(places) if skipping else [*drifts]):
        if item_id not in drifts or drifts[item_id].change != "gone":
            drifts[item_id] = replace(drifts.get(item_id) or Drift(places[item_id], item_id, ""), change="unmatched")
    note_drifts(work.session, chunk.claim.job_id, [replace(row, index=chunk.indexes[row.index]) for row in drifts.values()])
    return {key: row for key, row in drifts.items() if planned or (skipping and row.change != "changed")}


def _foreign(work: Work, chunk: Chunk, space: Space, drifts: Mapping[int, Drift]) -> dict[int, Drift]:
    """Leave out what an earlier chunk of the job changed, and nobody since."""
    own = images.own_touches(work.session, chunk.claim.job_id, space.table, list(drifts))
    return {key: row for key, row in drifts.items() if key not in own or row.found_on not in (None, own[key])}


def _unmatched(work: Work, chunk: Chunk, space: Space, item_ids: Sequence[int]) -> Iterable[int]:
    if not item_ids:
        return ()
    selection = read_selection(chunk.selection, space, allow_all=True)
    return set(item_ids) - still_named(work.session, space, selection, item_ids)
