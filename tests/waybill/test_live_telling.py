"""Notices and webhooks of the whole product, by both clients and by the command, with a receiver that is really told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.goals.receiver import Receiver
from tests.processes import Parts, wait_for
from tests.waybill.test_live import KEY, environment, failed, live, run, upserts
from waybill import AsyncClient, Client, Problem, exits

__all__ = ["environment", "live"]  # the fixtures

PARTS_ENVIRONMENT = {"WAYBILL_WEBHOOKS_PRIVATE": "true", "WAYBILL_WEBHOOK_PAUSES": "0.2,3600", "WAYBILL_DISPATCH_TICK": "0.1"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver().up()
    yield made
    made.down()


def test_a_program_is_told_and_reads_what_happened(live: Parts, receiver: Receiver) -> None:
    with Client(live.url, KEY) as client:
        hook = client.webhooks.create(receiver.url, ["job.done"])
        jobs = [client.submit(upserts(f"told-{number}", 2)) for number in range(3)]
        assert all(job.wait().outcome == "succeeded" for job in jobs)
        wait_for(lambda: len(receiver.came) == 3)
        assert all(message.signed_by(hook.secret) for message in receiver.came)
        found = list(client.notices(size=2))
        assert {(notice.job or {})["token"] for notice in found[:3]} == {job.token for job in jobs}
        assert (client.unseen(), client.see(found[1]), client.see(found[0])) == (3, 1, 0)
        wait_for(lambda: all(one.status == "delivered" for one in client.webhooks.deliveries(hook.id)))
        log = list(client.webhooks.deliveries(hook.id, "delivered", size=2))
        assert {one.token for one in log} == {job.token for job in jobs}
        assert client.webhooks.replay(hook.id, log[0].id).status == "waiting"
        wait_for(lambda: len(receiver.came) == 4)
        assert receiver.came[3].signed_by(client.webhooks.rotate(hook.id).secret) is False
        assert client.webhooks.disable(hook.id).reason == "by_owner"
        with pytest.raises(Problem, match="disabled"):
            client.webhooks.replay_failed(hook.id)
        assert client.webhooks.enable(hook.id).status == client.webhooks.get(hook.id).status == "active"
        client.webhooks.delete(hook.id)
        assert client.webhooks.list() == []


def test_an_asynchronous_program_does_the_same(live: Parts, receiver: Receiver) -> None:
    async def work() -> None:
        async with AsyncClient(live.url, KEY) as client:
            hook = await client.webhooks.create(receiver.url)
            job = await client.submit(upserts("told-async", 1))
            await job.wait()
            await asyncio.to_thread(wait_for, lambda: receiver.came)
            newest, *_ = [notice async for notice in client.notices()]
            assert (newest.job or {})["token"] == job.token
            assert await client.see(newest) == await client.unseen() == 0
            assert [one.token async for one in client.webhooks.deliveries(hook.id)] == [job.token]
            await client.webhooks.delete(hook.id)
            assert await client.webhooks.list() == []

    asyncio.run(work())


def test_the_command_does_the_same(live: Parts, receiver: Receiver, environment: dict[str, str], tmp_path: Path) -> None:
    receiver.answers = [500, 500, 204]
    hook, secret = run(environment, "webhooks", "add", receiver.url).splitlines()
    file = tmp_path / "o.ndjson"
    file.write_text('{"id": "north/one/told-by-command", "upsert": {"gene_symbol": "TOLD"}}\n')
    token = run(environment, "submit", str(file)).strip()
    (notice,) = map(json.loads, run(environment, "notices", "--unseen", "--seen").splitlines())
    assert (notice["kind"], notice["job"]["token"]) == ("done", token)
    assert run(environment, "notices", "--unseen") == ""
    wait_for(lambda: len(receiver.came) == 2)
    wait_for(lambda: '"no": 2' in run(environment, "webhooks", "deliveries", hook))
    (delivery,) = map(json.loads, run(environment, "webhooks", "deliveries", hook).splitlines())
    assert (delivery["token"], [one["status"] for one in delivery["attempts"]]) == (token, [500, 500])
    run(environment, "webhooks", "replay", hook, delivery["id"])
    wait_for(lambda: len(receiver.came) == 3)
    assert receiver.came[2].signed_by(secret)
    run(environment, "webhooks", "disable", hook)
    assert "waybill webhooks enable ID" in failed(environment, "webhooks", "replay", hook, "--failed")
    assert json.loads(run(environment, "webhooks", "enable", hook, "--json"))["status"] == "active"
    assert json.loads(run(environment, "webhooks", "list"))["id"] == hook
    run(environment, "webhooks", "remove", hook)
    assert "waybill webhooks list" in failed(environment, "webhooks", "remove", hook)
    assert "https" in failed(environment, "webhooks", "add", "ftp://example.org")
    run(environment, "webhooks", "replay", hook, ends=exits.USAGE)
