"""A job that waits for its tenant's earlier jobs has a place in the queue, and is not stalled however long that takes."""

from __future__ import annotations

from models.db import driver, transaction
from models.identity.principal import Principal
from models.jobs import service
from models.settings import settings
from tests.factories import job

OWNER = Principal(1, "owner", "north")


def test_only_a_job_whose_turn_it_is_can_be_stalled(database: str) -> None:
    share = settings().tenant_jobs
    with transaction() as session:
        for _ in range(share + 2):
            job(session)
        driver(session).execute("UPDATE jobs SET updated_on = now() - interval '1 hour'")
        found = list(reversed(service.list_jobs(session, OWNER, service.JobQuery())))
    assert [each.stalled for each in found] == [True] * share + [False, False]
    assert [each.queue_position for each in found] == [None] * share + [1, 2]
