"""Make records as they were sent, parents before their children; a parent is named by gid, or by the ref of an earlier item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from marshmallow import Schema, fields

from models import ids
from models.catalogue.changes import RECORDS, Done, Work
from models.catalogue.creating import Asked, create_many
from models.catalogue.rows import Member
from models.db import Session, driver
from models.errors import InvalidRecord, Refused
from models.jobs.ledger import Chunk, Outcome
from models.operations.catalogue_chunks import results, run_members
from models.operations.undo_catalogue import undo_over
from models.operations.verb import Verb
from models.settings import settings
from models.strictness import decode_strict

MADE = """
SELECT ref, record_id FROM outcomes
WHERE job_id = %s AND ref = ANY(%s) AND status IN ('succeeded', 'noop') AND record_id IS NOT NULL
"""


class Params(Schema):
    """`test` tells what would become of each item, and writes nothing."""

    test = fields.Boolean(truthy={True}, falsy={False})


def run(session: Session, chunk: Chunk) -> list[Outcome]:
    """Make the records of a chunk."""
    gids = [ids.derived_id(chunk.token, index) for index in chunk.indexes]
    return run_members(session, chunk, RECORDS, (gids, _decide, None))


def _decide(work: Work, chunk: Chunk, gids: Sequence[Member]) -> list[Done]:
    asked = [Asked(_sent(raw), str(gid), ref) for raw, gid, ref in zip(chunk.items, gids, chunk.refs, strict=True)]

    def find_refs(refs: Iterable[str]) -> Mapping[str, int]:
        wanted = list(refs)
        return dict(driver(work.session).execute(MADE, (chunk.claim.job_id, wanted)).fetchall()) if wanted else {}

    return create_many(work, asked, find_refs, settings().limits)


def _sent(raw: bytes) -> Mapping[str, Any] | Refused:
    try:
        sent = decode_strict(raw, settings().limits)
    except Refused as refused:
        return refused
    return sent if isinstance(sent, dict) else InvalidRecord("A record is an object.")


VERB = Verb("bulk_create_records", Params, run, results, over_selection=False, undo=undo_over(RECORDS))
