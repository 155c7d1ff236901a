"""Make working copies originals of their own."""

from models.catalogue import states
from models.operations.schema_chunks import results, run_over_schema
from models.operations.undo_schema import undo
from models.operations.verb import SelectionParams, Verb

VERB = Verb("bulk_save_as_new_schema_items", SelectionParams, run_over_schema(states.save_as_new), results, undo=undo)
