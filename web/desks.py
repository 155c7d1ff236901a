"""What kinds of readers wait in the hub, and what is read for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
