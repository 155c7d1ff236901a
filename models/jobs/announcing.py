"""What the feed says of jobs: an item on the common stream for each state, and between them how far the job is.

The members of a job's project see it, and the submitter alone where it has none.
"""

from __future__ import annotations

from models.db import Session, driver
from models.feed.changes import Action, announce_row
from models.webhooks.outbox import queue_end

CHANNEL = "waybill_chunks"  # for the dispatcher and for those who follow a job, its id
PAUSE_MS = 200  # between two announcements of one job, but for a change of its status
DUE = f"announced_on IS NULL OR announced_on < clock_timestamp() - interval '{PAUSE_MS} milliseconds'"
ROW = """
UPDATE jobs j SET announced_on = clock_timestamp() WHERE id = %(job_id)s RETURNING token::text AS data_key, project_id,
CASE WHEN project_id IS NULL THEN submitter_id END AS user_id, jsonb_build_object(
    'project_gid', (SELECT gid FROM projects p WHERE p.id = j.project_id), 'job', name, 'status', status,
    'info', CASE WHEN status = 'rejected' THEN info ELSE info - 'error' END
        || jsonb_build_object('total', total,
            'remaining', total - succeeded - noop - failed - skipped - cancelled)
        || CASE WHEN status = 'done' THEN jsonb_build_object('outcome', outcome, 'succeeded', succeeded, 'noop', noop,
            'failed', failed, 'skipped', skipped, 'cancelled', cancelled) ELSE '{}' END,
    'created_on', extract(epoch FROM created_on)::float8, 'updated_on', extract(epoch FROM updated_on)::float8
) AS data
"""


def announce_job(session: Session, job_id: int) -> None:
    """Say how a job stands now. The caller has changed the job's row, so that announcements come in the order of the changes."""
    announce_row(session, (Action.UPDATE, "jobs"), ROW, {"job_id": job_id})


def announce_end(session: Session, job_id: int) -> None:
    """Say that a job has ended, also to the webhooks of its submitter. Once a job, by the transaction that ends it."""
    announce_job(session, job_id)
    queue_end(session, job_id)


def ring(session: Session, job_id: int) -> None:
    """Tell the dispatcher, and whoever follows the job, that something about it has changed."""
    driver(session).execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(job_id)))
