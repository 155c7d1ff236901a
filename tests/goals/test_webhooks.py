"""Goals about webhooks: signed, exactly one delivery a job, in order, tried again, never to a private address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.goals.conftest import Client, World, upsert
from tests.goals.receiver import Receiver
from tests.processes import wait_for

PARTS_ENVIRONMENT = {
    "WAYBILL_WEBHOOKS_PRIVATE": "true",
    "WAYBILL_WEBHOOK_PAUSES": ",".join(["0.2"] * 100),
    "WAYBILL_WEBHOOK_TIMEOUT": "2",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver().up()
    yield made
    made.down()


def subscribe(client: Client, url: str, **more: Any) -> dict[str, Any]:
    answer = client.call("POST", "/api/webhooks", json={"url": url, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def unsubscribe(client: Client, webhook: dict[str, Any]) -> None:
    assert client.call("DELETE", f"/api/webhooks/{webhook['id']}").status_code == 204


def deliveries(client: Client, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.call("GET", f"/api/webhooks/{webhook['id']}/deliveries")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["deliveries"])


def test_p50_the_end_of_a_job_is_one_signed_delivery_with_the_same_id_on_retry(world: World, receiver: Receiver) -> None:
    receiver.answers = [500, 301]
    receiver.location = f"http://127.0.0.1:{receiver.port}/elsewhere"
    webhook = subscribe(world.ann, receiver.url)
    job, _ = world.ann.run([upsert("P50-0"), upsert("P50-1"), {"id": "nowhere/one/P50", "patch": {}}])
    wait_for(lambda: [one["status"] for one in deliveries(world.ann, webhook)] == ["delivered"])
    tried = deliveries(world.ann, webhook)[0]["attempts"]
    assert [attempt["status"] for attempt in tried] == [500, 301, 204]
    assert len(receiver.came) == 3  # nothing was followed, and nothing came twice but for the retries
    assert {message.id for message in receiver.came} == {deliveries(world.ann, webhook)[0]["webhook_id"]}
    assert len({message.body for message in receiver.came}) == 1
    assert all(message.signed_by(webhook["secret"]) for message in receiver.came)
    data = receiver.came[0].data
    assert (data["token"], data["status"], data["total"], data["failed"]) == (job["token"], "done", 3, 1)
    assert len(receiver.came[0].body) < 20 * 1024
    unsubscribe(world.ann, webhook)


def test_p50_after_a_rotation_both_secrets_sign(world: World, receiver: Receiver) -> None:
    webhook = subscribe(world.ann, receiver.url)
    rotated = world.ann.call("POST", f"/api/webhooks/{webhook['id']}/rotate").json()
    assert rotated["secret"] != webhook["secret"]
    world.ann.run([upsert("P50-r")])
    wait_for(lambda: receiver.came)
    assert receiver.came[0].signed_by(webhook["secret"])
    assert receiver.came[0].signed_by(rotated["secret"])
    assert "secret" not in world.ann.call("GET", f"/api/webhooks/{webhook['id']}").json()
    unsubscribe(world.ann, webhook)


def test_x19_an_endpoint_that_was_down_gets_everything_in_order_when_it_returns(world: World, receiver: Receiver) -> None:
    webhook = subscribe(world.ann, receiver.url)
    receiver.down()
    tokens = [world.ann.run([upsert(f"X19-{at}")])[0]["token"] for at in range(5)]
    wait_for(lambda: len(deliveries(world.ann, webhook)[-1]["attempts"]) >= 3)
    assert [len(one["attempts"]) for one in deliveries(world.ann, webhook)[:-1]] == [0] * 4  # newest first: they wait their turn
    world.parts.restart("dispatcher")
    receiver.up()
    wait_for(lambda: len(receiver.came) >= 5, 90)  # a try that was cut off is made again after its lease
    wait_for(lambda: {one["status"] for one in deliveries(world.ann, webhook)} == {"delivered"})
    assert [message.data["token"] for message in receiver.came] == tokens
    assert [message.data["sequence"] for message in receiver.came] == [1, 2, 3, 4, 5]
    first = deliveries(world.ann, webhook)[-1]
    assert [attempt["error"] for attempt in first["attempts"]][:2] == ["The connection was refused."] * 2
    assert first["attempts"][-1]["status"] == 204

    answer = world.ann.call("POST", f"/api/webhooks/{webhook['id']}/deliveries/{first['id']}/replay")
    assert answer.status_code == 202, answer.text
    wait_for(lambda: len(receiver.came) == 6)
    assert receiver.came[5].id == receiver.came[0].id
    assert receiver.came[5].body == receiver.came[0].body
    assert world.cat.call("GET", f"/api/webhooks/{webhook['id']}/deliveries").status_code == 404
    unsubscribe(world.ann, webhook)


def test_x19_a_receiver_that_is_gone_disables_its_webhook(world: World, receiver: Receiver) -> None:
    receiver.answers = [410]
    webhook = subscribe(world.ann, receiver.url)
    world.ann.run([upsert("X19-gone")])
    wait_for(lambda: world.ann.call("GET", f"/api/webhooks/{webhook['id']}").json()["status"] == "disabled")
    world.ann.run([upsert("X19-gone-2")])
    assert [one["status"] for one in deliveries(world.ann, webhook)] == ["failed"]
    assert world.ann.call("GET", f"/api/webhooks/{webhook['id']}").json()["reason"] == "gone"
    assert world.ann.call("POST", f"/api/webhooks/{webhook['id']}/enable").json()["status"] == "active"
    world.ann.run([upsert("X19-gone-3")])
    wait_for(lambda: len(receiver.came) == 2)
    unsubscribe(world.ann, webhook)


def test_a_jobs_token_is_in_the_log_of_each_part(world: World, receiver: Receiver) -> None:
    webhook = subscribe(world.ann, receiver.url)
    token = world.ann.run([upsert("logged")])[0]["token"]
    wait_for(lambda: receiver.came)
    for part, event in (("web", "request_answered"), ("worker", "chunk_applied"), ("dispatcher", "webhook_delivered")):

        def said(part: str = part, event: str = event) -> bool:
            lines = [line for line in world.parts.log(part).splitlines() if token in line and event in line]
            return bool(lines) and all(msgspec.json.decode(line)["token"] == token for line in lines)

        wait_for(said)
    unsubscribe(world.ann, webhook)


def test_what_workers_and_dispatcher_did_is_in_the_numbers_of_the_web(world: World) -> None:
    world.ann.run([upsert("counted")])

    def told() -> bool:
        """claims, items, wake-ups and times of requests"""
        text = world.ann.call("GET", "/metrics").text
        return all(re.search(pattern, text, re.MULTILINE) for pattern in (
            r'^waybill_claims_total\{part="worker@[^"]+"\} [1-9]', r'^waybill_items_total\{outcome="succeeded",[^}]+\} [1-9]',
            r'^waybill_wakes_total\{part="dispatcher@[^"]+"\} [1-9]',
            r'^waybill_request_seconds_count\{[^}]*"/metrics"[^}]*\} [1-9]',
        ))  # fmt: skip

    wait_for(told)
