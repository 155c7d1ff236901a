"""Publish a selection's records at a share level (contract section 12)."""

from marshmallow import ValidationError, fields

from models.classifications.sharing import parse_level
from models.errors import Refused
from models.operations.classification_chunks import RecordParams, run_template
from models.operations.classification_outcomes import results
from models.operations.undo_classifications import undo
from models.operations.verb import Verb


def level(value: object) -> None:
    """Refuse what is no share level that publishing knows."""
    try:
        known = parse_level(value)
    except Refused as refused:
        raise ValidationError(refused.detail) from refused
    if known is None:
        raise ValidationError("Publishing needs a share level above the user's own.")


class Params(RecordParams):
    """`publish` is a share level in any of its spellings."""

    publish = fields.Raw(required=True, validate=level)


def template(params: dict[str, object]) -> dict[str, object]:
    """Return the members that each operation has beside its id."""
    return {"publish": params["publish"]}


VERB = Verb("bulk_publish_classifications", Params, run_template(template), results, undo=undo)
