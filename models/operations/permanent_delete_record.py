"""Remove one deleted record for good, as a job: there may be much below it."""

from models.operations.bulk_permanent_delete_records import FINAL, run
from models.operations.catalogue_chunks import results
from models.operations.verb import NoParams, Verb

VERB = Verb("permanent_delete_record", NoParams, run, results, over_selection=False, final=FINAL)
