"""Discordances and the selection of a variant, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.classifications.variants import significance, variant_key
from models.db import driver, transaction
from tests.web.conftest import BULK, GOOD, RECORD, Caller

DISCORDANCES = "/classification/api/classifications/v3/discordances"
SAID = GOOD | {"g_hgvs": "NC_000021.8:g.44478268C>T"}
KEY = "GRCh37:NC_000021.8:g.44478268C>T"


def _record(caller: Caller, name: str, **evidence: Any) -> None:
    answer = caller.post(RECORD, {"id": name, "upsert": SAID | evidence, "publish": "logged_in_users"})
    assert answer.status_code == 200, answer.text


@pytest.fixture
def three(ann: Caller, cat: Caller) -> None:
    """One variant of two labs, in two spellings, with three opinions."""
    _record(ann, "north/one/a", clinical_significance="P")
    _record(ann, "north/one/b", clinical_significance="LP", g_hgvs="chr21:g.44478268C>T", genome_build="hg19")
    _record(cat, "south/one/c", clinical_significance="B")


@pytest.mark.parametrize("prefix", ["/classification", "/variantclassification"])
@pytest.mark.usefixtures("three")
def test_a_discordance_tells_who_says_what(cat: Caller, prefix: str) -> None:
    answer = cat.get(f"{prefix}/api/classifications/v3/discordances")

    assert answer.status_code == 200
    assert answer.json == {
        "discordances": [
            {
                "variant": KEY,
                "allele_origin_bucket": "G",
                "kind": "between",
                "gene_symbols": ["CBS"],
                "labs": [
                    {
                        "lab_id": "north/one",
                        "lab_name": "North/One",
                        "classifications": [
                            _opinion("LP", 3, "north/one/b"),
                            _opinion("P", 3, "north/one/a"),
                        ],
                    },
                    {"lab_id": "south/one", "lab_name": "South/One", "classifications": [_opinion("B", 1, "south/one/c")]},
                ],
            }
        ],
        "page.size": 100,
        "page.cursor": None,
    }


def _opinion(word: str, bucket: int, name: str) -> dict[str, Any]:
    named = [{"id": name, "publish": "logged_in_users"}]
    return {"clinical_significance": word, "bucket": bucket, "count": 1, "records": named}


@pytest.mark.usefixtures("three")
def test_a_change_of_mind_or_a_withdrawal_ends_a_discordance(ann: Caller, cat: Caller) -> None:
    cat.post(RECORD, {"id": "south/one/c", "patch": {"clinical_significance": "P"}, "publish": "logged_in_users"})
    assert [one["kind"] for one in ann.get(DISCORDANCES).json["discordances"]] == ["within"]
    ann.post(RECORD, {"id": "north/one/b", "delete": True})
    assert ann.get(DISCORDANCES).json["discordances"] == []
    ann.post(RECORD, {"id": "north/one/b", "patch": {}})
    assert len(ann.get(DISCORDANCES).json["discordances"]) == 1


def test_pages_follow_their_cursor(ann: Caller, cat: Caller) -> None:
    for at in range(5):
        _record(ann, f"north/one/a{at}", clinical_significance="P", g_hgvs=f"NC_000021.8:g.{at + 1}C>T")
        _record(cat, f"south/one/c{at}", clinical_significance="B", g_hgvs=f"NC_000021.8:g.{at + 1}C>T")
    found: list[str] = []
    address = f"{DISCORDANCES}?page.size=2&gene=CBS"
    while address:
        answer = ann.get(address)
        found += [one["variant"] for one in answer.json["discordances"]]
        address = answer.headers["Link"].split(">")[0][1:] if answer.json["page.cursor"] else ""

    assert found == [f"GRCh37:NC_000021.8:g.{at + 1}C>T" for at in range(5)]
    cursor = ann.get(f"{DISCORDANCES}?page.size=2").json["page.cursor"]
    assert ann.get(f"{DISCORDANCES}?gene=CBS&page.cursor={cursor}").json["code"] == "cursor_mismatch"
    assert cat.get(f"{DISCORDANCES}?page.cursor={cursor}").json["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("kind=other", "invalid_value"),
        ("page.size=0", "invalid_page_size"),
        ("what=ever", "unknown_field"),
        ("page.cursor=x", "invalid_cursor"),
        ("variant=" + "A" * 2001, "text_too_long"),
    ],
)
def test_what_is_asked_wrongly_is_refused(ann: Caller, query: str, code: str) -> None:
    answer = ann.get(f"{DISCORDANCES}?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_nobody_reads_discordances_without_a_key(ann: Caller) -> None:
    assert ann.client.get(DISCORDANCES).status_code == 401


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (["variant", "is", KEY], ["north/one/a", "north/one/b", "south/one/c"]),
        (["variant", "is", "hg19:chr21:g.44478268c>t"], ["north/one/a", "north/one/b", "south/one/c"]),
        (["variant", "in", ["GRCh37:1:g.5A>T", KEY]], ["north/one/a", "north/one/b", "south/one/c"]),
        (["and", ["variant", "is", KEY], ["lab", "is", "south/one"]], ["south/one/c"]),
        (["variant", "is", "GRCh38:NC_000021.8:g.44478268C>G"], []),
        (["variant", "is_not", KEY], ["south/one/d"]),
        (["variant", "missing"], ["south/one/d"]),
    ],
)
@pytest.mark.usefixtures("three")
def test_records_are_selected_by_variant(cat: Caller, condition: Any, names: list[str]) -> None:
    assert cat.post(RECORD, {"id": "south/one/d", "upsert": {}}).status_code == 200
    answer = cat.post(BULK + "get", {"selection": [{"search": {"filter": condition}}]})
    assert answer.json["result"]["records"] == names, answer.text


def test_the_columns_say_what_the_evidence_says_after_every_kind_of_write(ann: Caller, work_all: Callable[[], None]) -> None:
    _record(ann, "north/one/a", clinical_significance="P")
    ann.post(RECORD, {"id": "north/one/a", "patch": {"clinical_significance": "B"}})
    ann.post(RECORD, {"id": "north/one/a", "publish": "institution"})
    ann.post(RECORD, {"id": "north/one/b", "create": {"clinical_significance": "D"}})
    ann.post(RECORD, {"id": "north/one/b", "patch": SAID | {"clinical_significance": "LP"}})
    ann.post(RECORD, {"id": "north/one/c", "create": SAID})
    ann.post(RECORD, {"id": "north/one/c", "overwrite": {}})
    token = ann.send([{"id": "north/one/d", "upsert": SAID}, {"id": "north/one/a", "delete": "withdraw"}])
    work_all()
    assert ann.post(f"/api/jobs/{token}/undo").status_code == 202
    work_all()

    with transaction() as session:
        rows = [
            row
            for table in ("records", "snapshots")
            for row in driver(session).execute(f"SELECT variant, significance, evidence FROM {table}").fetchall()
        ]
    assert len(rows) == 4
    for variant, said, evidence in rows:
        assert (variant, said) == (variant_key(evidence), significance(evidence))
