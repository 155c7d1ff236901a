"""The words that searches find are those of what is stored, whatever happened to it."""

from __future__ import annotations

from typing import Any

import pytest

from models.classifications.keys import key_set
from models.db import Session, driver, transaction
from models.selection.words import FACTS, TEXTS
from tests.models.selection.world import new_world

pytestmark = pytest.mark.usefixtures("database")

# Each side has what the other one lacks.
AMISS = """
WITH due AS (
    SELECT id, 0 AS level, record_words(lab_record_id, evidence) AS words FROM records
    UNION ALL SELECT s.record_id, s.level, record_words(r.lab_record_id, s.evidence)
    FROM snapshots s JOIN records r ON r.id = s.record_id
)
(TABLE due EXCEPT TABLE words) UNION ALL (TABLE words EXCEPT TABLE due)
"""
SAY = "UPDATE records SET version = version + 1, evidence = jsonb_set(evidence, ARRAY[%s], %s) WHERE id = %s"


def amiss(session: Session) -> list[Any]:
    """Return the words that are missing, stale or left behind."""
    return driver(session).execute(AMISS).fetchall()


def _at(session: Session, record_id: int) -> Any:
    row = driver(session).execute("SELECT ctid, words FROM words WHERE record_id = %s AND level = 0", (record_id,)).fetchone()
    assert row
    return row


def test_a_change_of_any_cell_is_searched_for_and_of_others_writes_no_words() -> None:
    with transaction() as session:
        record_id = new_world(session).add(session, "north/one", "R1", {"gene_symbol": "CBS"})
        renewed: set[str] = set()
        for key in key_set().all():
            before, _ = _at(session, record_id)
            cell = f'{{"value": "word{key.name}", "note": "noted", "explain": "explained"}}'
            driver(session).execute(SAY, (key.name, cell, record_id))
            if _at(session, record_id)[0] != before:
                renewed.add(key.name)
            assert amiss(session) == []
        assert renewed == FACTS | TEXTS


@pytest.mark.parametrize("member", ["value", "note", "explain"])
@pytest.mark.parametrize("name", sorted(FACTS | TEXTS))
def test_each_member_of_a_cell_is_looked_at(name: str, member: str) -> None:
    with transaction() as session:
        record_id = new_world(session).add(session, "north/one", "R1", {name: {"value": "a"}})
        driver(session).execute(SAY, (name, f'{{"value": "a", "{member}": "b"}}', record_id))
        assert amiss(session) == []
        driver(session).execute(
            "UPDATE records SET version = version + 1, evidence = evidence - %s WHERE id = %s", (name, record_id)
        )
        assert amiss(session) == []


def test_words_go_and_come_with_what_they_are_of() -> None:
    with transaction() as session:
        world = new_world(session)
        kept = {3: {"condition": "older"}, 4: {"condition": "oldest"}}
        rids = [world.add(session, "north/one", f"R{at}", {"condition": "now"}, snapshots=kept) for at in range(3)]
        assert len(_words(session)) == 9
        driver(session).execute("UPDATE records SET lab_record_id = 'other' WHERE id = %s", (rids[0],))
        assert "other" in _at(session, rids[0])[1]
        driver(session).execute("DELETE FROM snapshots WHERE level = 4")
        assert _words(session) == [(rid, level) for rid in rids for level in (0, 3)]
        driver(session).execute("DELETE FROM snapshots WHERE record_id = %s", (rids[1],))
        driver(session).execute("DELETE FROM records WHERE id = %s", (rids[1],))
        assert _words(session) == [(rid, level) for rid in (rids[0], rids[2]) for level in (0, 3)]


def _words(session: Session) -> list[Any]:
    return driver(session).execute("SELECT record_id, level FROM words ORDER BY 1, 2").fetchall()
