"""Taking back what a job did to a project's records or assets: each goes back to its image, with all that changed along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from models.catalogue.changes import Done, Work
from models.catalogue.rewinding import rewind
from models.catalogue.rows import gids_of
from models.db import Session
from models.errors import Refused, VersionConflict
from models.identity.service import principal_of
from models.jobs.ledger import Chunk, Outcome
from models.operations import catalogue_images as images
from models.operations.catalogue_chunks import Item, carry_out, open_work, outcome
from models.operations.portions import fitting, portion

TOUCHED = "touched_since"
KEPT = "It, or all that was changed with it, was changed since by something else; it stays as it is."


def undo_over(table: str) -> Callable[[Session, Chunk], list[Outcome]]:
    """Return what takes back an operation over records or assets."""

    def undo(session: Session, chunk: Chunk) -> list[Outcome]:
        members = [int(raw) for raw in chunk.items]
        items = [Item(*each) for each in zip(chunk.indexes, members, chunk.lines, chunk.refs, strict=True)]
        try:
            work = open_work(session, principal_of(session, chunk.submitter_id), chunk)
        except Refused as refused:
            names = gids_of(session, table, members)
            return [outcome(item, Done(names.get(item.member, str(item.member)), None, refused), table) for item in items]
        chunk = portion(chunk, fitting(images.weigh(session, chunk.params["undoes"], members)))
        members, items = members[: len(chunk.items)], items[: len(chunk.items)]
        done = carry_out(work, chunk, table, lambda: _rewind(work, chunk, table, members))
        return [_outcome(item, one, table) for item, one in zip(items, done, strict=True)]

    return undo


def _rewind(work: Work, chunk: Chunk, table: str, members: Sequence[int]) -> list[Done]:
    """Put back what belongs to each member; what of it was touched since is listed with it."""
    job_id: int = chunk.params["undoes"]
    fill = images.of_members(job_id, members)
    done = rewind(work, table, fill, lambda parents: images.coming_back(work.session, table, job_id, parents))
    names = gids_of(work.session, table, members)
    ended = [done.get(member) or Done(str(member), member, noop=True) for member in members]
    return [replace(one, gid=names.get(member, one.gid)) for one, member in zip(ended, members, strict=True)]


def _outcome(item: Item, done: Done, table: str) -> Outcome:
    row = outcome(item, done, table)
    if not isinstance(done.refused, VersionConflict):
        return row
    return Outcome(item.index, "skipped", row.record_id, row.target, TOUCHED, None, KEPT, line=item.line, ref=item.ref)
