"""Take deletions of records back, with all that each took along."""

from models.catalogue import tree
from models.catalogue.changes import RECORDS
from models.operations.catalogue_chunks import results, run_over
from models.operations.portions import gone
from models.operations.undo_catalogue import undo_over
from models.operations.verb import SelectionParams, Verb

run = run_over(RECORDS, lambda work, _, members: tree.undelete(work, RECORDS, members), gone)
VERB = Verb("bulk_undelete_records", SelectionParams, run, results, undo=undo_over(RECORDS))
