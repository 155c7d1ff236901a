"""What kinds of readers wait in the hub, what is read for them, and one that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Found:
    """What is new to a reader, and where it stands after it. `more`: there is more already. `over`: this was the last."""

    news: Any
    position: Any
    more: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """One kind of readers: what each is told of, and how many are read for at once, in a thread.

    `read` takes pairs of reader and position; it gives None where nothing is new, and False where a reader is not to wait on.
    """

    audiences: Callable[[Any], Sequence[str]]
    read: Callable[[Sequence[tuple[Any, Any]]], Sequence[Found | Literal[False] | None]]


@dataclass(eq=False)
class Waiting:
    """A reader that waits. `tell` turns news into bytes: for a stream as often as there are some, once for an answer."""

    desk: Desk
    reader: Any
    position: Any
    seconds: float
    stream: bool
    tell: Callable[[Waiting, Any], bytes]
    head: bytes = b""
    until: float = 0.0
    looked: float = 0.0
    full: bool = False  # its client has not read yet what was written
    audiences: Sequence[str] = ()
    transport: asyncio.Transport | None = field(default=None, repr=False)
