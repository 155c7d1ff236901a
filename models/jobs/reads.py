"""What a job's owner may read. A token that is unknown, foreign or no token at all looks the same: not found."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from models.db import Session, driver
from models.errors import NotFound
from models.identity.principal import Principal
from models.jobs.ledger import OUTCOME_COLUMNS, Outcome
from models.jobs.values import Job, JobOutcome, JobStatus, Result
from models.settings import settings

COLUMNS = """
j.id, j.token, j.name, j.status, j.outcome, j.total, j.succeeded, j.failed, j.skipped, j.noop, j.cancelled, j.tags, j.info,
(SELECT p.token FROM jobs p WHERE p.id = j.parent_id), j.cancel_requested_on IS NOT NULL, j.chunks_total,
j.status IN ('queued', 'processing') AND j.pause_requested_on IS NULL
    AND greatest(j.updated_on, CASE WHEN j.pace IS NOT NULL THEN j.next_on END) < now() - make_interval(secs => 2 * %(again)s),
CASE WHEN j.status = 'queued' AND j.pause_requested_on IS NULL THEN (
    SELECT count(*) + 1 FROM jobs o WHERE o.tenant = j.tenant AND o.queue = j.queue AND o.id < j.id
        AND o.status IN ('queued', 'processing') AND o.cancel_requested_on IS NULL AND o.pause_requested_on IS NULL
) END, j.queue, j.created_on, j.updated_on, j.started_on, j.finished_on, j.purged_on, coalesce(j.params->'test' = 'true', false),
j.pause_requested_on IS NOT NULL, j.paused_on, j.pace
"""
ATTEMPTS = "coalesce((SELECT sum(attempts) FROM chunks c WHERE c.job_id = j.id), 0)"
MINE = "(j.submitter_id = %(user_id)s OR %(superuser)s)"
OURS = "j.project_id = %(project_id)s"  # a project's jobs are its members'; the door has looked whether one is


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Which jobs to list: newest first, those before `before_id`."""

    status: str | None = None
    name: str | None = None
    tag: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    before_id: int | None = None
    size: int = 100
    project_id: int | None = None  # its jobs, whoever submitted them; else one's own


@dataclass(frozen=True, slots=True)
class OutcomeQuery:
    """Which outcomes to list: by index, those after `after`."""

    status: str | None = None
    after: int = -1
    size: int = 100


def _reader(principal: Principal) -> dict[str, Any]:
    again = settings().redispatch_after
    return {"user_id": principal.user_id, "superuser": principal.superuser, "again": again}


def _job(row: tuple[Any, ...], *, replayed: bool = False, attempts: int = 0) -> Job:
    waiting = row[17] - (settings().tenant_jobs if row[18] == "bulk" else row[17]) if row[17] else 0
    return Job(
        id=row[0], token=row[1], name=row[2], status=JobStatus(row[3]), outcome=JobOutcome(row[4]) if row[4] else None,
        total=row[5], succeeded=row[6], failed=row[7], skipped=row[8], noop=row[9], cancelled=row[10],
        tags=tuple(row[11]), info=row[12], parent_token=row[13], cancel_requested=row[14], attempts=attempts,
        chunks_total=row[15], stalled=row[16] and waiting <= 0, queue_position=waiting if waiting > 0 else None,
        created_on=row[19], updated_on=row[20], started_on=row[21], finished_on=row[22], purged_on=row[23], test=row[24],
        pause_requested=row[25], paused_on=row[26], pace=row[27], replayed=replayed,
    )  # fmt: skip


def _token(text: str) -> UUID:
    """Return a token in its one canonical form, or refuse as if nobody had it."""
    try:
        token = UUID(text)
    except ValueError:
        raise NotFound("There is no such job.") from None
    if str(token) != text:
        raise NotFound("There is no such job.")
    return token


def get_job(session: Session, principal: Principal, token: str, *, replayed: bool = False, project_id: int | None = None) -> Job:
    """Return one's own job, or one of a project that one is a member of. Raises NotFound."""
    values = _reader(principal) | {"token": _token(token), "project_id": project_id}
    whose = MINE if project_id is None else OURS
    sql = f"SELECT {COLUMNS}, {ATTEMPTS} FROM jobs j WHERE j.token = %(token)s AND {whose}"
    row = driver(session).execute(sql, values).fetchone()
    if row is None:
        raise NotFound("There is no such job.")
    return _job(row, replayed=replayed, attempts=int(row[28]))


def find_jobs(session: Session, job_ids: Collection[int]) -> dict[int, Job]:
    """Return jobs by their ids, whosever they are: the caller has looked at that."""
    values = {"job_ids": list(job_ids), "again": settings().redispatch_after}
    rows = driver(session).execute(f"SELECT {COLUMNS}, {ATTEMPTS} FROM jobs j WHERE j.id = ANY(%(job_ids)s)", values)
    return {row[0]: _job(row, attempts=int(row[28])) for row in rows.fetchall()}


CONDITIONS = {
    "status": "j.status = %(status)s",
    "name": "j.name = %(name)s",
    "tag": "%(tag)s = ANY(j.tags)",
    "created_after": "j.created_on >= %(created_after)s",
    "created_before": "j.created_on < %(created_before)s",
    "before_id": "j.id < %(before_id)s",
}


def list_jobs(session: Session, principal: Principal, query: JobQuery) -> list[Job]:
    """Return one's own jobs, or a project's, newest first."""
    asked: Mapping[str, Any] = {name: getattr(query, name) for name in CONDITIONS if getattr(query, name) is not None}
    where = " AND ".join([MINE if query.project_id is None else OURS, *(CONDITIONS[name] for name in asked)])
    sql = f"SELECT {COLUMNS} FROM jobs j WHERE {where} ORDER BY j.id DESC LIMIT %(size)s"
    values = {**_reader(principal), **asked, "size": query.size, "project_id": query.project_id}
    rows = driver(session).execute(sql, values).fetchall()
    return [_job(row) for row in rows]


HORIZON = """
SELECT min(head.index) FROM jobs j CROSS JOIN LATERAL generate_series(0, j.lanes - 1) AS lanes (lane)
CROSS JOIN LATERAL (
    SELECT CASE WHEN groups IS NULL THEN indexes[next_item + 1]
        ELSE (SELECT min(open) FROM unnest(indexes[next_item + 1 :]) AS items (open)) END AS index FROM chunks c
    WHERE c.job_id = j.id AND c.lane = lanes.lane AND c.status <> 'done' ORDER BY c.no LIMIT 1
) head WHERE j.id = %s
"""


def list_outcomes(session: Session, job: Job, query: OutcomeQuery) -> list[Outcome]:
    """Return a job's outcomes by index; while it runs, up to the first item that has none, so that no page misses one.

    Raises Gone where they were purged.
    """
    job.check_kept("results")
    connection = driver(session)
    row = None if job.final else connection.execute(HORIZON, (job.id,)).fetchone()
    values = {"job_id": job.id, "after": query.after, "status": query.status, "size": query.size, "horizon": row and row[0]}
    within = " AND index < %(horizon)s" if values["horizon"] is not None else ""
    status = " AND status = %(status)s" if query.status else ""
    columns = OUTCOME_COLUMNS.removeprefix("job_id, ").replace("info", "info::text")
    where = f"job_id = %(job_id)s AND index > %(after)s{within}{status}"
    rows = connection.execute(f"SELECT {columns} FROM outcomes WHERE {where} ORDER BY index LIMIT %(size)s", values)
    return [as_outcome(found) for found in rows.fetchall()]


def error_of(row: Outcome) -> dict[str, Any] | None:
    """Return what an item was refused with, None where it was not."""
    return {"code": row.code, "detail": row.detail, "pointer": row.pointer} if row.code else None


def as_result(row: Outcome) -> Result:
    """Return an outcome whose info is what a single call would have answered."""
    info: Mapping[str, Any] | None = msgspec.json.decode(row.info) if row.info else None
    return Result(row.index, row.status, row.target, info, error_of(row), row.line, row.ref)


def as_outcome(row: Sequence[Any]) -> Outcome:
    """Return the outcome that a row of the ledger is, `info` as text."""
    index, status, record_id, target, code, pointer, detail, version, info, line, ref = row
    return Outcome(index, status, record_id, target, code, pointer, detail, version, info.encode() if info else None, line, ref)
