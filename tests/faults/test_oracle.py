"""Random operations of every kind, with kills and doubled messages: the end is the one that one worker in order would reach.

Only operations on the same record in one job have an order, so each job has records of its own.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from models.classifications.decide import decide
from models.classifications.envelope import parse_operation
from models.classifications.state import Actor, Context, Decision, Lab, Record
from models.errors import Refused
from tests.faults.faults import FAULTS, FULL
from tests.faults.site import Site
from tests.faults.storm import Watcher, strike

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
SEEDS = range(int(os.environ.get("WAYBILL_ORACLE_SEEDS", "50" if FULL else "3")))
SITE_ENVIRONMENT = {"WAYBILL_TEST_ITEM_SECONDS": "0.01", "WAYBILL_CHUNK_ITEMS": "10", "WAYBILL_REDISPATCH_AFTER": "2"}
DISTURBANCES = ("worker_child_kill9", "worker_main_kill9", "web_child_kill9", "broker_flush", "broker_duplicate_all")
JOBS, OPERATIONS, RECORDS, STRIKES = 3, 150, 6, 3
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LAB = Lab(1, "north/one", "North/One", 1, "north", "North")
ANN = Actor(1, "ann", frozenset({1}), frozenset({1}))
SHAREABLE = {
    "c_hgvs": "NM_000071.2(CBS):c.1539C>T", "genome_build": "GRCh37", "zygosity": "hemizygous",
    "condition": "OMIM:236200", "allele_origin": "germline", "clinical_significance": "VUS",
}  # fmt: skip
KEPT = """
SELECT r.lab_record_id, r.evidence, r.share_level, r.live_level, r.widest_level, r.withdrawn, r.published_version = r.version,
    (SELECT count(*) FROM versions v WHERE v.record_id = r.id),
    (SELECT coalesce(jsonb_object_agg(s.level, s.evidence), '{}') FROM snapshots s WHERE s.record_id = r.id)
FROM records r ORDER BY r.lab_record_id
"""
TOLD = "SELECT o.index, o.status, o.code FROM outcomes o JOIN jobs j ON j.id = o.job_id WHERE j.token = %s ORDER BY o.index"


@dataclass
class Kept:
    """What is left of one record."""

    record: Record | None = None
    versions: int = 0
    snapshots: dict[int, Any] = field(default_factory=dict)

    def take(self, decision: Decision) -> None:
        """Carry a decision out."""
        if decision.deleted:
            self.versions, self.snapshots = 0, {}
        self.versions += decision.revision is not None
        if decision.snapshot:
            self.snapshots[decision.snapshot.level] = decision.snapshot.evidence
        if decision.published is not None:
            self.snapshots = {level: kept for level, kept in self.snapshots.items() if level > (decision.published or 0)}
        self.record = decision.record

    def dump(self) -> list[Any]:
        """Return what the database should say."""
        assert self.record
        known = self.record
        levels = [known.share_level, known.live_level, known.widest_level]
        published = known.published_version == known.version
        whole = [known.lab_record_id, known.evidence, *levels, known.withdrawn, published, self.versions, self.snapshots]
        return list(json.loads(json.dumps(whole)))


def a_cell(dice: random.Random) -> Any:
    """Choose what to send for a key: a value, a note, nothing, or the end of it."""
    text = f"text {dice.randrange(5)}"
    return dice.choice([text, {"value": text}, {"value": text, "note": "seen"}, {"note": "only"}, {"value": None}, None])


def an_operation(dice: random.Random, name: str) -> dict[str, Any]:
    """Choose something to do to a record."""
    operation: dict[str, Any] = {"id": f"north/one/{name}"}
    verb = dice.choice(["create", "create", "patch", "patch", "patch", "patch-empty", "overwrite", "upsert", "publish", "delete"])
    if verb == "delete":
        return operation | {"delete": dice.choice([True, True, "withdraw", False])}
    if verb != "publish":
        evidence = dict(SHAREABLE) if dice.random() < 0.5 or verb == "create" else {}
        operation[verb] = evidence | {key: a_cell(dice) for key in dice.sample(["condition", "gene_symbol", "exon"], 2)}
    if verb == "publish" or dice.random() < 0.3:
        operation["publish"] = dice.choice(["lab", "institution", "logged_in_users", "public"])
    return operation


def foretell(operations: list[dict[str, Any]]) -> tuple[dict[str, Kept], list[tuple[int, str, str | None]]]:
    """Do all operations one after the other, by the pure rules alone."""
    kept: dict[str, Kept] = {}
    told: list[tuple[int, str, str | None]] = []
    for index, sent in enumerate(operations):
        entry = kept.setdefault(str(sent["id"]), Kept())
        try:
            operation = parse_operation(sent)
        except Refused as refused:
            told.append((index, "failed", refused.code))
            continue
        decision = decide(entry.record, operation, Context(ANN, LAB, NOW, "none"))
        entry.take(decision)
        told.append((index, str(decision.status), decision.code))
    return kept, told


@pytest.mark.parametrize("seed", SEEDS)
def test_x02_the_end_is_that_of_a_sequential_oracle(
    clean_site: Site, seed: int, record_property: Callable[[str, object], None]
) -> None:
    site, watcher, dice = clean_site, Watcher(clean_site), random.Random(seed)
    site.dice = dice
    jobs = [[an_operation(dice, f"j{job}-{dice.randrange(RECORDS)}") for _ in range(OPERATIONS)] for job in range(JOBS)]
    tokens = [site.submit(operations) for operations in jobs]
    struck = dice.sample([fault for fault in FAULTS if fault.name in DISTURBANCES], STRIKES)
    busy = []
    for fault in struck:
        site.tend_for(dice.uniform(0.1, 0.6))
        busy.append(not watcher.nothing_open())
        strike(site, fault)
    site.tend_until(watcher.nothing_open, 60)
    foretold = [foretell(operations) for operations in jobs]
    for token, (_, told) in zip(tokens, foretold, strict=True):
        assert site.query(TOLD, token) == told
    wanted = [entry.dump() for kept, _ in foretold for entry in kept.values() if entry.record]
    assert [json.loads(json.dumps(row)) for row in site.query(KEPT)] == sorted(wanted)
    assert any(busy), "no fault met open work"
    done = {status: sum(status == row[1] for _, told in foretold for row in told) for status in ("succeeded", "noop", "failed")}
    record_property("seen", f"oracle {seed}: {done}, {len(wanted)} records left; {', '.join(fault.name for fault in struck)}")
