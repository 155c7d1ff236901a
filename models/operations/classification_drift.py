"""Which members of a chunk are not what was frozen, and which of them are left alone for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from models.db import Session
from models.identity.principal import Principal
from models.jobs.frozen import Drift, find_changes, note_drifts
from models.jobs.ledger import Chunk
from models.selection import resolve
from models.selection.grammar import Selection, parse_selection
from models.selection.search import FACE

REMEMBERED = 4  # parsed selections: those of the jobs that this process works on in turn
_parsed: OrderedDict[UUID, Selection] = OrderedDict()


def selection_of(chunk: Chunk) -> Selection:
    """Return the selection of a chunk's job, parsed once for all of its chunks: it may have a hundred thousand ids."""
    selection = _parsed.pop(chunk.token, None) or parse_selection(chunk.selection, FACE, allow_all=True)
    _parsed[chunk.token] = selection
    while len(_parsed) > REMEMBERED:
        _parsed.popitem(last=False)
    return selection


def find_drifted(session: Session, chunk: Chunk, principal: Principal, members: Sequence[Any]) -> Mapping[int, Drift]:
    """Note what has changed since the members were frozen; return by record which of them are to be skipped.

    Under `on_drift: skip` these are the members that the selection would not name any more; under a plan all that have changed.
    """
    drifts = find_changes(session, members, chunk.moments)
    skipping, planned = chunk.params.get("on_drift") == "skip", bool(chunk.params.get("plan_token"))
    places = {member: place for place, member in enumerate(members) if isinstance(member, int)}
    asked = [rid for rid in (places if skipping else drifts) if rid not in drifts or drifts[rid].change != "gone"]
    if asked:
        matching = resolve.matching(session, principal, selection_of(chunk), asked)
        for rid in asked:
            if rid not in matching:
                drifts[rid] = replace(drifts.get(rid) or Drift(places[rid], rid, "unmatched"), change="unmatched")
    note_drifts(session, chunk.claim.job_id, [replace(row, index=chunk.indexes[row.index]) for row in drifts.values()])
    return {rid: row for rid, row in drifts.items() if planned or (skipping and row.change != "changed")}
