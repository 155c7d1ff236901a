"""A quick look at what a search finds: as many records as one cares to page through, in bounded time, however many there are.

Hits are read as the database finds them, until there are enough of them or the time is over; only then are they put in order. So
a glance that is not complete holds some of the hits, and which ones is not said. Where there are few records the time does not
matter. What is to be done to all of them is done by a selection, which looks everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import sqlalchemy as sa
import sqlalchemy.exc

from models import ids
from models.db import Session, driver, sqlstate
from models.errors import InvalidSelection
from models.identity.principal import Principal
from models.selection.grammar import Search, Selection
from models.selection.resolve import FirstPage, Resolved
from models.selection.search import some_hits

MOST = 1_000  # records that a glance holds
SECONDS = 0.15  # after which it ends
SMALL = 50_000  # records that are looked at whole, however busy the machine is
PATIENCE = 10.0  # seconds for that
BATCH = 100
STOPPED = "57014"  # the database has ended a statement whose time was over

ORDERED = """
SELECT r.id FROM unnest(%(ids)s::bigint[], %(ranks)s::integer[]) AS found (id, rank) JOIN records r ON r.id = found.id
JOIN labs l ON l.id = r.lab_id ORDER BY found.rank, l.group_name, r.lab_record_id LIMIT %(most)s
"""
KEEP = "INSERT INTO selections (id, user_id, digest, total) VALUES (%(id)s, %(user_id)s, %(digest)s, %(total)s)"
KEEP_MEMBERS = """
INSERT INTO selection_members (selection_id, seq, record_id)
SELECT %(id)s, place - 1, record_id FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS found (record_id, place)
"""


def only_search(selection: Selection, as_of: int | None) -> Search:
    """Return the one search of a selection that is to be glanced at. Raises InvalidSelection where it is anything else."""
    entry = selection.entries[0]
    if len(selection.entries) > 1 or not isinstance(entry, Search) or entry.exclude or as_of is not None:
        raise InvalidSelection("A glance is at one search that leaves nothing out, as things are now.", pointer="/glance")
    return entry


def look(session: Session, principal: Principal, search: Search, first: FirstPage) -> tuple[Resolved, bool]:
    """Return some of what a search finds, in order and with its first page, and whether that is everything."""
    ranks, ended = _gather(session, some_hits(search, principal, MOST + 1))
    values = {"ids": list(ranks), "ranks": list(ranks.values()), "most": MOST}
    listed = [int(row[0]) for row in driver(session).execute(ORDERED, values).fetchall()]
    return _keep(session, principal, listed, first), ended and len(ranks) <= MOST


def _gather(session: Session, statements: Sequence[sa.Select[int]]) -> tuple[dict[int, int], bool]:
    """Return ids with the rank of the statement that found each first, and whether the statements came to their end."""
    until = ids.monotonic() + (SECONDS if _many(session) else PATIENCE)
    ranks: dict[int, int] = {}
    for rank, statement in enumerate(statements):
        if not _read(session, statement, (ranks, rank), until):
            return ranks, False
        if len(ranks) > MOST:
            break
    return ranks, True


def _many(session: Session) -> bool:
    """Say whether there are more records than can be looked at whole, by what the database believes."""
    row = driver(session).execute("SELECT reltuples > %s FROM pg_class WHERE oid = 'records'::regclass", (SMALL,)).fetchone()
    return bool(row and row[0])


def _read(session: Session, statement: sa.Select[int], into: tuple[dict[int, int], int], until: float) -> bool:
    """Add what a statement finds; False where its time was over. What was read before that stays."""
    ranks, rank = into
    with session.begin_nested() as limits:  # which are this statement's alone
        try:
            if not _limit(session, until):
                return False
            with closing(session.execute(statement.execution_options(yield_per=BATCH))) as rows:
                for some in rows.partitions():
                    for row in some:
                        ranks.setdefault(row[0], rank)
                    if not _limit(session, until):
                        return False
        except sqlalchemy.exc.OperationalError as error:
            if sqlstate(error) != STOPPED:
                raise
            return False
        finally:
            limits.rollback()
    return True


def _limit(session: Session, until: float) -> bool:
    """Let the next statement take no longer than there is time; False where there is none."""
    left = round((until - ids.monotonic()) * 1_000)
    if left > 0:
        driver(session).execute("SELECT set_config('statement_timeout', %s, true)", (str(left),))
    return left > 0


def _keep(session: Session, principal: Principal, listed: list[int], first: FirstPage) -> Resolved:
    """Store a list that is longer than its first page."""
    page = list(enumerate(listed))[: first.size]
    if len(listed) <= first.size:
        return Resolved(None, len(listed), page)
    selection_id = ids.new_token()
    values = {"id": selection_id, "user_id": principal.user_id, "digest": first.digest, "total": len(listed), "ids": listed}
    for statement in (KEEP, KEEP_MEMBERS):
        driver(session).execute(statement, values)
    return Resolved(selection_id, len(listed), page)
