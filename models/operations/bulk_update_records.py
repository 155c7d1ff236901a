"""Give each of a selection's records the same values for some of its fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from models.catalogue import saying
from models.catalogue.changes import RECORDS, Done, Work
from models.catalogue.fields import check_languages
from models.catalogue.project import Project
from models.catalogue.rows import Member
from models.db import Session
from models.jobs.ledger import Chunk
from models.operations.catalogue_chunks import results, run_over
from models.operations.undo_catalogue import undo_over
from models.operations.verb import SelectionParams, Verb


class Params(SelectionParams):
    """`fields` is an object of languages, each an object of values by the name or gid of a field, as in a single update."""

    sent = fields.Dict(keys=fields.String(), required=True, data_key="fields", attribute="fields")


def decide(work: Work, chunk: Chunk, members: Sequence[Member]) -> list[Done]:
    """Update the members."""
    return saying.update(work, members, check_languages(chunk.params["fields"], work.project.languages))


def check(_session: Session, project: Project, params: Mapping[str, Any]) -> None:
    """Refuse languages that the project has not."""
    check_languages(params["fields"], project.languages)


VERB = Verb("bulk_update_records", Params, run_over(RECORDS, decide), results, undo=undo_over(RECORDS), check=check)
