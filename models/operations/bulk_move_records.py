"""Hang records below another parent, with all that is below them."""

from models.catalogue import placing
from models.catalogue.changes import RECORDS
from models.operations.catalogue_chunks import TargetParams, checked, results, run_over, target_of, to_target
from models.operations.portions import everything
from models.operations.undo_catalogue import undo_over
from models.operations.verb import Verb

run = run_over(RECORDS, to_target(lambda work, _, members, target: placing.move(work, members, target)), everything)
VERB = Verb("bulk_move_records", TargetParams, run, results, undo=undo_over(RECORDS), check=checked(target_of), apart=True)
