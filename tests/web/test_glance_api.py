"""A glance at a search over HTTP: some of what it finds, soon, with pages as of any list."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from models.db import driver, transaction
from models.selection import glance
from tests.web.conftest import BULK, GOOD, RECORD, Caller, code_of, make

GET = BULK + "get"
ALL = {"filter": ["zygosity", "is", "hemizygous"]}


def body(search: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"selection": [{"search": search}], "glance": True, "page.size": 3, **more}


def test_a_glance_that_sees_everything_is_the_list_itself(ann: Caller) -> None:
    make(ann, 7)
    asked = body(ALL)
    pages = [ann.post(GET, asked).json["result"]]
    while cursor := pages[-1]["page.cursor"]:
        pages.append(ann.post(GET, asked | {"page.cursor": cursor}).json["result"])
    assert [page["records"] for page in pages] == [[f"north/one/r{at}" for at in some] for some in ((0, 1, 2), (3, 4, 5), (6,))]
    assert pages[0]["records.complete"] is True
    assert {page["records.size"] for page in pages} == {7}


def test_of_more_than_it_holds_a_glance_shows_some_and_says_so(ann: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    make(ann, 7)
    monkeypatch.setattr(glance, "MOST", 5)
    result = ann.post(GET, body(ALL, **{"page.size": 100})).json["result"]
    assert (len(result["records"]), result["records.size"], result["records.complete"]) == (5, 5, False)
    assert result["page.cursor"] is None


def test_a_glance_ends_when_its_time_is_over_and_keeps_what_it_has_seen(ann: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    make(ann, 4)
    monkeypatch.setattr(glance, "SMALL", -2)  # the database believes nothing yet, which it says as -1
    monkeypatch.setattr(glance, "SECONDS", 0.25)
    monkeypatch.setattr(glance, "BATCH", 1)
    records = sa.table("records", sa.column("id", sa.BigInteger))
    slow = sa.text("pg_sleep(0.1) IS NOT NULL")  # as where a filter reads a whole record to find that it does not match
    with transaction() as session:
        before = driver(session).execute("SHOW statement_timeout").fetchone()
        found, complete = glance._gather(session, [sa.select(records.c.id).where(slow)])
        assert 1 <= len(found) < 4
        assert not complete
        assert driver(session).execute("SHOW statement_timeout").fetchone() == before
    monkeypatch.setattr(glance, "SECONDS", 0.0)
    result = ann.post(GET, body(ALL)).json["result"]
    assert (result["records"], result["records.complete"]) == ([], False)


def test_those_with_all_words_come_first(ann: Caller) -> None:
    for at, words in enumerate(("amber", "amber basalt", "basalt")):
        ann.post(RECORD, {"id": f"north/one/w{at}", "upsert": GOOD | {"interpretation_summary": words}})
    result = ann.post(GET, body({"q": "amber basalt"})).json["result"]
    assert result["records"] == ["north/one/w1", "north/one/w0", "north/one/w2"]
    assert result["records.size"] == 3


def test_a_glance_shows_what_one_may_see_alone(ann: Caller, cat: Caller) -> None:
    make(ann, 2)
    assert ann.post(GET, body(ALL)).json["result"]["records.size"] == 2
    assert cat.post(GET, body(ALL)).json["result"] == {
        "records": [], "records.size": 0, "page.size": 3, "page.cursor": None, "records.complete": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        {"selection": [1]},
        {"selection": [{"search": ALL}, {"search": ALL}]},
        {"selection": [{"search": ALL, "exclude": [1]}]},
        {"as_of": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_glance_is_at_one_search(ann: Caller, more: dict[str, Any]) -> None:
    assert code_of(ann.post(GET, body(ALL) | more)) == (400, "invalid_selection")


def test_a_cursor_of_a_glance_is_none_of_the_whole_list(ann: Caller) -> None:
    make(ann, 4)
    cursor = ann.post(GET, body(ALL)).json["result"]["page.cursor"]
    asked = {"selection": [{"search": ALL}], "page.size": 3, "page.cursor": cursor}
    assert code_of(ann.post(GET, asked)) == (400, "cursor_mismatch")
