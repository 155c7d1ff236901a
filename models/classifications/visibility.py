"""Who may see what, asked of the database: the one place where it is. The same rule over values is `sharing.visible`.

A caller stands to a record as LAB (may write it), ORGANISATION or LOGGED_IN_USERS. The working copy is seen by those for whom it
is published widely enough, all others see the narrowest snapshot that reaches them, or nothing. So `visible_records` is two
disjoint branches. The first has one table and no join, unless words are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

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
    sa.column("variant", sa.Text(collation="C")),
    sa.column("significance", sa.Text(collation="C")),
)
snapshots = sa.table(
    "snapshots",
    sa.column("record_id", sa.BigInteger),
    sa.column("level", sa.SmallInteger),
    sa.column("version", sa.BigInteger),
    sa.column("published_on", MOMENT),
    sa.column("evidence", JSONB),
    sa.column("variant", sa.Text(collation="C")),
    sa.column("significance", sa.Text(collation="C")),
)
words = sa.table(
    "words", sa.column("record_id", sa.BigInteger), sa.column("level", sa.SmallInteger), sa.column("words", TSVECTOR)
)
deleted = sa.table(
    "deleted_records",
    sa.column("id", sa.BigInteger),
    sa.column("lab_id", sa.Integer),
    sa.column("lab_record_id", sa.Text(collation="C")),
    sa.column("widest_level", sa.SmallInteger),
    sa.column("moment", sa.BigInteger),
)


OF_RECORDS = sa.and_(words.c.record_id == records.c.id, words.c.level == 0)
OF_SNAPSHOTS = sa.and_(words.c.record_id == snapshots.c.record_id, words.c.level == snapshots.c.level)


def visible_records(
    principal: Principal, record_ids: Sequence[int] | None = None, audience: Level | None = None, *, worded: bool = False
) -> sa.Subquery:
    """Return, as a relation `visible`, each record as the caller may see it, once; only of `record_ids` where they are given.

    Its columns are those of `records` with the state seen, `edited`, the version of the working copy, and two levels:
    `relation`, how the caller stands to the record, and `ceiling`, the relation that hides evidence keys (contract 12.1; USER
    for the owner, from whom nothing is hidden). With an `audience`, which cannot be narrower than all logged-in users, the
    state seen is what that audience sees, whoever asks. `worded` adds `words`: those of the state seen, for searches.
    """
    if audience is not None and audience < Level.LOGGED_IN_USERS:
        raise ValueError("an audience narrower than the caller's could show more than the caller may see")
    if principal.superuser and audience is None:
        branches = [(_columns(records, {}, _superuser_levels()), OF_RECORDS)]
    else:
        branches = [(_working_copies(principal, audience), OF_RECORDS), (_snapshots(principal, audience), OF_SNAPSHOTS)]
    found = [branch.where(*_among(record_ids)) for branch, _ in branches]
    if worded:
        found = [branch.add_columns(words.c.words).where(own) for branch, (_, own) in zip(found, branches, strict=True)]
    return sa.union_all(*found).subquery("visible")


def visible_tombstones(principal: Principal, audience: Level | None = None) -> sa.Select[Any]:
    """Return the SQL for (id, lab_id, lab_record_id, moment, relation) of records deleted for good that the caller could see."""
    relation = relation_to(principal, deleted.c.lab_id)
    reach = relation if audience is None else _level(audience)
    columns = (deleted.c.id, deleted.c.lab_id, deleted.c.lab_record_id, deleted.c.moment)
    return sa.select(*columns, relation.label("relation")).where(
        sa.func.greatest(deleted.c.widest_level, _level(Level.LAB)) >= reach
    )


def relation_to(principal: Principal, lab_id: sa.ColumnElement[int] = records.c.lab_id) -> Number:
    """Return how the caller stands to a row of `records`, or of what has its lab elsewhere: LAB for those who may write it."""
    if principal.superuser:
        return _level(Level.LAB)
    sisters = sa.select(labs.c.id).where(_any(labs.c.organisation_id, principal.organisation_ids)).scalar_subquery()
    return sa.case(
        (_any(lab_id, principal.lab_ids), _level(Level.LAB)),
        (lab_id == sa.any_(sa.func.array(sisters)), _level(Level.ORGANISATION)),
        else_=_level(Level.LOGGED_IN_USERS),
    )


def _working_copies(principal: Principal, audience: Level | None = None) -> sa.Select[Any]:
    """Working copies published at the caller's relation or wider; LAB is always wide enough."""
    relation = relation_to(principal)
    reach = relation if audience is None else _level(audience)
    seen = sa.func.greatest(records.c.live_level, _level(Level.LAB)) >= reach
    return _columns(records, {}, _levels(principal, relation)).where(seen)


def _snapshots(principal: Principal, audience: Level | None = None) -> sa.Select[Any]:
    """The narrowest snapshot that reaches the caller, of records whose working copy does not."""
    relation = relation_to(principal)
    reach = relation if audience is None else _level(audience)
    narrower = snapshots.alias("narrower")
    closer = sa.exists().where(
        narrower.c.record_id == snapshots.c.record_id, narrower.c.level >= reach, narrower.c.level < snapshots.c.level
    )
    seen = {
        "share_level": snapshots.c.level,
        "live_level": snapshots.c.level,
        "version": snapshots.c.version,
        "published_version": snapshots.c.version,
        "published_on": snapshots.c.published_on,
        "evidence": snapshots.c.evidence,
        "variant": snapshots.c.variant,
        "significance": snapshots.c.significance,
    }
    joined = snapshots.join(records, records.c.id == snapshots.c.record_id)
    return _columns(joined, seen, _levels(principal, relation)).where(
        sa.func.greatest(records.c.live_level, _level(Level.LAB)) < reach, snapshots.c.level >= reach, ~closer
    )


def _columns(source: sa.FromClause, seen: dict[str, Any], levels: tuple[Number, Number]) -> sa.Select[Any]:
    columns = [seen.get(column.name, column).label(column.name) for column in records.c]
    columns.append(records.c.version.label("edited"))
    return sa.select(*columns, levels[0].label("relation"), levels[1].label("ceiling")).select_from(source)


def _levels(principal: Principal, relation: Number) -> tuple[Number, Number]:
    if principal.superuser:
        return _superuser_levels()
    return relation, sa.case((records.c.owner_id == principal.user_id, _level(Level.USER)), else_=relation)


def _superuser_levels() -> tuple[Number, Number]:
    return _level(Level.LAB), _level(Level.USER)


def _among(record_ids: Sequence[int] | None) -> list[Truth]:
    return [] if record_ids is None else [_any(records.c.id, record_ids, sa.BigInteger)]


def _any(column: sa.ColumnElement[Any], values: Any, kind: Any = sa.Integer) -> Truth:
    return column == sa.any_(sa.cast(sa.literal(sorted(values), ARRAY(kind)), ARRAY(kind)))


def _level(level: Level) -> Number:
    return sa.literal_column(str(int(level)), sa.Integer)
