"""The broker: reached, of which version, does it forget messages for want of room, and how many wait in it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import redis
from kombu import Connection
from kombu.exceptions import KombuError
from kombu.transport import virtual

from manage.binaries import VALKEY_FLOOR
from models.settings import settings
from waybill.checks import Check

SECONDS = 3.0
FULL = 0.9
KEEPS = ("noeviction", "volatile-")  # messages have no expiry, so that only these leave them alone
TROUBLE = (OSError, KombuError, redis.RedisError)


def checks() -> Generator[Check, None, Mapping[str, int] | None]:
    """Give the checks of the broker; return how many messages wait by queue, None where that cannot be known."""
    if not settings().broker_url:
        yield Check("broker", False, "none is named", "Set WAYBILL_BROKER_URL, or let `waybill up` bring its own.")
        return None
    from worker.app import QUEUES, TRANSPORT

    brief = {**TRANSPORT, "socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
    try:
        with Connection(settings().broker_url, connect_timeout=SECONDS, transport_options=brief) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=SECONDS)
            yield from _told(connection)
            return depth(connection, QUEUES)
    except TROUBLE as error:
        yield away(connection_name(), error)
        return None


def connection_name() -> str:
    """Return the broker's address without its password."""
    return str(Connection(settings().broker_url).as_uri())


def away(where: str, error: BaseException) -> Check:
    """Tell of a broker that does not answer."""
    said = (str(error).splitlines() or [type(error).__name__])[0][:200]
    remedy = "Start it, or mend WAYBILL_BROKER_URL. Nothing is lost: jobs are stored and go on once it answers."
    return Check("broker", False, f"{where} does not answer: {said}", remedy)


def _told(connection: Connection) -> Generator[Check, None, None]:
    client = getattr(connection.default_channel, "client", None)
    if not isinstance(client, redis.Redis):
        properties = getattr(connection.connection, "server_properties", None) or {}
        yield Check(
            "broker", True, f"{properties.get('product', 'it')} {properties.get('version', '')} answers".replace("  ", " ")
        )
        return
    info: dict[str, Any] = client.info()
    yield version(info)
    yield eviction(info)
    yield appending(info)


def version(info: Mapping[str, Any]) -> Check:
    """Compare its version with what is asked for."""
    valkey = info.get("valkey_version")
    name, number = ("Valkey", str(valkey)) if valkey else ("Redis", str(info.get("redis_version", "0")))
    if int(number.partition(".")[0]) >= VALKEY_FLOOR:
        return Check("broker", True, f"{name} {number} answers")
    return Check("broker", False, f"{name} {number}", f"Upgrade it to Valkey or Redis {VALKEY_FLOOR} or later.")


def eviction(info: Mapping[str, Any]) -> Check:
    """Look whether it throws messages away, or refuses them, for want of room."""
    policy, most, used = str(info.get("maxmemory_policy")), int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    found = f"{policy}, {used / 2**20:,.0f} MiB used of {f'{most / 2**20:,.0f} MiB' if most else 'any number'}"
    if not policy.startswith(KEEPS):
        remedy = "Set maxmemory-policy to noeviction: what it throws away is done only when the dispatcher looks again."
        return Check("broker room", False, found, remedy)
    if most and used > FULL * most:
        return Check(
            "broker room", False, found, "Raise maxmemory, or look what else is kept there: it is about to refuse messages."
        )
    return Check("broker room", True, found)


def appending(info: Mapping[str, Any]) -> Check:
    """Say whether it remembers messages over a restart; nothing is lost where it does not."""
    if info.get("aof_enabled"):
        return Check("broker file", True, "appendonly: messages outlive a restart")
    again = f"{settings().redispatch_after:.0f} s"
    return Check("broker file", None, f"no appendonly: after a restart of it, work goes on after {again}; nothing is lost")


def depth(connection: Connection, queues: tuple[str, ...]) -> Mapping[str, int]:
    """Return how many messages wait by queue."""
    return {name: _waiting(connection, name) for name in queues}


def _waiting(connection: Connection, name: str) -> int:
    channel = connection.channel()  # one that was refused something is closed
    try:
        # A real broker is asked without making the queue; in Redis a queue is a list, and none is made by asking.
        asked = {"passive": not isinstance(channel, virtual.Channel), "durable": True, "auto_delete": False}
        return int(channel.queue_declare(name, **asked).message_count)
    except connection.channel_errors:
        return 0  # nobody has sent anything to it yet
    finally:
        channel.close()
