"""What each call of the classification face takes and gives, as the OpenAPI document tells it: data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from web import evidence_keys, export_parameters, imports, schemas, variants, webhooks
from web.answers import JSON
from web.shapes.words import ref

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


def json_body(name: str) -> dict[str, Any]:
    """Return a body that is JSON of a shape."""
    return {"required": True, "content": {JSON: {"schema": ref(name)}}}


OPERATIONS_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": ref("Operations")},
        "application/x-ndjson": {"schema": {"type": "string", "description": "One operation a line."}},
    },
}
TRIAL_BODY = {
    "required": True,
    "content": {JSON: {"schema": ref("Trial")}, "application/x-ndjson": {"schema": {"type": "string"}}},
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
             {200: "Record"}, (403, 404, 412, 413), body=json_body("Restore")),
    )  # fmt: skip


CALLS = (
    Call("post", f"{RECORDS}/", "postRecords", "Carry out one operation, or many as a job.", POSTED, (*BODY, 403, 412, 429),
         query=schemas.BulkParameters, headers=SENDING, body=OPERATIONS_BODY),
    Call("post", f"{RECORDS}/{{rid}}", "postRecord", "Carry out one operation on a record by its number.", POSTED,
         (*BODY, 403, 412), query=schemas.BulkParameters, headers=SENDING, body=json_body("OperationsOnRecord")),
    Call("post", f"{RECORDS}/{{organisation}}/{{lab}}/{{record}}", "postNamedRecord",
         "Carry out one operation on a record by its lab's id for it.", POSTED, (*BODY, 403, 412, 429),
         query=schemas.BulkParameters, headers=SENDING, body=json_body("OperationsOnRecord")),
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
         (404, 410, 413, 415), body=json_body("BulkGet")),
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
         (404, 413, 422), body=json_body("JobBody")),
    Call("post", f"{JOB}/pause", "pauseJob", "Let a job begin nothing more; it can be resumed.", {200: "Job", 202: "Job"},
         (404,)),
    Call("post", f"{JOB}/resume", "resumeJob", "Let a paused job go on where it was.", {200: "Job"}, (404,)),
    Call("post", f"{JOB}/cancel", "cancelJob", "Ask a job to stop.", {200: "Job", 202: "Job"}, (404,)),
    Call("post", f"{JOB}/retry", "retryJob", "Run a job's failed items again, as a job of its own.", {202: "Accepted"},
         (404, 409, 410, 422), headers=("IdempotencyKey",)),
    Call("post", f"{JOB}/undo", "undoJob", "Take back what a job changed, as a job of its own.", {202: "Accepted"},
         (404, 409, 410, 413, 422), headers=("IdempotencyKey",), body=json_body("Undo") | {"required": False}),
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
         {201: "WebhookSecret"}, (413, 422), body=json_body("NewWebhook")),
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
         {200: "Unseen"}, (413, 422), body=json_body("Seen")),
    Call("get", "/api/figures", "getFigures", "Tell how much is open, which parts run, and what was done lately.",
         {200: "Anything"}, query=schemas.FigureParameters),
    Call("get", "/api/limits", "getLimits", "Tell what one client may send.", {200: "Limits"}, open=True),
    Call("get", "/api/openapi.json", "getOpenapi", "This document.", {200: "Anything", 304: None}, open=True),
    Call("get", "/health/live", "live", "Say that the process answers.", {200: "Anything"}, open=True),
    Call("get", "/health/ready", "ready", "Say whether work sent now would be done.", {200: "Anything"}, open=True),
)  # fmt: skip
