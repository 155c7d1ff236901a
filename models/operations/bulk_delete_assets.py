"""Delete assets softly, with all that is in them."""

from models.catalogue import tree
from models.catalogue.changes import ASSETS
from models.operations.catalogue_chunks import results, run_over
from models.operations.portions import live
from models.operations.undo_catalogue import undo_over
from models.operations.verb import SelectionParams, Verb

run = run_over(ASSETS, lambda work, _, members: tree.delete(work, ASSETS, members), live)
VERB = Verb("bulk_delete_assets", SelectionParams, run, results, undo=undo_over(ASSETS))
