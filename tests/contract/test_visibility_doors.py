"""Sections 12 and 12.1 through every door: whoever reads sees the same record in the same state, wherever they look."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.hands import V2, make, send
from tests.web.conftest import BULK, Caller

NAME = "north/one/A"
EXPORT = "/classification/api/classifications/export?share_level=any"
HIDDEN = "(hidden)"
KEYS = ("zygosity", "curated_by", "somatic:summary_interpretation")
Seen = tuple[str | None, ...] | None


def _values(record: Any) -> Seen:
    return tuple((record["data"].get(key) or {}).get("value") for key in KEYS)


def _get(caller: Caller) -> Seen:
    answer = caller.get(f"{V2}record/{NAME}")
    return _values(answer.json) if answer.status_code == 200 else None


def _selected(caller: Caller, selection: list[Any]) -> Seen:
    answer = caller.post(BULK + "get", {"selection": selection})
    records = list(answer.json["data"]["records"].values()) if answer.status_code == 200 else []
    return _values(records[0]) if records else None


def _by_id(caller: Caller) -> Seen:
    return _selected(caller, [NAME])


def _by_filter(caller: Caller) -> Seen:
    return _selected(caller, [{"search": {"filter": ["gene_symbol", "is", "CBS"]}}])


def _by_words(caller: Caller) -> Seen:
    return _selected(caller, [{"search": {"q": "236200"}}])


def _by_variant(caller: Caller) -> Seen:
    return _selected(caller, [{"search": {"filter": ["variant", "is", "GRCh37:NM_000071.2:c.1539C>T"]}}])


def _as_json(caller: Caller) -> Seen:
    answer = caller.get(EXPORT)
    records = answer.json["records"] if answer.status_code == 200 else []
    return _values(records[0]) if records else None


def _as_lines(caller: Caller) -> Seen:
    answer = caller.get(EXPORT + "&type=ndjson")
    lines = [json.loads(line) for line in answer.data.splitlines()] if answer.status_code == 200 else []
    records = [line for line in lines if "data" in line]
    return _values(records[0]) if records else None


def _as_csv(caller: Caller) -> Seen:
    answer = caller.get(EXPORT + "&type=csv&formulas=raw")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True)))) if answer.status_code == 200 else []
    return tuple(rows[0].get(key) or None for key in KEYS) if rows else None


DOORS: dict[str, Callable[[Caller], Seen]] = {
    "GET": _get,
    "bulk get by id": _by_id,
    "selection by filter": _by_filter,
    "selection by words": _by_words,
    "selection by variant": _by_variant,
    "export as json": _as_json,
    "export as ndjson": _as_lines,
    "export as csv": _as_csv,
}
READERS = {
    "both": "owner",
    "ann": "lab",
    "admin": "superuser",
    "ben": "organisation",
    "cat": "other lab",
    "outsider": "no lab",
    "nobody": "anonymous",
}
NEW, OLD = ("homozygous", "Dr New", "for the lab"), ("hemizygous", "Dr Old", "for the lab")


def _seen(version: tuple[str, str, str], relation: str) -> Seen:
    """Return what a relation sees of a version that it may read."""
    if relation in ("owner", "superuser", "lab"):
        return version
    return (version[0], version[1] if relation == "organisation" else HIDDEN, HIDDEN)


def _narrower(relation: str) -> bool:
    return relation in ("owner", "superuser", "lab", "organisation")


STATES: dict[str, tuple[list[dict[str, Any]], Callable[[str], Seen]]] = {
    "lab": ([{"publish": "lab"}], lambda who: _seen(OLD, who) if who in ("owner", "superuser", "lab") else None),
    "institution": ([{"publish": "institution"}], lambda who: _seen(OLD, who) if _narrower(who) else None),
    "logged_in_users": ([{"publish": "logged_in_users"}], lambda who: _seen(OLD, who) if who != "anonymous" else None),
    "public": ([{"publish": "public"}], lambda who: _seen(OLD, who) if who != "anonymous" else None),
    "public, then edited": (
        [{"publish": "public"}, {"patch": {"zygosity": NEW[0], "curated_by": NEW[1]}}],
        lambda who: (
            _seen(NEW if who in ("owner", "superuser", "lab") else OLD, who) if who != "anonymous" else None
        ),
    ),
    "Monday wide, Tuesday narrow": (
        [{"publish": "public"}, {"patch": {"zygosity": NEW[0], "curated_by": NEW[1]}, "publish": "institution"}],
        lambda who: _seen(NEW if _narrower(who) else OLD, who) if who != "anonymous" else None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("state", STATES)
def test_12_every_reader_sees_through_every_door_what_the_contract_says(both: Caller, state: str, door: str) -> None:
    operations, expected = STATES[state]
    make(both, {"zygosity": OLD[0], "curated_by": OLD[1], "somatic:summary_interpretation": OLD[2]}, name=NAME)
    for operation in operations:
        send(both, operation, NAME)
    seen = {who: DOORS[door](Caller(both.client, name)) for name, who in READERS.items()}
    assert seen == {who: expected(who) for who in READERS.values()}


@pytest.mark.parametrize("door", [name for name in DOORS if name not in ("GET", "bulk get by id")])
def test_13_the_withdrawn_are_behind_no_door_but_their_id(both: Caller, door: str) -> None:
    make(both, name=NAME, publish="public")
    send(both, {"delete": True}, NAME)
    assert {DOORS[door](Caller(both.client, name)) for name in READERS} == {None}
    assert DOORS["GET"](Caller(both.client, "cat")) is not None
