"""What is wrong with a job's items, in few words: causes with exact counts and three examples each, however many items failed.

A cause is a code and a place in the operation, whose evidence keys are kept and whose numbers are not told apart. Warnings are
the messages about items that were carried out, by code and evidence key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from models.db import Session, driver
from models.jobs.values import Job

BUDGET = 15_000  # bytes of the whole, so that it stays below 16 KiB with what surrounds it
MOST_COUNTED = 100_000  # items that a job's own few words are made of
MOST_CODES = 5
MOST_CAUSES = 200  # that are looked at for their examples
EXAMPLES = 3
LONGEST = 160  # characters of a text in an example
# What may end otherwise when the same item is sent again as it is.
RETRYABLE = frozenset(("internal", "quarantined", "rolled_back", "drifted", "cancelled", "forbidden", "version_conflict"))
SILENT = ("patched", "no_patch", "shared", "test_mode")  # messages that tell of no mistake

CAUSES = """
WITH refused AS (
    SELECT index, status, code, regexp_replace(pointer, '/[0-9]+(?=/|$)', '/*', 'g') AS pointer FROM outcomes
    WHERE job_id = %(job_id)s AND status NOT IN ('succeeded', 'noop')
), causes AS (
    SELECT status, code, pointer, count(*) AS items, (array_agg(index ORDER BY index))[1 : %(examples)s] AS examples
    FROM refused GROUP BY status, code, pointer
)
SELECT status, code, pointer, items, examples, count(*) OVER (), (sum(items) OVER ())::bigint
FROM causes ORDER BY items DESC, code, pointer LIMIT %(most)s
"""
WARNINGS = """
WITH said AS (
    SELECT o.index, m.value ->> 0 AS code, coalesce(k.key, m.value ->> 1) AS key
    FROM outcomes o CROSS JOIN LATERAL jsonb_array_elements(o.info -> 'messages') AS m (value)
    LEFT JOIN LATERAL jsonb_array_elements_text(CASE WHEN jsonb_typeof(m.value -> 2) = 'array' THEN m.value -> 2 END) AS k (key)
        ON true
    WHERE o.job_id = %(job_id)s AND jsonb_typeof(o.info -> 'messages') = 'array' AND NOT m.value ->> 0 = ANY(%(silent)s)
), causes AS (
    SELECT code, key, count(DISTINCT index) AS items, (array_agg(DISTINCT index))[1 : %(examples)s] AS examples
    FROM said GROUP BY code, key
)
SELECT 'warning', code, '/' || replace(replace(key, '~', '~0'), '/', '~1'), items, examples, count(*) OVER (),
    (sum(items) OVER ())::bigint
FROM causes ORDER BY items DESC, code, key LIMIT %(most)s
"""
CODES = """
SELECT code, count(*) FROM (
    SELECT code FROM outcomes WHERE job_id = %s AND status NOT IN ('succeeded', 'noop') AND code IS NOT NULL LIMIT %s
) refused GROUP BY code ORDER BY count(*) DESC, code LIMIT %s
"""
EXAMPLE_ROWS = """
SELECT index, line, ref, target, detail FROM outcomes WHERE job_id = %s AND index = ANY(%s)
"""


def errors(session: Session, job: Job) -> list[dict[str, Any]] | None:
    """Return the codes that most items of a job ended with, each with its count; None while it runs and where none failed.

    None too of a purged job, and where more items failed than can be counted while somebody waits: `digest` tells those.
    """
    refused = job.failed + job.skipped + job.cancelled
    if not job.final or job.purged_on or not 0 < refused <= MOST_COUNTED:
        return None
    rows = driver(session).execute(CODES, (job.id, MOST_COUNTED, MOST_CODES)).fetchall()
    return [{"code": code, "count": count} for code, count in rows]


def digest(session: Session, job: Job) -> dict[str, Any]:
    """Return a job's digest as JSON values, as far as it has come. Raises Gone where its items were purged."""
    job.check_kept("results")
    values = {"job_id": job.id, "examples": EXAMPLES, "most": MOST_CAUSES, "silent": list(SILENT)}
    connection = driver(session)
    causes, warnings = (connection.execute(sql, values).fetchall() for sql in (CAUSES, WARNINGS))
    wanted = [index for row in (*causes, *warnings) for index in row[4]]
    rows = {row[0]: row for row in connection.execute(EXAMPLE_ROWS, (job.id, wanted)).fetchall()}
    return _within_budget(job, causes, warnings, rows)


def _within_budget(
    job: Job, causes: Sequence[tuple[Any, ...]], warnings: Sequence[tuple[Any, ...]], rows: Mapping[int, tuple[Any, ...]]
) -> dict[str, Any]:
    """Return what of it fits: whole causes, the most frequent first, and how many more there are."""
    shown, left = _fit((_cause(row, rows) for row in causes), BUDGET)
    warned, _ = _fit((_cause(row, rows) for row in warnings), left)
    return {
        "token": str(job.token),
        "job": job.name,
        "complete": job.final,
        "total": job.total,
        "refused": job.failed + job.skipped + job.cancelled,
        "causes": shown,
        "causes.more": _more(causes, shown),
        "warnings": warned,
        "warnings.more": _more(warnings, warned),
    }


def _fit(causes: Iterable[dict[str, Any]], left: int) -> tuple[list[dict[str, Any]], int]:
    shown: list[dict[str, Any]] = []
    for cause in causes:
        left -= len(msgspec.json.encode(cause)) + 1
        if left < 0:
            break
        shown.append(cause)
    return shown, max(left, 0)


def _more(found: Sequence[tuple[Any, ...]], shown: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    """Return how many causes there are beside those shown, and how many items they have."""
    number, items = found[0][5:] if found else (0, 0)
    rest = {"causes": number - len(shown), "items": items - sum(cause["count"] for cause in shown)}
    return rest if rest["causes"] else None


def _cause(row: tuple[Any, ...], rows: Mapping[int, tuple[Any, ...]]) -> dict[str, Any]:
    status, code, pointer, items, examples, *_ = row
    return {
        "code": code,
        "pointer": pointer,
        "status": status,
        "count": items,
        "retryable": code in RETRYABLE,
        "examples": [_example(rows[index]) for index in examples],
    }


def _example(row: tuple[Any, ...]) -> dict[str, Any]:
    index, line, ref, target, detail = row
    return {"index": index, "line": line, "ref": ref, "id": _short(target), "detail": _short(detail)}


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST else text[: LONGEST - 1] + "…"
