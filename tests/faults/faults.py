"""The faults, by their numbers in the fault matrix: how each begins, how long it lasts, how it ends, and what may fail then."""

from __future__ import annotations

import json
import os
import pickle
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from tests.faults.site import WORKERS, Site
from tests.processes import children, wait_for

FULL = os.environ.get("WAYBILL_FAULTS") == "full"
QUEUES = ("waybill:bulk", "waybill:small")
GRACE_TIME = 10.0  # seconds that a stop may take while chunks of a third of a second are worked on
LONG = 8.0 if FULL else 3.0
NOTHING_MORE = 0.0
CONNECTIONS = 97  # that a database of 100 has for others than its administrator


def done(_: Site) -> None:
    """End nothing: the fault is over when it has begun."""


@dataclass(frozen=True)
class Fault:
    """One fault. `excuses` are the parts without which a request may fail."""

    number: str
    name: str
    begin: Callable[[Site], None]
    seconds: float = NOTHING_MORE
    end: Callable[[Site], None] = done
    excuses: tuple[str, ...] = ()


# --- workers ---


def a_child(site: Site) -> int:
    """Choose a process in which a worker works, once there is one."""
    name = site.worker()
    wait_for(lambda: children(site.pid(name)), 60)
    return site.dice.choice(children(site.pid(name)))


def kill_child(site: Site) -> None:
    site.signal(a_child(site), signal.SIGKILL)


def kill_worker(site: Site) -> None:
    site.end(site.worker())


def kill_all_workers(site: Site) -> None:
    site.down |= set(WORKERS)
    for name in WORKERS:
        if name in site.processes:
            site.end(name)


def workers_back(site: Site) -> None:
    site.down -= set(WORKERS)


def stop_worker(number: int) -> Callable[[Site], None]:
    def stop(site: Site) -> None:
        assert site.end(site.worker(), number) < GRACE_TIME

    return stop


FROZEN: dict[int, int] = {}  # what to wake, by site


def freeze(choose: Callable[[Site], int]) -> Callable[[Site], None]:
    def stop(site: Site) -> None:
        FROZEN[id(site)] = choose(site)
        site.signal(FROZEN[id(site)], signal.SIGSTOP)

    return stop


def wake(site: Site) -> None:
    site.signal(FROZEN.pop(id(site)), signal.SIGCONT)


# --- dispatcher and web ---


def kill_part(name: str) -> Callable[[Site], None]:
    def kill(site: Site) -> None:
        site.end(name)

    return kill


def kill_web_child(site: Site) -> None:
    site.signal(site.dice.choice(children(site.pid("web"))), signal.SIGKILL)


# --- broker ---


def kill_broker(site: Site) -> None:
    site.broker.kill()
    site.forget_broker_data()


def broker_back(site: Site) -> None:
    site.broker.start()


def signal_broker(number: int) -> Callable[[Site], None]:
    def send(site: Site) -> None:
        assert site.broker.process
        site.broker.process.send_signal(number)

    return send


def with_broker(what: Callable[[redis.Redis], object]) -> Callable[[Site], None]:
    def ask(site: Site) -> None:
        with site.client() as client:
            what(client)

    return ask


def double_messages(site: Site) -> None:
    """Put every message there twice, for a second, and one more of every chunk there ever was."""
    with site.client() as client:
        seen: set[bytes] = set()
        sample: list[bytes] = []
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            for queue in QUEUES:
                fresh = [message for message in client.lrange(queue, 0, -1) if message not in seen]
                seen.update(fresh)
                sample += fresh
                if fresh:
                    client.lpush(queue, *fresh)
            time.sleep(0.005)
        for message in sample:
            client.lpush(QUEUES[0], message)


def lose_messages(site: Site) -> None:
    """Take every message away, for a second, as a worker does that dies with what it has just popped."""
    with site.client() as client:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            for queue in QUEUES:
                client.rpop(queue, 100)
            time.sleep(0.002)


def unlimited(client: redis.Redis) -> None:
    client.config_set("maxmemory", "512mb")


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.file,))


def marker(site: Site) -> Path:
    """Where code from the broker would leave its mark."""
    return site.folder / "code from the broker ran"


def send_garbage(site: Site) -> None:
    """An unknown task, a pickle, a body that is no call, and something that is not even JSON."""
    with site.client() as client:
        for message in (
            envelope("waybill.unknown", "[[], {}, {}]", "application/json", "utf-8"),
            envelope("waybill.work", pickle.dumps(Bomb(marker(site))).hex(), "application/x-python-serialize", "binary"),
            envelope("waybill.work", '[["x", null], {}, {}]', "application/json", "utf-8"),
            envelope("waybill.work", "no call", "application/json", "utf-8"),
            b"\x00 no JSON",
        ):
            client.lpush(QUEUES[0], message)


def envelope(task: str, body: str, kind: str, encoding: str) -> bytes:
    headers = {"lang": "py", "task": task, "id": "1", "root_id": "1", "parent_id": None, "group": None}
    properties = {
        "correlation_id": "1", "delivery_mode": 2, "delivery_tag": "1", "body_encoding": None, "priority": 0,
        "delivery_info": {"exchange": "", "routing_key": "bulk"},
    }  # fmt: skip
    message = {"body": body, "content-encoding": encoding, "content-type": kind, "headers": headers, "properties": properties}
    return json.dumps(message).encode()


# --- database ---


def restart_database(number: int) -> Callable[[Site], None]:
    def restart(site: Site) -> None:
        site.database.kill(number)
        site.database.start()

    return restart


def terminate_sessions(site: Site) -> None:
    site.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'waybill'")


HELD: dict[int, list[psycopg.Connection]] = {}


def lock_jobs(site: Site) -> None:
    """Hold the whole table, as a careless migration does, once nobody is in its way."""
    connection = psycopg.connect(site.postgres.admin_url("waybill"))
    connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
    HELD[id(site)] = [connection]


def use_up_connections(site: Site) -> None:
    held = HELD[id(site)] = []
    for _ in range(CONNECTIONS):
        try:
            held.append(psycopg.connect(site.postgres.url("waybill"), connect_timeout=3))
        except psycopg.OperationalError:  # that was the last
            return


def let_go(site: Site) -> None:
    for connection in HELD.pop(id(site)):
        connection.close()


WEB, DATABASE = ("web",), ("database",)
BOTH = ("web", "database")
FAULTS = (
    Fault("F1", "worker_child_kill9", kill_child),
    Fault("F2", "worker_main_kill9", kill_worker),
    Fault("F3", "worker_all_kill9", kill_all_workers, LONG, workers_back),
    Fault("F4", "worker_sigterm", stop_worker(signal.SIGTERM)),
    Fault("F5", "worker_sigquit", stop_worker(signal.SIGQUIT)),
    Fault("F6", "worker_pause", freeze(a_child), LONG, wake),
    Fault("F7", "worker_main_pause", freeze(lambda site: site.pid(site.worker())), LONG, wake),
    Fault("F8", "messages_lost_at_pop", lose_messages),
    Fault("F9", "dispatcher_kill9", kill_part("dispatcher")),
    Fault("F9b", "dispatcher_pause", freeze(lambda site: site.pid("dispatcher")), LONG, wake),
    Fault("F10", "web_kill9", kill_part("web"), excuses=WEB),
    Fault("F10b", "web_child_kill9", kill_web_child, excuses=WEB),
    Fault("F11", "broker_kill9", kill_broker, 1.0, broker_back),
    Fault("F12", "broker_long_outage", kill_broker, 20.0 if FULL else 5.0, broker_back),
    Fault("F13", "broker_hang", signal_broker(signal.SIGSTOP), 5.0, signal_broker(signal.SIGCONT)),
    Fault("F14", "broker_flush", with_broker(lambda client: client.flushall())),
    Fault("F15", "broker_duplicate_all", double_messages),
    Fault("F16", "broker_full", with_broker(lambda c: c.config_set("maxmemory", 1)), LONG, with_broker(unlimited)),
    Fault("F17", "broker_garbage", send_garbage),
    Fault("F18", "db_restart_fast", restart_database(signal.SIGINT), excuses=DATABASE),
    Fault("F19", "db_crash_immediate", restart_database(signal.SIGQUIT), excuses=DATABASE),
    Fault("F19b", "db_kill9", restart_database(signal.SIGKILL), excuses=DATABASE),
    Fault("F20", "db_terminate_backends", terminate_sessions, excuses=DATABASE),
    Fault("F21", "db_lock_table", lock_jobs, 6.0, let_go, excuses=DATABASE),
    Fault("F22", "db_connections_used_up", use_up_connections, LONG, let_go, excuses=DATABASE),
)
