"""Which classification records a search finds, and in which order: the one place where a search becomes SQL.

Withdrawn records are found only by a filter that asks about `withdrawn`. Hits come by relevance, which is how many of the plain
terms of `q` a record has, then by lab and lab record id. They are gathered before they are put in order (`MATERIALIZED`): an
ORDER BY on the search itself would tempt the planner to walk the key until the last rare hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from models.classifications.record_id import dump_id, parse_id
from models.classifications.visibility import visible_records
from models.errors import InvalidId, InvalidSelection
from models.identity.principal import Principal
from models.identity.tables import labs
from models.selection.conditions import compile_filter
from models.selection.grammar import Face, Kind, Search, conditions
from models.selection.operands import OPERATORS, find_name, read_filter
from models.selection.terms import Query, parse_q
from models.selection.words import have, implied, matches, matches_term

Truth: TypeAlias = sa.ColumnElement[bool]

MOST_TERMS = 30


def name_record(value: Any) -> str:
    """Return the one text that an id in a selection stands for: a rid, or org/lab/record. Raises InvalidId."""
    target = parse_id(value, None)
    if target.version is not None:
        raise InvalidId("A selection names records, not versions of them.")
    if target.rid is not None:
        return str(target.rid)
    if target.lab is None or target.lab_record_id is None:
        raise InvalidId("A lab alone names no record.")
    return dump_id(target.lab, target.lab_record_id)


FACE = Face(frozenset({Kind.SEARCH}), name_record, find_name, OPERATORS)
"""What the grammar of selections must know of classification records."""


def matching_records(search: Search, principal: Principal, record_ids: Sequence[int]) -> sa.Select[int]:
    """Return the SQL for the ids of those among `record_ids` that a search finds now; its `exclude` is not looked at."""
    seen, found = _found(search, principal, _query(search), record_ids)
    return sa.select(seen.c.id).where(found)


def ranked_hits(search: Search, principal: Principal, exclude: Sequence[int], most: int) -> sa.Select[int, int]:
    """Return the SQL for a search's hits: record_id, and place from 1. It stops gathering beyond `most` hits."""
    seen, wanted = _found(search, principal, _query(search))
    left_out = [seen.c.id != sa.all_(sa.literal(list(exclude), ARRAY(sa.BigInteger)))] if exclude else []
    hits = sa.select(seen.c.id, seen.c.lab_id, seen.c.lab_record_id).where(wanted, *left_out).limit(most + 1)
    found = hits.cte(nesting=True).prefix_with("MATERIALIZED")
    source, relevance = _with_relevance(found, search, principal)
    place = sa.func.row_number().over(order_by=(*relevance, labs.c.group_name, found.c.lab_record_id))
    return sa.select(found.c.id.label("record_id"), place.label("place")).select_from(
        source.join(labs, labs.c.id == found.c.lab_id)
    )


def some_hits(search: Search, principal: Principal, most: int) -> list[sa.Select[int]]:
    """Return SQL for ids of a search's hits in no order, as many as `most`: the better ones first, where some are better.

    Better are those that have every plain word of `q`; the others follow, and the better ones once more among them.
    """
    query = _query(search)
    queries = [query]
    if query and len(query.plain) > 1:
        queries.insert(0, Query((*query.must, *query.plain), (), query.banned))
    found = [_found(search, principal, one) for one in queries]
    return [sa.select(seen.c.id).where(wanted).limit(most) for seen, wanted in found]


def _query(search: Search) -> Query | None:
    query = parse_q(search.q) if search.q else None
    if query and query.size > MOST_TERMS:
        raise InvalidSelection(f"A q has at most {MOST_TERMS} terms.", pointer=search.pointer + "/q")
    return query


def _found(
    search: Search, principal: Principal, query: Query | None, record_ids: Sequence[int] | None = None
) -> tuple[sa.Subquery, Truth]:
    """Return the relation of what the caller sees, and which of it is found."""
    tree = read_filter(search.filter) if search.filter else None
    narrowed = implied(tree) if tree else None
    seen = visible_records(principal, record_ids, worded=query is not None or narrowed is not None)
    asked: list[Truth] = [] if query is None else [matches(seen.c.words, query)]
    if narrowed is not None:
        asked.append(have(seen.c.words, narrowed))
    if tree:
        asked.append(compile_filter(tree, seen))
    if not asked and not search.everything:
        return seen, sa.false()
    if all(condition.name != "withdrawn" for condition in conditions(search.filter)):
        asked.append(seen.c.withdrawn.is_(sa.false()))
    return seen, sa.and_(*asked)


def _with_relevance(found: sa.CTE, search: Search, principal: Principal) -> tuple[sa.FromClause, list[sa.ColumnElement[int]]]:
    """Join the hits with those of each plain term alone: the index gives them faster than each hit's words could be made."""
    query = _query(search)
    source: sa.FromClause = found
    if query is None or not query.plain or len(query.plain) + len(query.must) < 2:
        return source, []
    score: list[sa.ColumnElement[int]] = []
    for term in query.plain:
        seen = visible_records(principal, worded=True)
        having = sa.select(seen.c.id).where(matches_term(seen.c.words, term)).cte(nesting=True)
        source = source.outerjoin(having, having.c.id == found.c.id)
        score.append(sa.case((having.c.id.is_not(None), 1), else_=0))
    return source, [reduce(add, score).desc()]
