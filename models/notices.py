"""What happened to one's jobs and webhooks: read from these themselves, with one mark a user for what has been seen.

A notice is a job that ended, or a webhook that the service has disabled. Jobs that only try something are none: who tries looks
on. The mark is the moment of the newest notice that was shown, never the present: what ended meanwhile stays unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from models.db import Session, driver
from models.identity.principal import Principal
from models.webhooks.subscriptions import BY_OWNER

MOST_COUNTED = 100  # unseen ones; more are not counted


class Kind(StrEnum):
    """What happened. A job is of the first kind that fits."""

    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    UNDONE = "undone"
    EXPORTED = "exported"
    DONE = "done"
    WEBHOOK_DISABLED = "webhook_disabled"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list of notices stands: behind this one."""

    moment: datetime
    key: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened to the job or webhook that its place's key names; `about` says more of it."""

    place: Place
    kind: Kind
    seen: bool
    about: dict[str, Any]


# What is asked for is what the index `jobs_ended` has, in its words.
ENDED = "finished_on IS NOT NULL AND name <> 'validate_classifications' AND coalesce(params->'test' <> 'true', true)"
OF_JOBS = f"""
SELECT j.finished_on AS moment, j.token::text AS key, jsonb_build_object('job', j.name, 'status', j.status, 'outcome', j.outcome,
    'total', j.total, 'succeeded', j.succeeded, 'noop', j.noop, 'failed', j.failed, 'skipped', j.skipped,
    'cancelled', j.cancelled, 'error', CASE WHEN j.status = 'rejected' THEN j.info->'error'->'code' END, 'quarantined', (
        SELECT count(*) FROM (
            SELECT FROM outcomes o WHERE o.job_id = j.id AND o.code = 'quarantined' AND j.failed > 0 LIMIT {MOST_COUNTED}
        ) known
    )) AS about
FROM (
    SELECT * FROM jobs WHERE submitter_id = %(user_id)s AND {ENDED} AND (%(moment)s::timestamptz IS NULL
        OR finished_on <= %(moment)s AND (finished_on, token) < (%(moment)s, %(key)s::uuid))
    ORDER BY finished_on DESC, token DESC LIMIT %(size)s
) j
"""
OF_WEBHOOKS = f"""
SELECT disabled_on AS moment, id::text AS key, jsonb_build_object('url', url, 'reason', reason) AS about
FROM webhooks WHERE user_id = %(user_id)s AND status = 'disabled' AND reason <> '{BY_OWNER}'
    AND (%(moment)s::timestamptz IS NULL OR (disabled_on, id) < (%(moment)s, %(key)s::uuid))
"""
SEEN = "(SELECT notices_seen_on FROM users WHERE id = %(user_id)s)"
LIST = f"""
SELECT moment, key, about, moment <= {SEEN} FROM ({OF_JOBS} UNION ALL {OF_WEBHOOKS}) found
ORDER BY moment DESC, key::uuid DESC LIMIT %(size)s
"""
COUNT = f"""
SELECT count(*) FROM (
    SELECT FROM jobs WHERE submitter_id = %(user_id)s AND {ENDED} AND finished_on > {SEEN}
    UNION ALL
    SELECT FROM webhooks WHERE user_id = %(user_id)s AND status = 'disabled' AND reason <> '{BY_OWNER}' AND disabled_on > {SEEN}
    LIMIT {MOST_COUNTED}
) unseen
"""
SEE = """
UPDATE users SET notices_seen_on = least(%(until)s, clock_timestamp())
WHERE id = %(user_id)s AND notices_seen_on < least(%(until)s, clock_timestamp())
"""


def list_notices(session: Session, principal: Principal, before: Place | None, size: int) -> list[Notice]:
    """Return one's own notices, newest first, those before a place."""
    values = {"user_id": principal.user_id, "moment": before and before.moment, "key": before and before.key, "size": size}
    rows = driver(session).execute(LIST, values).fetchall()
    return [Notice(Place(moment, key), _kind(about), seen, about) for moment, key, about, seen in rows]


def _kind(about: dict[str, Any]) -> Kind:
    if "url" in about:
        return Kind.WEBHOOK_DISABLED
    if about["status"] == "rejected":
        return Kind.REJECTED
    if about["quarantined"]:
        return Kind.QUARANTINED
    if about["outcome"] in ("succeeded", "partial") and about["job"] in ("undo", "export_classifications"):
        return Kind.UNDONE if about["job"] == "undo" else Kind.EXPORTED
    return Kind.DONE


def count_unseen(session: Session, principal: Principal) -> int:
    """Count what one has not seen, up to MOST_COUNTED."""
    row = driver(session).execute(COUNT, {"user_id": principal.user_id}).fetchone()
    return int(row[0]) if row else 0


def see(session: Session, principal: Principal, until: datetime) -> None:
    """Note that everything up to a moment has been seen; never back."""
    driver(session).execute(SEE, {"until": until, "user_id": principal.user_id})
