"""What an upload is to those who receive it and those who use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """An upload that a client begins. `target` names what its bytes are for, `asked` is what the first request said about it.

    `length` and `digest` are those of the whole, as it is sent, where the client knows them.
    """

    target: str
    asked: Mapping[str, Any]
    idempotency_key: str | None = None
    length: int | None = None
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as it stands. `received` counts the bytes that are safe; `refusal` says why what was sent cannot be used."""

    id: UUID
    idempotency_key: str
    target: str
    asked: Mapping[str, Any]
    length: int | None
    digest: bytes | None
    received: int
    complete: bool
    job_token: UUID | None
    refusal: Mapping[str, Any] | None
    created_on: datetime
    touched_on: datetime
    expires_on: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """The right to append to an upload from byte `start` on, until somebody else is given it. `room` is how much may come."""

    id: UUID
    start: int
    fence: int
    room: int
