"""Put assets into another folder, with all that is in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from models.catalogue import asset_tree, assets
from models.catalogue.changes import ASSETS, Done, Work
from models.catalogue.rows import AssetNode, Member, find_ids, load_assets
from models.jobs.ledger import Chunk
from models.operations.catalogue_chunks import checked, results, run_over
from models.operations.portions import everything
from models.operations.undo_catalogue import undo_over
from models.operations.verb import SelectionParams, Verb


class Params(SelectionParams):
    """`parent` is the gid of a folder."""

    parent = fields.String(required=True)


def decide(work: Work, chunk: Chunk, members: Sequence[Member]) -> list[Done]:
    """Move the members."""
    return asset_tree.move(work, members, _folder(work, chunk.params))


def _folder(work: Work, params: Mapping[str, Any]) -> AssetNode:
    found = find_ids(work.session, work.project.id, ASSETS, [params["parent"]])
    return assets.folder(next(iter(load_assets(work, found.values()).values()), None))


VERB = Verb(
    "bulk_move_assets", Params, run_over(ASSETS, decide, everything), results, undo=undo_over(ASSETS), check=checked(_folder)
)
