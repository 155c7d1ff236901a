"""Publish records: deleted ones come back with all that went along, and all are set on in the channels that are named."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from marshmallow import fields

from models.catalogue import channels, tree
from models.catalogue.changes import RECORDS, Done, Work
from models.catalogue.rows import Member
from models.errors import NotDeleted
from models.jobs.ledger import Chunk
from models.operations.catalogue_chunks import checked, results, run_over
from models.operations.portions import gone
from models.operations.undo_catalogue import undo_over
from models.operations.verb import SelectionParams, Verb


class Params(SelectionParams):
    """`channels` are keys, none by default."""

    channels = fields.List(fields.String(), allow_none=True)


def decide(work: Work, chunk: Chunk, members: Sequence[Member]) -> list[Done]:
    """Publish the members."""
    keys = _keys(work, chunk.params)
    back = [_published(done) for done in tree.undelete(work, RECORDS, members)]
    live = channels.set_channels(work, members, keys, enabled=True)
    return [one if one.refused or set_on.noop else replace(one, noop=False) for one, set_on in zip(back, live, strict=True)]


def _published(done: Done) -> Done:
    return replace(done, refused=None, noop=True) if isinstance(done.refused, NotDeleted) else done


def _keys(work: Work, params: Mapping[str, Any]) -> list[str]:
    return channels.check_channels(work, params.get("channels") or [])


run = run_over(RECORDS, decide, gone)
VERB = Verb("bulk_publish_records", Params, run, results, undo=undo_over(RECORDS), check=checked(_keys))
