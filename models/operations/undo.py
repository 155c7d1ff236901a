"""Undo: a job over what another job changed, each item back to before that job if nobody touched it since.

This is the same for both faces: the items are taken from the ledger, and what taking back means is asked of the job's operation.
"""

from __future__ import annotations

from collections.abc import Iterator

from marshmallow import Schema, fields

from models import operations
from models.db import Session, driver
from models.errors import Empty, NotFinished, NotFound, NotUndoable
from models.identity.principal import Principal
from models.jobs.ledger import Chunk, Outcome
from models.jobs.service import get_job, submit
from models.jobs.values import Item, Job, JobStatus, Submission
from models.operations.classification_outcomes import results
from models.operations.verb import UNDO, Verb

ASKED = "SELECT name, params, project_id FROM jobs WHERE id = %s"
CHANGED = """
SELECT record_id, (array_agg(target ORDER BY index DESC))[1] FROM outcomes
WHERE job_id = %s AND status = 'succeeded' AND record_id IS NOT NULL GROUP BY record_id ORDER BY max(index) DESC
"""
AT_ONCE = 2_000  # rows of the ledger held at once


class Params(Schema):
    """`test` tells what would become of each item, and writes nothing."""

    test = fields.Boolean(truthy={True}, falsy={False})


def submit_undo(session: Session, principal: Principal, token: str, asked: Submission) -> Job:
    """Store a job that takes another one back; the last change comes first. `asked.params` may hold `test`.

    Raises NotFound, NotFinished while the job runs, Gone where its items were purged, NotUndoable where its kind changes nothing
    that could be taken back, Empty where it changed nothing.
    """
    job = get_job(session, principal, token)
    verb, project_id = _verb(session, job)
    if job.status != JobStatus.DONE:
        raise NotFinished("Only a job that is done can be undone.")
    job.check_kept("items")
    if not job.succeeded:
        raise Empty("This job changed nothing.")
    test, ours = bool(asked.params.get("test")), project_id is not None
    params = {"undoes": job.id, "verb": verb, "test": test}
    whole = ours and test
    submission = Submission(UNDO, params, job.tags, asked.idempotency_key, asked.body_digest, project_id, job.id, whole=whole)
    return submit(session, principal, submission, _changed(session, job.id, in_order=ours))


def _verb(session: Session, job: Job) -> tuple[str, int | None]:
    """Return the operation that knows how to take a job back, and the job's project. An undoing is of the kind that it undid."""
    row = driver(session).execute(ASKED, (job.id,)).fetchone()
    if row is None:
        raise NotFound("There is no such job.")
    name = str(row[1].get("verb")) if row[0] == UNDO else row[0]
    known = operations.registry().get(name)
    if known is None or known.undo is None:
        why = known.final if known else ""
        raise NotUndoable(f"A job of {job.name} cannot be undone. {why}".rstrip())
    return name, row[2]


def _changed(session: Session, job_id: int, *, in_order: bool) -> Iterator[Item]:
    """Return what a job changed, each item once. Items of one name share a lane, so that it is free before it is needed.

    `in_order` puts all of them into one lane: what hangs below something that was made goes before it.
    """
    with driver(session).cursor(name="changed") as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(CHANGED, (job_id,))
        for index, (record_id, target) in enumerate(cursor):
            yield Item(index, b"%d" % record_id, None if in_order else target)


def run(session: Session, chunk: Chunk) -> list[Outcome]:
    """Take back a chunk of items, by the operation that changed them."""
    undo = operations.get(chunk.params["verb"]).undo
    if undo is None:
        raise LookupError("an undoing is only stored for operations that can be taken back")
    return undo(session, chunk)


VERB = Verb(UNDO, Params, run, results, over_selection=False)
