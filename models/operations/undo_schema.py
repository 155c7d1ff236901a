"""Taking back what a job did to a project's schema: each member goes back with its working copy and layouts, records follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from models.catalogue.changes import Work
from models.catalogue.drafts import Draft
from models.catalogue.rows import Member
from models.catalogue.schema_rewinding import Image, rewind
from models.db import Session
from models.errors import Refused
from models.identity.service import principal_of
from models.jobs.ledger import Chunk, Outcome
from models.operations import schema_images as images
from models.operations.catalogue_chunks import open_work
from models.operations.undo_catalogue import TOUCHED

Faults = Mapping[int, Refused]


def undo(session: Session, chunk: Chunk) -> list[Outcome]:
    """Take back a chunk of definitions, classes and fields."""
    members = [int(raw) for raw in chunk.items]
    try:
        work = open_work(session, principal_of(session, chunk.submitter_id), chunk)
    except Refused as refused:
        return [_failed(index, member, refused) for index, member in zip(chunk.indexes, members, strict=True)]
    found = images.of_members(session, chunk.params["undoes"], members)
    faults, kept = _rewind(work, chunk, found)
    names = _names(work, found)
    each = zip(chunk.indexes, members, strict=True)
    return [_outcome(index, member, (names.get(member, str(member)), faults, kept)) for index, member in each]


def _rewind(work: Work, chunk: Chunk, found: Sequence[Image]) -> tuple[Faults, list[str]]:
    """Put back what can be; return why the others stay, and the records that keep what they say."""
    draft = Draft(work.schema)
    present = images.present(work.session, found)
    refused = rewind(draft, found, present, lambda ids: images.users(work.session, list(ids)))
    gids = {image.item_id: str(image.row["gid"]) for image in found if image.row} | dict(present.gids)
    members = {gids[image.item_id]: image.member_id for image in found if image.item_id in gids}
    kept = images.kept_records(work.session, chunk.params["undoes"])
    images.keep_and_store(work, chunk, draft, members, undoes=chunk.params["undoes"])
    return refused, kept


def _names(work: Work, found: Sequence[Image]) -> dict[Member, str]:
    known: dict[Member, str] = {item_id: item.gid for item_id, item in work.schema.by_id.items()}
    return known | {image.item_id: str(image.row["gid"]) for image in found if image.row}


def _outcome(index: int, member: int, known: tuple[str, Faults, Sequence[str]]) -> Outcome:
    gid, faults, kept = known
    fault = faults.get(member)
    if fault:
        return Outcome(index, "skipped", member, gid, TOUCHED, None, fault.detail)
    info = {"item": gid} | ({"kept": kept, "kept.size": len(kept)} if kept else {})
    return Outcome(index, "succeeded", member, gid, info=msgspec.json.encode(info))


def _failed(index: int, member: int, refused: Refused) -> Outcome:
    return Outcome(index, "failed", member, str(member), refused.code, refused.pointer, refused.detail)
