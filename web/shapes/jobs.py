"""Jobs, and what they leave behind: outcomes, files, receipts."""

from __future__ import annotations

from models.classifications.state import Status
from models.jobs.values import JobOutcome, JobStatus
from web.shapes.operations import PACE
from web.shapes.words import COUNT, ERROR, FLAG, MOMENT, PAGE, TEXT, TOKEN, Shape, many, null, obj, ref

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
    "queue_position": null(COUNT),
    "tags": many(TEXT),
    "test": {"type": "boolean"},
    "parent": null(TOKEN),
    "info": {"type": "object"},
    "created_on": MOMENT,
    "updated_on": MOMENT,
    "started_on": null(MOMENT),
    "finished_on": null(MOMENT),
    "paused_on": null(MOMENT),
    "purged_on": null(MOMENT),
}
RESULT = {
    "index": COUNT,
    "line": null(COUNT),
    "ref": null(TEXT),
    "status": {"enum": list(Status)},
    "id": null(TEXT),
    "result": null(ref("Record")),
    "error": null(ERROR),
}
LEDGER_ROW: dict[str, Shape] = {
    "seq": {"type": "integer", "minimum": 1, "description": "The outcome's number, in the order in which they came."},
    **{name: shape for name, shape in RESULT.items() if name != "result"},
}
EXAMPLE: Shape = obj({"index": COUNT, "line": null(COUNT), "ref": null(TEXT), "id": null(TEXT), "detail": null(TEXT)})
CAUSE: Shape = obj({
    "code": null(TEXT), "pointer": null(TEXT), "status": TEXT, "count": COUNT, "retryable": FLAG, "examples": many(EXAMPLE),
})  # fmt: skip
MORE = null(obj({"causes": COUNT, "items": COUNT}))
SHAPES: dict[str, Shape] = {
    "Accepted": obj({
        "success": {"const": True}, "result": obj({"job.token": TOKEN}, optional={"plan_token": TEXT}),
        "data": {"type": "object"},
    }),
    "Job": obj(JOB, optional={"errors": many(obj({"code": TEXT, "count": COUNT}))}),
    "JobPage": obj({"jobs": many(ref("Job")), **PAGE}),
    "ResultPage": obj({"results": many(obj(RESULT)), **PAGE}),
    "LedgerPage": obj({"ledger": many(obj(LEDGER_ROW)), "after": COUNT, "limit": COUNT, "complete": FLAG}),
    "Digest": obj({
        "token": TOKEN, "job": TEXT, "complete": FLAG, "total": COUNT, "refused": COUNT, "causes": many(CAUSE),
        "causes.more": MORE, "warnings": many(CAUSE), "warnings.more": MORE,
    }),
    "MemberPage": obj({
        "members": many(obj({"index": COUNT, "id": null(TEXT), "rid": null(COUNT), "frozen_on": null(MOMENT)})),
        "complete": FLAG, **PAGE,
    }),
    "DriftPage": obj({
        "drift": many(obj({
            "index": COUNT, "id": null(TEXT), "rid": COUNT, "change": {"enum": ["changed", "gone", "unmatched"]},
            "frozen_on": null(MOMENT), "found_on": null(MOMENT),
        })),
        "complete": FLAG, **PAGE,
    }),
    "Files": obj({
        "files": many(obj({
            "no": COUNT, "name": TEXT, "media_type": TEXT, "rows": COUNT, "bytes": COUNT, "sha256": TEXT, "created_on": MOMENT,
            "url": TEXT,
        })),
        "parts": COUNT, "complete": {"type": "boolean"}, "status": {"enum": list(JobStatus)},
        "outcome": {"enum": [*JobOutcome, None]},
    }),
    "Events": TEXT,
    "Lines": TEXT,
    "Receipt": obj({"token": TOKEN, "receipt": {"type": "object"}, "jws": TEXT}),
    "Preparing": obj({"token": TOKEN, "receipt": {"type": "null"}}),
    "Keys": obj({"keys": many(obj(dict.fromkeys(("kty", "crv", "x", "kid", "use", "alg"), TEXT)))}),
}  # fmt: skip
