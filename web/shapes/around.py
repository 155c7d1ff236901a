"""What stands around jobs: uploads, webhooks and notices."""

from __future__ import annotations

from models.jobs.values import JobOutcome, JobStatus
from models.notices import Kind
from web.shapes.words import COUNT, FLAG, MOMENT, PAGE, TEXT, TOKEN, Shape, many, null, obj, ref

UPLOAD: dict[str, Shape] = {
    "id": TOKEN, "status": {"enum": ["open", "complete", "stored", "refused"]}, "received": COUNT, "length": null(COUNT),
    "job.token": null(TOKEN), "error": null({"type": "object"}), "created_on": MOMENT, "touched_on": MOMENT,
    "expires_on": MOMENT,
}  # fmt: skip
WEBHOOK: dict[str, Shape] = {
    "id": TOKEN, "url": TEXT, "events": many(TEXT), "status": {"enum": ["active", "disabled"]},
    "reason": {"enum": ["gone", "unreachable", "secret_unreadable", "by_owner", None]}, "sequence": COUNT, "created_on": MOMENT,
    "old_secret_until": null(MOMENT), "disabled_on": null(MOMENT), "waiting": COUNT, "next_try_on": null(MOMENT),
    "last_delivery": null(obj({
        "status": {"enum": ["delivered", "failed"]}, "event": TEXT, "job.token": TOKEN, "tried_on": null(MOMENT),
    })),
}  # fmt: skip
TRY = obj({"no": COUNT, "started_on": MOMENT, "milliseconds": null(COUNT), "status": null(COUNT), "error": null(TEXT)})
DELIVERY: dict[str, Shape] = {
    "id": TOKEN, "webhook_id": TEXT, "sequence": COUNT, "event": TEXT, "job.token": TOKEN,
    "status": {"enum": ["waiting", "delivered", "failed"]}, "created_on": MOMENT, "replayed_on": null(MOMENT),
    "attempts": many(TRY),
}  # fmt: skip
NOTICE: dict[str, Shape] = {
    "kind": {"enum": list(Kind)}, "happened_on": MOMENT, "seen": FLAG,
    "job": null(obj({
        "token": TOKEN, "job": TEXT, "status": {"enum": list(JobStatus)}, "outcome": {"enum": [*JobOutcome, None]},
        "total": COUNT, "succeeded": COUNT, "noop": COUNT, "failed": COUNT, "skipped": COUNT, "cancelled": COUNT,
        "quarantined": COUNT, "error": null(TEXT),
    })),
    "webhook": null(obj({"id": TOKEN, "url": TEXT, "reason": TEXT})),
}  # fmt: skip
SHAPES: dict[str, Shape] = {
    "Upload": obj(UPLOAD),
    "Uploads": obj({"uploads": many(ref("Upload"))}),
    "Webhook": obj(WEBHOOK),
    "WebhookSecret": obj(WEBHOOK | {"secret": TEXT}),
    "Webhooks": obj({"webhooks": many(ref("Webhook"))}),
    "Delivery": obj(DELIVERY),
    "DeliveryPage": obj({"deliveries": many(ref("Delivery")), **PAGE}),
    "Replayed": obj({"replayed": COUNT}),
    "NoticePage": obj({"notices": many(obj(NOTICE)), "unseen": COUNT, **PAGE}),
    "Unseen": obj({"unseen": COUNT}),
}  # fmt: skip
