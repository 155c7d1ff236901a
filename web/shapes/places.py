"""What stands in addresses and headers."""

from __future__ import annotations

from web.shapes.words import TEXT, TOKEN, Shape

RID = r"^[1-9][0-9]{0,17}$"
PART: Shape = {"type": "string", "pattern": r"^[A-Za-z0-9_-]{1,50}$"}
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
