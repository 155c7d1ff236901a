"""Operations as they were sent: any mix of create, patch, overwrite, upsert, delete and publish (contract section 17)."""

from models.operations.classification_chunks import run_sent
from models.operations.classification_outcomes import results
from models.operations.undo_classifications import undo
from models.operations.verb import NoParams, Verb

VERB = Verb("bulk_classifications", NoParams, run_sent, results, over_selection=False, undo=undo)
