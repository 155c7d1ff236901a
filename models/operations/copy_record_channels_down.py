"""Make channels of all that is below a record be as the record's own."""

from collections.abc import Sequence

from marshmallow import Schema, fields

from models.catalogue import channels
from models.catalogue.changes import RECORDS, Done, Work
from models.catalogue.rows import Member
from models.jobs.ledger import Chunk
from models.operations.catalogue_chunks import results, run_over
from models.operations.portions import live
from models.operations.undo_catalogue import undo_over
from models.operations.verb import Verb


class Params(Schema):
    """`channels` are keys, all of the project's by default."""

    channels = fields.List(fields.String(), allow_none=True)


def decide(work: Work, chunk: Chunk, members: Sequence[Member]) -> list[Done]:
    """Copy the member's channels to all below."""
    return channels.copy_down(work, members, channels.check_channels(work, chunk.params.get("channels")))


run = run_over(RECORDS, decide, live)
VERB = Verb("copy_record_channels_down", Params, run, results, over_selection=False, undo=undo_over(RECORDS))
