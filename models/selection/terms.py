"""The grammar of `q`: words, "phrases in quotes", prefix*, +must and -mustnot. Pure.

A plain term is one of several that may be there; beside a +term it only adds to the relevance. Nothing in a text is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TERM = re.compile(r'([+-]?)(?:"([^"]*)"?|(\S+))')
SHORTEST_PREFIX = 2


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase. A prefix stands for all words that begin so."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """The terms of a q, each once."""

    must: tuple[Term, ...]
    plain: tuple[Term, ...]
    banned: tuple[Term, ...]

    @property
    def size(self) -> int:
        """How many terms there are."""
        return len(self.must) + len(self.plain) + len(self.banned)


def parse_q(text: str) -> Query:
    """Return the terms of a q, in their order."""
    found: dict[str, list[Term]] = {"+": [], "": [], "-": []}
    for sign, phrase, word in TERM.findall(text):
        term = _term(phrase, word)
        if term.text and term not in found[sign]:
            found[sign].append(term)
    return Query(tuple(found["+"]), tuple(found[""]), tuple(found["-"]))


def _term(phrase: str, word: str) -> Term:
    if word.endswith("*") and len(word) > SHORTEST_PREFIX:
        return Term(word.rstrip("*"), prefix=True)
    return Term((phrase or word).strip())
