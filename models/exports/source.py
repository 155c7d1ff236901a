"""Where an export's rows come from: the records as they are now, or as they were at a moment.

First all members are listed, eight bytes each, in the order of their rids; no document is read for it. Then rows come a batch of
members at a time, each batch a statement of its own that ends soon: no plan sorts documents, no statement runs long, and memory
does not grow with what is in the records. A session whose transaction is REPEATABLE READ gives all batches one state.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import psycopg as dialect

from models import ids
from models.classifications.discordant import find_discordant, shared_state
from models.classifications.loading import find_labs
from models.classifications.past import as_of
from models.classifications.state import Lab, Level
from models.classifications.visibility import Truth, visible_records, visible_tombstones
from models.db import Session, driver
from models.exports.ask import Scope, Share
from models.exports.rows import Gone, Row, parse_row
from models.identity.principal import Principal
from models.identity.tables import labs, organisations

ANYBODY = [-1]  # stands for the members of a batch in a statement that is compiled once
SAME_NAME = re.compile(r"\b(\w+\.(\w+)) AS \2\b")
BATCH = 500
FEW = 20_000  # records whose variants are looked up one by one; of more, all variants are looked at
AHEAD_BATCH, AHEAD = 64, 4
DIALECT: Any = dialect.dialect()  # type: ignore[no-untyped-call]
ORIGINS = ("germline", "somatic")


class Source(Protocol):
    """Rows of one caller's export, each record once, in one order."""

    def listing(self) -> Listing:
        """Return the members, up to the limit, without reading any document."""

    def rows(self) -> Iterator[list[Row]]:
        """Give all rows in the order of their rids, in the fastest way: until its end the session is for nothing else."""

    def fetch(self, record_ids: Sequence[int]) -> list[Row]:
        """Return the rows of these records, in this order; those that are not to be seen any more are left out."""

    def gone(self) -> Iterator[list[Gone]]:
        """Give what was withdrawn or deleted since the moment that was asked for, and is not there again."""

    def labs_of(self, lab_ids: set[int]) -> dict[int, Lab]:
        """Return labs by id, these among them."""

    def discordant(self, record_ids: Sequence[int]) -> frozenset[int]:
        """Return the records in a discordance: these, and whatever others."""

    def shared_state(self) -> str:
        """Return what differs where any record has changed that a discordance may be about."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The members of an export by rid. `state` differs where any of them has changed."""

    rids: array[int]
    state: str


def scan(source: Source) -> Iterator[list[Row]]:
    """Give all rows of a source in the order of their rids. Between two batches the session is free for other statements."""
    yield from map(source.fetch, _slices(source.listing().rids, BATCH))


def _slices(rids: array[int], size: int) -> Iterator[Sequence[int]]:
    return (rids[start : start + size] for start in range(0, len(rids), size))


class Records:
    """The records of one scope as one caller sees them; with `as_of`, those of that moment."""

    def __init__(self, session: Session, principal: Principal, scope: Scope) -> None:
        self.session = session
        self.principal = principal
        self.scope = scope
        self.audience = None if scope.audience is None else Level(scope.audience)
        self.places = _Places(session, scope)
        self.labs: dict[int, Lab] = {}
        self.listed: Listing | None = None
        seen = visible_records(principal, ANYBODY, self.audience)
        self.fetching = self._statement(_rows(seen).where(*self.conditions(seen)), ANYBODY)
        self.members = [name for name, value in self.fetching.values.items() if value == ANYBODY]

    def _statement(self, query: sa.Select[Any], record_ids: Sequence[int] | None = None) -> _Statement:
        moment = self.scope.as_of
        return _Statement(query if moment is None else as_of(query, moment, record_ids))

    def listing(self) -> Listing:
        """Return the members, up to the limit, without reading any document."""
        if self.listed is None:
            seen = visible_records(self.principal, audience=self.audience)
            wanted = sa.select(seen.c.id, seen.c.updated_on).where(*self.conditions(seen))
            if self.scope.limit is not None:
                wanted = wanted.order_by(seen.c.id).limit(self.scope.limit)
            self.listed = self._list(wanted.subquery("wanted"))
        return self.listed

    def _list(self, wanted: sa.Subquery) -> Listing:
        glue: Any = aggregate_order_by(sa.literal_column("''::bytea"), wanted.c.id)
        packed = sa.func.string_agg(sa.func.int8send(wanted.c.id), glue)
        states = sa.func.timestamp_hash_extended(sa.cast(wanted.c.updated_on, sa.DateTime), wanted.c.id)
        asked = self._statement(sa.select(packed, sa.func.bit_xor(states)))
        data, state = driver(self.session).execute(asked.sql, asked.values).fetchall()[0]
        rids = array("q", bytes(data or b""))
        if sys.byteorder == "little":
            rids.byteswap()
        return Listing(rids, str(state))

    def rows(self) -> Iterator[list[Row]]:
        """Give all rows in the order of their rids. While one batch is written the database makes the next ones.

        A batch is small enough to wait in the connection, or the database would stop in the middle of it.
        """
        slices = _slices(self.listing().rids, AHEAD_BATCH)
        connection = driver(self.session)
        with connection.pipeline():
            sent: deque[tuple[Sequence[int], psycopg.Cursor[Any]]] = deque()
            for part in slices:
                sent.append((part, self._ask(connection.cursor(binary=True), part)))
                if len(sent) == AHEAD:
                    yield self._take(*sent.popleft())
            while sent:
                yield self._take(*sent.popleft())

    def fetch(self, record_ids: Sequence[int]) -> list[Row]:
        """Return the rows of these records, in this order; those that are not to be seen any more are left out."""
        return self._take(record_ids, self._ask(driver(self.session).cursor(binary=True), record_ids))

    def _ask(self, cursor: psycopg.Cursor[Any], record_ids: Sequence[int]) -> psycopg.Cursor[Any]:
        rids = "{" + ",".join(map(str, record_ids)) + "}"
        return cursor.execute(self.fetching.sql, {**self.fetching.values, **dict.fromkeys(self.members, rids)}, prepare=True)

    def _take(self, record_ids: Sequence[int], cursor: psycopg.Cursor[Any]) -> list[Row]:
        with cursor:
            values = cursor.fetchall()
        labs_seen = self.labs_of({row[1] for row in values})
        found = {row[0]: parse_row(row, labs_seen) for row in values}
        return [found[record_id] for record_id in record_ids if record_id in found]

    def labs_of(self, lab_ids: set[int]) -> dict[int, Lab]:
        """Return labs by id, these among them."""
        unknown = lab_ids - self.labs.keys()
        if unknown:
            self.labs.update({lab.id: lab for lab in find_labs(self.session, lab_ids=unknown)})
        return self.labs

    def discordant(self, record_ids: Sequence[int]) -> frozenset[int]:
        """Return the records in a discordance: these, and whatever others."""
        if not record_ids:
            return frozenset()
        asked = list(record_ids) if len(record_ids) <= FEW else None
        return find_discordant(self.session, self.principal, self.scope.as_of, asked)

    def shared_state(self) -> str:
        """Return what differs where any record has changed that a discordance may be about."""
        return shared_state(self.session, self.principal, self.scope.as_of)

    def gone(self) -> Iterator[list[Gone]]:
        """Give what was withdrawn or deleted since the moment that was asked for, and is not there again."""
        if self.scope.since is None:
            return
        for asked in (self._statement(self._withdrawn()), self._statement(self._deleted())):
            beyond = 0
            while found := self._read_gone(asked, beyond):
                yield found
                beyond = found[-1].id

    def _read_gone(self, asked: _Statement, beyond: int) -> list[Gone]:
        rows = driver(self.session).execute(asked.sql, asked.values | {"beyond": beyond, "size": BATCH}).fetchall()
        labs_seen = self.labs_of({row[1] for row in rows})
        return [Gone(row[0], labs_seen[row[1]], row[2]) for row in rows]

    def _withdrawn(self) -> sa.Select[Any]:
        seen = visible_records(self.principal, audience=self.audience)
        rows = sa.select(seen.c.id, seen.c.lab_id, seen.c.lab_record_id).where(seen.c.withdrawn, *self._changed(seen))
        return _paged(rows, seen.c.id)

    def _deleted(self) -> sa.Select[Any]:
        """Return the SQL for records deleted for good; a record that was made anew under the name is no longer gone."""
        gone = visible_tombstones(self.principal, self.audience).subquery("gone")
        seen = visible_records(self.principal, audience=self.audience)
        anew = sa.exists().where(
            seen.c.lab_id == gone.c.lab_id, seen.c.lab_record_id == gone.c.lab_record_id, *self.conditions(seen)
        )
        until = [] if self.scope.as_of is None else [gone.c.moment <= self.scope.as_of]
        mine = [gone.c.relation == int(Level.LAB)] if self.scope.share is Share.EDITABLE else []
        rows = sa.select(gone.c.id, gone.c.lab_id, gone.c.lab_record_id).where(
            gone.c.moment > self.scope.since, ~anew, *until, *mine, *self.places.conditions(gone.c.lab_id)
        )
        return _paged(rows, gone.c.id)

    def conditions(self, seen: sa.Subquery) -> list[Truth]:
        """Return what a record must fulfil to be in the export."""
        after = self.scope.published_after
        published = [] if after is None else [seen.c.published_on > ids.moment(after)]
        return [seen.c.withdrawn.is_(sa.false()), *published, *self._changed(seen)]

    def _changed(self, seen: sa.Subquery) -> list[Truth]:
        scope = self.scope
        asked = self.places.conditions(seen.c.lab_id)
        if scope.share is Share.EDITABLE:
            asked.append(seen.c.relation == int(Level.LAB))
        if scope.since is not None:
            asked.append(seen.c.updated_on > ids.moment(scope.since))
        if scope.origin is not None:
            asked.append(_of_origin(seen, scope.origin))
        return asked


class _Statement:
    """A compiled query with its values: without aliases that say nothing, since the driver reads a long text anew each time."""

    def __init__(self, query: sa.Select[Any]) -> None:
        compiled = query.compile(dialect=DIALECT)
        self.sql = SAME_NAME.sub(r"\1", str(compiled))
        self.values: dict[str, Any] = dict(compiled.params)


class _Places:
    """The labs that an export is about, by id. Names that nobody has count for nothing."""

    def __init__(self, session: Session, scope: Scope) -> None:
        known = sa.select(labs.c.id, labs.c.group_name, organisations.c.group_name).join(
            organisations, organisations.c.id == labs.c.organisation_id
        )
        wanted = [*(scope.labs or ()), *scope.labs_excluded]
        rows = [tuple(row) for row in session.execute(known)] if wanted or scope.organisations_excluded else []
        self.included = None if scope.labs is None else [row[0] for row in rows if row[1] in set(scope.labs)]
        out, away = set(scope.labs_excluded), set(scope.organisations_excluded)
        self.excluded = [row[0] for row in rows if row[1] in out or row[2] in away]

    def conditions(self, lab_id: sa.ColumnElement[int]) -> list[Truth]:
        """Return what a lab must fulfil."""
        asked: list[Truth] = []
        if self.included is not None:
            asked.append(lab_id == sa.any_(_array(self.included)))
        if self.excluded:
            asked.append(lab_id != sa.all_(_array(self.excluded)))
        return asked


def _array(values: Iterable[int]) -> sa.ColumnElement[Any]:
    kind: Any = sa.ARRAY(sa.Integer)
    return sa.cast(sa.literal(list(values), kind), kind)


def _rows(seen: sa.Subquery) -> sa.Select[Any]:
    """Return the SQL for what `rows.parse_row` reads. The evidence comes in the form in which the driver leaves it alone."""
    levels = [seen.c[name] for name in ("share_level", "live_level", "relation", "ceiling")]
    versions = [seen.c[name] for name in ("version", "published_version", "edited")]
    times = [seen.c[name] for name in ("created_on", "updated_on", "published_on")]
    evidence = sa.func.jsonb_send(seen.c.evidence)
    return sa.select(seen.c.id, seen.c.lab_id, *levels, *versions, *times, seen.c.lab_record_id, evidence)


def _paged(rows: sa.Select[Any], key: sa.ColumnElement[int]) -> sa.Select[Any]:
    beyond, size = sa.bindparam("beyond", type_=sa.BigInteger), sa.bindparam("size", type_=sa.Integer)
    return rows.where(key > beyond).order_by(key).limit(size)


def _of_origin(seen: sa.Subquery, origin: str) -> Truth:
    """Without an origin a record counts as germline (contract 8.1); what is neither of the two is other."""
    value = sa.func.coalesce(seen.c.evidence["allele_origin"]["value"].astext, "germline")
    return value == origin if origin in ORIGINS else sa.and_(*(value != named for named in ORIGINS))
