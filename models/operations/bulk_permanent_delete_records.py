"""Remove deleted records for good, with all that is below them and every link to any of it. This is not undone."""

from models.catalogue import tree
from models.catalogue.changes import RECORDS
from models.operations.catalogue_chunks import results, run_over
from models.operations.portions import everything
from models.operations.verb import SelectionParams, Verb

FINAL = "What is removed for good is kept nowhere; what is only deleted can come back."
run = run_over(RECORDS, lambda work, _, members: tree.permanent_delete(work, RECORDS, members), everything)
VERB = Verb("bulk_permanent_delete_records", SelectionParams, run, results, final=FINAL)
