"""The shapes of what goes out, and of what a client sends but the core reads: data for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from models.classifications.sharing import SPELLINGS
from models.classifications.state import Status
from models.jobs.values import JobOutcome, JobStatus

Shape = dict[str, Any]
INTRODUCTION = (
    "Records in bulk: a submission becomes a job whose every item ends with exactly one outcome. Every error is a problem "
    "document (RFC 9457) with a stable `code`. The record API is also served without a version and below /variantclassification."
)
TEXT: Shape = {"type": "string"}
COUNT: Shape = {"type": "integer", "minimum": 0}
TOKEN: Shape = {"type": "string", "format": "uuid"}
MOMENT: Shape = {"type": "string", "format": "date-time"}
EVIDENCE: Shape = {"type": "object", "description": "Evidence key -> value, or an object with value, note, explain."}
RID = r"^[1-9][0-9]{0,17}$"
PART: Shape = {"type": "string", "pattern": r"^[A-Za-z0-9_-]{1,50}$"}
LAB = r"^[A-Za-z0-9_-]{1,50}/[A-Za-z0-9_-]{1,50}$"
NAMED = r"^[A-Za-z0-9_-]{1,50}/[A-Za-z0-9_-]{1,50}/[A-Za-z0-9_-]{1,50}$"

VERSION = r"(\.[0-9]{1,10}(\.[0-9]{1,6})?)?$"  # only what is read may be a past version
PLACES: dict[str, Shape] = {
    "version": {"type": "string", "enum": ["v1", "v2", "v3"], "description": "v1 answers in the flat layout."},
    "rid": {"type": "string", "pattern": RID},
    "organisation": PART,
    "lab": PART,
    "record": PART,
    "token": TEXT | {"minLength": 1},
}
READ_PLACES = {name: PLACES[name] | {"pattern": PLACES[name]["pattern"][:-1] + VERSION} for name in ("rid", "record")}
HEADERS: dict[str, Shape] = {
    "Prefer": {
        "name": "Prefer",
        "required": False,
        "schema": TEXT,
        "description": "wait=N, respond-async, return=minimal (RFC 7240).",
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "required": False,
        "schema": {"type": "string", "pattern": r"^[A-Za-z0-9_.:~+/=-]{1,255}$"},
        "description": "A repeat with the same key and body is answered with the first job; with another body by 422.",
    },
}


def _null(shape: Shape) -> Shape:
    return {"anyOf": [shape, {"type": "null"}]}


def _object(members: dict[str, Shape], *, optional: dict[str, Shape] | None = None) -> Shape:
    return {"type": "object", "properties": members | (optional or {}), "required": list(members)}


def _ref(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(shape: Shape) -> Shape:
    return {"type": "array", "items": shape}


LEVELS: Shape = {"anyOf": [{"type": "string", "enum": sorted(SPELLINGS)}, {"type": "integer", "minimum": 0, "maximum": 4}]}
NAMES: list[Shape] = [
    {"type": "string", "pattern": RID},
    {"type": "string", "pattern": NAMED},
    {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    _object({"lab_id": PART | {"pattern": LAB}, "lab_record_id": PART}) | {"additionalProperties": False},
]
LAB_ALONE: Shape = _object({"lab_id": PART | {"pattern": LAB}}) | {"additionalProperties": False}
WIDER = [name for name, level in SPELLINGS.items() if level]
TRUTHY: Shape = {"description": "Anything that is true."}
REF: Shape = {"type": "string", "maxLength": 200, "pattern": r"^[^\x00\ud800-\udfff]*$"}
BESIDE: dict[str, Shape] = {
    "publish": {"anyOf": [{"type": "string", "enum": sorted(WIDER)}, {"type": "integer", "minimum": 1, "maximum": 4}]},
    "patch": EVIDENCE,
    "return_data": {"enum": [True, False, "flat", "changes"]},
    "source": {"enum": ["api", "form", "consensus"]},
}
OPERATION: dict[str, Shape] = {
    **{name: {"anyOf": [shape, {"type": "null"}]} for name, shape in BESIDE.items() if name in ("return_data", "source")},
    "publish": {"anyOf": [LEVELS, {"type": "null"}]},
    "delete": {"enum": [True, False, "withdraw", None]},
    "test": TRUTHY,
    "editable": TRUTHY,
    "config": TRUTHY,
    "if_version": {"type": ["number", "null"], "minimum": 0, "maximum": 10**10, "description": "The version it must still have."},
    "ref": {"anyOf": [REF, {"type": ["integer", "null"]}], "description": "Comes back with the item's outcome."},
}


def _operation(members: dict[str, Shape], required: list[str]) -> Shape:
    verbs = ("create", "patch", "patch-empty", "overwrite", "upsert", "data")
    one_of_each: list[Shape] = [{"required": [verb], "properties": {verb: EVIDENCE}} for verb in verbs]
    none = {"not": {"anyOf": [{"required": [verb]} for verb in verbs]}}
    return {"type": "object", "properties": members, "required": required, "oneOf": [*one_of_each, none]}


SHORT: Shape = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f]+$"}
RUN: dict[str, Shape] = {
    "import_id": _null(SHORT),
    "status": {"enum": ["complete", None]},
    "tags": _null(_list(SHORT) | {"maxItems": 20}),
}
JOB = {
    "token": TOKEN,
    "job": TEXT,
    "status": {"enum": list(JobStatus)},
    "outcome": {"enum": [*JobOutcome, None]},
    "total": COUNT,
    "remaining": COUNT,
    "succeeded": COUNT,
    "failed": COUNT,
    "skipped": COUNT,
    "noop": COUNT,
    "cancelled": COUNT,
    "attempts": COUNT,
    "chunks": COUNT,
    "stalled": {"type": "boolean"},
    "cancel_requested": {"type": "boolean"},
    "queue_position": _null(COUNT),
    "tags": _list(TEXT),
    "parent": _null(TOKEN),
    "info": {"type": "object"},
    "created_on": MOMENT,
    "updated_on": MOMENT,
    "started_on": _null(MOMENT),
    "finished_on": _null(MOMENT),
    "purged_on": _null(MOMENT),
}
PAGE = {"page.size": COUNT, "page.cursor": _null(TEXT)}
ERROR = _object({"code": TEXT}, optional={"detail": _null(TEXT), "pointer": _null(TEXT), "index": COUNT, "line": COUNT})
RESULT = {
    "index": COUNT,
    "line": _null(COUNT),
    "ref": _null(TEXT),
    "status": {"enum": list(Status)},
    "id": _null(TEXT),
    "result": _null(_ref("Record")),
    "error": _null(ERROR),
}
SHAPES: dict[str, Shape] = {
    "Anything": {"type": "object"},
    "Problem": _object(
        {"type": TEXT, "title": TEXT, "status": COUNT, "code": TEXT, "detail": TEXT, "instance": TEXT, "errors": _list(ERROR)},
        optional={"limit": COUNT, "actual": COUNT, "job.token": TOKEN, "internal_error": TEXT},
    ),
    "Id": {"anyOf": [*NAMES, LAB_ALONE]},
    "Member": {"anyOf": NAMES},
    "Operation": _operation({"id": _ref("Id"), **OPERATION}, ["id"]),
    "OperationOnRecord": _operation({"id": {"type": "null"}, **OPERATION}, []),
    "Item": {"anyOf": [_ref("Operation"), {"description": "What is no operation fails by itself and harms no other item."}]},
    "Records": _object({"records": _list(_ref("Item"))}, optional=RUN) | {"additionalProperties": False},
    "Operations": {"anyOf": [_ref("Operation"), _ref("Records"), _list(_ref("Item"))]},
    "OperationsOnRecord": {"anyOf": [_ref("OperationOnRecord"), _ref("Records"), _list(_ref("Item"))]},
    "Selection": {
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [_ref("Member"), _ref("Search")]},
        "description": "Ids and searches, in this order; a record named twice counts at its first place.",
    },
    "Search": _object(
        {"search": _object({}, optional={"q": TEXT, "filter": {"type": "array"}}) | {"additionalProperties": False}},
        optional={"exclude": _list(_ref("Member"))},
    )
    | {"additionalProperties": False},
    "Record": {"type": "object", "description": "A record in the layout of its version, or why there is none."},
    "Posted": {"anyOf": [_ref("Record"), _ref("BulkAnswer")]},
    "BulkAnswer": _object({"results": _list(_ref("Record"))}, optional={"job.token": TOKEN}),
    "Accepted": _object({"success": {"const": True}, "result": _object({"job.token": TOKEN}), "data": {"type": "object"}}),
    "RecordPage": _object({
        "success": {"const": True},
        "result": _object({"records": _list(TEXT), "records.size": COUNT, "page.size": COUNT, "page.cursor": _null(TEXT)}),
        "data": _object({"records": {"type": "object", "additionalProperties": _ref("Record")}}),
    }),
    "EvidenceKeys": _list(_object({"key": TEXT, "label": TEXT, "value_type": TEXT})),
    "Job": _object(JOB),
    "JobPage": _object({"jobs": _list(_ref("Job")), **PAGE}),
    "ResultPage": _object({"results": _list(_object(RESULT)), **PAGE}),
    "Events": TEXT,
    "Limits": {"type": "object", "additionalProperties": {"type": "number"}},
}  # fmt: skip
