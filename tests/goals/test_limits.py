"""Goals about limits: how often one may poll, how much one may ask for, how often one may guess. Named after their goals."""

from __future__ import annotations

import re
import time

import requests

from tests.goals.conftest import RECORD, World, upsert

PARTS_ENVIRONMENT = {
    "WAYBILL_WEB_PROCESSES": "2",
    "WAYBILL_POLL_PATIENCE": "3",
    "WAYBILL_REQUESTS_PER_MINUTE": "200",
    "WAYBILL_BYTES_PER_MINUTE": "100000",
    "WAYBILL_MAX_OPEN_JOBS": "5",
    "WAYBILL_WRONG_KEYS": "20",
}
PARAMETER = r';[a-z*][a-z0-9_.*-]*=(?:-?[0-9]{1,15}|"[ !#-\[\]-~]*")'
ITEM = rf'"[ !#-\[\]-~]*"(?:{PARAMETER})*'
LIST = re.compile(rf"{ITEM}(?:[ \t]*,[ \t]*{ITEM})*")  # RFC 9651: a list of strings, with whole numbers and strings as parameters
QUOTA = "https://iana.org/assignments/http-problem-types#quota-exceeded"


def items(header: str) -> dict[str, dict[str, str]]:
    """Return a structured field's items by name, each with its parameters."""
    assert LIST.fullmatch(header), header
    parsed = {}
    for item in header.split(","):
        name, *parameters = item.strip().split(";")
        parsed[name.strip('"')] = dict(parameter.split("=") for parameter in parameters)
    return parsed


def test_p23_a_job_that_is_not_over_says_when_to_ask_again_and_who_never_waits_is_refused(world: World) -> None:
    world.parts.kill("worker")
    world.parts.processes["worker"].wait(30)
    try:
        token = world.ann.lines([upsert("P23")]).json()["result"]["job.token"]
        seen = []
        until = time.monotonic() + 6
        while time.monotonic() < until:
            seen.append(world.ann.call("GET", f"/api/jobs/{token}"))  # a connection each, so that both processes are asked
            time.sleep(0.1)
        assert {answer.headers["Retry-After"] for answer in seen} == {"1"}
        assert [answer.status_code for answer in seen[:20]] == [200] * 20
        assert [answer.status_code for answer in seen[-15:]] == [429] * 15
        assert seen[-1].json()["type"] == QUOTA
        time.sleep(1.1)
        assert world.ann.call("GET", f"/api/jobs/{token}").status_code == 200
    finally:
        world.parts.start("worker")


def test_p49_quotas_are_told_in_every_answer_and_refusals_name_the_policy(world: World) -> None:
    first = world.cat.call("GET", "/api/jobs")
    policies, states = items(first.headers["RateLimit-Policy"]), items(first.headers["RateLimit"])
    assert policies == {
        "req": {"q": "200", "w": "60"},
        "bytes": {"q": "100000", "qu": '"content-bytes"', "w": "60"},
        "jobs": {"q": "5", "qu": '"concurrent-requests"'},
    }
    assert (states["req"]["r"], states["bytes"]["r"]) == ("199", "100000")
    assert 0 < int(states["req"]["t"]) <= 60
    answers = [world.cat.call("GET", "/api/limits")] + [world.cat.call("GET", "/api/jobs") for _ in range(205)]
    assert answers[0].json()["requests_per_minute"] == 200
    assert "RateLimit" not in answers[0].headers
    refused = answers[-1]
    assert refused.status_code == 429
    assert (refused.json()["code"], refused.json()["type"]) == ("quota_exceeded", QUOTA)
    assert refused.json()["violated-policies"] == ["req"]
    assert items(refused.headers["RateLimit"])["req"]["r"] == "0"
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert world.ann.call("GET", "/api/jobs").status_code == 200


def test_p49_bodies_are_counted_by_their_bytes(world: World) -> None:
    big = upsert("P49", lab="north/two", condition="x" * 40_000)
    answers = [world.ben.post(big) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["violated-policies"] == ["bytes"]
    pieces = [bytes([32]) * 1_000] * 100
    body = {"Content-Type": "application/json"}
    answer = world.both.call("POST", RECORD, data=iter([*pieces, b'{"id": "north/one/P49c", "upsert": {}}']), headers=body)
    assert answer.status_code == 200
    assert items(answer.headers["RateLimit"])["bytes"]["r"] == "0"


def test_p49_open_jobs_are_counted(world: World) -> None:
    world.parts.kill("worker")
    world.parts.processes["worker"].wait(30)
    try:
        answers = [world.admin.lines([upsert(f"P49j-{number}")]) for number in range(6)]
        assert [answer.status_code for answer in answers] == [202] * 5 + [429]
        assert answers[5].json()["violated-policies"] == ["jobs"]
    finally:
        world.parts.start("worker")


def test_wrong_keys_from_one_address_are_slowed_down_and_lock_nobody_out_who_was_known(world: World) -> None:
    assert world.both.call("GET", "/api/jobs").status_code == 200
    address = world.parts.url + "/api/jobs"
    guesses = [requests.get(address, headers={"Authorization": f"Bearer nobody-has-this-{n}"}, timeout=30) for n in range(60)]
    statuses = [guess.status_code for guess in guesses]
    assert statuses[:15] == [401] * 15
    assert statuses[-20:] == [429] * 20
    assert guesses[-1].json()["violated-policies"] == ["wrong-keys"]
    assert int(guesses[-1].headers["Retry-After"]) > 0
    assert world.both.call("GET", "/api/jobs").status_code == 200
    assert world.outsider.call("GET", "/api/jobs").status_code == 429
