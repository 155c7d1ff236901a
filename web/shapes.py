"""The shapes of what goes out, and of what a client sends but the core reads: data for the OpenAPI document."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from models.classifications.sharing import SPELLINGS
from models.classifications.state import Status
from models.jobs.imports import COUNTS, STATUSES
from models.jobs.values import FASTEST, JobOutcome, JobStatus
from models.notices import Kind
from web import record_shapes

Shape = dict[str, Any]
INTRODUCTION = (
    "Records in bulk: a submission becomes a job whose every item ends with exactly one outcome. Every error is a problem "
    "document (RFC 9457) with a stable `code`. The record API is also served without a version and below /variantclassification."
)
TEXT: Shape = {"type": "string"}
COUNT: Shape = {"type": "integer", "minimum": 0}
TOKEN: Shape = {"type": "string", "format": "uuid"}
MOMENT: Shape = {"type": "string", "format": "date-time"}
EVIDENCE: Shape = {"$ref": "#/components/schemas/Evidence"}
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
    "number": {"type": "string", "pattern": RID},
    "webhook": TOKEN,
    "upload": TOKEN,
    "delivery": TOKEN,
    "no": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
}
READ_PLACES = {name: PLACES[name] | {"pattern": PLACES[name]["pattern"][:-1] + VERSION} for name in ("rid", "record")}
HEADERS: dict[str, Shape] = {
    "Prefer": {
        "name": "Prefer",
        "required": False,
        "schema": TEXT,
        "description": "wait=N, respond-async, return=minimal (RFC 7240).",
    },
    "UploadComplete": {
        "name": "Upload-Complete",
        "required": False,
        "schema": {"enum": ["?0", "?1"]},
        "description": "Makes the request the beginning of an upload that can be resumed; ?0 where more follows.",
    },
    "UploadEnds": {
        "name": "Upload-Complete",
        "required": True,
        "schema": {"enum": ["?0", "?1"]},
        "description": "?1 with the last bytes.",
    },
    "UploadOffset": {
        "name": "Upload-Offset",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]{1,15}$"},
        "description": "How many bytes the upload has before these.",
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "required": False,
        "schema": {"type": "string", "pattern": r"^[A-Za-z0-9_.:~+/=-]{1,255}$"},
        "description": "A repeat with the same key and body is answered with the first job; with another body by 422.",
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "required": False,
        "schema": TEXT,
        "description": "The `id` of the last event that was seen: the stream goes on behind it.",
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


def _operation(members: dict[str, Shape], required: list[str]) -> Shape:
    """Return an operation: what a client may send are members of one object, of which two are never there together."""
    two: list[Shape] = [{"required": list(pair)} for pair in combinations(VERBS, 2)]
    evidence = dict.fromkeys(VERBS, EVIDENCE)
    return {"type": "object", "properties": members | evidence, "required": required, "not": {"anyOf": two}}


PACE: Shape = {
    "type": ["integer", "null"], "minimum": 1, "maximum": FASTEST, "description": "Items a second; null is as fast as it goes.",
}  # fmt: skip
SHORT: Shape = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f]+$"}
RUN: dict[str, Shape] = {
    "import_id": _null(SHORT),
    "status": {"enum": ["complete", None]},
    "tags": _null(_list(SHORT) | {"maxItems": 20}),
    "atomic": {"type": ["boolean", "null"], "description": "All operations are applied, or none."},
    "pace": PACE,
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
    "pause_requested": {"type": "boolean", "description": "It begins nothing more until it is resumed."},
    "paused": {"type": "boolean", "description": "It was asked to pause, and nothing of it is worked on any more."},
    "pace": PACE,
    "queue_position": _null(COUNT),
    "tags": _list(TEXT),
    "test": {"type": "boolean"},
    "parent": _null(TOKEN),
    "info": {"type": "object"},
    "created_on": MOMENT,
    "updated_on": MOMENT,
    "started_on": _null(MOMENT),
    "finished_on": _null(MOMENT),
    "paused_on": _null(MOMENT),
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
LEDGER_ROW: dict[str, Shape] = {
    "seq": {"type": "integer", "minimum": 1, "description": "The outcome's number, in the order in which they came."},
    **{name: shape for name, shape in RESULT.items() if name != "result"},
}
FLAG: Shape = {"type": "boolean"}
OPTION = _object({"key": TEXT}, optional={
    "label": TEXT, "index": COUNT, "aliases": _list(TEXT), "default": FLAG, "override": FLAG, "namespace": TEXT,
    "namespaces": _list(TEXT), "bucket": COUNT,
}) | {"additionalProperties": False}  # fmt: skip
KEY: dict[str, Shape] = {
    "key": TEXT, "label": TEXT, "value_type": TEXT, "evidence_category": TEXT, "order": {"type": "integer"}, "position": COUNT,
    "max_share_level": TEXT,
}  # fmt: skip
KEY_MEMBERS: dict[str, Shape] = {
    "short_key": TEXT, "namespace": TEXT, "options": _list(OPTION), "allow_custom_values": FLAG, "default_strength": TEXT,
    "hide": FLAG, "mandatory": FLAG, "immutable": FLAG, "copy_consensus": FLAG,
}  # fmt: skip
STATED = _object({
    "clinical_significance": TEXT, "bucket": COUNT, "count": COUNT, "records": _list(_object({"id": TEXT, "publish": TEXT})),
})  # fmt: skip
DISCORDANCE: dict[str, Shape] = {
    "variant": TEXT,
    "allele_origin_bucket": {"enum": ["G", "S", "U"]},
    "kind": {"enum": ["between", "within"], "description": "Whether the labs differ between buckets or within one."},
    "gene_symbols": _list(TEXT),
    "labs": _list(_object({"lab_id": TEXT, "lab_name": TEXT, "classifications": _list(STATED)})),
}
IMPORT: dict[str, Shape] = {
    "id": COUNT,
    "identifier": TEXT,
    "import_id": TEXT,
    "status": {"enum": list(STATUSES)},
    "started_on": MOMENT,
    "posted_on": MOMENT,
    "ended_on": _null(MOMENT),
    "rows": COUNT,
    "remaining": COUNT,
    "counts": _object(dict.fromkeys(COUNTS, COUNT)),
    "posts": COUNT,
}
CELL: Shape = {"type": ["object", "null"], "description": "A cell's value, note, explain and lock; null where there is none."}
EXAMPLE: Shape = _object({"index": COUNT, "line": _null(COUNT), "ref": _null(TEXT), "id": _null(TEXT), "detail": _null(TEXT)})
CAUSE: Shape = _object({
    "code": _null(TEXT), "pointer": _null(TEXT), "status": TEXT, "count": COUNT, "retryable": FLAG, "examples": _list(EXAMPLE),
})  # fmt: skip
WEBHOOK: dict[str, Shape] = {
    "id": TOKEN, "url": TEXT, "events": _list(TEXT), "status": {"enum": ["active", "disabled"]},
    "reason": {"enum": ["gone", "unreachable", "secret_unreadable", "by_owner", None]}, "sequence": COUNT, "created_on": MOMENT,
    "old_secret_until": _null(MOMENT), "disabled_on": _null(MOMENT), "waiting": COUNT, "next_try_on": _null(MOMENT),
    "last_delivery": _null(_object({
        "status": {"enum": ["delivered", "failed"]}, "event": TEXT, "job.token": TOKEN, "tried_on": _null(MOMENT),
    })),
}  # fmt: skip
TRY = _object({"no": COUNT, "started_on": MOMENT, "milliseconds": _null(COUNT), "status": _null(COUNT), "error": _null(TEXT)})
DELIVERY: dict[str, Shape] = {
    "id": TOKEN, "webhook_id": TEXT, "sequence": COUNT, "event": TEXT, "job.token": TOKEN,
    "status": {"enum": ["waiting", "delivered", "failed"]}, "created_on": MOMENT, "replayed_on": _null(MOMENT),
    "attempts": _list(TRY),
}  # fmt: skip
NOTICE: dict[str, Shape] = {
    "kind": {"enum": list(Kind)}, "happened_on": MOMENT, "seen": FLAG,
    "job": _null(_object({
        "token": TOKEN, "job": TEXT, "status": {"enum": list(JobStatus)}, "outcome": {"enum": [*JobOutcome, None]},
        "total": COUNT, "succeeded": COUNT, "noop": COUNT, "failed": COUNT, "skipped": COUNT, "cancelled": COUNT,
        "quarantined": COUNT, "error": _null(TEXT),
    })),
    "webhook": _null(_object({"id": TOKEN, "url": TEXT, "reason": TEXT})),
}  # fmt: skip
UPLOAD: dict[str, Shape] = {
    "id": TOKEN, "status": {"enum": ["open", "complete", "stored", "refused"]}, "received": COUNT, "length": _null(COUNT),
    "job.token": _null(TOKEN), "error": _null({"type": "object"}), "created_on": MOMENT, "touched_on": MOMENT,
    "expires_on": MOMENT,
}  # fmt: skip
MORE = _null(_object({"causes": COUNT, "items": COUNT}))
SHAPES: dict[str, Shape] = {
    "Anything": {"type": "object"},
    "Problem": _object(
        {"type": TEXT, "title": TEXT, "status": COUNT, "code": TEXT, "detail": TEXT, "instance": TEXT, "errors": _list(ERROR)},
        optional={"limit": COUNT, "actual": COUNT, "job.token": TOKEN, "internal_error": TEXT},
    ),
    "Evidence": {"type": "object", "description": "Evidence key -> value, or an object with value, note, explain."},
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
        {"search": _object({}, optional={"q": TEXT, "filter": {"type": "array", "items": {}}}) | {"additionalProperties": False}},
        optional={"exclude": _list(_ref("Member"))},
    )
    | {"additionalProperties": False},
    **record_shapes.SHAPES,
    "Posted": {"anyOf": [_ref("BulkAnswer"), _ref("Record")]},
    "BulkAnswer": _object({"results": _list(_ref("Record"))}, optional={"job.token": TOKEN, "plan_token": TEXT}),
    "Accepted": _object({
        "success": {"const": True}, "result": _object({"job.token": TOKEN}, optional={"plan_token": TEXT}),
        "data": {"type": "object"},
    }),
    "RecordPage": _object({
        "success": {"const": True},
        "result": _object(
            {"records": _list(TEXT), "records.size": COUNT, "page.size": COUNT, "page.cursor": _null(TEXT)},
            optional={"records.complete": FLAG},
        ),
        "data": _object({"records": {"type": "object", "additionalProperties": _ref("Record")}}),
    }),
    "Export": _object({"records": _list(_ref("Record")), "count": COUNT, "complete": {"const": True}}),
    "Csv": TEXT,
    "Files": _object({
        "files": _list(_object({
            "no": COUNT, "name": TEXT, "media_type": TEXT, "rows": COUNT, "bytes": COUNT, "sha256": TEXT, "created_on": MOMENT,
            "url": TEXT,
        })),
        "parts": COUNT, "complete": {"type": "boolean"}, "status": {"enum": list(JobStatus)},
        "outcome": {"enum": [*JobOutcome, None]},
    }),
    "EvidenceKeys": _list(_ref("EvidenceKey")),
    "EvidenceKey": _object(KEY, optional=KEY_MEMBERS) | {"additionalProperties": False},
    "Discordance": _object(DISCORDANCE) | {"additionalProperties": False},
    "DiscordancePage": _object({"discordances": _list(_ref("Discordance")), **PAGE}),
    "Import": _object(IMPORT),
    "ImportWithJobs": _object(IMPORT | {"job.tokens": _list(TOKEN)}),
    "ImportPage": _object({"imports": _list(_ref("Import")), **PAGE}),
    "MissingPage": _object({"records": _list(TEXT), **PAGE}),
    "VersionPage": _object({
        "versions": _list(_object({
            "version": {"type": "number"}, "created_on": MOMENT, "user": _null({"type": "object"}), "source": _null(TEXT),
            "job.token": _null(TOKEN), "publish": TEXT, "published_on": _null(MOMENT), "current": {"type": "boolean"},
            "is_last_published": {"type": "boolean"}, "changed": COUNT, "changed_keys": _list(TEXT),
        })),
        **PAGE,
    }),
    "Diff": _object({
        "id": TEXT, "from": _null({"type": "number"}), "to": {"type": "number"},
        "changes": {"type": "object", "additionalProperties": _object({"before": CELL, "after": CELL})},
    }),
    "Job": _object(JOB, optional={"errors": _list(_object({"code": TEXT, "count": COUNT}))}),
    "JobPage": _object({"jobs": _list(_ref("Job")), **PAGE}),
    "ResultPage": _object({"results": _list(_object(RESULT)), **PAGE}),
    "Trial": {"anyOf": [_ref("Records"), _list(_ref("Item"))]},
    "Digest": _object({
        "token": TOKEN, "job": TEXT, "complete": FLAG, "total": COUNT, "refused": COUNT, "causes": _list(CAUSE),
        "causes.more": MORE, "warnings": _list(CAUSE), "warnings.more": MORE,
    }),
    "MemberPage": _object({
        "members": _list(_object({"index": COUNT, "id": _null(TEXT), "rid": _null(COUNT), "frozen_on": _null(MOMENT)})),
        "complete": FLAG, **PAGE,
    }),
    "DriftPage": _object({
        "drift": _list(_object({
            "index": COUNT, "id": _null(TEXT), "rid": COUNT, "change": {"enum": ["changed", "gone", "unmatched"]},
            "frozen_on": _null(MOMENT), "found_on": _null(MOMENT),
        })),
        "complete": FLAG, **PAGE,
    }),
    "Events": TEXT,
    "Lines": TEXT,
    "Upload": _object(UPLOAD),
    "Uploads": _object({"uploads": _list(_ref("Upload"))}),
    "Receipt": _object({"token": TOKEN, "receipt": {"type": "object"}, "jws": TEXT}),
    "Preparing": _object({"token": TOKEN, "receipt": {"type": "null"}}),
    "Keys": _object({"keys": _list(_object(dict.fromkeys(("kty", "crv", "x", "kid", "use", "alg"), TEXT)))}),
    "LedgerPage": _object({"ledger": _list(_object(LEDGER_ROW)), "after": COUNT, "limit": COUNT, "complete": FLAG}),
    "Webhook": _object(WEBHOOK), "WebhookSecret": _object(WEBHOOK | {"secret": TEXT}),
    "Webhooks": _object({"webhooks": _list(_ref("Webhook"))}),
    "Delivery": _object(DELIVERY),
    "DeliveryPage": _object({"deliveries": _list(_ref("Delivery")), **PAGE}),
    "Replayed": _object({"replayed": COUNT}),
    "NoticePage": _object({"notices": _list(_object(NOTICE)), "unseen": COUNT, **PAGE}), "Unseen": _object({"unseen": COUNT}),
    "Limits": {"type": "object", "additionalProperties": {"type": "number"}},
}  # fmt: skip
