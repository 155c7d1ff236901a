"""What an export says about its state before its first byte: whether it is the same as before, and from where to go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from models import exports, ids
from models.db import Session, driver
from models.exports.ask import Ask, dump_ask
from models.exports.source import Source
from models.identity.principal import Principal

EDITION = 2  # counts up when the same records are written differently
SLACK = timedelta(
    seconds=2
)  # between the clocks of parts and database, and for a stamp that is taken before a transaction begins
OLDEST = """
SELECT least(clock_timestamp(), min(a.xact_start)) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = 'public.records'::regclass
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.mode IN ('RowShareLock', 'RowExclusiveLock')
"""
LABS = "SELECT md5(string_agg(l::text || o::text, '' ORDER BY l.id)) FROM labs l JOIN organisations o ON o.id = l.organisation_id"


@dataclass(frozen=True, slots=True)
class Mark:
    """How many records an export has, and what tells this state of it from any other."""

    total: int
    digest: str


def watermark(session: Session) -> datetime:
    """Return the moment up to which all changes are there: whoever asks `since` it later misses none.

    A change is stamped when its records are locked, before it is stored. So the moment lies before the start of every transaction
    that has locked any. To be asked in a transaction that ends before the export's own begins.
    """
    oldest: datetime = driver(session).execute(OLDEST).fetchall()[0][0]
    return min(oldest, ids.now()) - SLACK


def mark(principal: Principal, ask: Ask, source: Source, session: Session) -> Mark:
    """Return an export's mark, without reading any document."""
    rights = [principal.user_id, principal.superuser, sorted(principal.lab_ids), sorted(principal.organisation_ids)]
    labs = driver(session).execute(LABS).fetchall()[0][0]
    what = {**dump_ask(ask), "moment": None}
    listing = source.listing()
    gone = [row.id for batch in source.gone() for row in batch]
    others = source.shared_state() if exports.get(ask.shape.output).tells_discordances(ask.shape) else None
    told = msgspec.json.encode([EDITION, what, rights, labs, len(listing.rids), listing.state, gone, others], order="sorted")
    return Mark(len(listing.rids), ids.digest(told).hex()[:32])
