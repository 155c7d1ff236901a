"""Set channels of a selection's records on or off."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from models.catalogue import channels
from models.catalogue.changes import RECORDS, Done, Work
from models.catalogue.rows import Member
from models.jobs.ledger import Chunk
from models.operations.catalogue_chunks import checked, results, run_over
from models.operations.undo_catalogue import undo_over
from models.operations.verb import SelectionParams, Verb


class Params(SelectionParams):
    """`channels` are keys; `enabled` says whether they are set on or off."""

    channels = fields.List(fields.String(), required=True)
    enabled = fields.Boolean(truthy={True}, falsy={False}, required=True)


def decide(work: Work, chunk: Chunk, members: Sequence[Member]) -> list[Done]:
    """Set the members' channels."""
    return channels.set_channels(work, members, _keys(work, chunk.params), enabled=chunk.params["enabled"])


def _keys(work: Work, params: Mapping[str, Any]) -> list[str]:
    return channels.check_channels(work, params["channels"], setting=params["enabled"])


run = run_over(RECORDS, decide)
VERB = Verb("bulk_channels_set_records", Params, run, results, undo=undo_over(RECORDS), check=checked(_keys), apart=True)
