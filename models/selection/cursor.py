"""Cursors: where a client is in a list, sealed so that it can be neither read nor made up. Pure; the time is passed in.

A cursor is bound to its list's kind, its user and the digest of all other parameters. It holds no right: each call is authorised
anew. The seal needs no dice: the same place in the same list is the same cursor.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from models import ids, sealing
from models.errors import CursorExpired, CursorMismatch, InvalidCursor
from models.settings import settings

PURPOSE = "cursors"
FORMAT = "waybill cursor 1"
MAX_LENGTH = 1_000
Place: TypeAlias = tuple[str | int | None, ...]
"""Where a list goes on: a few small values that its kind gives a meaning."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a cursor belongs to: a kind of list ("records", "jobs", "results"), a user, and the list's other parameters."""

    kind: str
    user_id: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Cursor:
    """An opened cursor. `issued` is when its list began: the next cursors carry it on, so that a list has one end."""

    place: Place
    issued: datetime


def query_digest(parameters: Any) -> bytes:
    """Return what tells two queries apart: the digest of all parameters but cursor and page size, as JSON values."""
    return ids.digest(json.dumps(parameters, sort_keys=True, separators=(",", ":")).encode())


def seal(binding: Binding, place: Place, issued: datetime) -> str:
    """Return a cursor as URL-safe text."""
    content = [binding.user_id, binding.digest.hex(), ids.stamp(issued), *place]
    sealed = sealing.seal(PURPOSE, json.dumps(content, separators=(",", ":")).encode(), (FORMAT, binding.kind))
    return urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def open_cursor(text: object, binding: Binding, now: datetime) -> Cursor:
    """Return what a cursor says. Raises InvalidCursor (none of ours, or not yours), CursorMismatch, CursorExpired."""
    user_id, digest, issued, *place = _content(text, binding.kind)
    if user_id != binding.user_id:
        raise InvalidCursor("This cursor was not given to you.")
    if digest != binding.digest.hex():
        raise CursorMismatch("This cursor belongs to another query: all other parameters stay the same between pages.")
    cursor = Cursor(tuple(place), ids.moment(issued))
    if now - cursor.issued > timedelta(hours=settings().cursor_hours):
        raise CursorExpired(f"A cursor lasts {settings().cursor_hours} hours; begin again.")
    return cursor


def _content(text: object, kind: str) -> list[Any]:
    opened = sealing.unseal(PURPOSE, _bytes(text), (FORMAT, kind))
    if opened is None:
        raise InvalidCursor("This is no cursor of this list.")
    content: list[Any] = json.loads(opened)
    return content


def _bytes(text: object) -> bytes:
    """Return the bytes of a cursor's one right spelling; base64 has others for the same bytes."""
    if not isinstance(text, str) or not text.isascii() or not 0 < len(text) <= MAX_LENGTH:
        raise InvalidCursor("A cursor is the text that the page before gave.")
    data = text.encode("ascii")
    try:
        sealed = urlsafe_b64decode(data + b"=" * (-len(data) % 4))
    except ValueError:
        sealed = b""
    if len(sealed) <= sealing.TAG or urlsafe_b64encode(sealed).rstrip(b"=") != data:
        raise InvalidCursor("This is no cursor.")
    return sealed
