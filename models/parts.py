"""The parts that run: workers and dispatchers say that they live; the web reads it for readiness. Never used to move work."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from models import ids
from models.db import Session, driver
from models.settings import settings


@dataclass(frozen=True, slots=True)
class Part:
    """One process: its name is new at every start, so that nobody takes a successor for it."""

    role: str
    started_on: datetime
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return role, host, process and start as one name."""
        return f"{self.role}@{socket.gethostname()}-{os.getpid()}-{int(self.started_on.timestamp())}"


def new_part(role: str, **info: Any) -> Part:
    """Describe this process."""
    return Part(role, ids.now(), info)


BEAT = """
INSERT INTO parts (name, role, pid, host, started_on, seen_on, info) VALUES (%s, %s, %s, %s, %s, clock_timestamp(), %s)
ON CONFLICT (name) DO UPDATE SET seen_on = excluded.seen_on, info = excluded.info
"""


def beat(session: Session, part: Part, **now: Any) -> None:
    """Note that a part lives, and what it says of itself now."""
    info = msgspec.json.encode({**part.info, **now}).decode()
    values = (part.name, part.role, os.getpid(), socket.gethostname(), part.started_on, info)
    driver(session).execute(BEAT, values)


def leave(session: Session, part: Part) -> None:
    """Note that a part has stopped."""
    driver(session).execute("DELETE FROM parts WHERE name = %s", (part.name,))


def list_parts(session: Session) -> list[dict[str, Any]]:
    """Return the parts heard of within `part_lost_after` seconds."""
    rows = driver(session).execute(
        "SELECT name, role, started_on, extract(epoch FROM clock_timestamp() - seen_on)::float8, info FROM parts "
        "WHERE seen_on > clock_timestamp() - make_interval(secs => %s) ORDER BY role, name",
        (settings().part_lost_after,),
    ).fetchall()  # fmt: skip
    keys = ("name", "role", "started_on", "seconds_ago", "info")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def forget_lost(session: Session) -> None:
    """Remove parts that have not been heard of for an hour."""
    driver(session).execute("DELETE FROM parts WHERE seen_on < clock_timestamp() - interval '1 hour'")
