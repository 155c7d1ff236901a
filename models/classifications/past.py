"""Records as they were at a moment: a query over `records`, `snapshots` and `words` answers of then, whatever was written since.

`as_of` puts relations of those names before the tables: a record that was not touched since is read as it is, any other is
taken back by what versions and states tell. What was deleted since is there again, as long as it is kept (`settle` refuses a
moment of which something is not). Rights are those of today. Moments are microseconds since 1970, as versions are.

A change bears the moment at which its records were locked. So the past is complete when nobody is left who locked any by then:
`settle` waits for that, with an allowance for clocks that differ. See docs/adr/010-undo.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from models import ids
from models.classifications import past_variants
from models.classifications.journal import RECORD
from models.classifications.state import Level
from models.classifications.visibility import relation_to
from models.db import Session
from models.errors import Gone, InvalidDate, Unavailable
from models.identity.principal import Principal

Statement = TypeVar("Statement", bound=sa.Select[Any])

NAMED = re.compile(r"(?<!:):([a-z_]+)")  # a value in the SQL below
SKEW = 250_000  # microseconds by which the clocks of the parts may differ
PATIENCE = 10.0  # seconds
STEP = 0.02  # seconds
TAKEN_BACK = """(
    SELECT ({evidence} || coalesce(jsonb_object_agg(key, cell) FILTER (WHERE cell <> 'null'), '{{}}'))
        - coalesce(array_agg(key) FILTER (WHERE cell = 'null'), '{{}}')
    FROM (
        SELECT DISTINCT ON (b.key) b.key, b.value AS cell FROM versions v CROSS JOIN jsonb_each(v.before) b
        WHERE v.record_id = {rid} AND v.version > {version} ORDER BY b.key, v.version
    ) first
)"""
TURNED = ("owner_id", "share_level", "live_level", "widest_level", "withdrawn", "published_version", "published_on", "source_id")
AT_MOMENT = {name: f"CASE WHEN s.record_id IS NULL THEN base.{name} ELSE s.{name} END" for name in TURNED} | {
    "version": "v.version",
    "updated_on": "timestamptz 'epoch' + interval '1 microsecond' * greatest(v.version, t.moment)",
    "evidence": TAKEN_BACK.format(evidence="base.evidence", rid="base.id", version=":moment"),
}
BASE = f"""
    SELECT {RECORD} FROM public.records WHERE updated_on > :moment_on AND created_on <= :moment_on {{of_id}}
    UNION ALL SELECT {RECORD} FROM deleted_records
    WHERE moment > :moment AND created_on <= :moment_on AND evidence IS NOT NULL {{of_id}}
"""
CHANGED_RECORDS = f"""
SELECT {", ".join(AT_MOMENT.get(name, f"base.{name}") for name in RECORD.split(", "))}{{told}}
FROM ({BASE}) base
LEFT JOIN LATERAL (
    SELECT * FROM record_states WHERE record_id = base.id AND moment > :moment ORDER BY moment LIMIT 1
) s ON true
CROSS JOIN LATERAL (SELECT max(version) AS version FROM versions WHERE record_id = base.id AND version <= :moment) v
LEFT JOIN LATERAL (SELECT max(moment) AS moment FROM record_states WHERE record_id = base.id AND moment <= :moment) t ON true
{{joined}}
WHERE s.record_id IS NULL OR s.version IS NOT NULL
"""
RECORDS = f"""
SELECT {RECORD}, variant, significance FROM public.records WHERE updated_on <= :moment_on {{of_id}}
UNION ALL {CHANGED_RECORDS}
"""
CHANGED_SNAPSHOTS = f"""
SELECT kept.record_id, (kept.one->>0)::smallint, (kept.one->>1)::bigint,
    timestamptz 'epoch' + interval '1 microsecond' * (kept.one->>2)::bigint,
    {TAKEN_BACK.format(evidence="base.evidence", rid="base.id", version="(kept.one->>1)::bigint")}{{told}}
FROM (
    SELECT record_id, jsonb_array_elements(snapshots) AS one FROM (
        SELECT DISTINCT ON (record_id) record_id, snapshots FROM record_states
        WHERE moment > :moment {{of_record}} ORDER BY record_id, moment
    ) earliest
    UNION ALL
    SELECT id, jsonb_array_elements(snapshots) FROM deleted_records d WHERE moment > :moment AND created_on <= :moment_on
        AND NOT EXISTS (SELECT FROM record_states s WHERE s.record_id = d.id AND s.moment > :moment) {{of_id}}
) kept
JOIN ({BASE}) base ON base.id = kept.record_id
{{joined}}
"""
SNAPSHOTS = f"""
SELECT n.record_id, n.level, n.version, n.published_on, n.evidence, n.variant, n.significance
FROM public.snapshots n WHERE NOT EXISTS (
    SELECT FROM record_states s WHERE s.record_id = n.record_id AND s.moment > :moment
) {{of_record}}
UNION ALL {CHANGED_SNAPSHOTS}
"""
NAMED_SO = {"told": ", base.lab_record_id", "joined": ""}
WORDS = f"""
SELECT w.record_id, w.level, w.words FROM public.words w JOIN public.records r ON r.id = w.record_id
WHERE w.level = 0 AND r.updated_on <= :moment_on {{of_record}}
UNION ALL SELECT w.record_id, w.level, w.words FROM public.words w WHERE w.level > 0 AND NOT EXISTS (
    SELECT FROM record_states s WHERE s.record_id = w.record_id AND s.moment > :moment
) {{of_record}}
UNION ALL SELECT id, 0::smallint, record_words(lab_record_id, evidence)
FROM ({CHANGED_RECORDS}) changed ({RECORD}, name)
UNION ALL SELECT record_id, level, record_words(lab_record_id, evidence)
FROM ({CHANGED_SNAPSHOTS}) changed (record_id, level, version, published_on, evidence, lab_record_id)
"""
UNTOLD = {"told": ", NULL::text, NULL::text", "joined": ""}
TOLD = {"told": ", told.variant, told.significance"} | {
    "joined": f"LEFT JOIN pg_temp.{past_variants.NAME} told ON told.record_id = base.id AND told.level = {{level}}"
}
WRITERS = sa.text("""
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = 'public.records'::regclass
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.mode IN ('RowShareLock', 'RowExclusiveLock') AND l.pid <> pg_backend_pid() AND a.xact_start <= :until
""")
lost = sa.table(
    "deleted_records",
    sa.column("lab_id", sa.Integer),
    sa.column("widest_level", sa.SmallInteger),
    sa.column("created_on", sa.DateTime(timezone=True)),
    sa.column("moment", sa.BigInteger),
    sa.column("evidence"),
)


def as_of(statement: Statement, moment: int, record_ids: Sequence[int] | None = None, *, variants: bool = False) -> Statement:
    """Return a query over records, such as one of `visible_records`, as a query over those of a moment.

    `record_ids` says that it is about these alone, which spares looking at all that was changed since. Of a record that was
    changed since, `variant` and `significance` are told only with `variants`, after `lay_variants`.
    """
    told = TOLD if variants else UNTOLD
    relations = (
        _relation("records", _filled(RECORDS, told, past_variants.COPY), moment, record_ids),
        _relation("snapshots", _filled(SNAPSHOTS, told, "(kept.one->>0)::smallint"), moment, record_ids),
        _relation("words", _filled(WORDS, NAMED_SO, ""), moment, record_ids),
    )
    return statement.add_cte(*relations, nest_here=True)


def _filled(sql: str, told: Mapping[str, str], level: object) -> str:
    return sql.replace("{told}", told["told"]).replace("{joined}", told["joined"].format(level=level))


def lay_variants(session: Session, moment: int) -> None:
    """Find out for this transaction which variants those records were about that were changed since a moment."""
    changed = f"""
        SELECT id, {past_variants.COPY}::smallint, jsonb_send(evidence) FROM ({CHANGED_RECORDS}) changed ({RECORD})
        UNION ALL SELECT record_id, level, jsonb_send(evidence)
        FROM ({CHANGED_SNAPSHOTS}) changed (record_id, level, version, published_on, evidence)
    """
    sql = _filled(changed, dict.fromkeys(TOLD, ""), "").replace("{of_id}", "").replace("{of_record}", "")
    past_variants.lay(session, NAMED.sub(r"%(\1)s", sql), moment)


def _relation(name: str, sql: str, moment: int, record_ids: Sequence[int] | None) -> sa.CTE:
    among = "" if record_ids is None else "AND {} = ANY(:record_ids)"
    text = sa.text(sql.replace("{of_id}", among.format("id")).replace("{of_record}", among.format("record_id")))
    text = text.bindparams(sa.bindparam("moment", moment, sa.BigInteger))
    text = text.bindparams(sa.bindparam("moment_on", ids.moment(moment), sa.DateTime(timezone=True)))
    if record_ids is not None:
        text = text.bindparams(sa.bindparam("record_ids", list(record_ids), ARRAY(sa.BigInteger)))
    return text.columns().cte(name).prefix_with("NOT MATERIALIZED")


def settle(session: Session, principal: Principal, moment: int) -> None:
    """Wait until nothing can be added to a moment any more. To be called before the first query as of it.

    Raises InvalidDate for a moment to come, Unavailable where somebody writes for too long, Gone where a record that the caller
    could have seen then was deleted since and is no longer kept: an answer without it would be another one than before.
    """
    if moment > ids.stamp(ids.now()):
        raise InvalidDate("`as_of` is a moment to come.", pointer="/as_of")
    until = ids.monotonic() + PATIENCE
    while ids.stamp(ids.now()) <= moment + SKEW or session.scalar(WRITERS, {"until": ids.moment(moment + SKEW)}):
        if ids.monotonic() > until:
            raise Unavailable("Somebody is still writing what belongs to this moment.", retry_after=2)
        session.execute(sa.text("SELECT pg_sleep(:step)"), {"step": STEP})
    _check_kept(session, principal, moment)


def _check_kept(session: Session, principal: Principal, moment: int) -> None:
    reach = sa.func.greatest(lost.c.widest_level, int(Level.LAB))
    seen = reach >= relation_to(principal, lost.c.lab_id)
    then = (lost.c.moment > moment, lost.c.created_on <= ids.moment(moment))
    if session.scalar(sa.select(sa.literal(1)).where(lost.c.evidence.is_(None), *then, seen).limit(1)):
        raise Gone("Records of that moment have been deleted for good since, and are no longer kept.", pointer="/as_of")
