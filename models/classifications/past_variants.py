"""Which variant a record was about at a past moment, and what it said of it.

Both are made in Python from evidence, and kept for the present alone. So where they are asked of the past, those of what was
changed since are made anew from the evidence of then, and laid into a table that lasts as long as the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from models import ids
from models.classifications.state import Evidence
from models.classifications.variants import VARIANT_KEYS, significance, variant_key
from models.db import Session, copy_rows, copy_text, driver

NAME = "past_variants"
COPY = 0  # stands for the working copy, where snapshots have their level
TABLE = f"""
DROP TABLE IF EXISTS pg_temp.{NAME};
CREATE TEMP TABLE {NAME} (
    record_id bigint, level smallint, variant text COLLATE "C", significance text COLLATE "C", PRIMARY KEY (record_id, level)
) ON COMMIT DROP
"""
ASKED = [*sorted(VARIANT_KEYS), "clinical_significance"]
BATCH = 1_000
EVIDENCE: msgspec.json.Decoder[Evidence] = msgspec.json.Decoder(Evidence)


def lay(session: Session, changed: str, moment: int) -> None:
    """Fill the table `past_variants`. `changed` is SQL for (record id, level, evidence) of what was changed since the moment."""
    connection = driver(session)
    connection.execute(TABLE)
    values = {"moment": moment, "moment_on": ids.moment(moment)}
    with connection.cursor("past_evidence", binary=True) as cursor:
        cursor.execute(changed, values)
        while page := cursor.fetchmany(BATCH):
            copy_rows(session, NAME, _lines(page))
    connection.execute(f"ANALYZE {NAME}")


def _lines(page: Iterable[Sequence[Any]]) -> Iterable[bytes]:
    for record_id, level, data in page:
        evidence = EVIDENCE.decode(bytes(data)[1:])  # behind the version of jsonb's binary form
        told = [variant_key(evidence), significance(evidence)]
        fields = [b"%d" % record_id, b"%d" % level, *map(copy_text, told)]
        yield b"\t".join(fields) + b"\n"
