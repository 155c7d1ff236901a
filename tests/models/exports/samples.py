"""Rows for formats to write, without a database."""

from __future__ import annotations

from typing import Any

import msgspec

from models.classifications.state import Actor, Lab, Level
from models.exports.ask import Shape
from models.exports.format import Context
from models.exports.rows import Row

LAB = Lab(1, "north/one", "North One", 1, "north", "North")
ANN = Actor(1, "ann", frozenset({1}), frozenset({1}))


def row(rid: int, evidence: dict[str, Any] | None = None, name: str | None = None, **more: Any) -> Row:
    """Return a row of a published record; evidence maps keys to cells, or to mere values."""
    cells = {key: cell if isinstance(cell, dict) else {"value": cell} for key, cell in (evidence or {}).items()}
    moment, version = b"2026-01-01T00:00:00.250000Z", 1_700_000_000_000_000
    facts: dict[str, Any] = {"id": rid, "lab": LAB, "lab_record_id": name or f"R{rid}", "share_level": 3, "live_level": 3}
    facts |= {"version": version, "published_version": version, "edited": version}
    facts |= {"created_on": moment, "updated_on": moment, "published_on": moment}
    facts |= {"writer": True, "ceiling": int(Level.USER), "raw": msgspec.json.encode(cells)}
    return Row(**facts | more)


def context(**shape: Any) -> Context:
    return Context(Shape(**shape), ANN)
