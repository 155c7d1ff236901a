"""Full text: the words of a record, and what `q` asks of them. Values are always bound.

The database's function `record_words` says what `q` searches; its results are kept in a table with an index. Beside words they
hold facts, `=key=value`, for the keys in FACTS; for those in TEXTS every word of the value. A filter that implies certain words
is narrowed by the index.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from models.selection.grammar import Condition, Filter
from models.selection.terms import Query, Term, parse_q

Truth: TypeAlias = sa.ColumnElement[bool]
Words: TypeAlias = sa.ColumnElement[Any]

FACTS = frozenset(
    (
        "gene_symbol",
        "clinical_significance",
        "zygosity",
        "allele_origin",
        "clingen_allele_id",
        "patient_id",
        "sample_id",
        "family_id",
    )
)
TEXTS = frozenset(("c_hgvs", "condition", "interpretation_summary"))
FACT_LENGTH = 200  # characters of a value that a fact holds
TEXT_LENGTH = 20_000  # characters of a text that are searched
MOST_VALUES = 100  # of one condition that are worth an index
LONGEST_VALUE = 1_000
HAS_WORDS = re.compile(r"[^<&]*[A-Za-z0-9][^<&]*", re.DOTALL)  # the parser finds a word in each of these, whatever else is there
ONE_WORD = re.compile(r"[A-Za-z0-9]{1,100}")
SIMPLE: Words = sa.literal_column("'simple'::regconfig")


def matches(words: Words, query: Query) -> Truth:
    """Say whether words answer a query."""
    asked = _asked(query)
    return sa.false() if asked is None else have(words, asked)


def matches_term(words: Words, term: Term) -> Truth:
    """Say whether words have a term."""
    return have(words, _term(term))


def have(words: Words, asked: Words) -> Truth:
    """Say whether words are what a tsquery asks for."""
    return words.op("@@", is_comparison=True)(asked)


def matches_text(text: sa.ColumnElement[Any], q: str) -> Truth:
    """Say whether a text answers a q."""
    return matches(sa.func.to_tsvector(SIMPLE, sa.func.left(text, TEXT_LENGTH), type_=TSVECTOR), parse_q(q))


def _asked(query: Query) -> Words | None:
    must = [_term(term) for term in query.must]
    if query.plain and not must:
        must = [_any([_term(term) for term in query.plain])]
    banned: list[Words] = [sa.func.tsquery_not(_term(term), type_=TSQUERY) for term in query.banned]
    return _all(must + banned) if must or banned else None


def _term(term: Term) -> Words:
    if not term.prefix:
        return sa.func.phraseto_tsquery(SIMPLE, term.text, type_=TSQUERY)
    return sa.func.to_tsquery(SIMPLE, f"{_quoted(term.text)}:*", type_=TSQUERY)


def _quoted(lexeme: str) -> str:
    doubled = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def _any(queries: list[Words]) -> Words:
    return reduce(lambda left, right: sa.func.tsquery_or(left, right, type_=TSQUERY), queries)


def _all(queries: list[Words]) -> Words:
    return reduce(lambda left, right: sa.func.tsquery_and(left, right, type_=TSQUERY), queries)


def implied(tree: Filter) -> Words | None:
    """Return as a tsquery what the index can say of a filter: true wherever the filter is. None where it can say nothing."""
    if isinstance(tree, Condition):
        return _implied_by(tree)
    asked = [implied(term) for term in tree.terms]
    known = [query for query in asked if query is not None]
    if tree.word == "and":
        return _all(known) if known else None
    return _any(known) if tree.word == "or" and len(known) == len(asked) else None


def _implied_by(condition: Condition) -> Words | None:
    match condition.operator:
        case "is":
            return _implied_value(condition.name, condition.operand)
        case "in":
            if len(condition.operand) > MOST_VALUES:
                return None
            asked = [_implied_value(condition.name, value) for value in condition.operand]
            known = [query for query in asked if query is not None]
            return _any(known) if len(known) == len(asked) else None
        case "q" if condition.name in TEXTS:
            return _implied_words(parse_q(condition.operand))
        case _:
            return None


def _implied_value(name: str, value: str) -> Words | None:
    if name in FACTS:
        return sa.cast(sa.literal(_quoted(f"={name}={value[:FACT_LENGTH]}"), sa.Text), TSQUERY)
    if name in TEXTS and len(value) <= LONGEST_VALUE and HAS_WORDS.fullmatch(value):
        return sa.func.plainto_tsquery(SIMPLE, value, type_=TSQUERY)
    return None


def _implied_words(query: Query) -> Words | None:
    must = [_term(term) for term in query.must if ONE_WORD.fullmatch(term.text)]
    if must:
        return _all(must)
    if query.must or not query.plain or not all(ONE_WORD.fullmatch(term.text) for term in query.plain):
        return None
    return _any([_term(term) for term in query.plain])
