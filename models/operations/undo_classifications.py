"""Taking back what a job did to classification records: the outcomes of `models.classifications.reversal`."""

from __future__ import annotations

import msgspec

from models.classifications import reversal
from models.classifications.record_id import dump_id
from models.classifications.reversal import CHANGING, Undoing, Undone
from models.classifications.state import Status
from models.classifications.takeback import Fate
from models.db import Session
from models.identity.service import principal_of
from models.jobs.ledger import Chunk, Outcome
from models.operations.classification_outcomes import Info

SKIPPED = {
    Fate.TOUCHED: "The record was changed since by something else than this job; it stays as it is.",
    Fate.PURGED: "The record was deleted for good, and the time for which it was kept is over.",
}
FORBIDDEN = "Only members of {lab} may write its records."


def undo(session: Session, chunk: Chunk) -> list[Outcome]:
    """Take back what a job did to a chunk of records, with the rights that the submitter has now."""
    principal = principal_of(session, chunk.submitter_id)
    undoing = Undoing(principal, chunk.params["undoes"], chunk.claim.job_id, bool(chunk.params.get("test")))
    rids = [int(raw) for raw in chunk.items]
    done = reversal.undo(session, undoing, rids)
    return [_outcome(index, rid, item, undoing) for index, rid, item in zip(chunk.indexes, rids, done, strict=True)]


def _outcome(index: int, rid: int, done: Undone, undoing: Undoing) -> Outcome:
    record = done.record
    target = dump_id(*record.key) if record else str(rid)
    if done.forbidden and record:
        detail = FORBIDDEN.format(lab=record.lab.group_name)
        return Outcome(index, Status.FAILED, rid, target, code="forbidden", detail=detail)
    if done.fate in SKIPPED:
        return Outcome(index, Status.SKIPPED, rid, target, code=done.fate, detail=SKIPPED[done.fate])
    if done.fate not in CHANGING or record is None:
        return Outcome(index, Status.NOOP, rid, target, info=msgspec.json.encode(Info(status=done.fate)))
    version = None if undoing.test or done.fate is Fate.REMOVED else record.version
    return Outcome(index, Status.SUCCEEDED, rid, target, version=version, info=_info(done, undoing))


def _info(done: Undone, undoing: Undoing) -> bytes:
    record = done.record
    info = Info(status=done.fate, deleted=done.fate is Fate.REMOVED, test=undoing.test, revised=bool(done.plan.changes))
    if record and done.fate is not Fate.REMOVED:
        info.share, info.live, info.withdrawn = record.share_level, record.live_level, record.withdrawn
        info.published_version = record.published_version
        info.published_on = record.published_on.timestamp() if record.published_on else None
    return msgspec.json.encode(info)
