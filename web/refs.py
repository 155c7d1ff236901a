"""The refs of one submission: each may come once. More than are kept in memory lie on disk, told apart at the end by buckets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import Any

from models.errors import DuplicateRef

LONGEST = 64  # characters of a ref that are kept; longer ones are told apart by their digest
HELD = 200_000  # refs that stay in memory
BUCKETS = 64
DIGEST, INDEX = 12, 4  # bytes of a ref's digest and of an item's index
ENTRY = DIGEST + INDEX

Ref = str | bytes


class Refs:
    """The refs of one submission, each once."""

    def __init__(self) -> None:
        self._indexes: dict[Ref, int] = {}
        self._many: ManyRefs | None = None

    def add(self, ref: Any, index: int, longest: int) -> str | None:
        """Return a ref as text, None where there is none that could be kept: the item itself is refused then."""
        text = str(ref) if type(ref) is int else ref
        if not isinstance(text, str) or len(text) > longest or "\0" in text:
            return None
        key = text if len(text) <= LONGEST else hashlib.sha256(text.encode()).digest()
        if self._many is not None:
            self._many.add(key, index)
            return text
        first = self._indexes.setdefault(key, index)
        if first != index:
            raise _same(first, index)
        if len(self._indexes) >= HELD:
            self._many, self._indexes = ManyRefs(self._indexes.items()), {}
        return text

    def check(self) -> None:
        """Raise DuplicateRef where refs that were only noted are not each once."""
        if self._many is not None:
            self._many.check()

    def close(self) -> None:
        """Let go of what was noted."""
        if self._many is not None:
            self._many.close()


class ManyRefs:
    """Refs on disk."""

    def __init__(self, known: Iterable[tuple[Ref, int]]) -> None:
        self._open = ExitStack()
        self._buckets = [self._open.enter_context(TemporaryFile()) for _ in range(BUCKETS)]  # noqa: SIM115 - by the stack
        for ref, index in known:
            self.add(ref, index)

    def add(self, ref: Ref, index: int) -> None:
        """Note a ref."""
        content = ref if isinstance(ref, bytes) else ref.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(content, digest_size=DIGEST).digest()
        self._buckets[digest[0] % BUCKETS].write(digest + index.to_bytes(INDEX))

    def check(self) -> None:
        """Raise DuplicateRef where two items have the same ref."""
        for bucket in self._buckets:
            bucket.seek(0)
            entries, firsts = bucket.read(), dict[bytes, int]()
            for at in range(0, len(entries), ENTRY):
                index = int.from_bytes(entries[at + DIGEST : at + ENTRY])
                first = firsts.setdefault(entries[at : at + DIGEST], index)
                if first != index:
                    raise _same(first, index)

    def close(self) -> None:
        """Let go of the files."""
        self._open.close()


def _same(first: int, index: int) -> DuplicateRef:
    return DuplicateRef(f"Items {first} and {index} have the same ref.", pointer="/ref", index=index, indexes=[first, index])
