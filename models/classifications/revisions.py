"""The history of one record as a caller may see it: its versions, what differs between two, and going back to one.

Who writes a record's lab's records sees every version, all others those that were published to them (contract section 11), and
what changed from one such version to the next. Cells beyond the caller's ceiling (12.1) are hidden on both sides, so that no
difference in them shows. Names are for the lab and its organisation, as evidence about people is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from models.classifications import disclosure, sharing
from models.classifications.history import evidence_at, working_copy
from models.classifications.keys import key_set
from models.classifications.reading import SeenRecord, find_visible
from models.classifications.record_id import dump_id
from models.classifications.service import apply_single
from models.classifications.state import Cell, Evidence, Level, Operation, Record, Target
from models.classifications.takeback import difference
from models.db import Session, driver
from models.errors import NotFound, ReadOnlyVersion
from models.identity.principal import Principal
from models.ids import iso, moment, version_number

VERSIONS = """
SELECT v.version, v.level, v.published_on, v.source, u.username, u.name, j.token, v.after
FROM versions v LEFT JOIN users u ON u.id = v.user_id
LEFT JOIN jobs j ON j.id = v.job_id AND (j.submitter_id = %(user_id)s OR %(superuser)s)
WHERE v.record_id = %(rid)s AND v.version < %(before)s AND (%(relation)s <= 1 OR v.level >= %(relation)s)
ORDER BY v.version DESC LIMIT %(size)s
"""
PARTS = ("value", "note", "explain", "immutable")
CURRENT = 0
LAST = 2**63 - 1


class Listed(msgspec.Struct, frozen=True):
    """A version in a list. `changed` are the keys that differ from the version that the caller saw before it."""

    version: int
    level: int
    published_on: datetime | None
    source: str
    username: str | None
    name: str | None
    token: Any
    after: dict[str, Cell | None]


def list_versions(
    session: Session, principal: Principal, target: Target, page: tuple[int | None, int]
) -> tuple[list[dict[str, Any]], int | None]:
    """Return some of a record's versions, newest first, and the last of them where there are more. Raises NotFound.

    `page` is the version to go on before, None at the first page, and how many.
    """
    seen, record = _find(session, principal, target)
    before, size = page
    rows = _versions(session, principal, seen, (before or LAST, size + 1))
    changed = _changed(session, principal, seen, record, rows)
    shown = [_dump(row, changed[row.version], seen, record) for row in rows[:size]]
    return shown, rows[size - 1].version if len(rows) > size else None


def _find(session: Session, principal: Principal, target: Target) -> tuple[SeenRecord, Record]:
    """Return a record as the caller sees it, and its working copy. Raises NotFound, ReadOnlyVersion for an id with a version."""
    if target.version is not None:
        raise ReadOnlyVersion("Leave the version out of the id: this is about all versions.")
    seen = find_visible(session, principal, target)
    record = working_copy(session, seen.record.id) if seen and seen.record.id else None
    if seen is None or record is None:
        raise NotFound("There is no such record.")
    return seen, record


def _versions(session: Session, principal: Principal, seen: SeenRecord, page: tuple[int, int]) -> list[Listed]:
    asked = {
        "rid": seen.record.id,
        "user_id": principal.user_id,
        "superuser": principal.superuser,
        "relation": int(seen.relation),
        "before": page[0],
        "size": page[1],
    }
    return [Listed(*row) for row in driver(session).execute(VERSIONS, asked).fetchall()]


def _changed(
    session: Session, principal: Principal, seen: SeenRecord, record: Record, rows: Sequence[Listed]
) -> dict[int, list[str]]:
    """Return for each version the keys that it changed, as far as the caller may tell."""
    ceiling = sharing.ceiling(record, principal.actor())
    if seen.relation <= Level.LAB:
        readable = key_set().readable(ceiling)
        return {row.version: sorted(row.after if ceiling == Level.USER else readable & row.after.keys()) for row in rows}
    states = evidence_at(session, record, [row.version for row in rows])
    shown = {version: disclosure.restrict(cells, ceiling, key_set()) for version, cells in states.items()}
    earlier = [shown[row.version] for row in rows[1:]] + [Evidence()]
    return {row.version: sorted(difference(old, shown[row.version])) for row, old in zip(rows, earlier, strict=True)}


def _dump(row: Listed, changed: list[str], seen: SeenRecord, record: Record) -> dict[str, Any]:
    known = seen.relation <= Level.ORGANISATION
    return {
        "version": version_number(row.version),
        "created_on": iso(moment(row.version)),
        "user": {"username": row.username, "name": row.name} if known and row.username else None,
        "source": row.source if known else None,
        "job.token": str(row.token) if row.token else None,
        "publish": sharing.level_name(row.level),
        "published_on": iso(row.published_on),
        "current": row.version == seen.record.version,
        "is_last_published": row.version == record.published_version,
        "changed": len(changed),
        "changed_keys": changed,
    }


def diff(session: Session, principal: Principal, target: Target, between: tuple[int | None, int | None]) -> dict[str, Any]:
    """Return what differs between two versions that the caller may read; 0 is the present one. Raises NotFound.

    Without a second version it is the present one, without a first the one that the caller saw before the second.
    """
    seen, record = _find(session, principal, target)
    newer = between[1] or seen.record.version
    older = _before(session, principal, seen, newer) if between[0] is None else between[0] or seen.record.version
    _check_readable(session, principal, seen, [older, newer])
    states = evidence_at(session, record, {older, newer} - {0}) | {0: {}}
    ceiling = sharing.ceiling(record, principal.actor())
    old, new = (_told(disclosure.restrict(states[version], ceiling, key_set())) for version in (older, newer))
    return {
        "id": dump_id(*record.key),
        "from": version_number(older) if older else None,
        "to": version_number(newer),
        "changes": {key: {"before": old.get(key), "after": cell} for key, cell in sorted(difference(old, new).items())},
    }


def _before(session: Session, principal: Principal, seen: SeenRecord, version: int) -> int:
    """Return the version that the caller saw before this one, 0 where it is the first."""
    rows = _versions(session, principal, seen, (version, 1))
    return rows[0].version if rows else 0


def _check_readable(session: Session, principal: Principal, seen: SeenRecord, versions: Sequence[int]) -> None:
    for version in versions:
        found = _versions(session, principal, seen, (version + 1, 1)) if version else []
        if version not in (0, seen.record.version) and [row.version for row in found] != [version]:
            raise NotFound("There is no such version.")


def _told(cells: Evidence) -> Evidence:
    """Return cells without what is found anew at each reading; a hidden one says no more than that."""
    parts = (*PARTS, "hidden")
    return {key: {part: cell[part] for part in parts if cell.get(part) is not None} for key, cell in cells.items()}


def restore(session: Session, principal: Principal, target: Target, versions: tuple[int, int | None]) -> dict[str, Any]:
    """Make an old version the present one, by a change like any other: an overwrite that adds no locks; return its answer.

    `versions` are the one to go back to and, where given, the one that the record must still have. Raises NotFound, Forbidden,
    VersionConflict.
    """
    seen, record = _find(session, principal, target)
    version, if_version = versions
    version = version or seen.record.version
    _check_readable(session, principal, seen, [version])
    cells = evidence_at(session, record, [version])[version]
    operation = Operation(
        target=Target(rid=record.id),
        verb="overwrite",
        member="overwrite",
        evidence={key: _sent(cell) for key, cell in cells.items()},
        editable=True,
        return_data="changes",
        if_version=if_version,
    )
    return apply_single(session, principal, operation)


def _sent(cell: Cell) -> dict[str, Any] | None:
    """Return what makes a cell what it was: each of its parts, or null for one that holds no more than a lock."""
    sent = {part: cell.get(part) for part in ("value", "note", "explain")}
    return sent if any(value is not None for value in sent.values()) else None
