"""What a ceiling hides is hidden before any format sees it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.classifications import disclosure
from models.classifications.keys import key_set
from models.classifications.state import Level
from models.exports.rows import iso, restrict

NAMES = st.sampled_from(["owner", "curated_by", "somatic:summary_interpretation", "zygosity", "acmg:bp4", "no_longer_a_key"])
TEXTS = st.one_of(st.none(), st.text(max_size=8), st.booleans(), st.integers(-9, 9), st.lists(st.text(max_size=3), max_size=2))
CELLS = st.fixed_dictionaries(
    {}, optional={"value": TEXTS, "note": st.text(max_size=5), "explain": st.text(max_size=5), "immutable": st.just("api")}
)


@given(cells=st.dictionaries(NAMES, CELLS), level=st.sampled_from(list(Level)))
def test_it_hides_what_the_rule_over_cells_hides(cells: dict[str, dict[str, object]], level: Level) -> None:
    hidden = restrict(msgspec.json.encode(cells), level)
    assert msgspec.json.decode(hidden) == disclosure.restrict(cells, level, key_set())


@pytest.mark.parametrize(("moment", "text"), [
    (None, None),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), b"2026-01-02T03:04:05Z"),
    (datetime(2026, 1, 2, 3, 4, 5, 120, tzinfo=UTC), b"2026-01-02T03:04:05.000120Z"),
])  # fmt: skip
def test_times_are_written_as_single_reads_write_them(moment: datetime | None, text: bytes | None) -> None:
    assert iso(moment) == text
