"""Delete records softly, with all that is below them and the links to any of it."""

from models.catalogue import tree
from models.catalogue.changes import RECORDS
from models.operations.catalogue_chunks import results, run_over
from models.operations.portions import live
from models.operations.undo_catalogue import undo_over
from models.operations.verb import SelectionParams, Verb

run = run_over(RECORDS, lambda work, _, members: tree.delete(work, RECORDS, members), live)
VERB = Verb("bulk_delete_records", SelectionParams, run, results, undo=undo_over(RECORDS))
