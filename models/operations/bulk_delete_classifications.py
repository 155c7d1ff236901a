"""Delete a selection's records: those never shared go for good, shared ones are withdrawn (contract section 13)."""

from marshmallow import fields, validate

from models.operations.classification_chunks import RecordParams, run_template
from models.operations.classification_outcomes import results
from models.operations.undo_classifications import undo
from models.operations.verb import Verb

REASONS = ("SHARED_BY_MISTAKE", "DUPLICATE", "SENSITIVE_DATA", "OTHER")


class Params(RecordParams):
    """`delete_reason` is kept with a withdrawal."""

    delete_reason = fields.String(validate=validate.OneOf(REASONS))


def template(params: dict[str, object]) -> dict[str, object]:
    """Return the members that each operation has beside its id."""
    return {"delete": True, "delete_reason": params.get("delete_reason")}


VERB = Verb("bulk_delete_classifications", Params, run_template(template), results, undo=undo)
