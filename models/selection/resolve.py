"""A selection becomes a list of items: each once, at its first position, found and put in order inside the database.

A read stores the list and pages it, so that no page depends on what others write meanwhile; a job cuts it into chunks. Ids that
name nothing the caller can see stay in a job's list, as text, since each item has an outcome; a read leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from models import ids
from models.classifications.past import as_of, lay_variants
from models.classifications.record_id import dump_id, parse_id
from models.classifications.visibility import records, visible_records
from models.db import Session
from models.errors import CursorExpired, SelectionTooLarge
from models.identity.principal import Principal
from models.identity.tables import labs
from models.selection.grammar import Children, Entry, Ids, Search, Selection, conditions
from models.selection.search import FACE, matching_records, ranked_hits
from models.selection.spaces import Space
from models.settings import settings

MOST_READ = 1_000_000  # records of one bulk get
MEMBERS = "members"
UNTOLD = frozenset({"variant"})  # of a past moment, unless it is made anew: the database cannot tell it from evidence
Member: TypeAlias = tuple[int, int]
"""(seq, record id); seq counts from 0 without gaps."""

selections = sa.table(
    "selections",
    sa.column("id", sa.Uuid),
    sa.column("user_id", sa.Integer),
    sa.column("digest", sa.LargeBinary),
    sa.column("total", sa.Integer),
    sa.column("created_on", sa.DateTime(timezone=True)),
)
selection_members = sa.table(
    "selection_members",
    sa.column("selection_id", sa.Uuid),
    sa.column("seq", sa.Integer),
    sa.column("record_id", sa.BigInteger),
)
members_table = sa.table(
    MEMBERS, sa.column("seq", sa.Integer), sa.column("record_id", sa.BigInteger), sa.column("target", sa.Text)
)


@dataclass(frozen=True, slots=True)
class FirstPage:
    """What the first page of a read asks for: its size, and the digest of the query that its cursors are bound to."""

    size: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Resolved:
    """A resolved selection with its first page. `selection_id` is None where that page holds everything: nothing is stored."""

    selection_id: UUID | None
    total: int
    members: list[Member]


def resolve(
    session: Session, principal: Principal, selection: Selection, first: FirstPage, space: Space | None = None
) -> Resolved:
    """Resolve a selection for reading, by default over classification records. Raises SelectionTooLarge, InvalidSelection."""
    selection_id = ids.new_token()
    wanted = _members(session, space or own_space(principal), selection, MOST_READ).subquery()
    rows = sa.select(
        sa.literal(selection_id, sa.Uuid), sa.func.row_number().over(order_by=wanted.c.seq) - 1, wanted.c.record_id
    ).where(wanted.c.record_id.is_not(None))
    with session.begin_nested() as stored:
        total = _fill(session, selection_members, rows, MOST_READ)
        page = _slice(session, selection_id, 0, first.size)
        if total > first.size:
            kept = {"id": selection_id, "user_id": principal.user_id, "digest": first.digest, "total": total}
            session.execute(sa.insert(selections).values(kept))
            return Resolved(selection_id, total, page)
        stored.rollback()
    return Resolved(None, total, page)


def page(session: Session, selection_id: UUID, after_seq: int, size: int) -> tuple[int, list[Member]]:
    """Return a stored selection's total and its members from seq `after_seq` on. Raises CursorExpired where it is purged."""
    total = session.scalar(sa.select(selections.c.total).where(selections.c.id == selection_id))
    if total is None:
        raise CursorExpired("The list that this cursor belongs to is no longer kept; begin again.")
    return int(total), _slice(session, selection_id, after_seq, size)


def _slice(session: Session, selection_id: UUID, start: int, size: int) -> list[Member]:
    seq = selection_members.c.seq
    asked = sa.select(seq, selection_members.c.record_id).where(
        selection_members.c.selection_id == selection_id, seq >= start, seq < start + size
    )
    return [(row.seq, row.record_id) for row in session.execute(asked.order_by(seq))]


def members(session: Session, principal: Principal, selection: Selection, space: Space | None = None) -> str:
    """Fill a temporary table (seq, record_id, target) for a job and return its name, `members`.

    It lasts to the end of the transaction. `seq` counts from 0 without gaps. A row has a record_id, or the id as text where it
    names nothing that the caller can see. Raises SelectionTooLarge, InvalidSelection.
    """
    most = settings().limits.operations
    session.execute(sa.text(f"DROP TABLE IF EXISTS pg_temp.{MEMBERS}"))
    session.execute(sa.text(f"CREATE TEMP TABLE {MEMBERS} (seq integer, record_id bigint, target text) ON COMMIT DROP"))
    _fill(session, members_table, _members(session, space or own_space(principal), selection, most), most)
    return MEMBERS


def _fill(session: Session, table: sa.TableClause, rows: sa.Select[Any], most: int) -> int:
    counted = sa.insert(table).from_select(list(table.c.keys()), rows).execution_options(preserve_rowcount=True)
    total = int(session.execute(counted).rowcount)
    if total > most:
        raise SelectionTooLarge(f"The selection has more than {most:,} members.", pointer="/selection", limit=most)
    return total


def own_space(principal: Principal, at: int | None = None, *, variants: bool = False) -> Space:
    """Return the space of the classification records that a caller can see, now or as of a moment (see `past.as_of`)."""

    def hits(search: Search, exclude: Sequence[int], most: int) -> sa.Select[Any]:
        found: sa.Select[Any] = ranked_hits(search, principal, exclude, most)  # type: ignore[assignment]
        return found if at is None else as_of(found, at, variants=variants)

    return Space(FACE, lambda session, names: look_up(session, principal, names, at), hits)


def space_of(session: Session, principal: Principal, selection: Selection, at: int | None) -> Space:
    """Return the space that one selection is over, with what it asks of the past made ready in this transaction."""
    searches = [entry.filter for entry in selection.entries if isinstance(entry, Search)]
    variants = at is not None and any(condition.name in UNTOLD for asked in searches for condition in conditions(asked))
    if at is not None and variants:
        lay_variants(session, at)
    return own_space(principal, at, variants=variants)


def _members(session: Session, space: Space, selection: Selection, most: int) -> sa.Select[Any]:
    """Return the SQL for (seq, record_id, target) of a selection, at least `most` + 1 rows of one that has more."""
    known = space.look_up(session, _named(selection))
    parts = [_part(entry, at, space, (known, most)) for at, entry in enumerate(selection.entries)]
    together = sa.union_all(*parts).subquery()
    order = (together.c.entry, together.c.place)
    same = (together.c.record_id, together.c.target)
    first = sa.select(together).ext(distinct_on(*same)).order_by(*same, *order).subquery()
    seq = sa.func.row_number().over(order_by=(first.c.entry, first.c.place)) - 1
    return sa.select(seq.label("seq"), first.c.record_id, first.c.target).limit(most + 1)


def _part(entry: Entry, at: int, space: Space, within: tuple[dict[str, int], int]) -> sa.Select[Any]:
    """Return the SQL for (entry, place, record_id, target) of one entry; children of an unknown item are that item, unknown."""
    known, most = within
    number = sa.literal_column(str(at), sa.Integer).label("entry")
    if isinstance(entry, Ids) or (isinstance(entry, Children) and entry.parent not in known):
        listed = _unnested(entry.ids if isinstance(entry, Ids) else (entry.parent,), known)
        return sa.select(number, listed.c.place, listed.c.record_id, listed.c.target)
    exclude = sorted({known[name] for name in entry.exclude if name in known})
    if isinstance(entry, Search):
        found = space.hits(entry, exclude, most).subquery()
    elif space.children:
        found = space.children(entry, known[entry.parent], exclude, most).subquery()
    else:
        raise LookupError("nothing here has children: the face lets no such entry through")
    return sa.select(number, found.c.place, found.c.record_id, sa.null().cast(sa.Text).label("target"))


def _unnested(names: Sequence[str], known: dict[str, int]) -> sa.TableValuedAlias:
    record_ids = [known.get(name) for name in names]
    targets = [None if name in known else name for name in names]
    return (
        sa.func.unnest(
            sa.cast(sa.literal(record_ids, ARRAY(sa.BigInteger)), ARRAY(sa.BigInteger)),
            sa.cast(sa.literal(targets, ARRAY(sa.Text)), ARRAY(sa.Text)),
        )
        .table_valued(
            sa.column("record_id", sa.BigInteger), sa.column("target", sa.Text), with_ordinality="place", joins_implicitly=True
        )
        .render_derived()
    )


def _named(selection: Selection) -> set[str]:
    named: set[str] = set()
    for entry in selection.entries:
        named.update(entry.ids if isinstance(entry, Ids) else entry.exclude)
        if isinstance(entry, Children):
            named.add(entry.parent)
    return named


def look_up(session: Session, principal: Principal, names: Iterable[str], at: int | None = None) -> dict[str, int]:
    """Return name -> record id for those names of records, as the grammar writes them, that the caller can see."""
    targets = {name: parse_id(name) for name in names}
    rids = {name: target.rid for name, target in targets.items() if target.rid is not None}
    pairs = {(target.lab, target.lab_record_id): name for name, target in targets.items() if target.rid is None}
    by_pair = _ids_of_pairs(session, list(pairs), at) if pairs else {}
    found = rids | {pairs[pair]: record_id for pair, record_id in by_pair.items()}
    if not found:
        return {}
    record_ids = list(set(found.values()))
    asked = sa.select(visible_records(principal, record_ids).c.id)
    visible = set(session.scalars(asked if at is None else as_of(asked, at, record_ids)))
    return {name: record_id for name, record_id in found.items() if record_id in visible}


def _ids_of_pairs(
    session: Session, pairs: Sequence[tuple[str | None, str | None]], at: int | None
) -> dict[tuple[str | None, str | None], int]:
    columns = [sa.cast(sa.literal(list(column), ARRAY(sa.Text)), ARRAY(sa.Text)) for column in zip(*pairs, strict=True)]
    wanted = sa.func.unnest(*columns).table_valued("lab", "name", name="wanted").render_derived()
    joined = wanted.join(labs, labs.c.group_name == wanted.c.lab).join(
        records, sa.and_(records.c.lab_id == labs.c.id, records.c.lab_record_id == wanted.c.name)
    )
    asked = sa.select(wanted.c.lab, wanted.c.name, records.c.id).select_from(joined)
    rows = session.execute(asked if at is None else as_of(asked, at))
    return {(lab, name): record_id for lab, name, record_id in rows}


def matching(
    session: Session, principal: Principal, selection: Selection, record_ids: Sequence[int], space: Space | None = None
) -> set[int]:
    """Return which of these items the selection would still name now."""
    if space is not None:
        return still_named(session, space, selection, record_ids)
    names = _names(session, principal, record_ids)
    matched: set[int] = set()
    for entry in selection.entries:
        if isinstance(entry, Ids):
            listed = set(entry.ids)
            matched.update(record_id for record_id, own in names.items() if not listed.isdisjoint(own))
        elif isinstance(entry, Search):
            found = set(session.scalars(matching_records(entry, principal, record_ids)))
            excluded = set(entry.exclude)
            matched.update(record_id for record_id in found if excluded.isdisjoint(names.get(record_id, ())))
    return matched


def still_named(session: Session, space: Space, selection: Selection, item_ids: Sequence[int]) -> set[int]:
    """Return which of these items of a space the selection would still name now; only they are looked at."""
    known = space.look_up(session, _named(selection))
    matched: set[int] = set()
    for entry in selection.entries:
        if isinstance(entry, Ids):
            matched.update(known[name] for name in entry.ids if name in known)
        elif space.still and (isinstance(entry, Search) or entry.parent in known):
            parent = known[entry.parent] if isinstance(entry, Children) else 0
            excluded = {known[name] for name in entry.exclude if name in known}
            matched |= set(session.scalars(space.still(entry, parent, item_ids))) - excluded
    return matched & set(item_ids)


def _names(session: Session, principal: Principal, record_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return both names of each of these records that the caller can see."""
    seen = visible_records(principal, record_ids)
    asked = sa.select(seen.c.id, labs.c.group_name, seen.c.lab_record_id).join(labs, labs.c.id == seen.c.lab_id)
    return {record_id: (str(record_id), dump_id(group, name)) for record_id, group, name in session.execute(asked)}
