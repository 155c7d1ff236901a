"""Items come in their order whatever chunks they lie in, and few chunks are held at a time."""

from __future__ import annotations

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from models.jobs.receipts import Place, digest_of, in_order


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_items_come_in_order_from_any_chunks(lanes: list[int]) -> None:
    chunks: dict[int, list[tuple[int, bytes]]] = {}
    for index, lane in enumerate(lanes):
        chunks.setdefault(lane, []).append((index, b" item %d\r\n" % index))
    places = sorted((Place(no, items[0][0]) for no, items in chunks.items()), key=lambda place: place.first)
    found = list(in_order(places, chunks.__getitem__))
    assert found == [b"item %d\n" % index for index in range(len(lanes))]


def test_chunks_that_do_not_overlap_are_read_one_after_the_other() -> None:
    read: list[int] = []

    def chunk(no: int) -> list[tuple[int, bytes]]:
        read.append(no)
        return [(no * 10 + at, b"x") for at in range(10)]

    items = in_order([Place(no, no * 10) for no in range(5)], chunk)
    for _ in range(15):
        next(items)
    assert read == [0, 1]


def test_nothing_has_the_digest_of_nothing() -> None:
    assert list(in_order([], lambda _: [])) == []
    digest = digest_of([b"a\n", b"b\n"])
    assert (digest.count, digest.sha256) == (2, hashlib.sha256(b"a\nb\n").hexdigest())
