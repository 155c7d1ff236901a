"""The bytes of assets: each upload is a file of its own in a folder or an S3-compatible store, and never changed.

What belongs to no asset any more is noted in the transaction that makes it so, and removed later: a file is never gone before the
row that names it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from models.db import Session, driver
from models.settings import settings

PIECE = 256 * 1024
SWEPT_AT_ONCE = 200


@lru_cache(maxsize=4)
def _store(place: str) -> ObjectStore:
    if "://" in place:
        return from_url(place)
    Path(place).mkdir(parents=True, exist_ok=True)
    return LocalStore(place)


def put(key: str, file: IO[bytes] | bytes) -> None:
    """Store a file."""
    obstore.put(_store(settings().assets), key, file)


def read(key: str) -> Iterator[bytes] | None:
    """Return a file's bytes, piece by piece; None where there is no such file."""
    try:
        found = obstore.get(_store(settings().assets), key)
    except FileNotFoundError:
        return None
    return (bytes(piece) for piece in found.stream(min_chunk_size=PIECE))


def exists(key: str) -> bool:
    """Say whether there is such a file."""
    try:
        obstore.head(_store(settings().assets), key)
    except FileNotFoundError:
        return False
    return True


def remove(keys: Iterable[str]) -> None:
    """Remove files with what was made of them; one that is gone already is fine."""
    store = _store(settings().assets)
    for key in keys:
        made = [meta["path"] for page in obstore.list(store, f"{key}~") for meta in page]
        for path in {key, *made}:
            with suppress(FileNotFoundError):
                obstore.delete(store, path)


def leave(session: Session, keys: Iterable[str]) -> None:
    """Note that files belong to no asset any more, once this transaction is committed."""
    driver(session).execute(
        "INSERT INTO asset_leftovers (key) SELECT DISTINCT unnest(%s::text[]) ON CONFLICT DO NOTHING", (list(keys),)
    )


def sweep(session: Session) -> int:
    """Remove some of the files that were left; return how many."""
    rows = driver(session).execute(
        "DELETE FROM asset_leftovers WHERE key IN (SELECT key FROM asset_leftovers ORDER BY created_on LIMIT %s FOR UPDATE "
        "SKIP LOCKED) RETURNING key", (SWEPT_AT_ONCE,)
    ).fetchall()  # fmt: skip
    remove(row[0] for row in rows)
    return len(rows)
