"""Give a selection's records another definition; values of fields that it has too are kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from models.catalogue import saying
from models.catalogue.changes import RECORDS, Done, Work
from models.catalogue.rows import Member
from models.catalogue.schema_items import Item
from models.jobs.ledger import Chunk
from models.operations.catalogue_chunks import checked, results, run_over
from models.operations.undo_catalogue import undo_over
from models.operations.verb import SelectionParams, Verb


class Params(SelectionParams):
    """`definition` is a gid."""

    definition = fields.String(required=True)


def decide(work: Work, chunk: Chunk, members: Sequence[Member]) -> list[Done]:
    """Set the members' definition."""
    return saying.set_definition(work, members, _definition(work, chunk.params))


def _definition(work: Work, params: Mapping[str, Any]) -> Item:
    return saying.get_definition(work, params["definition"])


run = run_over(RECORDS, decide)
VERB = Verb("bulk_definition_set_records", Params, run, results, undo=undo_over(RECORDS), check=checked(_definition))
