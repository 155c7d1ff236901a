"""The parts that other tests are given: real, killable, and stopped at the end."""

import signal

from models import db
from models.settings import settings
from tests.processes import Parts, answer, wait_for


def ready(parts: Parts) -> bool:
    return answer(parts.url + "/health/ready") == 200


def test_parts_share_the_test_process_database(parts: Parts) -> None:
    assert ready(parts)
    with db.transaction() as session:
        roles = set(session.exec_driver_sql("SELECT role FROM parts").scalars())
    assert {"worker", "dispatcher"} <= roles
    assert "/parts_" in settings().database_url


def test_a_killed_part_can_be_restarted(parts: Parts) -> None:
    before = parts.pid("worker")

    parts.restart("worker")

    assert parts.pid("worker") != before
    wait_for(lambda: ready(parts))


def test_a_part_stops_cleanly_when_asked(parts: Parts) -> None:
    parts.restart("dispatcher", signal.SIGTERM)

    parts.wait_ready()
