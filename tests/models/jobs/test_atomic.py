"""Which items belong together, and where they go."""

from __future__ import annotations

import random

import pytest

from models.errors import GroupTooLarge
from models.jobs.atomic import Units, cut_parts, plan
from models.jobs.values import Item, group_name
from models.settings import settings


def units_of(*items: tuple[str | None, str | None]) -> Units:
    units = Units()
    for index, (key, group) in enumerate(items):
        units.add(key, Item(index, b"{}", key, group=group))
    return units


def test_a_chain_of_records_and_groups_is_one_unit() -> None:
    made = plan(units_of(("a", "1"), ("b", "2"), ("c", None), ("b", "1"), ("d", None), (None, "2"), (None, None)))
    assert made.unit == [0, 0, 1, 0, 2, 0, 3]
    assert (made.chunks, made.lanes) == (1, 1)


def test_units_are_never_spread_over_chunks_and_keep_to_their_size() -> None:
    dice = random.Random(7)
    items = [(f"r{dice.randrange(4_000)}", f"g{dice.randrange(3_000)}" if dice.random() < 0.3 else None) for _ in range(6_000)]
    made = plan(units_of(*items))
    homes: dict[tuple[str, str | None], set[int]] = {}
    for (key, group), no in zip(items, made.no, strict=True):
        homes.setdefault(("record", key), set()).add(no)
        homes.setdefault(("group", group), set()).add(no)
    del homes["group", None]
    assert {len(found) for found in homes.values()} == {1}
    sizes = [made.no.count(no) for no in range(made.chunks)]
    largest = max(made.unit.count(unit) for unit in set(made.unit))
    assert sum(sizes) == len(items)
    assert max(sizes) <= max(settings().chunk_items, largest)


def test_a_record_with_many_items_and_no_group_has_a_lane_with_chunks_in_order() -> None:
    most = settings().chunk_items
    made = plan(units_of(("x", "g"), *((("a", None),) * (2 * most + 1))))
    assert made.no[1:] == [0 + made.no[1]] * most + [made.no[most + 1]] * most + [made.no[-1]]
    assert made.no[1] < made.no[most + 1] < made.no[-1]
    assert len({made.lane[1], made.lane[-1]}) == 1 and made.lane[0] != made.lane[1]
    assert made.chunks == 4


def test_a_group_of_more_than_the_limit_is_refused() -> None:
    limit = settings().limits.atomic_operations
    plan(units_of(*[(f"r{number}", "g") for number in range(limit)]))
    with pytest.raises(GroupTooLarge) as refused:
        plan(units_of(*[(f"r{number}", "g") for number in range(limit + 1)]))
    assert dict(refused.value.members) == {"limit": limit, "actual": limit + 1, "unit": "operations"}


def test_parts_that_may_be_tried_alone() -> None:
    assert cut_parts(None, 1, 3) == [[1], [2]]
    assert cut_parts([5, 5, 6, 7, 7], 0, 5) == [[0, 1], [2], [3, 4]]
    assert cut_parts([5, 5, 6], 2, 3) == [[2]]


@pytest.mark.parametrize("value", ["", "x" * 201, "a\0b", "\ud800", True, 1.5, None, ["g"], 10**200])
def test_what_is_no_name_of_a_group(value: object) -> None:
    assert group_name(value) is None


def test_a_group_is_a_text_or_a_whole_number() -> None:
    assert (group_name("g 1"), group_name(17)) == ("g 1", "17")
