"""Places among siblings. Each ordering of the project counts the children of a parent on its own; gaps mean nothing.

A record that leaves keeps its old place in mind and no other moves up, so that coming back restores the order exactly. Making
room for newcomers shifts those after them, which is no change of theirs: their time of update stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from models.catalogue.changes import NOTE, RECORDS, SHOWN, STAMP, Done, Work
from models.catalogue.rows import Member, RecordNode, load_records, missing
from models.errors import InvalidValue, ItemDeleted, NoSibling, RootFixed

LAST = """
SELECT r.parent_id, place.key, max(place.value::int)
FROM catalogue_records r CROSS JOIN LATERAL jsonb_each_text(r.positions) AS place
WHERE r.parent_id = ANY(%(parents)s) GROUP BY 1, 2
"""
SHIFT = """
WITH moved AS (
    UPDATE catalogue_records r SET positions = jsonb_set(positions, ARRAY[%(key)s], to_jsonb((positions->>%(key)s)::int + %(by)s))
    WHERE parent_id = %(parent)s AND (positions->>%(key)s)::int BETWEEN %(first)s AND %(last)s RETURNING id, gid
)
{shown} SELECT id, gid, 'UPDATE' FROM moved
"""
RENUMBER = """
WITH ranked AS (
    SELECT id, row_number() OVER (PARTITION BY parent_id ORDER BY (positions->>%(key)s)::int NULLS LAST, id) - 1 AS place
    FROM catalogue_records WHERE parent_id = ANY(%(parents)s)
), moved AS (
    UPDATE catalogue_records r SET positions = jsonb_set(positions, ARRAY[%(key)s], to_jsonb(ranked.place))
    FROM ranked WHERE r.id = ranked.id AND (r.positions->>%(key)s)::int IS DISTINCT FROM ranked.place RETURNING r.id, r.gid
)
{shown} SELECT id, gid, 'UPDATE' FROM moved
"""
PLACED = """
UPDATE catalogue_records r SET positions = r.positions || new.positions::jsonb
FROM unnest(%(ids)s::bigint[], %(positions)s::text[]) AS new (id, positions) WHERE r.id = new.id
"""
SET = """
WITH before AS (SELECT id, positions FROM catalogue_records WHERE id = %(id)s), written AS (
    UPDATE catalogue_records r SET positions = r.positions || %(positions)s::jsonb, updated_on = {stamp} WHERE id = %(id)s
    RETURNING r.id, r.gid, r.updated_on
)
{note} SELECT w.id, w.gid, 'UPDATE', w.updated_on, w.id, jsonb_build_object('positions', before.positions) FROM written w, before
"""
UNPLACED = "SELECT EXISTS (SELECT FROM catalogue_records WHERE parent_id = %(parent)s AND NOT positions ? %(key)s)"
MOST = 2**31 - 1


def check_ordering(work: Work, ordering: object, pointer: str = "/ordering") -> str | None:
    """Return an ordering's key, None where none was named. Raises InvalidValue."""
    if ordering is None:
        return None
    if not isinstance(ordering, str) or ordering not in work.project.orderings:
        raise InvalidValue("There is no such ordering in this project.", pointer=pointer)
    return ordering


@dataclass
class Ends:
    """The last place of each parent in each ordering, counted on in memory while a chunk is decided."""

    keys: tuple[str, ...]
    last: dict[tuple[int, str], int] = field(default_factory=dict)

    def next(self, parent_id: int) -> dict[str, int]:
        """Return the places of a newcomer at the end."""
        places = {}
        for key in self.keys:
            places[key] = self.last[parent_id, key] = self.last.get((parent_id, key), -1) + 1
        return places

    def note(self, parent_id: int, places: Mapping[str, int]) -> None:
        """Take notice of places that were given."""
        for key, place in places.items():
            self.last[parent_id, key] = max(place, self.last.get((parent_id, key), -1))


def ends(work: Work, parents: Collection[int]) -> Ends:
    """Return the ends of these parents' children, as they are now."""
    found = work.execute(LAST, {"parents": list(parents)}) if parents else []
    return Ends(tuple(work.project.orderings), {(parent, key): last for parent, key, last in found})


def make_room(work: Work, before: RecordNode, key: str, count: int) -> int:
    """Shift a record and all after it by `count`; return the first place that is free now."""
    parent = before.parent_id
    assert parent is not None
    if work.execute(UNPLACED, {"parent": parent, "key": key}) == [(True,)]:
        renumber(work, [parent], [key])
    row = work.execute(
        "SELECT (positions->>%(key)s)::int FROM catalogue_records WHERE id = %(id)s", {"key": key, "id": before.id}
    )
    first: int = row[0][0]
    values = {"parent": parent, "key": key, "first": first, "last": MOST, "by": count}
    work.execute(SHIFT.format(shown=SHOWN), values)
    return first


def renumber(work: Work, parents: Collection[int], keys: Iterable[str]) -> None:
    """Number the children of these parents anew, in the order that they have."""
    for key in keys:
        work.execute(RENUMBER.format(shown=SHOWN), {"parents": list(parents), "key": key})


def check_sibling(before: RecordNode | None, parent: RecordNode) -> RecordNode:
    """Return a record that others are to stand before. Raises NoSibling where it hangs elsewhere."""
    if before is None or before.parent_id != parent.id:
        raise NoSibling("`before_record` does not hang below this parent.", pointer="/before_record")
    return before


def set_places(work: Work, members: Sequence[Member], wanted: Mapping[str, int]) -> list[Done]:
    """Put records at places among their siblings, which make room."""
    return [_set_places(work, member, wanted) for member in members]


def _set_places(work: Work, member: Member, wanted: Mapping[str, int]) -> Done:
    node = load_records(work, [member]).get(member) if isinstance(member, int) else None
    if node is None:
        return Done(str(member), None, missing(RECORDS))
    if node.deleted:
        return Done(node.gid, node.id, ItemDeleted("The record is deleted."))
    if node.parent_id is None:
        return Done(node.gid, node.id, RootFixed("The root has no siblings."))
    changed = {key: place for key, place in wanted.items() if node.positions.get(key) != place}
    for key, place in changed.items():
        _slide(work, node, key, place)
    if changed:
        work.execute(SET.format(note=NOTE, stamp=STAMP), {"id": node.id, "positions": msgspec.json.encode(changed).decode()})
    return Done(node.gid, node.id, noop=not changed)


def _slide(work: Work, node: RecordNode, key: str, place: int) -> None:
    old = node.positions.get(key, MOST)
    first, last, by = (place, old - 1, 1) if place < old else (old + 1, place, -1)
    values = {"parent": node.parent_id, "key": key, "first": first, "last": last, "by": by}
    work.execute(SHIFT.format(shown=SHOWN), values)


def write(work: Work, places: Mapping[int, Mapping[str, int]]) -> None:
    """Store places of records, beside those that they have in other orderings."""
    texts = [msgspec.json.encode(place).decode() for place in places.values()]
    work.execute(PLACED, {"ids": list(places), "positions": texts})
