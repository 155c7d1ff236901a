"""How much of a chunk one transaction takes on: whole subtrees hang on its members, and the project is locked meanwhile.

Where more hangs on a chunk's members than one transaction should take, the first of them are worked on, and the chunk goes on
with the others in its next turn: other writers of the project have theirs between. A member on which more hangs than the limit
is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from models.catalogue import tree
from models.catalogue.changes import Work
from models.catalogue.rows import Member
from models.errors import Refused
from models.jobs.ledger import Chunk

AT_ONCE = 20_000  # items that a transaction changes, unless more hang on one: about a second
Weigh: TypeAlias = Callable[[Work, str, Sequence[Member]], Sequence[int]]
"""Tells how many items of a table each member takes along, itself among them, in their order."""


def live(work: Work, table: str, members: Sequence[Member]) -> Sequence[int]:
    """Weigh by what is live below."""
    return tree.weigh(work, table, members, tree.LIVE)


def gone(work: Work, table: str, members: Sequence[Member]) -> Sequence[int]:
    """Weigh by what is deleted below."""
    return tree.weigh(work, table, members, tree.GONE)


def everything(work: Work, table: str, members: Sequence[Member]) -> Sequence[int]:
    """Weigh by all that is below."""
    return tree.weigh(work, table, members, tree.ANY)


@dataclass(frozen=True, slots=True)
class Portion:
    """The part of a chunk that is worked on now, with its members; `heavy` says which of them are refused, and why."""

    chunk: Chunk
    table: str
    members: Sequence[Member]
    heavy: Mapping[Member, Refused]


def take(work: Work, chunk: Chunk, table: str, asked: tuple[Sequence[Member], Weigh | None]) -> Portion:
    """Return the first members of a chunk that one transaction should take, and why some of them are refused."""
    members, weigh = asked
    if weigh is None:
        return Portion(chunk, table, members, {})
    weights = weigh(work, table, members)
    refused = {member: tree.too_heavy(weight) for member, weight in zip(members, weights, strict=True)}
    heavy = {member: reason for member, reason in refused.items() if reason}
    cut = portion(chunk, fitting([0 if member in heavy else weight for member, weight in zip(members, weights, strict=True)]))
    return Portion(cut, table, members[: len(cut.items)], heavy)


def portion(chunk: Chunk, count: int) -> Chunk:
    """Return a chunk with the first of its items only."""
    if count == len(chunk.items):
        return chunk
    return replace(chunk.only(range(count)), goes_on=True)


def fitting(weights: Sequence[int]) -> int:
    """Return how many of the first weights stay within what a transaction changes, at least one."""
    taken = 0
    for count, weight in enumerate(weights):
        taken += weight
        if taken > AT_ONCE and count:
            return count
    return len(weights)
