"""A space: the items that a selection may name, and how each kind of entry becomes SQL over them.

Everything else about selections (their grammar, order, first positions, pages, frozen lists) is the same in all spaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from models.db import Session
from models.selection.grammar import Children, Face, Search

LookUp: TypeAlias = Callable[[Session, Iterable[str]], dict[str, int]]
Hits: TypeAlias = Callable[[Search, Sequence[int], int], sa.Select[Any]]
ChildRows: TypeAlias = Callable[[Children, int, Sequence[int], int], sa.Select[Any]]
Check: TypeAlias = Callable[[Search | Children], None]
Still: TypeAlias = Callable[[Search | Children, int, Sequence[int]], sa.Select[int]]

RECORDS = "records"  # of the classification face


@dataclass(frozen=True, slots=True)
class Space:
    """The items of one kind that one caller may name.

    `look_up` gives the ids of names, leaving out what the caller cannot see. `hits(search, excluded ids, most)` and
    `children(entry, parent id, excluded ids, most)` give SQL for (record_id, place): place counts from 1 in the entry's order,
    and beyond `most` rows they may stop. `check` raises InvalidSelection for what the grammar lets through and the space has not.
    `still(entry, parent id, ids)` gives SQL for those of some ids that an entry would name now; its `exclude` is not looked at.
    `lanes` is how many chunks of one job may run side by side, None for as many as there are. `table` has the items by `id`, and
    `moments` tells for each `id` when it last changed, as `updated_on`.
    """

    face: Face
    look_up: LookUp
    hits: Hits
    children: ChildRows | None = None
    check: Check | None = None
    still: Still | None = None
    lanes: int | None = None
    table: str = RECORDS
    moments: str = RECORDS
