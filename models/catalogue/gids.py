"""Gids as text: lower-case UUIDs. Pure."""

from __future__ import annotations

import re

GID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def read_gid(value: object) -> str | None:
    """Return a gid in its own spelling, lower case with hyphens, or None for what is none."""
    if not isinstance(value, str) or len(value) != 36:
        return None
    text = value.lower()
    return text if GID.fullmatch(text) else None
