"""What time removes of jobs and selections, and what their owners purge.

Readers look at the row of the job or selection: it is marked or gone before anything else is. What belongs to it is removed in
pieces, each of them a transaction that stays short however much there is. A leftover says where the next piece begins, so that
anybody may go on after a kill, and nothing is looked at twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from models import ids
from models.db import Session, driver
from models.errors import InvalidRequest
from models.identity.principal import Principal
from models.jobs.reads import get_job
from models.settings import settings

PIECE = 10_000  # outcomes, or what costs as much to remove, in one transaction
LOOK = 20  # what looking at one part of a job costs, in outcomes
GRACE = 60  # seconds from the mark to the first piece: whoever had looked at the row before has read what it was after
JOBS_AT_ONCE = 1_000
RECORDS_AT_ONCE = 1_000  # each with its history


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a table that belong to a job or selection, in the order of `key`. Each costs as much as `cost` outcomes."""

    table: str
    key: str
    cost: int = 1
    owner: str = "job_id"
    remove: str = "DELETE FROM {table}"
    among: str = "true"


JOB_PARTS = (
    Part("deleted_records", "id", 5, remove="UPDATE {table} SET keep_until = now()", among="evidence IS NOT NULL"),
    Part("entries", "seq"),
    Part("outcomes", "index"),
    Part("drifts", "index"),
    Part("images", "item_id", 5),
    Part("schema_images", "item_id", 5),
    Part("export_files", "no"),
    Part("chunks", "no", 500),  # their payloads are up to some MiB
)
SELECTION_PARTS = (Part("selection_members", "seq", owner="selection_id"),)
PARTS = {part.table: part for part in JOB_PARTS + SELECTION_PARTS}
NEXT = {one.table: other.table for parts in (JOB_PARTS, SELECTION_PARTS) for one, other in pairwise(parts)}

MARK = """
WITH marked AS (
    UPDATE jobs SET purged_on = now(), updated_on = now() WHERE purged_on IS NULL AND id = ANY({which}) RETURNING id
)
INSERT INTO leftovers (job_id, part) SELECT id, %(part)s FROM marked RETURNING id, job_id::text, part, after
"""
MARK_ONE = MARK.format(which="ARRAY[%(job_id)s::bigint]")
MARK_DUE = MARK.format(
    which="""ARRAY(
        SELECT id FROM jobs WHERE purged_on IS NULL AND finished_on < now() - make_interval(days => %(days)s)
        ORDER BY finished_on LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )"""
)
EXPIRE = """
WITH expired AS (
    DELETE FROM selections WHERE id = ANY(ARRAY(
        SELECT id FROM selections WHERE created_on < %(until)s ORDER BY created_on LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )) RETURNING id
)
INSERT INTO leftovers (selection_id, part) SELECT id, %(part)s FROM expired
"""
TAKE = """
SELECT id, coalesce(job_id::text, selection_id::text), part, after FROM leftovers
WHERE created_on < clock_timestamp() - make_interval(secs => %s) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
FIND = """
SELECT count(*), coalesce(max({key}), %(after)s) FROM (
    SELECT {key} FROM {table} WHERE {owner} = %(owner)s AND {key} > %(after)s AND {among} ORDER BY {key} LIMIT %(most)s
) few
"""
REMOVE = "{remove} WHERE {owner} = %(owner)s AND {key} > %(after)s AND {key} <= %(last)s AND {among}"
FORGET_JOBS = """
DELETE FROM jobs WHERE id = ANY(ARRAY(
    SELECT id FROM jobs WHERE purged_on IS NOT NULL AND finished_on < now() - make_interval(days => %s)
    ORDER BY finished_on LIMIT %s FOR UPDATE SKIP LOCKED
)) RETURNING id
"""
# From one job to the next by the index: there are few that rehearse, and each may have rehearsed millions of items.
REHEARSED = """
WITH RECURSIVE rehearsed AS (
    (SELECT job_id FROM rehearsals ORDER BY job_id LIMIT 1)
    UNION ALL
    SELECT (SELECT r.job_id FROM rehearsals r WHERE r.job_id > rehearsed.job_id ORDER BY r.job_id LIMIT 1)
    FROM rehearsed WHERE rehearsed.job_id IS NOT NULL
)
SELECT job_id FROM rehearsed WHERE job_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = rehearsed.job_id AND j.status IN ('queued', 'processing')) LIMIT 1
"""
FORGET_REHEARSALS = """
DELETE FROM rehearsals WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM rehearsals WHERE job_id = %s ORDER BY lab_id, lab_record_id LIMIT %s FOR UPDATE SKIP LOCKED
))
"""
DUE = """
SELECT id FROM deleted_records WHERE evidence IS NOT NULL AND keep_until <= now() ORDER BY keep_until LIMIT %s
FOR UPDATE SKIP LOCKED
"""
FORGET_DELETED = (
    "UPDATE deleted_records SET evidence = NULL, snapshots = NULL, source_id = NULL WHERE id = ANY(%s)",
    "DELETE FROM versions WHERE record_id = ANY(%s)",
    "DELETE FROM record_states WHERE record_id = ANY(%s)",
)


@dataclass(frozen=True, slots=True)
class Leftover:
    """What is still to be removed of the job or selection `owner`: of `part` what is behind key `after`, then what follows."""

    id: int
    owner: str
    part: str
    after: int


def purge(session: Session, principal: Principal, token: str) -> None:
    """Purge a final job: its items and outcomes are gone for all readers, and what undoing it would need; its summary stays.

    The first piece is removed at once, which is all of most jobs. Raises InvalidRequest while it still runs.
    """
    job = get_job(session, principal, token)
    if not job.final:
        raise InvalidRequest("Only a job that is done or rejected can be purged; cancel it first.")
    row = driver(session).execute(MARK_ONE, {"job_id": job.id, "part": JOB_PARTS[0].table}).fetchone()
    if row:
        _remove(session, Leftover(*row), PIECE)


def purge_due(session: Session) -> bool:
    """Purge jobs whose outcomes are past their time; say whether there may be more of them. Nothing is removed yet."""
    values = {"days": settings().results_days, "most": JOBS_AT_ONCE, "part": JOB_PARTS[0].table}
    return driver(session).execute(MARK_DUE, values).rowcount == JOBS_AT_ONCE


def expire_selections(session: Session) -> bool:
    """Forget selections older than any cursor; say whether there may be more of them. No member is removed yet."""
    until = ids.now() - timedelta(hours=settings().cursor_hours)
    values = {"until": until, "most": JOBS_AT_ONCE, "part": SELECTION_PARTS[0].table}
    return driver(session).execute(EXPIRE, values).rowcount == JOBS_AT_ONCE


def remove_leftovers(session: Session) -> bool:
    """Remove a piece of what was left some time ago; say whether there may be more of it."""
    left = PIECE
    while left > 0:
        row = driver(session).execute(TAKE, (GRACE,)).fetchone()
        if row is None:
            return False
        left = _remove(session, Leftover(*row), left)
    return True


def _remove(session: Session, of: Leftover, left: int) -> int:
    """Remove of a leftover what `left` may cost, and note where to go on; return what is left of `left`."""
    going: Leftover | None = of
    while going and left > 0:
        part = PARTS[going.part]
        most = -(-left // part.cost)
        count, last = _remove_rows(session, part, going, most)
        left -= LOOK + count * part.cost
        going = replace(going, after=last) if count == most else _following(going)
    if going is None:
        driver(session).execute("DELETE FROM leftovers WHERE id = %s", (of.id,))
    else:
        driver(session).execute("UPDATE leftovers SET part = %s, after = %s WHERE id = %s", (going.part, going.after, of.id))
    return left


def _remove_rows(session: Session, part: Part, of: Leftover, most: int) -> tuple[int, int]:
    """Remove up to so many rows of a part; return how many, and the key of the last."""
    names = {"table": part.table, "key": part.key, "owner": part.owner, "among": part.among}
    values: dict[str, Any] = {"owner": of.owner, "after": of.after, "most": most}
    count, last = driver(session).execute(FIND.format(**names), values).fetchone() or (0, of.after)
    if count:
        sql = REMOVE.format(remove=part.remove.format(table=part.table), **names)
        driver(session).execute(sql, values | {"last": last})
    return count, last


def _following(of: Leftover) -> Leftover | None:
    table = NEXT.get(of.part)
    return replace(of, part=table, after=-1) if table else None


def forget_jobs(session: Session) -> bool:
    """Forget purged jobs whose summaries are past their time, with their receipts; say whether there may be more of them."""
    rows = driver(session).execute(FORGET_JOBS, (settings().jobs_days, JOBS_AT_ONCE)).fetchall()
    driver(session).execute("DELETE FROM receipts WHERE job_id = ANY(%s)", ([row[0] for row in rows],))
    return len(rows) == JOBS_AT_ONCE


def forget_rehearsals(session: Session) -> bool:
    """Remove some of what the tests of a job that has ended have left; say whether there may be more of it."""
    row = driver(session).execute(REHEARSED).fetchone()
    if row is None:
        return False
    return driver(session).execute(FORGET_REHEARSALS, (row[0], PIECE)).rowcount > 0


def forget_deleted(session: Session) -> bool:
    """Remove for good some of the deleted records whose time is over, with their history; say whether there may be more.

    That they were there stays known.
    """
    due = [row[0] for row in driver(session).execute(DUE, (RECORDS_AT_ONCE,)).fetchall()]
    for statement in FORGET_DELETED:
        driver(session).execute(statement, (due,))
    return len(due) == RECORDS_AT_ONCE
