"""Drop working copies, with their layouts."""

from models.catalogue import states
from models.operations.schema_chunks import results, run_over_schema
from models.operations.undo_schema import undo
from models.operations.verb import SelectionParams, Verb

VERB = Verb("bulk_revert_schema_items", SelectionParams, run_over_schema(states.revert), results, undo=undo)
