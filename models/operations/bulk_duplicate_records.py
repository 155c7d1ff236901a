"""Copy records, without what is below them, to right after themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from models.catalogue import placing
from models.catalogue.changes import RECORDS, Done, Work
from models.catalogue.orderings import check_ordering
from models.catalogue.rows import Member
from models.jobs.ledger import Chunk
from models.operations.catalogue_chunks import checked, new_gids, results, run_over
from models.operations.undo_catalogue import undo_over
from models.operations.verb import SelectionParams, Verb


class Params(SelectionParams):
    """`ordering` is the one in which a copy comes right after its original; in others it is the last. Without: in all of them."""

    ordering = fields.String(allow_none=True)


def decide(work: Work, chunk: Chunk, members: Sequence[Member]) -> list[Done]:
    """Duplicate the members."""
    return placing.duplicate(work, members, _ordering(work, chunk.params), new_gids(chunk, members))


def _ordering(work: Work, params: Mapping[str, Any]) -> str | None:
    return check_ordering(work, params.get("ordering"))


run = run_over(RECORDS, decide)
VERB = Verb("bulk_duplicate_records", Params, run, results, undo=undo_over(RECORDS), check=checked(_ordering), apart=True)
