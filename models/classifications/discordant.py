"""Which records are in a discordance, as exports tell it: of what all logged-in users see, and the same for every caller.

Levels 3 and 4 are what discordances are about (contract section 12). A record is in one where another lab says another bucket of
its variant, and of its origin: two words of one bucket are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from models.classifications.discordance import BETWEEN, kind_of
from models.classifications.past import as_of, lay_variants
from models.classifications.state import Level
from models.classifications.view import origin_bucket
from models.classifications.visibility import visible_records
from models.db import Session
from models.identity.principal import Principal


def find_discordant(
    session: Session, principal: Principal, moment: int | None = None, record_ids: Sequence[int] | None = None
) -> frozenset[int]:
    """Return the records in a discordance, now or at a moment (after `past.settle`); with `record_ids`, of their variants."""
    stated = visible_records(principal, audience=Level.LOGGED_IN_USERS)
    differing = sa.select(stated.c.variant).where(*_counts(stated)).group_by(stated.c.variant)
    if record_ids is not None:
        named = visible_records(principal, record_ids, Level.LOGGED_IN_USERS)
        differing = differing.where(stated.c.variant.in_(sa.select(named.c.variant)))
    for column in (stated.c.lab_id, stated.c.significance):
        differing = differing.having(sa.func.min(column) != sa.func.max(column))
    seen = visible_records(principal, audience=Level.LOGGED_IN_USERS)
    origin = seen.c.evidence[("allele_origin", "value")].astext.label("origin")
    asked = sa.select(seen.c.variant, origin, seen.c.lab_id, seen.c.significance, seen.c.id)
    asked = asked.where(*_counts(seen), seen.c.variant.in_(differing))
    if moment is not None:
        lay_variants(session, moment)
        asked = as_of(asked, moment, variants=True)
    rows = sorted((row.variant, origin_bucket(row.origin), *row[2:]) for row in session.execute(asked))
    found = (list(group) for _, group in groupby(rows, lambda row: row[:2]))
    return frozenset(row[-1] for group in found if _disputed(group) for row in group)


def _counts(seen: sa.Subquery) -> tuple[Any, ...]:
    return seen.c.variant.is_not(None), seen.c.significance.is_not(None), seen.c.withdrawn.is_(sa.false())


def _disputed(group: Sequence[Sequence[Any]]) -> bool:
    return kind_of((lab_id, significance) for _, _, lab_id, significance, _ in group) == BETWEEN


def shared_state(session: Session, principal: Principal, moment: int | None = None) -> str:
    """Return what differs where any record has changed that a discordance may be about."""
    seen = visible_records(principal, audience=Level.LOGGED_IN_USERS)
    changed = sa.func.timestamp_hash_extended(sa.cast(seen.c.updated_on, sa.DateTime), seen.c.id)
    asked = sa.select(sa.func.count(), sa.func.bit_xor(changed)).where(seen.c.withdrawn.is_(sa.false()))
    row = session.execute(asked if moment is None else as_of(asked, moment)).one()
    return f"{row[0]}/{row[1]}"
