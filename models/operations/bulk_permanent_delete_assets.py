"""Remove deleted assets for good, with all that is in them. This is not undone."""

from models.catalogue import asset_tree
from models.catalogue.changes import ASSETS
from models.operations.bulk_permanent_delete_records import FINAL
from models.operations.catalogue_chunks import results, run_over
from models.operations.portions import everything
from models.operations.verb import SelectionParams, Verb

run = run_over(ASSETS, lambda work, _, members: asset_tree.permanent_delete(work, members), everything)
VERB = Verb("bulk_permanent_delete_assets", SelectionParams, run, results, final=FINAL)
