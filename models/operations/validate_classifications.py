"""A trial of operations as they were sent: each ends as it would, after what those before it would have made; nothing stays."""

from models.operations.classification_chunks import run_tried
from models.operations.classification_outcomes import results
from models.operations.verb import NoParams, Verb

VERB = Verb("validate_classifications", NoParams, run_tried, results, over_selection=False)
