"""Runs of imports (contract section 17.1): the posts of one upload, counted together.

A client names its run in each post; it is known as `username#import_id`. A run is ongoing while posts come, or work of theirs is
under way, with less than five minutes between; `status: complete` completes it, and what is neither was left unfinished.
Each chunk adds one row of counts in its own transaction, so that an item counts once and no two chunks wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from models.db import Session, driver
from models.errors import Gone, NotFound
from models.identity.principal import Principal

IDLE = timedelta(minutes=5)
STATUSES = ("ongoing", "completed", "unfinished")
COUNTS = ("new", "updated", "unchanged", "withdrawn", "deleted", "unwithdrawn", "already_withdrawn", "failed", "unknown")
MOST_TOKENS = 1_000

ACTIVE = """
(SELECT max(CASE WHEN j.status IN ('queued', 'processing') THEN %(now)s ELSE j.updated_on END)
    FROM import_jobs i JOIN jobs j ON j.id = i.job_id WHERE i.run_id = r.id)
"""
LATEST = f"greatest(r.posted_on, {ACTIVE})"
FIND = f"""
SELECT r.id, {LATEST} FROM import_runs r
WHERE r.user_id = %(user_id)s AND r.import_id = %(import_id)s AND r.status = 'ongoing' FOR UPDATE OF r
"""
BEGIN = """
INSERT INTO import_runs (user_id, import_id, started_on, posted_on) VALUES (%(user_id)s, %(import_id)s, %(now)s, %(now)s)
ON CONFLICT (user_id, import_id) WHERE status = 'ongoing' DO UPDATE SET posted_on = excluded.posted_on RETURNING id
"""
ABANDON = "UPDATE import_runs SET status = 'unfinished', ended_on = %s WHERE id = %s"
POST = """
UPDATE import_runs SET posted_on = %(now)s, status = CASE WHEN %(complete)s THEN 'completed' ELSE status END,
    ended_on = CASE WHEN %(complete)s THEN %(now)s END
WHERE id = %(run_id)s
"""
TALLY = "INSERT INTO import_tallies (run_id, counts) SELECT run_id, %s FROM import_jobs WHERE job_id = %s"


@dataclass(frozen=True, slots=True)
class Post:
    """What one post says of its run."""

    import_id: str
    complete: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its owner sees it. `tokens` are those of its first thousand jobs; `remaining` are items without an outcome."""

    id: int
    identifier: str
    import_id: str
    status: str
    started_on: datetime
    posted_on: datetime
    ended_on: datetime | None
    counts: Mapping[str, int]
    jobs: int
    remaining: int
    tokens: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs to list: newest first, those before `before_id`."""

    now: datetime
    import_id: str | None = None
    status: str | None = None
    before_id: int | None = None
    size: int = 100


def record_post(session: Session, principal: Principal, post: Post, job_id: int | None) -> None:
    """Add a post, and its job if it has one, to the run that it names; a run that is over or was left begins anew."""
    connection = driver(session)
    values = {"user_id": principal.user_id, "import_id": post.import_id, "now": post.now, "complete": post.complete}
    found = connection.execute(FIND, values).fetchone()
    if found and post.now - found[1] > IDLE:
        connection.execute(ABANDON, (found[1], found[0]))
        found = None
    row = found or connection.execute(BEGIN, values).fetchone()
    if row is None:
        raise LookupError("a run was neither found nor begun")
    if job_id is not None:
        connection.execute("INSERT INTO import_jobs (job_id, run_id) VALUES (%s, %s)", (job_id, row[0]))
    connection.execute(POST, values | {"run_id": row[0]})


def add_counts(session: Session, job_id: int, counts: Mapping[str, int]) -> None:
    """Count what a chunk of a run's job came to."""
    if counts:
        driver(session).execute(TALLY, (msgspec.json.encode(counts).decode(), job_id))


STATUS = f"CASE WHEN r.status = 'ongoing' AND %(now)s - {LATEST} > %(idle)s THEN 'unfinished' ELSE r.status END"
COLUMNS = f"""
r.id, u.username || '#' || r.import_id, r.import_id, {STATUS}, r.started_on, r.posted_on,
CASE WHEN {STATUS} = 'unfinished' THEN coalesce(r.ended_on, {LATEST}) ELSE r.ended_on END,
(SELECT jsonb_object_agg(word, items) FROM (
    SELECT c.key AS word, sum(c.value::bigint) AS items FROM import_tallies t CROSS JOIN jsonb_each_text(t.counts) c
    WHERE t.run_id = r.id GROUP BY c.key) counted),
(SELECT count(*) FROM import_jobs i WHERE i.run_id = r.id), work.remaining, work.failed, work.unknown
"""
FACTS = ("id", "identifier", "import_id", "status", "started_on", "posted_on", "ended_on")
RUNS = f"""
SELECT {COLUMNS} FROM import_runs r JOIN users u ON u.id = r.user_id CROSS JOIN LATERAL (
    SELECT coalesce(sum(j.total - j.succeeded - j.noop - j.failed - j.skipped - j.cancelled), 0)::bigint AS remaining,
        coalesce(sum(j.failed), 0)::bigint AS failed, coalesce(sum(j.skipped + j.cancelled), 0)::bigint AS unknown
    FROM import_jobs i JOIN jobs j ON j.id = i.job_id WHERE i.run_id = r.id) work
WHERE (r.user_id = %(user_id)s OR %(superuser)s)
"""
TOKENS = """
SELECT j.token FROM import_jobs i JOIN jobs j ON j.id = i.job_id WHERE i.run_id = %s ORDER BY j.id LIMIT %s
"""


def get_run(session: Session, principal: Principal, run_id: int, now: datetime) -> Run:
    """Return one's own run with its jobs. Raises NotFound."""
    values = _reader(principal, now) | {"run_id": run_id}
    row = driver(session).execute(f"{RUNS} AND r.id = %(run_id)s", values).fetchone()
    if row is None:
        raise NotFound("There is no such import run.")
    tokens = driver(session).execute(TOKENS, (run_id, MOST_TOKENS)).fetchall()
    return _run(row, tuple(token for (token,) in tokens))


def list_runs(session: Session, principal: Principal, query: RunQuery) -> list[Run]:
    """Return one's own runs, newest first."""
    where = {
        "import_id": "r.import_id = %(import_id)s",
        "status": f"{STATUS} = %(status)s",
        "before_id": "r.id < %(before_id)s",
    }
    asked = {name: getattr(query, name) for name in where if getattr(query, name) is not None}
    conditions = "".join(f" AND {where[name]}" for name in asked)
    values = _reader(principal, query.now) | asked | {"size": query.size}
    rows = driver(session).execute(f"{RUNS}{conditions} ORDER BY r.id DESC LIMIT %(size)s", values).fetchall()
    return [_run(row) for row in rows]


def _reader(principal: Principal, now: datetime) -> dict[str, Any]:
    return {"user_id": principal.user_id, "superuser": principal.superuser, "now": now, "idle": IDLE}


def _run(row: tuple[Any, ...], tokens: tuple[UUID, ...] = ()) -> Run:
    """Make a run of a row. Its jobs know of failures outside any chunk too, its tallies outlast its jobs."""
    counted, jobs, remaining, failed, unknown = row[7:]
    counts = dict.fromkeys(COUNTS, 0) | (counted or {})
    counts["failed"] = max(counts["failed"], failed)
    counts["unknown"] = max(counts["unknown"], unknown)
    facts: dict[str, Any] = dict(zip(FACTS, row, strict=False))
    return Run(**facts, counts=counts, jobs=jobs, remaining=remaining, tokens=tokens)


PURGED = """
SELECT bool_or(j.id IS NULL OR j.purged_on IS NOT NULL) FROM import_jobs i LEFT JOIN jobs j ON j.id = i.job_id WHERE i.run_id = %s
"""
MISSING = """
WITH mentioned AS MATERIALIZED (
    SELECT DISTINCT o.record_id FROM import_jobs i JOIN outcomes o ON o.job_id = i.job_id
    WHERE i.run_id = %(run_id)s AND o.record_id IS NOT NULL)
SELECT r.id, l.group_name, r.lab_record_id FROM records r JOIN labs l ON l.id = r.lab_id
WHERE r.lab_id IN (SELECT DISTINCT n.lab_id FROM mentioned m JOIN records n ON n.id = m.record_id)
    AND (r.lab_id = ANY(%(labs)s) OR %(superuser)s) AND NOT r.withdrawn AND r.id > %(after)s
    AND NOT EXISTS (SELECT FROM mentioned m WHERE m.record_id = r.id)
ORDER BY r.id LIMIT %(size)s
"""


def list_missing(session: Session, principal: Principal, run: Run, page: tuple[int, int]) -> list[tuple[int, str, str]]:
    """Return (rid, lab, lab record id) of records of the run's labs that no post of it named and that are not withdrawn.

    `page` is (after this rid, so many). Only of labs that the caller may write. Raises Gone where outcomes were purged.
    """
    if driver(session).execute(PURGED, (run.id,)).fetchone() == (True,):
        raise Gone("The outcomes of this run are no longer kept, so that it cannot be told what was left out.")
    values = {"run_id": run.id, "labs": list(principal.lab_ids), "superuser": principal.superuser}
    return driver(session).execute(MISSING, values | {"after": page[0], "size": page[1]}).fetchall()
