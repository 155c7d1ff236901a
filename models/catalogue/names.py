"""Names of schema items: letters, digits and underscores, no digit first; and names with a number behind them. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import count

from models.errors import InvalidValue

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST = 200


def check_name(name: str) -> str:
    """Return a name. Raises InvalidValue for what is none."""
    if len(name) > LONGEST or not NAME.fullmatch(name):
        detail = f"A name has up to {LONGEST} letters, digits and underscores, and does not begin with a digit."
        raise InvalidValue(detail, pointer="/name")
    return name


def numbered(name: str, taken: Collection[str], between: str = "_") -> str:
    """Return the name if it is free, else the first free one with a number behind it, from 2."""
    if name not in taken:
        return name
    return next(numbered for number in count(2) if (numbered := f"{name}{between}{number}") not in taken)
