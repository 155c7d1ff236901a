"""A broker of our own: private, kept on disk, and never the reason that nothing starts."""

import signal
import time
from pathlib import Path

import pytest
from kombu import Connection

from manage.binaries import EngineError
from tests.manage.conftest import StartValkey


def test_the_broker_is_reached_by_kombu_and_refuses_without_password(home: Path, start_valkey: StartValkey) -> None:
    engine, _ = start_valkey(home)
    with Connection(engine.url(7)) as connection, connection.SimpleQueue("words") as queue:
        queue.put({"word": "hello"})
        message = queue.get(timeout=5)
        message.ack()

    assert message.payload == {"word": "hello"}
    with (
        pytest.raises(Exception, match=r"(?i)auth"),
        Connection(engine.url().replace(":" + engine.place.secret("valkey") + "@", "")) as stranger,
    ):
        stranger.connect()


def test_the_broker_keeps_its_messages_over_a_kill(home: Path, start_valkey: StartValkey) -> None:
    engine, running = start_valkey(home)
    client = engine.client()
    client.rpush("queue", *range(500))
    client.close()
    time.sleep(1.2)  # appendfsync everysec
    running.kill(signal.SIGKILL)

    again, _ = start_valkey(home)

    client = again.client()
    assert client.llen("queue") == 500
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client.close()


def test_a_broker_file_that_cannot_be_read_is_set_aside_at_the_second_start(home: Path, start_valkey: StartValkey) -> None:
    engine, running = start_valkey(home)
    client = engine.client()
    client.rpush("queue", *range(500))
    client.close()
    running.stop()
    for file in (engine.place.folder / "data" / "appendonlydir").glob("*.incr.aof"):
        file.write_bytes(b"\0garbage" + file.read_bytes())

    with pytest.raises(EngineError, match="ended while it started"):
        start_valkey(home)
    again, _ = start_valkey(home)

    assert again.ready()
    assert (again.place.folder / "data.set-aside").is_dir()
