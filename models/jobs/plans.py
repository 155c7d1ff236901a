"""Plans: a test over a selection gives a token, and the same request with the token is carried out only if nothing has changed.

The token is sealed and belongs to a user and a request; it names the test's job, whose frozen members are the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from models import ids
from models.db import Session, driver
from models.errors import CursorExpired, CursorMismatch, Gone, InvalidCursor, InvalidPlan, NotFound, PlanChanged
from models.identity.principal import Principal
from models.jobs.reads import get_job
from models.jobs.values import Job
from models.selection.cursor import Binding, open_cursor, query_digest, seal
from models.selection.spaces import RECORDS, Space

KIND = "plan"
ASIDE = ("test", "return_data", "max_affected", "plan_token")  # members that do not change what is planned
MOST_SHOWN = 100
KEEP = "UPDATE jobs SET info = info || %s::jsonb WHERE id = %s"
COMPARE = """
WITH planned AS (
    SELECT m.member::text AS member, m.moment FROM chunks c CROSS JOIN LATERAL unnest(
        ARRAY(SELECT e FROM json_array_elements(convert_from(c.payload, 'UTF8')::json) WITH ORDINALITY AS items (e, place)
            ORDER BY place), c.moments
    ) AS m (member, moment) WHERE c.job_id = %(job_id)s
), present AS (
    SELECT coalesce(to_json(m.record_id), to_json(m.target))::text AS member, r.updated_on AS moment
    FROM members m LEFT JOIN {moments} r ON r.id = m.record_id
), changes AS (
    SELECT coalesce(planned.member, present.member) AS member, planned.moment AS planned_on, present.moment AS found_on,
        CASE WHEN planned.member IS NULL THEN 'added' WHEN present.member IS NULL THEN 'removed' ELSE 'changed' END AS change
    FROM planned FULL JOIN present ON present.member = planned.member
    WHERE planned.member IS NULL OR present.member IS NULL OR planned.moment IS DISTINCT FROM present.moment
)
SELECT change, member, planned_on, found_on, count(*) OVER () FROM changes ORDER BY member LIMIT %(most)s
"""
GIDS = """
SELECT record_id, target FROM outcomes WHERE job_id = %(job_id)s AND record_id = ANY(%(ids)s)
UNION SELECT id, gid::text FROM {table} WHERE id = ANY(%(ids)s)
"""


Asked: TypeAlias = tuple[str, Any, Mapping[str, Any]]
"""A request: the operation's name, the selection as JSON values, the parameters."""


def _binding(principal: Principal, asked: Asked) -> Binding:
    name, selection, params = asked
    planned = {key: value for key, value in params.items() if key not in ASIDE and value is not None}
    return Binding(KIND, principal.user_id, query_digest([name, selection, planned]))


def offer_plan(session: Session, principal: Principal, job: tuple[int, UUID], asked: Asked) -> None:
    """Note in a test's job, given by id and token, the token of the plan that it is."""
    token = seal(_binding(principal, asked), (str(job[1]),), ids.now())
    driver(session).execute(KEEP, (msgspec.json.encode({"plan_token": token}).decode(), job[0]))


def open_plan(session: Session, principal: Principal, asked: Asked) -> Job:
    """Return the job that the request's `plan_token` names. Raises InvalidPlan."""
    binding = _binding(principal, asked)
    try:
        cursor = open_cursor(asked[2]["plan_token"], binding, ids.now())
        job = get_job(session, principal, str(cursor.place[0]))
    except CursorMismatch:
        raise InvalidPlan("This plan is of another request: all but `test` stays the same.", pointer="/plan_token") from None
    except CursorExpired:
        raise InvalidPlan("This plan is too old; make a new one.", pointer="/plan_token") from None
    except (InvalidCursor, NotFound):
        raise InvalidPlan("This is no plan of yours.", pointer="/plan_token") from None
    if job.purged_on:
        raise Gone("What was planned is purged; make a new plan.", purged_on=ids.iso(job.purged_on))
    return job


def check_plan(session: Session, plan: Job, space: Space | None = None) -> None:
    """Compare the resolved members of this transaction with a plan. Raises PlanChanged with up to a hundred differences."""
    compare = COMPARE.format(moments=space.moments if space else RECORDS)
    rows = driver(session).execute(compare, {"job_id": plan.id, "most": MOST_SHOWN}).fetchall()
    if rows:
        total = rows[0][4]
        detail = f"{total} of the planned items are not what they were, or are others."
        found = [(row[0], msgspec.json.decode(row[1].encode()), *row[2:4]) for row in rows]
        gids = _gids(session, plan, space, [row[1] for row in found]) if space else {}
        changes = [_change(change, gids.get(member, member), times) for change, member, *times in found]
        raise PlanChanged(detail, pointer="/plan_token", total=total, changes=changes)


def _gids(session: Session, plan: Job, space: Space, members: Sequence[int | str]) -> dict[int | str, str]:
    """Return what the project face calls these members; those that are gone for good are named as the plan did."""
    values = {"job_id": plan.id, "ids": [member for member in members if isinstance(member, int)]}
    return dict(driver(session).execute(GIDS.format(table=space.table), values).fetchall())


def _change(change: str, member: int | str, times: Sequence[datetime | None]) -> dict[str, Any]:
    named = zip(("planned_on", "found_on"), times, strict=True)
    said = {name: ids.iso(moment) for name, moment in named if moment is not None}
    return {"change": change, "id": member, **said}
