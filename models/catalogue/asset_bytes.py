"""The bytes of assets: each upload is a file of its own in a folder or an S3-compatible store, and never changed.

What belongs to no asset any more is noted in the transaction that makes it so, and removed later: a file is never gone before the
row that names it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from models.db import Session, driver
from models.errors import Unavailable
from models.settings import settings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

PIECE = 256 * 1024
MADE = ".made"  # what images of a file are kept below; no sign that stores spell in several ways in what they sign
# A store that does not answer costs seconds. Whether it is reached without TLS is said by its own address.
CLIENT: ClientConfig = {"connect_timeout": timedelta(seconds=3), "timeout": timedelta(seconds=60), "allow_http": True}
RETRY: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=5)}
log = structlog.get_logger()


@lru_cache(maxsize=4)
def _store(place: str) -> ObjectStore:
    if "://" in place:
        return from_url(place, client_options=CLIENT, retry_config=RETRY)
    Path(place).mkdir(parents=True, exist_ok=True)
    return LocalStore(place)


@contextmanager
def _opened() -> Iterator[ObjectStore]:
    """Give the store. What keeps it from doing what it is asked becomes Unavailable; that there is no such file does not."""
    try:
        yield _store(settings().assets)
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        log.warning("assets_out_of_reach", error=type(error).__name__, detail=str(error).partition("\n")[0][:300])
        raise Unavailable("The store of files does not answer, or does not let us in.", retry_after=30) from error


def put(key: str, file: IO[bytes] | bytes) -> None:
    """Store a file. Raises Unavailable, as all functions here do."""
    with _opened() as store:
        obstore.put(store, key, file)


def read(key: str, span: tuple[int, int] | None = None) -> Iterator[bytes] | None:
    """Return a file's bytes, piece by piece, or those from `span[0]` to before `span[1]`; None where there is no such file."""
    try:
        with _opened() as store:
            found = obstore.get(store, key, options={"range": span} if span else {})
    except FileNotFoundError:
        return None
    return (bytes(piece) for piece in found.stream(min_chunk_size=PIECE))


def size_of(key: str) -> int | None:
    """Return how many bytes a file has; None where there is no such file."""
    try:
        with _opened() as store:
            return int(obstore.head(store, key)["size"])
    except FileNotFoundError:
        return None


def exists(key: str) -> bool:
    """Say whether there is such a file."""
    return size_of(key) is not None


def remove(keys: Iterable[str]) -> None:
    """Remove files with what was made of them; one that is gone already is fine."""
    with _opened() as store:
        for key in keys:
            made = [meta["path"] for page in obstore.list(store, key + MADE) for meta in page]
            for path in {key, *made}:
                with suppress(FileNotFoundError):
                    obstore.delete(store, path)


def leave(session: Session, keys: Iterable[str]) -> None:
    """Note that files belong to no asset any more, once this transaction is committed."""
    driver(session).execute(
        "INSERT INTO asset_leftovers (key) SELECT DISTINCT unnest(%s::text[]) ON CONFLICT DO NOTHING", (list(keys),)
    )


def list_left(session: Session, most: int) -> list[str]:
    """Return some of the files that were left, the oldest first."""
    rows = driver(session).execute("SELECT key FROM asset_leftovers ORDER BY created_on LIMIT %s", (most,)).fetchall()
    return [row[0] for row in rows]


def forget_left(session: Session, keys: Sequence[str]) -> None:
    """Note that files which were left are removed."""
    driver(session).execute("DELETE FROM asset_leftovers WHERE key = ANY(%s)", (list(keys),))
