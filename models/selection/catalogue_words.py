"""What `q` asks of the words that `models.catalogue.words` made, as the text of a tsquery. Pure.

A word is looked for in the language of the search and among what has no language. A term without any word asks nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.catalogue.words import NO_LANGUAGE, dump_number, fact, project_fact, quoted, split_words
from models.selection.terms import Query, Term

MOST_WORDS = 60  # of one value that narrow a search


def query_text(project_id: int, query: Query, language: str | None, weight: str = "") -> str | None:
    """Return what a q asks for; None where it asks nothing. `weight` keeps to certain places, such as names."""
    asked = _terms(query.must, language, weight)
    plain = _terms(query.plain, language, weight)
    if plain and not asked:
        asked = [_any(plain)]
    banned = [f"!{term}" for term in _terms(query.banned, language, weight)]
    if not asked and not banned:
        return None
    return " & ".join([quoted(project_fact(project_id)), *asked, *banned])


def term_texts(query: Query, language: str | None) -> list[str]:
    """Return the plain terms of a q one by one: the more of them something has, the more relevant it is."""
    return _terms(query.plain, language, "")


def rank_text(query: Query, language: str | None) -> str | None:
    """Return what the relevance looks for: all terms that may be there."""
    asked = _terms((*query.must, *query.plain), language, "")
    return _any(asked) if asked else None


def value_text(project_id: int, value: object, language: str, field_gid: str) -> str | None:
    """Return what the words of a record with this value must have; None where they say nothing of it."""
    known = fact(value, field_gid)
    if known is not None:
        return f"{quoted(project_fact(project_id))} & {quoted(known)}"
    if not isinstance(value, str | int | float):
        return None
    words = split_words(value if isinstance(value, str) else dump_number(value))
    if not words or (isinstance(value, str) and not value.isprintable()) or "<" in str(value) or "&" in str(value):
        return None
    asked = [_lexemes([word], language, "", prefix=False) for word in dict.fromkeys(words[:MOST_WORDS])]
    return " & ".join([quoted(project_fact(project_id)), *asked])


def _terms(terms: Iterable[Term], language: str | None, weight: str) -> list[str]:
    split = [(split_words(term.text), term.prefix) for term in terms]
    return [_lexemes(words, language, weight, prefix=prefix) for words, prefix in split if words]


def _lexemes(words: Sequence[str], language: str | None, weight: str, *, prefix: bool) -> str:
    """Return a word or phrase in one of the two places that it can stand in."""
    ends = f":{'*' if prefix else ''}{weight}" if prefix or weight else ""
    inner = f":{weight}" if weight else ""
    phrases = []
    for place in dict.fromkeys([language or NO_LANGUAGE, NO_LANGUAGE]):
        lexemes = [quoted(f"{place}:{word}") for word in words]
        phrases.append(" <-> ".join([*(lexeme + inner for lexeme in lexemes[:-1]), lexemes[-1] + ends]))
    return _any([f"({phrase})" if len(words) > 1 else phrase for phrase in phrases])


def _any(queries: Sequence[str]) -> str:
    return f"({' | '.join(queries)})" if len(queries) > 1 else queries[0]
