"""The database: one engine a process, transactions at the doors, COPY for rows in bulk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

import msgspec
import psycopg
import sqlalchemy as sa
import sqlalchemy.exc

from models import ids
from models.settings import settings

Session: TypeAlias = sa.Connection
metadata = sa.MetaData()

# Each wait has a limit: a silent peer or a held lock ends as an error, never as a process that hangs.
SESSION_SETTINGS = {
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
    "timezone": "UTC",
    "jit": "off",
}
CONNECT = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}
# Errors of the database as they come, through SQLAlchemy or straight from the driver.
DATABASE_ERRORS = (sa.exc.DBAPIError, sa.exc.TimeoutError, psycopg.Error)
RETRYABLE = ("40001", "40P01", "55P03", "57P", "08", "25P03", "53")

_engines: dict[tuple[int, str], sa.Engine] = {}


def url(text: str | None = None) -> sa.URL:
    """Return the database's address with our driver, whatever spelling of PostgreSQL it was given in."""
    return sa.make_url(text or settings().database_url).set(drivername="postgresql+psycopg")


def engine() -> sa.Engine:
    """Return this process's engine: made anew after a fork, since a connection must not be shared over one."""
    key = (os.getpid(), settings().database_url)
    if key not in _engines:
        dispose()
        _engines[key] = _new_engine()
    return _engines[key]


def _new_engine() -> sa.Engine:
    options = " ".join(f"-c {name}={value}" for name, value in SESSION_SETTINGS.items())
    made = sa.create_engine(
        url(),
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_timeout=5,
        pool_size=settings().web_threads,
        max_overflow=4,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        connect_args={**CONNECT, "options": options},
    )
    sa.event.listen(made, "connect", _follow_clock)
    return made


def _follow_clock(connection: Any, _: object) -> None:
    """Take the time from the database: one clock says when records changed, whatever the machines' own say."""
    before = ids.monotonic()
    moment = connection.execute("SELECT clock_timestamp()").fetchone()[0]
    ids.follow(moment, (before, ids.monotonic()))
    connection.rollback()


def dispose() -> None:
    """Close this process's connections; what a parent process opened before a fork stays the parent's."""
    for (pid, _), old in _engines.items():
        old.dispose(close=pid == os.getpid())
    _engines.clear()


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a transaction: committed at the end, rolled back on any error. Only doors use it, once a request or chunk."""
    with engine().begin() as session:
        yield session


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Say whether nobody else, in any process, is in a block of this name; the block is left with the process that dies."""
    with engine().connect() as connection:
        driver(connection).autocommit = True
        try:
            row = driver(connection).execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)).fetchone()
            yield bool(row and row[0])
        finally:
            connection.invalidate()  # ends the connection, and with it the lock


def driver(session: Session) -> psycopg.Connection[Any]:
    """Return the psycopg connection under a session, for COPY and for statements on hot paths."""
    return cast("psycopg.Connection[Any]", session.connection.driver_connection)


def copy_rows(session: Session, table: str, lines: Iterable[bytes]) -> None:
    """COPY text-format lines, each with its newline, into `table`: a name with its columns, `outcomes (job_id, index)`."""
    with driver(session).cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        copy.write(b"".join(lines))


NULL = b"\\N"


def copy_number(value: int | None) -> bytes:
    """Return a number as a field of COPY's text format."""
    return NULL if value is None else b"%d" % value


def copy_text(value: str | bytes | None) -> bytes:
    """Return text as a field of COPY's text format."""
    if value is None:
        return NULL
    data = value.encode() if isinstance(value, str) else value
    data = data.replace(b"\\", b"\\\\")
    return data.replace(b"\t", b"\\t").replace(b"\n", b"\\n").replace(b"\r", b"\\r")


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE of a database error, or "" where the server sent none (a lost connection)."""
    original = getattr(error, "orig", error)
    return str(getattr(original, "sqlstate", None) or "")


def retryable(error: BaseException) -> bool:
    """Say whether a database error may pass by itself: serialization, deadlock, lock timeout, lost connection, no room."""
    state = sqlstate(error)
    return state == "" or state.startswith(RETRYABLE)
