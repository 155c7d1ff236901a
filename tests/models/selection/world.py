"""Records put straight into the tables, as the tests of selections and of visibility need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from models.classifications.loading import find_labs
from models.classifications.state import Evidence, Lab, Record, Snapshot
from models.classifications.variants import significance, variant_key
from models.db import Session, driver
from models.identity.principal import Principal
from models.ids import stamp
from tests.factories import LABS, accounts

START = datetime(2024, 3, 4, 9, 0, 0, 250_000, tzinfo=UTC)
INSERT = """
INSERT INTO records (lab_id, lab_record_id, owner_id, share_level, live_level, widest_level, withdrawn, version,
    published_version, created_on, updated_on, published_on, evidence, variant, significance)
VALUES (%(lab_id)s, %(name)s, %(owner_id)s, %(share)s, %(live)s, 4, %(withdrawn)s, %(version)s, %(version)s,
    %(moment)s, %(moment)s, %(moment)s, %(evidence)s, %(variant)s, %(significance)s) RETURNING id
"""


@dataclass
class World:
    """What was made: people, labs, records as they are, and their snapshots."""

    people: dict[str, Principal]
    labs: dict[str, Lab]
    records: dict[int, Record] = field(default_factory=dict)
    snapshots: dict[int, list[Snapshot]] = field(default_factory=dict)

    def add(self, session: Session, lab: str, name: str, values: Mapping[str, Any], **facts: Any) -> int:
        """Store a record; `values` are evidence values or cells. Facts: share, live, withdrawn, owner, minutes, snapshots."""
        moment = START + timedelta(minutes=facts.get("minutes", len(self.records)))
        live = facts.get("live", 1)
        row = {
            "lab_id": self.labs[lab].id,
            "name": name,
            "owner_id": facts.get("owner", 0),
            "share": facts.get("share", live),
            "live": live,
            "withdrawn": facts.get("withdrawn", False),
            "version": stamp(moment),
            "moment": moment,
        }
        evidence = cells(values)
        row |= {"variant": variant_key(evidence), "significance": significance(evidence)}
        found = driver(session).execute(INSERT, {**row, "evidence": Jsonb(evidence)}).fetchone()
        assert found is not None
        self.records[found[0]] = Record(
            id=found[0],
            lab=self.labs[lab],
            lab_record_id=name,
            owner_id=row["owner_id"],
            version=row["version"],
            evidence=evidence,
            share_level=row["share"],
            live_level=live,
            widest_level=4,
            withdrawn=row["withdrawn"],
            published_version=row["version"],
            published_on=moment,
            created_on=moment,
            updated_on=moment,
        )
        self._snapshots(session, found[0], moment, facts.get("snapshots", {}))
        return int(found[0])

    def _snapshots(self, session: Session, record_id: int, moment: datetime, wanted: Mapping[int, Mapping[str, Any]]) -> None:
        self.snapshots[record_id] = []
        for level, values in wanted.items():
            earlier = moment - timedelta(days=level)
            kept = Snapshot(level, stamp(earlier), cells(values), earlier)
            self.snapshots[record_id].append(kept)
            driver(session).execute(
                "INSERT INTO snapshots (record_id, level, version, published_on, evidence, variant, significance, lab_id) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    record_id,
                    level,
                    kept.version,
                    earlier,
                    Jsonb(kept.evidence),
                    variant_key(kept.evidence),
                    significance(kept.evidence),
                    self.records[record_id].lab.id,
                ),
            )


def cells(values: Mapping[str, Any]) -> Evidence:
    """Return evidence from values, or from cells given whole."""
    return {key: value if isinstance(value, dict) else {"value": value} for key, value in values.items()}


def new_world(session: Session) -> World:
    """Make the accounts: ann and both write north/one, ben north/two, cat and both south/one."""
    people = accounts(session)
    return World(people, {lab.group_name: lab for lab in find_labs(session, LABS)})
