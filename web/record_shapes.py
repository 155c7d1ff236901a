"""The shape of a record in answers. Nothing is required of it: a record may be refused, gone, or in the flat layout of v1."""

from __future__ import annotations

from typing import Any

Shape = dict[str, Any]
TEXT: Shape = {"type": "string"}
FLAG: Shape = {"type": "boolean"}
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
SHAPES: dict[str, Shape] = {
    "Record": {"type": "object", "properties": RECORD, "description": "A record, or why there is none."},
    "RecordMeta": {"type": "object", "properties": META},
    "Message": {"type": "object", "properties": MESSAGE},
}
