"""Which records, assets or schema items a search finds, and in which order: the one place where such a search becomes SQL.

What is deleted is never found. A link is found where its original is. Hits come by relevance: how many of the plain terms of
`q` something has, then how often and how prominently, then as they were made. They are gathered before they are put in order
(`MATERIALIZED`): an ORDER BY on the search itself would tempt the planner to walk the key until the last rare hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from models.catalogue.schema_items import Schema
from models.catalogue.tables import assets, catalogue_records, catalogue_words, schema_items
from models.errors import InvalidSelection
from models.selection.catalogue_conditions import compile_filter, implied, matches_words
from models.selection.catalogue_operands import ASSETS, KINDS, RECORDS, read_filter
from models.selection.catalogue_validation import SEEN, Scope
from models.selection.catalogue_words import query_text, rank_text, term_texts
from models.selection.grammar import Search
from models.selection.terms import Query, parse_q

Truth: TypeAlias = sa.ColumnElement[bool]

MOST_TERMS = 30
LIVE = "published"


def found_among(search: Search, scope: Scope, ids: Sequence[int]) -> sa.Select[int]:
    """Return the SQL for those of some ids that a search finds now; its `exclude` is not looked at."""
    if scope.kind != RECORDS:
        return sa.select(scope.seen.c.id).where(found(search, scope))
    item = catalogue_records.alias("item")
    source = sa.func.coalesce(item.c.canonical_id, item.c.id)
    hits = sa.select(scope.seen.c.id).where(found(search, scope))
    return sa.select(item.c.id).where(item.c.status == LIVE, *_among(item.c.id, ids), source.in_(hits))


def scope_of(kind: str, project_id: int, schema: Schema, language: str, ids: Sequence[int] | None = None) -> Scope:
    """Return where the conditions of a search are asked: all items of a kind in a project, or some of them."""
    relation = {RECORDS: _records, ASSETS: _assets}.get(kind, _schema_items)
    return Scope(kind, relation(project_id, ids), project_id, schema, language)


def _among(column: sa.ColumnElement[int], ids: Sequence[int] | None) -> list[Truth]:
    return [] if ids is None else [column == sa.any_(sa.literal(list(ids), ARRAY(sa.BigInteger)))]


def _records(project_id: int, ids: Sequence[int] | None) -> sa.FromClause:
    """Return the originals among the records, of links too; the links follow them."""
    own, link = catalogue_records.c, catalogue_records.alias("link").c
    within = [own.project_id == project_id, own.status == LIVE, own.canonical_id.is_(None)]
    if ids is not None:
        linked = sa.select(link.canonical_id).where(*_among(link.id, ids), link.canonical_id.is_not(None))
        within.append(sa.or_(*_among(own.id, ids), own.id.in_(linked)))
    worded = catalogue_records.outerjoin(catalogue_words, catalogue_words.c.record_id == own.id)  # left out where nobody asks
    return sa.select(catalogue_records, catalogue_words.c.words).select_from(worded).where(*within).subquery(SEEN)


def _assets(project_id: int, ids: Sequence[int] | None) -> sa.FromClause:
    """Return the files of a project; folders are not searched."""
    within = (assets.c.project_id == project_id, assets.c.status == LIVE, assets.c.is_file, *_among(assets.c.id, ids))
    return sa.select(assets).where(*within).subquery(SEEN)


def _schema_items(project_id: int, ids: Sequence[int] | None) -> sa.FromClause:
    """Return definitions, classes and fields in all their states; layouts are parts of these."""
    own = schema_items.c
    return sa.select(schema_items).where(own.project_id == project_id, own.kind.in_(KINDS), *_among(own.id, ids)).subquery(SEEN)


def ranked_hits(search: Search, scope: Scope, exclude: Sequence[int], most: int) -> sa.Select[Any]:
    """Return the SQL for a search's hits: record_id, and place from 1. It stops gathering beyond `most` hits."""
    seen, query = scope.seen, _query(search)
    left_out = [] if scope.kind == RECORDS else _except(seen.c.id, exclude)
    relevance = [column.label(f"relevance_{at}") for at, column in enumerate(_relevance(query, scope))]
    hits = sa.select(seen.c.id, *relevance).where(found(search, scope), *left_out).limit(most + len(exclude) + 1)
    gathered: Any = hits.cte(nesting=True).prefix_with("MATERIALIZED")
    if scope.kind == RECORDS:
        gathered = _with_links(gathered, exclude)
    order = (*(gathered.c[column.name].desc() for column in relevance), gathered.c.id)
    rows = sa.select(gathered.c.id.label("record_id"), sa.func.row_number().over(order_by=order).label("place"))
    return rows.limit(most + 1)


def _with_links(hits: sa.CTE, exclude: Sequence[int]) -> sa.Subquery:
    """Return hits with the links to them, which show what their originals say. Either may be left out without the other."""
    link = catalogue_records.alias("link")
    relevance = [column for column in hits.c if column.name != "id"]
    own = sa.select(hits.c.id, *relevance).where(*_except(hits.c.id, exclude))
    links = sa.select(link.c.id, *relevance).join(hits, hits.c.id == link.c.canonical_id)
    return sa.union_all(own, links.where(link.c.status == LIVE, *_except(link.c.id, exclude))).subquery()


def _except(column: sa.ColumnElement[int], ids: Sequence[int]) -> list[Truth]:
    return [column != sa.all_(sa.literal(list(ids), ARRAY(sa.BigInteger)))] if ids else []


def found(search: Search, scope: Scope) -> Truth:
    """Say whether an item is found; a search without q and filter finds nothing, unless it means everything."""
    query = _query(search)
    text = query_text(scope.project_id, query, scope.language) if query else None
    asked: list[Truth] = [] if text is None else [matches_words(scope, text)]
    if search.filter:
        tree = read_filter(search.filter, scope.kind, scope.schema)
        narrowed = implied(tree, scope)
        asked += [compile_filter(tree, scope)] if narrowed is None else [narrowed, compile_filter(tree, scope)]
    if not asked and not search.everything:
        return sa.false()
    return sa.and_(sa.true(), *asked)


def _query(search: Search) -> Query | None:
    query = parse_q(search.q) if search.q else None
    if query and query.size > MOST_TERMS:
        raise InvalidSelection(f"A q has at most {MOST_TERMS} terms.", pointer=search.pointer + "/q")
    return query


def _relevance(query: Query | None, scope: Scope) -> list[sa.ColumnElement[Any]]:
    rank = rank_text(query, scope.language) if query else None
    if query is None or rank is None:
        return []
    weighed = sa.func.ts_rank(scope.seen.c.words, sa.cast(sa.literal(rank, sa.Text), TSQUERY))
    plain = term_texts(query, scope.language)
    if len(plain) < 2 and not (plain and query.must):
        return [weighed]
    return [reduce(add, [sa.case((matches_words(scope, term), 1), else_=0) for term in plain]), weighed]
