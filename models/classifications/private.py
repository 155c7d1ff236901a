"""The message of a record's live state: another record of its variant, not widely shared, says something else (contract 8.1).

It is found when one record is read, among what the reader may see, and never stored.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from models.classifications.record_id import ADDRESS, dump_id
from models.classifications.state import Level, Record
from models.classifications.variants import significance, variant_key
from models.classifications.view import origin_bucket
from models.classifications.visibility import visible_records
from models.db import Session
from models.identity.principal import Principal
from models.identity.tables import labs

CODE = "private-discordance"
MOST = 100  # others of a variant that are looked at


def private_discordances(session: Session, principal: Principal, record: Record) -> list[dict[str, Any]]:
    """Return the message as a list, empty where there is nothing to tell."""
    key, said = variant_key(record.evidence), significance(record.evidence)
    if key is None or said is None or record.withdrawn:
        return []
    seen = visible_records(principal)
    origin = seen.c.evidence[("allele_origin", "value")].astext.label("origin")
    asked = sa.select(seen.c.id, labs.c.group_name, seen.c.lab_record_id, seen.c.significance, origin)
    asked = asked.join_from(seen, labs, labs.c.id == seen.c.lab_id).where(
        seen.c.variant == key,
        seen.c.significance != said,
        seen.c.share_level < int(Level.LOGGED_IN_USERS),
        seen.c.withdrawn.is_(sa.false()),
        seen.c.id != record.id,
    )
    bucket = origin_bucket(record.evidence.get("allele_origin", {}).get("value"))
    rows = session.execute(asked.order_by(seen.c.id).limit(MOST))
    other = next((row for row in rows if origin_bucket(row.origin) == bucket), None)
    return [] if other is None else [_message(other)]


def _message(other: Any) -> dict[str, Any]:
    name = dump_id(other.group_name, other.lab_record_id)
    text = f"{name}, which is not widely shared, classifies this variant as {other.significance}."
    return {"severity": "info", "code": CODE, "message": text, "link": ADDRESS.format(other.id)}
