"""Copy records, without what is below them, to below a parent."""

from models.catalogue import placing
from models.catalogue.changes import RECORDS
from models.operations.catalogue_chunks import TargetParams, checked, new_gids, results, run_over, target_of, to_target
from models.operations.undo_catalogue import undo_over
from models.operations.verb import Verb

run = run_over(
    RECORDS, to_target(lambda work, chunk, members, target: placing.shallow_copy(work, members, target, new_gids(chunk, members)))
)
VERB = Verb(
    "bulk_shallow_copy_records", TargetParams, run, results, undo=undo_over(RECORDS), check=checked(target_of), apart=True
)
