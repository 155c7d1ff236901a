"""Take deletions of assets back, with all that each took along."""

from models.catalogue import asset_tree
from models.catalogue.changes import ASSETS
from models.operations.catalogue_chunks import results, run_over
from models.operations.portions import gone
from models.operations.undo_catalogue import undo_over
from models.operations.verb import SelectionParams, Verb

run = run_over(ASSETS, lambda work, _, members: asset_tree.undelete(work, members), gone)
VERB = Verb("bulk_undelete_assets", SelectionParams, run, results, undo=undo_over(ASSETS))
