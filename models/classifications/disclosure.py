"""Evidence as it is shown: without what its reader may not see, or on one level (contract sections 12.1 and 15)."""

from __future__ import annotations

from typing import Any

from models.classifications.cells import flat_members, says_something
from models.classifications.keys import KeySet
from models.classifications.state import Cell, Evidence, Level


def flatten(evidence: Evidence) -> dict[str, Any]:
    """Return evidence on one level, for `return_data: "flat"` (section 15): `key`, `key.note` and so on; nulls are left out."""
    return {name: value for key, cell in evidence.items() for name, value in flat_members(key, cell)}


def restrict(evidence: Evidence, relation_level: Level, keys: KeySet) -> Evidence:
    """Return the cells as a reader of this relation to the record sees them (12.1). USER sees everything.

    A cell beyond the key's ceiling says that it is hidden if it holds anything but a lock, and is gone otherwise.
    """
    readable = keys.readable(relation_level)
    if relation_level == Level.USER or evidence.keys() <= readable:
        return evidence
    shown = {name: cell if name in readable else _hidden(cell) for name, cell in evidence.items()}
    return {name: cell for name, cell in shown.items() if cell is not None}


def _hidden(cell: Cell) -> Cell | None:
    return {"value": "(hidden)", "hidden": True} if says_something(cell) else None
