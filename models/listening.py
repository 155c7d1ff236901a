"""Hearing what the database tells: one connection that only listens, with the same limits on waits as any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg

from models.db import CONNECT, url


def _address() -> str:
    limits = {name: str(value) for name, value in CONNECT.items()}
    return url().set(drivername="postgresql").update_query_dict(limits).render_as_string(hide_password=False)


def listener(channel: str) -> psycopg.Connection[Any]:
    """Return a connection that listens. Raises psycopg.Error."""
    connection = psycopg.connect(_address(), autocommit=True)
    try:
        connection.execute(f"LISTEN {channel}")
    except psycopg.Error:
        connection.close()
        raise
    return connection


async def listen(*channels: str) -> AsyncIterator[tuple[str, str] | None]:
    """Yield None once it listens, from when on nothing is missed, then channels and payloads. Raises psycopg.Error if cut off."""
    async with await psycopg.AsyncConnection.connect(_address(), autocommit=True) as connection:
        for channel in channels:
            await connection.execute(f"LISTEN {channel}")
        yield None
        async for told in connection.notifies():
            yield told.channel, told.payload
