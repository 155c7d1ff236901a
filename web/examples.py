"""Examples of calls, for the OpenAPI document. A test sends each of them to a server that has the lab they name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from web.answers import PROBLEM

LAB = "xyz_pathology/north_street_lab"
RECORD = f"{LAB}/F03432"
EVIDENCE = {
    "c_hgvs": "NM_000071.2(CBS):c.1539C>T",
    "genome_build": "GRCh37",
    "clinical_significance": "VUS",
    "zygosity": {"value": "hemizygous", "note": "check parent"},
    "condition": "OMIM:236200",
    "allele_origin": "germline",
    "bp4": True,
    "mode_of_inheritance": ["autosomal_dominant", "autosomal_recessive"],
}
OPERATIONS = [
    {"id": RECORD, "upsert": EVIDENCE, "publish": "institution", "ref": "line 1"},
    {"id": f"{LAB}/F03433", "patch": {"ps1": "NM"}, "ref": "line 2"},
]
JOB = "0f3c2b1a-4d5e-4f60-8a7b-9c0d1e2f3a4b"
PATH: Mapping[str, str] = {
    "version": "v2", "organisation": "xyz_pathology", "lab": "north_street_lab", "record": "F03432", "token": JOB,
    "webhook": "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", "delivery": "6ec0bd7f-11c0-43da-975e-2a8ad9ebae0b",
}  # fmt: skip
SELECTION = [RECORD, {"search": {"q": "CBS", "filter": ["clinical_significance", "is", "VUS"]}, "exclude": [f"{LAB}/F03434"]}]
BODIES: Mapping[str, Mapping[str, Any]] = {
    "postRecords": {
        "one operation": {"id": RECORD, "upsert": EVIDENCE, "publish": "institution", "return_data": "flat"},
        "many operations": {"records": OPERATIONS},
        "a list": OPERATIONS,
        "an import run": {"records": OPERATIONS, "import_id": "monday", "status": "complete"},
        "all or none": {"records": OPERATIONS[:1], "atomic": True},
        "a trial": {"id": RECORD, "patch": {"zygosity": "unknown"}, "test": True},
        "a record by an object": {"id": {"lab_id": LAB, "lab_record_id": "F03434"}, "upsert": EVIDENCE},
        "a record that gets an id": {"id": {"lab_id": LAB}, "create": EVIDENCE},
    },
    "postRecord": {"a patch": {"patch": {"clinical_significance": "LP"}, "publish": 3, "return_data": "changes"}},
    "postNamedRecord": {
        "an overwrite": {"overwrite": EVIDENCE, "publish": "logged_in_users"},
        "a withdrawal": {"delete": "withdraw"},
        "back again": {"delete": False},
    },
    "restoreVersion": {"the present one": {"version": "current"}},
    "restoreNamedVersion": {"the present one": {"version": "current"}},
    "validateRecords": {"two operations": {"records": OPERATIONS}, "a list": OPERATIONS},
    "getRecords": {
        "a selection": {"selection": SELECTION, "page.size": 10, "data": "flat"},
        "all that can be read": {"selection": [{"search": {}}], "allow_all": True, "data": False},
    },
    "patchRecords": {"a new value": {"selection": [RECORD], "patch": {"zygosity": "homozygous"}, "tags": ["tidying"]}},
    "publishRecords": {"to all users": {"selection": SELECTION, "publish": "logged_in_users"}},
    "deleteRecords": {"a trial": {"selection": [f"{LAB}/F03434"], "test": True}},
    "undoJob": {"a preview": {"test": True}},
    "patchJob": {"as fast as it goes": {"pace": None}, "a hundred a second": {"pace": 100}},
    "createWebhook": {"all ends of jobs": {"url": "https://example.org/waybill", "events": ["job.done"]}},
    "seeNotices": {"until a moment": {"until": "2026-11-22T12:00:00Z"}},
}
TWO_LINES = f'{{"id": "{RECORD}", "patch": {{"ps1": "NM"}}}}\n{{"id": "{LAB}/F03433", "patch": {{}}}}\n'
LINES: Mapping[str, str] = dict.fromkeys(("postRecords", "validateRecords", "appendToUpload"), TWO_LINES)
_PAGE = {"page.size": 10}
_TABLE = {
    "rows_per_file": 1000, "columns": "all", "value_format": "labels", "formulas": "raw", "key_names": "short",
    "full_detail": True, "terminator": True, "as_of": "1557189685.485863", "group_by": "variant",
}  # fmt: skip
QUERIES: Mapping[str, Mapping[str, Any]] = {
    "bulkGet": _TABLE | {
        "level": "public", "output": "csv", "limit": 100, "after": "1557189685", "labs_include": LAB, "labs_excluded": "a/b,c/d",
    },
    "exportRecords": _TABLE | {
        "type": "ndjson", "build": "GRCh38", "share_level": "any", "since": "7d", "allele_origin": "germline", "row_limit": 100,
        "exclude_orgs": "abc", "exclude_labs": "a/b", "include_labs": LAB,
    },
    "getRedcapDictionary": {"repeats": 3},
    "getRecord": {"data": "flat", "config": True},
    "getNamedRecord": {"data": "false"},
    "listVersions": _PAGE,
    "diffVersions": {"to": "current"},
    "listEvidenceKeys": {"key": "zygosity", "q": "zygosity", "value_type": "S", "mandatory": True},
    "listDiscordances": _PAGE | {"gene": "CBS", "lab": LAB, "kind": "between", "variant": "GRCh37:NM_000071.2:c.1539C>T"},
    "listImports": _PAGE | {"import_id": "monday"},
    "listMissing": _PAGE,
    "listJobs": _PAGE | {"status": "done", "tag": "tidying", "created_after": "2026-01-01T00:00:00Z"},
    "listResults": _PAGE | {"status": "succeeded"},
    "streamEvents": {"outcomes": True, "after": 0},
    "listInputs": {"index": "0,1"},
    "getFigures": {"minutes": 60, "mine": True},
}  # fmt: skip
_OUTCOME = {"seq": 1, "index": 0, "line": None, "ref": "line 1", "status": "succeeded", "id": RECORD, "error": None}
_BEGUN, _ENDED = "2026-11-22T12:00:00.100000Z", "2026-11-22T12:00:01.250000Z"
_ENDED_JOB = {
    "token": JOB, "job": "bulk_classifications", "status": "done", "outcome": "succeeded", "total": 1, "remaining": 0,
    "succeeded": 1, "failed": 0, "skipped": 0, "noop": 0, "cancelled": 0, "attempts": 1, "chunks": 1, "stalled": False,
    "cancel_requested": False, "pause_requested": False, "paused": False, "pace": None, "queue_position": None, "tags": [],
    "test": False, "parent": None, "info": {"total": 1, "remaining": 0}, "created_on": _BEGUN, "updated_on": _ENDED,
    "started_on": _BEGUN, "finished_on": _ENDED, "paused_on": None, "purged_on": None,
}  # fmt: skip
ANSWERS: Mapping[str, Any] = {
    "streamEvents": f"retry: 1000\n\nid: 1\nevent: outcome\ndata: {json.dumps(_OUTCOME)}\n\n"
    f"id: 2\nevent: job\ndata: {json.dumps(_ENDED_JOB)}\n\n",
    "replayDelivery": {
        "id": PATH["delivery"], "webhook_id": "msg_6ec0bd7f11c043da975e2a8ad9ebae0b", "sequence": 7, "event": "job.done",
        "job.token": JOB, "status": "waiting", "created_on": _ENDED, "replayed_on": "2026-11-22T13:00:00.000000Z",
        "attempts": [{"no": 1, "started_on": _ENDED, "milliseconds": 84, "status": 500, "error": None}],
    },
}  # fmt: skip


def lay(document: dict[str, Any]) -> dict[str, Any]:
    """Put the examples to the operations of a document."""
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and "operationId" in operation:
                _lay_out(operation)
    return document


def _lay_out(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    given = {"path": PATH, "query": QUERIES.get(name, {})}
    operation["parameters"] = [
        {**parameter, "example": given[parameter["in"]][parameter["name"]]}
        if parameter.get("name") in given.get(str(parameter.get("in")), {})
        else parameter
        for parameter in operation.get("parameters", ())
    ]
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        lines = {"lines": LINES[name]} if name in LINES else {}
        shown = BODIES.get(name, {}) if kind.endswith("json") and "ndjson" not in kind else lines
        content[kind] = {**body, "examples": {title: {"value": value} for title, value in shown.items()}}
    for answer in operation["responses"].values() if name in ANSWERS else ():
        for kind in answer.get("content", {}).keys() - {PROBLEM}:
            answer["content"][kind] |= {"example": ANSWERS[name]}
