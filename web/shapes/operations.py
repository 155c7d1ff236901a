"""What a client sends and the core reads: operations, and selections of records."""

from __future__ import annotations

from itertools import combinations

from models.classifications.sharing import SPELLINGS
from models.jobs.values import FASTEST
from web.shapes.places import PART, RID
from web.shapes.words import EVIDENCE, SHORT, TEXT, Shape, many, null, obj, ref

LAB = r"^[A-Za-z0-9_-]{1,50}/[A-Za-z0-9_-]{1,50}$"
NAMED = r"^[A-Za-z0-9_-]{1,50}/[A-Za-z0-9_-]{1,50}/[A-Za-z0-9_-]{1,50}$"
LEVELS: Shape = {"anyOf": [{"type": "string", "enum": sorted(SPELLINGS)}, {"type": "integer", "minimum": 0, "maximum": 4}]}
NAMES: list[Shape] = [
    {"type": "string", "pattern": RID},
    {"type": "string", "pattern": NAMED},
    {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    obj({"lab_id": PART | {"pattern": LAB}, "lab_record_id": PART}) | {"additionalProperties": False},
]
LAB_ALONE: Shape = obj({"lab_id": PART | {"pattern": LAB}}) | {"additionalProperties": False}
WIDER = [name for name, level in SPELLINGS.items() if level]
TRUTHY: Shape = {"description": "Anything that is true."}
REF: Shape = {"type": "string", "maxLength": 200, "pattern": r"^[^\x00\ud800-\udfff]*$"}
BESIDE: dict[str, Shape] = {
    "publish": {"anyOf": [{"type": "string", "enum": sorted(WIDER)}, {"type": "integer", "minimum": 1, "maximum": 4}]},
    "patch": EVIDENCE,
    "return_data": {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["flat", "changes"]}]},
    "source": {"enum": ["api", "form", "consensus"]},
}
OPERATION: dict[str, Shape] = {
    **{name: {"anyOf": [shape, {"type": "null"}]} for name, shape in BESIDE.items() if name in ("return_data", "source")},
    "publish": {"anyOf": [LEVELS, {"type": "null"}]},
    "delete": {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["withdraw"]}, {"type": "null"}]},
    "test": TRUTHY,
    "editable": TRUTHY,
    "config": TRUTHY,
    "if_version": {"type": ["number", "null"], "minimum": 0, "maximum": 10**10, "description": "The version it must still have."},
    "ref": {"anyOf": [REF, {"type": ["integer", "null"]}], "description": "Comes back with the item's outcome."},
    "group": {"anyOf": [REF, {"type": ["integer", "null"]}], "description": "All operations of a group are applied, or none."},
}
VERBS = ("create", "patch", "patch-empty", "overwrite", "upsert", "data")
PACE: Shape = {
    "type": ["integer", "null"], "minimum": 1, "maximum": FASTEST, "description": "Items a second; null is as fast as it goes.",
}  # fmt: skip
RUN: dict[str, Shape] = {
    "import_id": null(SHORT),
    "status": {"enum": ["complete", None]},
    "tags": null(many(SHORT) | {"maxItems": 20}),
    "atomic": {"type": ["boolean", "null"], "description": "All operations are applied, or none."},
    "pace": PACE,
}


def _operation(members: dict[str, Shape], required: list[str]) -> Shape:
    """Return an operation: what a client may send are members of one object, of which two are never there together."""
    two: list[Shape] = [{"required": list(pair)} for pair in combinations(VERBS, 2)]
    evidence = dict.fromkeys(VERBS, EVIDENCE)
    return {"type": "object", "properties": members | evidence, "required": required, "not": {"anyOf": two}}


SHAPES: dict[str, Shape] = {
    "Evidence": {"type": "object", "description": "Evidence key -> value, or an object with value, note, explain."},
    "Id": {"anyOf": [*NAMES, LAB_ALONE]},
    "Member": {"anyOf": NAMES},
    "Operation": _operation({"id": ref("Id"), **OPERATION}, ["id"]),
    "OperationOnRecord": _operation({"id": {"type": "null"}, **OPERATION}, []),
    "Item": {"anyOf": [ref("Operation"), {"description": "What is no operation fails by itself and harms no other item."}]},
    "Records": obj({"records": many(ref("Item"))}, optional=RUN) | {"additionalProperties": False},
    "Operations": {"anyOf": [ref("Operation"), ref("Records"), many(ref("Item"))]},
    "OperationsOnRecord": {"anyOf": [ref("OperationOnRecord"), ref("Records"), many(ref("Item"))]},
    "Trial": {"anyOf": [ref("Records"), many(ref("Item"))]},
    "Selection": {
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [ref("Member"), ref("Search")]},
        "description": "Ids and searches, in this order; a record named twice counts at its first place.",
    },
    "Search": obj(
        {"search": obj({}, optional={"q": TEXT, "filter": {"type": "array", "items": {}}}) | {"additionalProperties": False}},
        optional={"exclude": many(ref("Member"))},
    )
    | {"additionalProperties": False},
}  # fmt: skip
