"""What an owner does with a job: cancel, pause, set its pace, retry."""

from __future__ import annotations

from models import ids
from models.db import Session, driver
from models.errors import Empty, Gone, InvalidRequest, NotFound
from models.identity.principal import Principal
from models.jobs.announcing import announce_end, announce_job, ring
from models.jobs.pacing import check_pace
from models.jobs.payloads import pack, unpack
from models.jobs.reads import get_job
from models.jobs.submit import new_job, set_totals
from models.jobs.values import Job, JobStatus, Submission

REJECT = """
UPDATE jobs SET status = 'rejected', cancelled = total, cancel_requested_on = now(), finished_on = now(), updated_on = now(),
    pause_requested_on = NULL, paused_on = NULL, info = jsonb_build_object('error', jsonb_build_object(
        'code', 'cancelled', 'detail', 'The job was cancelled before it began.'))
WHERE id = %s
"""
STOP = """
UPDATE jobs SET cancel_requested_on = coalesce(cancel_requested_on, now()), pause_requested_on = NULL, paused_on = NULL
WHERE id = %s
"""


def cancel(session: Session, principal: Principal, token: str, project_id: int | None = None) -> Job:
    """Ask a job to stop: items that have no outcome yet end as cancelled. A final job stays as it is.

    A job of which no item was begun never runs: it ends as rejected.
    """
    job = get_job(session, principal, token, project_id=project_id)
    connection = driver(session)
    if job.status == JobStatus.QUEUED:  # chunks before the job, as every claim does
        connection.execute("SELECT FROM chunks WHERE job_id = %s ORDER BY no FOR UPDATE", (job.id,))
    state = connection.execute("SELECT status FROM jobs WHERE id = %s FOR UPDATE", (job.id,)).fetchone()
    if state == (JobStatus.QUEUED,):
        connection.execute(REJECT, (job.id,))
        connection.execute("UPDATE chunks SET status = 'done', fence = fence + 1 WHERE job_id = %s", (job.id,))
        announce_end(session, job.id)
        ring(session, job.id)
    if state == (JobStatus.PROCESSING,):
        connection.execute(STOP, (job.id,))
        ring(session, job.id)
    return get_job(session, principal, token, project_id=project_id)


PAUSE = """
UPDATE jobs SET pause_requested_on = clock_timestamp(), updated_on = clock_timestamp()
WHERE id = %(job_id)s AND status IN ('queued', 'processing') AND cancel_requested_on IS NULL AND pause_requested_on IS NULL
"""
RESUME = """
UPDATE jobs SET pause_requested_on = NULL, paused_on = NULL, updated_on = clock_timestamp()
WHERE id = %(job_id)s AND status IN ('queued', 'processing') AND pause_requested_on IS NOT NULL
"""
SET_PACE = """
UPDATE jobs SET pace = %(pace)s, updated_on = clock_timestamp(), next_on = clock_timestamp()
    + greatest(next_on - clock_timestamp(), interval '0') * coalesce(pace::float8 / %(pace)s, 0)
WHERE id = %(job_id)s AND status IN ('queued', 'processing') AND pace IS DISTINCT FROM %(pace)s
"""


def pause(session: Session, principal: Principal, token: str, project_id: int | None = None) -> Job:
    """Ask a job to begin no more chunks, until it is resumed. It keeps its place among the open jobs, and takes no turn.

    Whoever works on a chunk ends it; `settle_pauses` notes when nobody does any more. A job that is final or was asked to stop
    stays as it is.
    """
    return _change(session, principal, (token, project_id), (PAUSE, {}))


def resume(session: Session, principal: Principal, token: str, project_id: int | None = None) -> Job:
    """Let a paused job go on where it was. Any other stays as it is."""
    return _change(session, principal, (token, project_id), (RESUME, {}))


def set_pace(session: Session, principal: Principal, token: str, pace: int | None, project_id: int | None = None) -> Job:
    """Let a job do so many items a second from now on, or with None as many as it can. Raises InvalidValue.

    What it has taken in advance at its former pace is still to be waited for. A final job stays as it is.
    """
    check_pace(pace)
    return _change(session, principal, (token, project_id), (SET_PACE, {"pace": pace}))


def _change(
    session: Session, principal: Principal, which: tuple[str, int | None], change: tuple[str, dict[str, int | None]]
) -> Job:
    job = get_job(session, principal, which[0], project_id=which[1])
    if driver(session).execute(change[0], change[1] | {"job_id": job.id}).rowcount:
        announce_job(session, job.id)
        ring(session, job.id)
    return get_job(session, principal, which[0], project_id=which[1])


def retry(session: Session, principal: Principal, token: str, submission: Submission | None = None) -> Job:
    """Run the failed items of a finished job again, and what was rolled back with them, as a child job.

    They keep their index, line, ref and group.

    Raises InvalidRequest while the job still runs, Empty where nothing failed, Gone where its items were purged.
    """
    parent = get_job(session, principal, token)
    if parent.status != JobStatus.DONE:
        raise InvalidRequest("Only a job that is done can be retried.")
    params, selection, project_id = _asked(session, parent.id)
    if not parent.failed:
        raise Empty("No item of this job failed.")
    asked = submission or Submission(parent.name)
    again = Submission(parent.name, params, parent.tags, asked.idempotency_key, asked.body_digest, project_id, pace=parent.pace)
    job_id, child, earlier = new_job(session, principal, again, {"parent_id": parent.id, "selection": selection})
    if earlier:
        return earlier
    set_totals(session, job_id, _copy_failed(session, parent.id, job_id))
    return get_job(session, principal, str(child))


ASKED = "SELECT params, selection::text, project_id, purged_on FROM jobs WHERE id = %s FOR SHARE"  # no purge until all is copied


def _asked(session: Session, job_id: int) -> tuple[dict[str, object], str | None, int | None]:
    row = driver(session).execute(ASKED, (job_id,)).fetchone()
    if row is None:
        raise NotFound("There is no such job.")
    if row[3]:
        raise Gone("The items of this job were purged.", purged_on=ids.iso(row[3]))
    return dict(row[0]), row[1], row[2]


FAILED_CHUNKS = """
SELECT c.no, c.lane, c.payload, c.indexes, c.lines, c.refs, c.groups, c.units, failed.indexes
FROM chunks c CROSS JOIN LATERAL (
    SELECT array_agg(o.index) AS indexes FROM outcomes o
    WHERE o.job_id = c.job_id AND (o.status = 'failed' OR o.code = 'rolled_back') AND o.index = ANY(c.indexes)
) failed WHERE c.job_id = %s AND c.no > %s AND failed.indexes IS NOT NULL ORDER BY c.no LIMIT 1
"""


COPY_CHUNK = """
INSERT INTO chunks (job_id, no, lane, size, indexes, lines, refs, groups, units, payload)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def _copy_failed(session: Session, parent_id: int, job_id: int) -> dict[str, int]:
    """Copy the failed items and what was rolled back with them, a chunk at a time, into the same lanes: their order holds."""
    total = chunks = lanes = 0
    last = -1
    while row := driver(session).execute(FAILED_CHUNKS, (parent_id, last)).fetchone():
        last, lane, payload, *columns, failed = row
        wanted = set(failed)
        at = [place for place, index in enumerate(columns[0]) if index in wanted]
        raws = unpack(payload)
        payload = pack([raws[place] for place in at])
        cut = [[values[place] for place in at] if values else None for values in columns]
        driver(session).execute(COPY_CHUNK, (job_id, chunks, lane, len(at), *cut, payload))
        total, chunks, lanes = total + len(at), chunks + 1, max(lanes, lane + 1)
    return {"total": total, "chunks": chunks, "lanes": lanes}
