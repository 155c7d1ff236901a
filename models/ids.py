"""Clock and dice: the only place that asks for the time or for randomness."""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta

NAMESPACE = uuid.UUID("5b7c9a52-0c1e-4c7e-9d5e-0b8d0f8f5c11")
MICRO = 1_000_000


class _Clock:
    """The database's clock as far as this process knows it: its time at one moment of our own clock that never steps."""

    def __init__(self) -> None:
        self.known: tuple[datetime, float] | None = None

    def read(self) -> datetime:
        if self.known is None:
            return datetime.now(UTC)
        moment, since = self.known
        return moment + timedelta(seconds=time.monotonic() - since)


_clock = _Clock()


def now() -> datetime:
    """Return the time, in UTC: that of the database once it was asked (`follow`), so that all machines agree, else our own."""
    return _clock.read()


def follow(moment: datetime, between: tuple[float, float]) -> None:
    """Go by a clock that showed `moment` at some time between two readings of `monotonic`."""
    _clock.known = moment.astimezone(UTC), sum(between) / 2


def monotonic() -> float:
    """Return seconds of a clock that never steps."""
    return time.monotonic()


def new_token() -> uuid.UUID:
    """Return a job token: 122 random bits."""
    return uuid.uuid4()


def new_secret() -> str:
    """Return 256 random bits as URL-safe text."""
    return secrets.token_urlsafe(32)


def derived_id(token: uuid.UUID, index: int) -> str:
    """Return the record id that item `index` of a job is given when it names none: the same at every attempt."""
    return str(uuid.uuid5(NAMESPACE, f"{token}/{index}"))


def digest(data: bytes) -> bytes:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).digest()


def stamp(moment: datetime) -> int:
    """Return a time as a version: whole microseconds since 1970."""
    return int(moment.timestamp()) * MICRO + moment.microsecond


def next_version(moment: int, previous: int) -> int:
    """Return the version after `previous`: `moment`, or one microsecond more where the clock repeats or steps back."""
    return max(moment, previous + 1)


def version_number(version: int) -> float:
    """Return a version as the wire writes it: UNIX seconds with six decimals (exact in a double until the year 2255)."""
    return version / MICRO


def parse_version(text: str) -> int | None:
    """Return the version that text such as `1557189685.485863` names, or None where it names none."""
    whole, _, part = text.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 11):
        return None
    if part and not (part.isascii() and part.isdigit() and len(part) <= 6):
        return None
    return int(whole) * MICRO + int(part.ljust(6, "0") or 0)


def iso(moment: datetime | None) -> str | None:
    """Return a time in UTC as answers write it, with a Z; None stays None."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def moment(version: int) -> datetime:
    """Return a version as a time."""
    seconds, micros = divmod(version, MICRO)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
