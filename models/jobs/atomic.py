"""Jobs with groups: items that stand and fall together, each group within one chunk.

Items that share a record or a group make a unit, which is never spread over chunks nor cut. So units need no order among them
and every chunk is a lane of its own; within a unit the items keep their order. A record with more items than a chunk holds, and
no group among them, is what is left for several chunks of one lane.

Which items belong together is known at the end of the body only: they are staged in the database meanwhile, not in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from models.db import Session, copy_number, copy_rows, copy_text, driver
from models.errors import GroupTooLarge
from models.jobs.values import Item, Key
from models.settings import settings

WHOLE = ""  # the group of every item of a job that is atomic as a whole
STAGED = "CREATE TEMP TABLE staged_items (index integer, line integer, ref text, grp text, raw bytea) ON COMMIT DROP"
GROUPED_CHUNKS = """
INSERT INTO chunks (job_id, no, lane, size, indexes, lines, refs, groups, units, payload)
SELECT %(job_id)s, p.no, p.lane, count(*), array_agg(s.index ORDER BY p.unit, s.index),
    CASE WHEN count(s.line) > 0 THEN array_agg(s.line ORDER BY p.unit, s.index) END,
    CASE WHEN count(s.ref) > 0 THEN array_agg(s.ref ORDER BY p.unit, s.index) END,
    array_agg(s.grp ORDER BY p.unit, s.index), array_agg(p.unit ORDER BY p.unit, s.index),
    '['::bytea || string_agg(s.raw, ','::bytea ORDER BY p.unit, s.index) || ']'::bytea
FROM staged_items s
JOIN unnest(%(index)s::int[], %(no)s::int[], %(lane)s::int[], %(unit)s::int[]) AS p (index, no, lane, unit) ON p.index = s.index
GROUP BY p.no, p.lane
"""
Names = Callable[[Session, list[Item]], dict[Key, Key]]


class Grouped(Exception):
    """An item has a group: the job is to be stored as one with groups."""


@dataclass(slots=True)
class Unit:
    """Items that belong together, by number and bytes."""

    items: int = 0
    size: int = 0
    grouped: bool = False


class Units:
    """Finds out which items belong together: a forest over the names of records and groups."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._nodes: dict[tuple[str, Key], int] = {}
        self.places: list[int] = []  # of each item in its order, a node of its unit
        self._sizes: list[tuple[int, bool]] = []

    def add(self, key: Key, item: Item) -> None:
        """Note an item, which is about the record `key`."""
        record = self._node("record", key)
        group = self._node("group", item.group)
        if record is None and group is None:
            group = self._new()
        place = next(node for node in (group, record) if node is not None)
        if record is not None and group is not None:
            self._parents[self.find(record)] = self.find(group)
        self.places.append(place)
        self._sizes.append((len(item.raw), item.group is not None))

    def _node(self, kind: str, name: Key) -> int | None:
        if name is None:
            return None
        node = self._nodes.get((kind, name))
        if node is None:
            node = self._nodes[kind, name] = self._new()
        return node

    def _new(self) -> int:
        self._parents.append(len(self._parents))
        return len(self._parents) - 1

    def find(self, node: int) -> int:
        """Return what stands for all that belongs to a node's unit."""
        parents = self._parents
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    def size(self, item: int) -> int:
        """Return the bytes of an item."""
        return self._sizes[item][0]

    def measure(self) -> dict[int, Unit]:
        """Return the units by what stands for them, in the order of their first items. Raises GroupTooLarge."""
        units: dict[int, Unit] = {}
        for place, (size, grouped) in zip(self.places, self._sizes, strict=True):
            unit = units.setdefault(self.find(place), Unit())
            unit.items += 1
            unit.size += size
            unit.grouped = unit.grouped or grouped
        for unit in units.values():
            _check(unit)
        return units


def _check(unit: Unit) -> None:
    limits = settings().limits
    if not unit.grouped:
        return
    for what, actual, limit in (
        ("operations", unit.items, limits.atomic_operations),
        ("bytes", unit.size, limits.atomic_bytes),
    ):
        if actual > limit:
            detail = f"{actual} {what} stand and fall together, by groups and by records they share; the limit is {limit}."
            raise GroupTooLarge(detail, limit=limit, actual=actual, unit=what)


def _check_all(items: int) -> None:
    """Keep a job with groups as small as what one body may hold: its units are found in memory."""
    limit = settings().limits.operations
    if items > limit:
        raise GroupTooLarge(f"A job with groups has at most {limit} operations.", limit=limit, actual=items)


@dataclass(slots=True)
class _Lane:
    """A lane being filled: its number, the chunk that is open in it, and what that chunk holds."""

    lane: int
    no: int
    items: int = 0
    size: int = 0

    def has_room(self, unit: Unit) -> bool:
        return self.items + unit.items <= settings().chunk_items and self.size + unit.size <= settings().chunk_bytes


@dataclass(slots=True)
class Plan:
    """Where each item goes: columns that belong together, one entry an item."""

    index: list[int] = field(default_factory=list)
    no: list[int] = field(default_factory=list)
    lane: list[int] = field(default_factory=list)
    unit: list[int] = field(default_factory=list)
    chunks: int = 0
    lanes: int = 0

    def new_lane(self) -> _Lane:
        """Open a lane with its first chunk."""
        self.lanes, self.chunks = self.lanes + 1, self.chunks + 1
        return _Lane(self.lanes - 1, self.chunks - 1)

    def cut(self, lane: _Lane, size: int) -> None:
        """Make room for an item of so many bytes in a lane that may have several chunks."""
        if lane.items >= settings().chunk_items or lane.size >= settings().chunk_bytes:
            lane.no, lane.items, lane.size = self.chunks, 0, 0
            self.chunks += 1
        lane.items += 1
        lane.size += size

    def place(self, item: int, unit: int, lane: _Lane) -> None:
        """Put an item into a lane's open chunk."""
        self.index.append(item)
        self.no.append(lane.no)
        self.lane.append(lane.lane)
        self.unit.append(unit)


def plan(units: Units) -> Plan:
    """Say where each item goes. Raises GroupTooLarge."""
    made = Plan()
    lanes = _lanes(made, units.measure())
    numbers = {node: number for number, node in enumerate(lanes)}
    for item, place in enumerate(units.places):
        node = units.find(place)
        lane, cut = lanes[node]
        if cut:
            made.cut(lane, units.size(item))
        made.place(item, numbers[node], lane)
    return made


def _lanes(made: Plan, units: dict[int, Unit]) -> dict[int, tuple[_Lane, bool]]:
    """Return each unit's lane, and whether the unit may be cut there, being too long for a chunk and without a group."""
    lanes: dict[int, tuple[_Lane, bool]] = {}
    common: _Lane | None = None
    for node, unit in units.items():
        if unit.items > settings().chunk_items or unit.size > settings().chunk_bytes:
            lanes[node] = (made.new_lane(), not unit.grouped)
            continue
        if common is None or not common.has_room(unit):
            common = made.new_lane()
        common.items += unit.items
        common.size += unit.size
        lanes[node] = (common, False)
    return lanes


def store_grouped(session: Session, job_id: int, batches: Iterable[list[Item]], names: Names) -> tuple[int, int, int]:
    """Store the chunks of a job with groups; return the numbers of items, chunks and lanes. Raises GroupTooLarge.

    `names` gives of a batch what records its rids name, so that both spellings of a record are one.
    """
    connection = driver(session)
    connection.execute(STAGED)
    units = Units()
    for batch in batches:
        known = names(session, batch)
        for item in batch:
            units.add(known.get(item.key, item.key), item)
        _check_all(len(units.places))
        copy_rows(session, "staged_items (index, line, ref, grp, raw)", map(_line, batch))
    made = plan(units)
    columns = {"index": made.index, "no": made.no, "lane": made.lane, "unit": made.unit}
    connection.execute("ANALYZE staged_items")
    connection.execute(GROUPED_CHUNKS, {"job_id": job_id, **columns}, prepare=False)
    return len(made.index), made.chunks, made.lanes


def _line(item: Item) -> bytes:
    line, texts = copy_number(item.line), [copy_text(item.ref), copy_text(item.group)]
    return b"\t".join((b"%d" % item.index, line, *texts, b"\\\\x" + item.raw.hex().encode() + b"\n"))


def cut_parts(units: Sequence[int] | None, start: int, size: int) -> list[list[int]]:
    """Return the places of a chunk's items from `start` on, in parts that may be tried alone."""
    if units is None:
        return [[place] for place in range(start, size)]
    parts: list[list[int]] = []
    for place in range(start, size):
        if parts and units[parts[-1][-1]] == units[place]:
            parts[-1].append(place)
        else:
            parts.append([place])
    return parts
