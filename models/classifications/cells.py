"""One evidence cell: what was submitted over what is stored, locks, equality (contract sections 6.2, 6.3 and 7.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from math import isclose
from typing import Any, Final, TypeAlias

from models.classifications.normalise import FINE, Validation
from models.classifications.state import Cell, Source


class Absent(Enum):
    """What a submission leaves out is kept, what it sends as null is cleared: a member is one of ABSENT, None and a value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
NO_CELL: Cell = {}
API_LOCK, SYSTEM_LOCK = "api", "variantgrid"
LOCK_RANKS: Mapping[str | None, int] = {None: 0, API_LOCK: 2, SYSTEM_LOCK: 3}
SOURCE_RANKS: Mapping[Source, int] = {Source.FORM: 1, Source.CONSENSUS: 1, Source.API: 2}
FLAT_PARTS = ("note", "explain", "immutable", "validation", "db_refs")


Sent: TypeAlias = tuple[Any, tuple[Validation, ...], str | Absent | None, str | Absent | None]
"""One cell as submitted: value, what is wrong about it, note, explain. A plain tuple: millions are made."""
CLEARED: Sent = (None, FINE, None, None)


def put_over(old: Cell, sent: Sent, lock: str | None) -> Cell:
    """Return the cell after a submission: members without a value are left out, a lock only goes up."""
    if not old:
        return new_cell(sent, lock)
    value, found, note, explain = sent
    cell: Cell = {}
    if value is ABSENT:
        cell.update((part, old[part]) for part in ("value", "validation") if part in old)
    elif value is not None:
        cell["value"] = value
        if found:
            cell["validation"] = _dump(found)
    note = old.get("note") if note is ABSENT else note
    if note is not None:
        cell["note"] = note
    explain = old.get("explain") if explain is ABSENT else explain
    if explain is not None:
        cell["explain"] = explain
    held = old.get("immutable")
    if lock or held:
        cell["immutable"] = lock if LOCK_RANKS[lock] > LOCK_RANKS[held] else held
    return cell


def new_cell(sent: Sent, lock: str | None) -> Cell:
    """Return what `put_over` makes of nothing, the commonest case, in fewer steps."""
    value, found, note, explain = sent
    cell: Cell = {}
    if value is not None and value is not ABSENT:
        cell["value"] = value
        if found:
            cell["validation"] = _dump(found)
    if note is not None and note is not ABSENT:
        cell["note"] = note
    if explain is not None and explain is not ABSENT:
        cell["explain"] = explain
    if lock:
        cell["immutable"] = lock
    return cell


def _dump(found: Iterable[Validation]) -> list[dict[str, str]]:
    return [{"severity": one.severity, "code": one.code, "message": one.message} for one in found]


def changed(old: Cell, new: Cell) -> bool:
    """Say whether value, note, explain or lock differ (6.3)."""
    was, now = old.get("value"), new.get("value")
    if old == new and type(was) is type(now) and type(was) is not list:  # the short way for what is sent again and again
        return False
    return not same(was, now) or any(old.get(part) != new.get(part) for part in ("note", "explain", "immutable"))


def changed_beyond_note(old: Cell, new: Cell) -> bool:
    """Say whether what a lock protects differs: value or explain (7.1)."""
    return old.get("explain") != new.get("explain") or not same(old.get("value"), new.get("value"))


def same(old: Any, new: Any) -> bool:
    """Say whether two values count as equal (6.3): of one type, or numbers no further apart than a rounding.

    Integers are compared exactly: a relative tolerance would lose edits of long identifiers.
    """
    if type(old) is type(new):
        if type(old) is list:
            return len(old) == len(new) and all(map(same, old, new))
        return bool(old == new) or (type(old) is float and isclose(old, new, rel_tol=1e-9, abs_tol=1e-8))
    return {type(old), type(new)} == {int, float} and isclose(old, new, rel_tol=1e-9, abs_tol=1e-8)


def lock_only(cell: Cell) -> Cell:
    """Return what an overwrite starts from where the key is sent again."""
    return {"immutable": cell["immutable"]} if "immutable" in cell else NO_CELL


def says_something(cell: Cell) -> bool:
    """Say whether a cell holds anything but a lock."""
    return any(cell.get(part) is not None for part in ("value", "note", "explain"))


def flat_members(name: str, cell: Cell) -> Iterable[tuple[str, Any]]:
    """Return a cell's members as `return_data: "flat"` names them (section 15); an array is joined by commas."""
    value = cell.get("value")
    if value is not None:
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else value
    yield from ((f"{name}.{part}", cell[part]) for part in FLAT_PARTS if cell.get(part) is not None)
