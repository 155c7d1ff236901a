"""Webhooks over HTTP: who may what, and what is refused."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.webhooks.signing import signed_headers
from models.webhooks.subscriptions import EVENTS, MOST, OLD_SECRET_HOURS
from tests.web.conftest import Caller, upserts

HOOKS = "/api/webhooks"
URL = "https://8.8.8.8/hook"  # a public address: nothing is sent to it, since no dispatcher runs here
OTHERS = "00000000-0000-4000-8000-000000000000"


def code_of(response: Any) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    return response.status_code, response.json["code"]


def subscribe(caller: Caller, **more: Any) -> dict[str, Any]:
    response = caller.post(HOOKS, {"url": URL, **more})
    assert response.status_code == 201, response.text
    return dict(response.json)


def test_a_webhook_is_made_read_listed_and_deleted(ann: Caller) -> None:
    made = subscribe(ann, events=["job.done"])
    assert made.pop("secret").startswith("whsec_")
    assert (made["url"], made["events"], made["status"], made["sequence"]) == (URL, ["job.done"], "active", 0)
    assert ann.get(f"{HOOKS}/{made['id']}").json == made
    assert ann.get(HOOKS).json == {"webhooks": [made]}
    assert ann.open(f"{HOOKS}/{made['id']}", method="DELETE").status_code == 204
    assert ann.get(HOOKS).json == {"webhooks": []}
    assert code_of(ann.get(f"{HOOKS}/{made['id']}")) == (404, "not_found")


def test_a_webhook_is_its_owners_alone(ann: Caller, cat: Caller) -> None:
    place = f"{HOOKS}/{subscribe(ann)['id']}"
    assert cat.get(HOOKS).json == {"webhooks": []}
    for method, path in (
        ("GET", place), ("DELETE", place), ("POST", f"{place}/rotate"), ("POST", f"{place}/enable"),
        ("GET", f"{place}/deliveries"), ("POST", f"{place}/deliveries/{OTHERS}/replay"),
    ):  # fmt: skip
        assert code_of(cat.open(path, method=method)) == (404, "not_found"), path
    assert ann.get(place).status_code == 200


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data/", "https://10.1.2.3/", "http://8.8.8.8/",
     "https://localhost:8080/", "https://2130706433/", "file:///etc/passwd", "https://user@8.8.8.8/"],
)  # fmt: skip
def test_x19_private_addresses_are_refused(ann: Caller, url: str) -> None:
    response = ann.post(HOOKS, {"url": url})
    assert code_of(response) == (400, "invalid_target")
    assert ann.get(HOOKS).json == {"webhooks": []}


def test_x19_a_name_of_a_private_address_looks_like_one_that_is_not_known(ann: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: Any, *_: Any, **__: Any) -> list[Any]:
        if host == "unknown.example.org":
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    told = [ann.post(HOOKS, {"url": f"https://{name}.example.org/"}).json["detail"] for name in ("unknown", "inside")]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"), ({"url": 1}, "invalid_type"), ({"url": URL, "events": []}, "empty"), ([], "invalid_request"),
        ({"url": URL, "events": ["job.begun"]}, "invalid_value"), ({"url": URL, "events": ["job.done"] * 2}, "invalid_value"),
        ({"url": URL, "events": "job.done"}, "invalid_type"), ({"url": URL, "secret": "mine"}, "unknown_field"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_as_it_should_be_is_refused(ann: Caller, body: Any, code: str) -> None:
    assert code_of(ann.post(HOOKS, body)) == (400, code)


def test_the_guides_words_are_true(ann: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (Path(__file__).parents[2] / "docs/guide/webhooks.md").read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    exec(re.findall(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)[0], found)
    headers = signed_headers(("whsec_b2xk", "whsec_bmV3"), "msg_1", 1_795_334_400, b"{}")
    assert found["verify"]("whsec_bmV3", headers, b"{}")
    assert not found["verify"]("whsec_bmV3", headers, b"{ }")
    body = json.loads(re.findall(r"-d '(.*?)'", guide)[0])
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address])
    assert ann.post(HOOKS, body).json["events"] == list(EVENTS)
    assert f"at most {MOST} webhooks" in guide
    assert f"for {OLD_SECRET_HOURS} hours" in guide


def test_a_user_has_a_limited_number_of_webhooks(ann: Caller) -> None:
    for _ in range(MOST):
        subscribe(ann)
    assert code_of(ann.post(HOOKS, {"url": URL})) == (422, "invalid_state")


def test_deliveries_are_listed_page_by_page_newest_first(ann: Caller, work_all: Callable[[], None]) -> None:
    place = f"{HOOKS}/{subscribe(ann)['id']}/deliveries"
    tokens = []
    for _ in range(3):
        tokens.append(ann.send(upserts(1)))
        work_all()
    first = ann.get(f"{place}?page.size=2").json
    second = ann.get(f"{place}?page.size=2&page.cursor={first['page.cursor']}").json
    assert [one["job.token"] for one in first["deliveries"] + second["deliveries"]] == tokens[::-1]
    assert second["page.cursor"] is None
    assert {one["status"] for one in first["deliveries"]} == {"waiting"}
    assert ann.get(f"{place}?status=delivered").json["deliveries"] == []
    one = first["deliveries"][0]
    replayed = ann.post(f"{place}/{one['id']}/replay")
    assert (replayed.status_code, replayed.json) == (202, one)
    assert code_of(ann.post(f"{place}/{OTHERS}/replay")) == (404, "not_found")


def test_a_rotation_tells_the_new_secret_and_until_when_the_old_one_signs(ann: Caller) -> None:
    made = subscribe(ann)
    rotated = ann.post(f"{HOOKS}/{made['id']}/rotate").json
    assert rotated["secret"] != made["secret"]
    assert rotated["old_secret_until"] > made["created_on"]
