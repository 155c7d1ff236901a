"""Merge the same evidence into each of a selection's records, and publish them where asked (contract sections 5, 6 and 12)."""

from marshmallow import fields

from models.operations.bulk_publish_classifications import level
from models.operations.classification_chunks import RecordParams, run_template
from models.operations.classification_outcomes import results
from models.operations.undo_classifications import undo
from models.operations.verb import Verb


class Params(RecordParams):
    """`patch` is an evidence object as in a single operation."""

    patch = fields.Dict(keys=fields.String(), required=True)
    publish = fields.Raw(validate=level)
    editable = fields.Boolean(truthy={True}, falsy={False})
    source = fields.String()


def template(params: dict[str, object]) -> dict[str, object]:
    """Return the members that each operation has beside its id."""
    return {name: params[name] for name in ("patch", "publish", "editable", "source") if params.get(name) is not None}


VERB = Verb("bulk_patch_classifications", Params, run_template(template), results, undo=undo)
