"""The OpenAPI 3.1 document, made of the same schemas that requests are read with. Shapes of answers are in `web.shapes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Response
from marshmallow import Schema

from models import operations
from models.operations.verb import Verb
from web import evidence_keys, examples, export_parameters, imports, notices, schemas, shapes, variants, webhooks
from web.answers import JSON, PROBLEM, unless_known

api = Blueprint("openapi", __name__)
CLASSIFICATIONS = "/classification/api/classifications"
RECORDS = f"{CLASSIFICATIONS}/{{version}}/record"
JOB = "/api/jobs/{token}"
WEBHOOK = "/api/webhooks/{webhook}"
EVERYWHERE = (400, 414, 500, 503)
SIGNED_IN = (401, 429)
BODY = (404, 409, 413, 415, 422)


@dataclass(frozen=True)
class Call:
    """One operation of the API. `answers` maps a status to the name of a shape, None for an answer without a body."""

    method: str
    path: str
    name: str
    summary: str
    answers: Mapping[int, str | None]
    refusals: Sequence[int] = ()
    query: type[Schema] | None = None
    headers: Sequence[str] = ()
    body: dict[str, Any] | None = None
    open: bool = False
    media_type: str = JSON
    other_types: Sequence[str] = ()
    details: dict[str, Any] = field(default_factory=dict)


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _json(name: str) -> dict[str, Any]:
    return {"required": True, "content": {JSON: {"schema": _ref("schemas", name)}}}


OPERATIONS_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": _ref("schemas", "Operations")},
        "application/x-ndjson": {"schema": {"type": "string", "description": "One operation a line."}},
    },
}
TRIAL_BODY = {
    "required": True,
    "content": {JSON: {"schema": _ref("schemas", "Trial")}, "application/x-ndjson": {"schema": {"type": "string"}}},
}
EXPORTED = ("application/x-ndjson", "text/csv", "application/vnd.apache.parquet", "application/zip")
POSTED = {200: "Posted", 201: None, 202: "Accepted"}
SENDING = ("Prefer", "IdempotencyKey", "UploadComplete")
PARTIAL_BODY = {"required": True, "content": {"application/partial-upload": {"schema": {"type": "string", "format": "binary"}}}}


def _history(place: str, named: str) -> tuple[Call, ...]:
    return (
        Call("get", f"{place}/versions", f"list{named}Versions", "List a record's versions that may be read, newest first.",
             {200: "VersionPage"}, (404, 410), query=schemas.HistoryParameters),
        Call("get", f"{place}/diff", f"diff{named}Versions", "Tell what differs between two versions of a record, key by key.",
             {200: "Diff"}, (404,), query=schemas.DiffParameters),
        Call("post", f"{place}/restore", f"restore{named}Version", "Make an old version of a record the present one.",
             {200: "Record"}, (403, 404, 412, 413), body=_json("Restore")),
    )  # fmt: skip


CALLS = (
    Call("post", f"{RECORDS}/", "postRecords", "Carry out one operation, or many as a job.", POSTED, (*BODY, 403, 412, 429),
         query=schemas.BulkParameters, headers=SENDING, body=OPERATIONS_BODY),
    Call("post", f"{RECORDS}/{{rid}}", "postRecord", "Carry out one operation on a record by its number.", POSTED,
         (*BODY, 403, 412), query=schemas.BulkParameters, headers=SENDING, body=_json("OperationsOnRecord")),
    Call("post", f"{RECORDS}/{{organisation}}/{{lab}}/{{record}}", "postNamedRecord",
         "Carry out one operation on a record by its lab's id for it.", POSTED, (*BODY, 403, 412, 429),
         query=schemas.BulkParameters, headers=SENDING, body=_json("OperationsOnRecord")),
    Call("get", f"{RECORDS}/", "bulkGet", "Give all records of a share level, as one file or as a zip of groups.",
         {200: "Export", 202: "Accepted", 304: None}, (404, 409, 410, 422), query=export_parameters.BulkGetParameters,
         headers=("Prefer", "IdempotencyKey"), other_types=EXPORTED),
    Call("get", f"{CLASSIFICATIONS}/export", "exportRecords", "Give all records, or all changes since a moment with tombstones.",
         {200: "Export", 202: "Accepted", 304: None}, (409, 410, 422), query=export_parameters.ExportEndpointParameters,
         headers=("Prefer", "IdempotencyKey"), other_types=EXPORTED),
    Call("get", "/classification/redcap_data_dictionary.csv", "getRedcapDictionary",
         "Give the data dictionary that REDCap needs before it takes an export.", {200: "Csv", 304: None},
         query=export_parameters.DictionaryParameters, media_type="text/csv"),
    Call("get", f"{RECORDS}/{{rid}}", "getRecord", "Read a record by its number, with `.version` as of that version.",
         {200: "Record"}, (404,), query=schemas.RecordParameters),
    Call("get", f"{RECORDS}/{{organisation}}/{{lab}}/{{record}}", "getNamedRecord", "Read a record by its lab's id for it.",
         {200: "Record"}, (404,), query=schemas.RecordParameters),
    *_history(f"{RECORDS}/{{rid}}", ""),
    *_history(f"{RECORDS}/{{organisation}}/{{lab}}/{{record}}", "Named"),
    Call("post", f"{RECORDS}s/bulk/validate", "validateRecords", "Try many operations without storing any.",
         {200: "BulkAnswer", 201: None, 202: "Accepted"}, BODY, query=schemas.BulkParameters, headers=SENDING,
         body=TRIAL_BODY),
    Call("post", f"{RECORDS}s/bulk/get", "getRecords", "Read a selection's records, a page at a time.", {200: "RecordPage"},
         (404, 410, 413, 415), body=_json("BulkGet")),
    Call("get", "/classification/api/evidence_keys", "listEvidenceKeys", "List the evidence keys.",
         {200: "EvidenceKeys", 304: None}, query=evidence_keys.KeyParameters, open=True),
    Call("get", f"{CLASSIFICATIONS}/v3/discordances", "listDiscordances", "List variants that labs classify differently.",
         {200: "DiscordancePage"}, (410,), query=variants.DiscordanceParameters),
    Call("get", f"{CLASSIFICATIONS}/v3/imports", "listImports", "List one's own import runs, newest first.",
         {200: "ImportPage"}, (410,), query=imports.RunListParameters),
    Call("get", f"{CLASSIFICATIONS}/v3/imports/{{number}}", "getImport", "Tell how an import run stands.",
         {200: "ImportWithJobs", 304: None}, (404,)),
    Call("get", f"{CLASSIFICATIONS}/v3/imports/{{number}}/missing", "listMissing",
         "List records of the run's labs that no post of it named.", {200: "MissingPage"}, (404, 410),
         query=imports.MissingParameters),
    Call("get", "/api/jobs", "listJobs", "List one's own jobs, newest first.", {200: "JobPage"}, (410,),
         query=schemas.JobListParameters),
    Call("get", JOB, "getJob", "Tell how a job stands.", {200: "Job", 304: None}, (404, 429)),
    Call("get", f"{JOB}/results", "listResults", "List a job's outcomes by index; readable while it runs.", {200: "ResultPage"},
         (404, 410), query=schemas.ResultParameters),
    Call("get", f"{JOB}/digest", "getDigest", "Tell what is wrong with a job's items, by causes.", {200: "Digest"}, (404, 410)),
    Call("get", f"{JOB}/members", "listMembers", "List what a job over a selection froze.", {200: "MemberPage"}, (404, 410),
         query=schemas.Paged),
    Call("get", f"{JOB}/drift", "listDrift", "List members that were not what was frozen at their turn.", {200: "DriftPage"},
         (404, 410), query=schemas.Paged),
    Call("get", f"{JOB}/files", "listFiles", "List the files of an export job; while it runs, those that are ready.",
         {200: "Files"}, (404, 410)),
    Call("get", f"{JOB}/files/{{no}}", "getFile", "Give a file of an export job, whole or by Range.",
         {200: "Export", 206: "Export", 304: None}, (404, 410, 416), other_types=EXPORTED),
    Call("get", f"{JOB}/ledger", "listLedger", "List a job's outcomes in the order in which they came.", {200: "LedgerPage"},
         (404, 410), query=schemas.LedgerParameters),
    Call("get", f"{JOB}/events", "streamEvents", "Follow a job, and its outcomes if asked for, by server-sent events.",
         {200: "Events", 204: None}, (404, 410), query=schemas.EventParameters, headers=("LastEventId",),
         media_type="text/event-stream"),
    Call("patch", JOB, "patchJob", "Change how fast a job goes, in items a second.", {200: "Job"},
         (404, 413, 422), body=_json("JobBody")),
    Call("post", f"{JOB}/pause", "pauseJob", "Let a job begin nothing more; it can be resumed.", {200: "Job", 202: "Job"},
         (404,)),
    Call("post", f"{JOB}/resume", "resumeJob", "Let a paused job go on where it was.", {200: "Job"}, (404,)),
    Call("post", f"{JOB}/cancel", "cancelJob", "Ask a job to stop.", {200: "Job", 202: "Job"}, (404,)),
    Call("post", f"{JOB}/retry", "retryJob", "Run a job's failed items again, as a job of its own.", {202: "Accepted"},
         (404, 409, 410, 422), headers=("IdempotencyKey",)),
    Call("post", f"{JOB}/undo", "undoJob", "Take back what a job changed, as a job of its own.", {202: "Accepted"},
         (404, 409, 410, 413, 422), headers=("IdempotencyKey",), body=_json("Undo") | {"required": False}),
    Call("get", f"{JOB}/inputs", "listInputs", "Show items of a job as they were sent.", {200: "Anything"}, (404, 410),
         query=schemas.InputParameters),
    Call("get", f"{JOB}/receipt", "getReceipt", "Give the signed receipt of a job that has ended.",
         {200: "Receipt", 202: "Preparing"}, (404, 409, 410)),
    Call("get", f"{JOB}/receipt/ledger", "getLedger", "Give the ledger that a job's receipt is about, a line for each item.",
         {200: "Lines"}, (404, 409, 410), media_type="application/x-ndjson"),
    Call("get", "/.well-known/jwks.json", "getKeys", "Give the public keys of receipts.", {200: "Keys"}, open=True),
    Call("get", "/api/uploads", "listUploads", "List one's own uploads that are not complete.", {200: "Uploads"}),
    Call("get", "/api/uploads/{upload}", "getUpload", "Tell how an upload stands; HEAD tells where it goes on.",
         {200: "Upload"}, (404, 410)),
    Call("patch", "/api/uploads/{upload}", "appendToUpload", "Append to an upload; the last request is answered by its target.",
         {200: "Posted", 202: "Accepted", 204: None}, (*BODY, 403, 410, 412), headers=("UploadOffset", "UploadEnds"),
         body=PARTIAL_BODY),
    Call("delete", "/api/uploads/{upload}", "cancelUpload", "Forget an upload; a job that was made of it stays.", {204: None},
         (404,)),
    Call("delete", JOB, "purgeJob", "Remove a final job's items and results; its summary stays.", {204: None}, (404,)),
    Call("post", "/api/webhooks", "createWebhook", "Be told when one's own jobs end. The secret is told once.",
         {201: "WebhookSecret"}, (413, 422), body=_json("NewWebhook")),
    Call("get", "/api/webhooks", "listWebhooks", "List one's own webhooks.", {200: "Webhooks"}),
    Call("get", WEBHOOK, "getWebhook", "Tell how a webhook stands.", {200: "Webhook"}, (404,)),
    Call("delete", WEBHOOK, "deleteWebhook", "Delete a webhook with its log.", {204: None}, (404,)),
    Call("post", f"{WEBHOOK}/rotate", "rotateWebhook", "Give a webhook a new secret; for a day both sign.",
         {200: "WebhookSecret"}, (404,)),
    Call("post", f"{WEBHOOK}/enable", "enableWebhook", "Deliver to a disabled webhook again.", {200: "Webhook"},
         (404, 422)),
    Call("post", f"{WEBHOOK}/disable", "disableWebhook", "Deliver nothing more to a webhook until it is enabled.",
         {200: "Webhook"}, (404,)),
    Call("get", f"{WEBHOOK}/deliveries", "listDeliveries", "List deliveries with each try, newest first.",
         {200: "DeliveryPage"}, (404, 410), query=webhooks.DeliveryParameters),
    Call("post", f"{WEBHOOK}/deliveries/{{delivery}}/replay", "replayDelivery", "Deliver something again, by the same id.",
         {202: "Delivery"}, (404, 422)),
    Call("post", f"{WEBHOOK}/deliveries/replay", "replayFailedDeliveries", "Deliver everything that failed again.",
         {202: "Replayed"}, (404, 422)),
    Call("get", "/api/notices", "listNotices", "List what happened to one's jobs and webhooks, newest first.",
         {200: "NoticePage"}, (410,), query=schemas.Paged),
    Call("get", "/api/notices/unseen", "countNotices", "Count what one has not seen; at most a hundred are counted.",
         {200: "Unseen"}),
    Call("post", "/api/notices/seen", "seeNotices", "Note that everything up to a moment has been seen.",
         {200: "Unseen"}, (413, 422), body=_json("Seen")),
    Call("get", "/api/figures", "getFigures", "Tell how much is open, which parts run, and what was done lately.",
         {200: "Anything"}, query=schemas.FigureParameters),
    Call("get", "/api/limits", "getLimits", "Tell what one client may send.", {200: "Limits"}, open=True),
    Call("get", "/api/openapi.json", "getOpenapi", "This document.", {200: "Anything", 304: None}, open=True),
    Call("get", "/health/live", "live", "Say that the process answers.", {200: "Anything"}, open=True),
    Call("get", "/health/ready", "ready", "Say whether work sent now would be done.", {200: "Anything"}, open=True),
)  # fmt: skip


def _bulk_call(verb: Verb) -> Call:
    summary = (verb.run.__doc__ or f"Apply `{verb.title}` to a selection.").split("\n")[0]
    name = f"{verb.title}Records"
    return Call(
        "post", f"{RECORDS}s/bulk/{verb.title}", name, summary, {200: "BulkAnswer", 202: "Accepted"}, (*BODY, 412),
        headers=("Prefer", "IdempotencyKey"), body=_json(_body_name(verb)),
    )  # fmt: skip


def _body_name(verb: Verb) -> str:
    return f"Bulk{verb.title.capitalize()}"


def _selection_verbs() -> list[Verb]:
    return [verb for verb in operations.registry().values() if verb.over_selection and verb.name.endswith("_classifications")]


def build() -> APISpec:
    """Return the document."""
    spec = APISpec(
        title="Waybill",
        version=version("waybill"),
        openapi_version="3.1.0",
        plugins=[MarshmallowPlugin()],
        info={"description": shapes.INTRODUCTION},
        servers=[{"url": "/"}],
    )
    spec.components.security_scheme("key", {"type": "http", "scheme": "bearer", "description": "An API key."})
    for name, shape in shapes.SHAPES.items():
        spec.components.schema(name, shape)
    for name, header in shapes.HEADERS.items():
        spec.components.parameter(name, "header", header)
    _add_bodies(spec)
    for call in (*CALLS, *map(_bulk_call, _selection_verbs())):
        spec.path(call.path, operations={call.method: _operation(call)})
    return spec


def _add_bodies(spec: APISpec) -> None:
    bodies: dict[str, type[Schema]] = {"BulkGet": schemas.BulkGetBody}
    for verb in _selection_verbs():
        bodies[_body_name(verb)] = type(f"{_body_name(verb)}Body", (schemas.SelectionBody, verb.params), {})
    for name, body in bodies.items():
        spec.components.schema(name, schema=body)
        _complete(spec.components.schemas[name])
    for name, body in (("Restore", schemas.RestoreBody), ("Undo", schemas.UndoBody), ("NewWebhook", webhooks.WebhookBody),
                       ("JobBody", schemas.JobBody), ("Seen", notices.SeenBody)):  # fmt: skip
        spec.components.schema(name, schema=body)


def _complete(body: dict[str, Any]) -> None:
    """Say of a body what its schema leaves to the core: the selection, and members that single operations have too."""
    members = body["properties"]
    members |= {name: shape for name, shape in shapes.BESIDE.items() if name in members}
    members["selection"] = _ref("schemas", "Selection")
    body["required"] = sorted({"selection", *body.get("required", ())})


def _places(call: Call) -> list[dict[str, Any]]:
    known = shapes.PLACES | (shapes.READ_PLACES if call.method == "get" and call.path.endswith("}") else {})
    named = {name: shape for name, shape in known.items() if f"{{{name}}}" in call.path}
    return [{"in": "path", "name": name, "required": True, "schema": shape} for name, shape in named.items()]


def _operation(call: Call) -> dict[str, Any]:
    refusals = sorted({*EVERYWHERE, *(() if call.open else SIGNED_IN), *call.refusals})
    described: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.summary,
        "responses": {str(status): _answer(call, status) for status in call.answers}
        | {str(status): _refusal(status) for status in refusals},
        "security": [] if call.open else [{"key": []}],
    }
    query: list[Any] = [{"in": "query", "schema": call.query}] if call.query else []
    if parameters := [*_places(call), *query, *call.headers]:
        described["parameters"] = parameters
    if call.body:
        described["requestBody"] = call.body
    return described


def _answer(call: Call, status: int) -> dict[str, Any]:
    name = call.answers[status]
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if name:
        described["content"] = {call.media_type: {"schema": _ref("schemas", name)}}
    if name and status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        described["content"] |= {kind: {"schema": {"type": "string"}} for kind in call.other_types}
    if status == HTTPStatus.ACCEPTED:
        described["headers"] = {"Location": {"required": True, "schema": {"type": "string"}}}
    return described


def _refusal(status: int) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {PROBLEM: {"schema": _ref("schemas", "Problem")}}}


def document() -> dict[str, Any]:
    """Return the document with its examples."""
    return examples.lay(build().to_dict())


@lru_cache(maxsize=1)
def _document() -> bytes:
    return msgspec.json.encode(document())


@api.get("/api/openapi.json")
def get_openapi() -> Response:
    """Give this API's description."""
    return unless_known(Response(_document(), content_type=JSON, headers={"Cache-Control": "public, max-age=300"}))
