"""Who may see what, asked of the database: the one place where it is. The same rule over values is `sharing.visible`.

A caller stands to a record as LAB (may write it), ORGANISATION or LOGGED_IN_USERS. The working copy is seen by those for whom it
is published widely enough, all others see the narrowest snapshot that reaches them, or nothing. So `visible_records` is two
disjoint branches. The first has one table and no join, which lets PostgreSQL push a filter down to an index on the documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from models.classifications.state import Level
from models.identity.principal import Principal
from models.identity.tables import labs

Truth: TypeAlias = sa.ColumnElement[bool]
Number: TypeAlias = sa.ColumnElement[int]

MOMENT = sa.DateTime(timezone=True)
records = sa.table(
    "records",
    sa.column("id", sa.BigInteger),
    sa.column("lab_id", sa.Integer),
    sa.column("lab_record_id", sa.Text(collation="C")),
    sa.column("owner_id", sa.Integer),
    sa.column("share_level", sa.SmallInteger),
    sa.column("live_level", sa.SmallInteger),
    sa.column("widest_level", sa.SmallInteger),
    sa.column("withdrawn", sa.Boolean),
    sa.column("version", sa.BigInteger),
    sa.column("published_version", sa.BigInteger),
    sa.column("created_on", MOMENT),
    sa.column("updated_on", MOMENT),
    sa.column("published_on", MOMENT),
    sa.column("source_id", sa.Text),
    sa.column("evidence", JSONB),
)
snapshots = sa.table(
    "snapshots",
    sa.column("record_id", sa.BigInteger),
    sa.column("level", sa.SmallInteger),
    sa.column("version", sa.BigInteger),
    sa.column("published_on", MOMENT),
    sa.column("evidence", JSONB),
)


def visible_records(principal: Principal, record_ids: Sequence[int] | None = None) -> sa.Subquery:
    """Return, as a relation `visible`, each record as the caller may see it, once; only of `record_ids` where they are given.

    Its columns are those of `records` with the state seen, and two levels: `relation`, how the caller stands to the record, and
    `ceiling`, the relation that hides evidence keys (contract 12.1; USER for the owner, from whom nothing is hidden).
    """
    if principal.superuser:
        branches = [_columns(records, {}, _superuser_levels()).where(*_among(record_ids))]
    else:
        branches = [_working_copies(principal).where(*_among(record_ids)), _snapshots(principal).where(*_among(record_ids))]
    return sa.union_all(*branches).subquery("visible")


def relation_to(principal: Principal) -> Number:
    """Return how the caller stands to a row of `records`: a Level, LAB for those who may write it."""
    if principal.superuser:
        return _level(Level.LAB)
    sisters = sa.select(labs.c.id).where(_any(labs.c.organisation_id, principal.organisation_ids)).scalar_subquery()
    return sa.case(
        (_any(records.c.lab_id, principal.lab_ids), _level(Level.LAB)),
        (records.c.lab_id == sa.any_(sa.func.array(sisters)), _level(Level.ORGANISATION)),
        else_=_level(Level.LOGGED_IN_USERS),
    )


def _working_copies(principal: Principal) -> sa.Select[Any]:
    """Working copies published at the caller's relation or wider; LAB is always wide enough."""
    relation = relation_to(principal)
    seen = sa.func.greatest(records.c.live_level, _level(Level.LAB)) >= relation
    return _columns(records, {}, _levels(principal, relation)).where(seen)


def _snapshots(principal: Principal) -> sa.Select[Any]:
    """The narrowest snapshot that reaches the caller, of records whose working copy does not."""
    relation = relation_to(principal)
    narrower = snapshots.alias("narrower")
    closer = sa.exists().where(
        narrower.c.record_id == snapshots.c.record_id, narrower.c.level >= relation, narrower.c.level < snapshots.c.level
    )
    seen = {
        "share_level": snapshots.c.level,
        "live_level": snapshots.c.level,
        "version": snapshots.c.version,
        "published_version": snapshots.c.version,
        "published_on": snapshots.c.published_on,
        "evidence": snapshots.c.evidence,
    }
    joined = snapshots.join(records, records.c.id == snapshots.c.record_id)
    return _columns(joined, seen, _levels(principal, relation)).where(
        sa.func.greatest(records.c.live_level, _level(Level.LAB)) < relation, snapshots.c.level >= relation, ~closer
    )


def _columns(source: sa.FromClause, seen: dict[str, Any], levels: tuple[Number, Number]) -> sa.Select[Any]:
    columns = [seen.get(column.name, column).label(column.name) for column in records.c]
    return sa.select(*columns, levels[0].label("relation"), levels[1].label("ceiling")).select_from(source)


def _levels(principal: Principal, relation: Number) -> tuple[Number, Number]:
    return relation, sa.case((records.c.owner_id == principal.user_id, _level(Level.USER)), else_=relation)


def _superuser_levels() -> tuple[Number, Number]:
    return _level(Level.LAB), _level(Level.USER)


def _among(record_ids: Sequence[int] | None) -> list[Truth]:
    return [] if record_ids is None else [_any(records.c.id, record_ids, sa.BigInteger)]


def _any(column: sa.ColumnElement[Any], values: Any, kind: Any = sa.Integer) -> Truth:
    return column == sa.any_(sa.cast(sa.literal(sorted(values), ARRAY(kind)), ARRAY(kind)))


def _level(level: Level) -> Number:
    return sa.literal_column(str(int(level)), sa.Integer)
