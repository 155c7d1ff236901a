"""Records in answers, one or many, with what is known of them.

Nothing is required of a record: it may be refused, gone, or in the flat layout of v1.
"""

from __future__ import annotations

from models.jobs.imports import COUNTS, STATUSES
from web.shapes.words import COUNT, FLAG, MOMENT, PAGE, TEXT, TOKEN, Shape, many, null, obj, ref

NUMBER: Shape = {"type": "number"}
TEXT_OR_NULL: Shape = {"type": ["string", "null"]}
NUMBER_OR_NULL: Shape = {"type": ["number", "null"]}
META: dict[str, Shape] = {
    "id": {"type": ["integer", "null"], "description": "The record's number; null for one that a test would make."},
    "lab_record_id": TEXT,
    "lab_id": TEXT,
    "lab_name": TEXT,
    "institution_name": TEXT,
    "title": TEXT,
    "version": {"type": "number", "description": "UNIX seconds of the edit that is shown."},
    "published_version": NUMBER_OR_NULL,
    "published_on": TEXT_OR_NULL,
    "has_changes": FLAG,
    "can_write": FLAG,
    "can_write_latest": FLAG,
    "last_edited": NUMBER,
    "created_on": TEXT_OR_NULL,
    "updated_on": TEXT_OR_NULL,
}
MESSAGE: dict[str, Shape] = {"code": TEXT, "message": TEXT, "key": TEXT, "severity": TEXT, "link": TEXT}
RECORD: dict[str, Shape] = {
    "id": {"anyOf": [TEXT, {"type": ["integer", "null"]}], "description": "Its lab's id for it; in v1 its number."},
    "meta": {"$ref": "#/components/schemas/RecordMeta"},
    "publish": TEXT,
    "publish_level": TEXT | {"description": "v1: what `publish` is elsewhere."},
    "version_publish_level": TEXT,
    "is_last_published": FLAG,
    "withdrawn": FLAG,
    "deleted": FLAG,
    "delete": FLAG | {"description": "Exports of changes: it is no longer there."},
    "cr_lab_id": TEXT,
    "org_name": TEXT,
    "allele_origin_bucket": TEXT,
    "status": TEXT | {"description": "What the operation did."},
    "changed_keys": {"type": "array", "items": TEXT},
    "messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
    "patch_messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
    "data": {"type": ["object", "null"], "description": "Evidence: key -> cell; flat, key -> value."},
    "internal_error": TEXT | {"description": "Why there is no record."},
    "code": TEXT | {"description": "The same as a stable word."},
}
OPTION = obj({"key": TEXT}, optional={
    "label": TEXT, "index": COUNT, "aliases": many(TEXT), "default": FLAG, "override": FLAG, "namespace": TEXT,
    "namespaces": many(TEXT), "bucket": COUNT,
}) | {"additionalProperties": False}  # fmt: skip
KEY: dict[str, Shape] = {
    "key": TEXT, "label": TEXT, "value_type": TEXT, "evidence_category": TEXT, "order": {"type": "integer"}, "position": COUNT,
    "max_share_level": TEXT,
}  # fmt: skip
KEY_MEMBERS: dict[str, Shape] = {
    "short_key": TEXT, "namespace": TEXT, "options": many(OPTION), "allow_custom_values": FLAG, "default_strength": TEXT,
    "hide": FLAG, "mandatory": FLAG, "immutable": FLAG, "copy_consensus": FLAG,
}  # fmt: skip
STATED = obj({
    "clinical_significance": TEXT, "bucket": COUNT, "count": COUNT, "records": many(obj({"id": TEXT, "publish": TEXT})),
})  # fmt: skip
DISCORDANCE: dict[str, Shape] = {
    "variant": TEXT,
    "allele_origin_bucket": {"enum": ["G", "S", "U"]},
    "kind": {"enum": ["between", "within"], "description": "Whether the labs differ between buckets or within one."},
    "gene_symbols": many(TEXT),
    "labs": many(obj({"lab_id": TEXT, "lab_name": TEXT, "classifications": many(STATED)})),
}
IMPORT: dict[str, Shape] = {
    "id": COUNT,
    "identifier": TEXT,
    "import_id": TEXT,
    "status": {"enum": list(STATUSES)},
    "started_on": MOMENT,
    "posted_on": MOMENT,
    "ended_on": null(MOMENT),
    "rows": COUNT,
    "remaining": COUNT,
    "counts": obj(dict.fromkeys(COUNTS, COUNT)),
    "posts": COUNT,
}
CELL: Shape = {"type": ["object", "null"], "description": "A cell's value, note, explain and lock; null where there is none."}
SHAPES: dict[str, Shape] = {
    "Posted": {"anyOf": [ref("BulkAnswer"), ref("Record")]},
    "BulkAnswer": obj({"results": many(ref("Record"))}, optional={"job.token": TOKEN, "plan_token": TEXT}),
    "RecordPage": obj({
        "success": {"const": True},
        "result": obj(
            {"records": many(TEXT), "records.size": COUNT, "page.size": COUNT, "page.cursor": null(TEXT)},
            optional={"records.complete": FLAG},
        ),
        "data": obj({"records": {"type": "object", "additionalProperties": ref("Record")}}),
    }),
    "Export": obj({"records": many(ref("Record")), "count": COUNT, "complete": {"const": True}}),
    "Csv": TEXT,
    "EvidenceKeys": many(ref("EvidenceKey")),
    "EvidenceKey": obj(KEY, optional=KEY_MEMBERS) | {"additionalProperties": False},
    "Discordance": obj(DISCORDANCE) | {"additionalProperties": False},
    "DiscordancePage": obj({"discordances": many(ref("Discordance")), **PAGE}),
    "Import": obj(IMPORT),
    "ImportWithJobs": obj(IMPORT | {"job.tokens": many(TOKEN)}),
    "ImportPage": obj({"imports": many(ref("Import")), **PAGE}),
    "MissingPage": obj({"records": many(TEXT), **PAGE}),
    "VersionPage": obj({
        "versions": many(obj({
            "version": {"type": "number"}, "created_on": MOMENT, "user": null({"type": "object"}), "source": null(TEXT),
            "job.token": null(TOKEN), "publish": TEXT, "published_on": null(MOMENT), "current": {"type": "boolean"},
            "is_last_published": {"type": "boolean"}, "changed": COUNT, "changed_keys": many(TEXT),
        })),
        **PAGE,
    }),
    "Diff": obj({
        "id": TEXT, "from": null({"type": "number"}), "to": {"type": "number"},
        "changes": {"type": "object", "additionalProperties": obj({"before": CELL, "after": CELL})},
    }),
    "Record": {"type": "object", "properties": RECORD, "description": "A record, or why there is none."},
    "RecordMeta": {"type": "object", "properties": META},
    "Message": {"type": "object", "properties": MESSAGE},
}  # fmt: skip
