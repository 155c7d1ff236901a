"""Webhooks and notices on the page: made, seen to work, switched off; told of what happened, and marked as seen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from models.db import driver, transaction
from tests.browser.conftest import LABS, WHOLE, Page, submit
from tests.browser.test_page_access import violations
from tests.goals.receiver import Receiver
from tests.journeys.people import Caller

PARTS_ENVIRONMENT = {"WAYBILL_WEBHOOKS_PRIVATE": "true", "WAYBILL_WEBHOOK_PAUSES": "0.2,0.2,3600", "WAYBILL_DISPATCH_TICK": "0.1"}
LAB = LABS[0]
BADGE = "document.querySelector('[aria-label=\"How it stands\"] .badge')?.innerText"
NUMBER = "document.querySelector('#bell .number').innerText"
GRANTED = """
window.told = [];
class Told { constructor(title, { body }) { window.told.push(body); } static permission = "default";
  static requestPermission() { Told.permission = "granted"; return Promise.resolve("granted"); } close() {} }
window.Notification = Told; 0
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver().up()
    yield found
    found.down()


def upsert(name: str) -> dict[str, Any]:
    return {"id": f"{LAB}/{name}", "upsert": WHOLE}


def make(page: Page, url: str) -> str:
    """Make a webhook by the page; return the secret that it shows."""
    page.click("New webhook")
    page.wait("dialog #hook-url")
    page.browser.run(f"document.querySelector('#hook-url').value = {json.dumps(url)}")
    page.click("Make it", "dialog")
    page.wait("dialog #hook-secret")
    return str(page.browser.run("document.querySelector('#hook-secret').value"))


def test_a_webhook_is_made_its_secret_shown_once_and_its_deliveries_told(page: Page, caller: Caller, receiver: Receiver) -> None:
    page.go("#/webhooks", ".empty")
    secret = make(page, receiver.url)
    assert secret.startswith("whsec_")
    page.wait("document.activeElement.innerText === 'Copy'")
    assert violations(page) == []
    page.click("Copy", "dialog")
    page.wait("[...document.querySelectorAll('dialog button')].some((one) => /^(Copied|Marked)/.test(one.innerText))")
    page.click("I have kept it", "dialog")
    page.wait("!document.querySelector('dialog') && document.querySelector('table.cards tbody tr')")
    assert secret not in page.browser.run("document.documentElement.outerHTML")
    token = submit(caller, [upsert("hook-1")])
    page.click(receiver.url)
    page.wait("[...document.querySelectorAll('table.cards .badge')].some((one) => one.innerText === 'delivered')")
    assert receiver.came[0].signed_by(secret)
    assert token[:8] in page.rows()[0]
    assert page.browser.run("document.querySelector('table.cards details table tbody').textContent").endswith("answered 204")
    page.click("Replay", "table.cards")
    page.wait("document.querySelector('table.cards').innerText.includes('replayed')")
    page.wait("document.querySelector('table.cards summary')?.innerText.startsWith('2, last: answered 204')")
    assert len({message.id for message in receiver.came}) == 1


def test_a_failed_delivery_disables_and_the_page_says_why(page: Page, caller: Caller, receiver: Receiver) -> None:
    receiver.answers += [410]
    page.go("#/webhooks", "h1")
    make(page, receiver.url)
    page.click("I have kept it", "dialog")
    submit(caller, [upsert("hook-2")])
    page.wait(f"{NUMBER} >= 1")
    page.wait("[...document.querySelectorAll('table.cards .badge')].some((one) => one.innerText === 'disabled')")
    disabled = "[...document.querySelectorAll('table.cards tr')].find((one) => one.innerText.includes('disabled'))"
    page.browser.run(f"{disabled}.querySelector('a').click()")
    page.wait(f"{BADGE} === 'disabled'")
    assert "its receiver answered that it is gone" in page.text("[aria-label='How it stands']")
    page.click("Enable")
    page.wait(f"{BADGE} === 'active'")
    page.click("Replay all failed")
    page.wait("document.querySelector('table.cards .badge')?.innerText === 'delivered'")
    page.click("Disable")
    page.wait(f"{BADGE} === 'disabled'")
    assert "you disabled it" in page.text("[aria-label='How it stands']")


def test_a_secret_is_rotated_and_a_webhook_deleted(page: Page, receiver: Receiver) -> None:
    page.go("#/webhooks", "h1")
    first = make(page, receiver.url)
    page.click("I have kept it", "dialog")
    page.wait("table.cards tbody tr")
    page.browser.run("[...document.querySelectorAll('table.cards tbody a')].at(-1).click()")
    page.click("Rotate secret")
    page.click("Rotate", "dialog .dialog-foot")
    page.wait("dialog #hook-secret")
    assert page.browser.run("document.querySelector('#hook-secret').value") != first
    page.click("I have kept it", "dialog")
    page.wait("document.querySelector('.facts').innerText.includes('old secret signs too')")
    left = len(page.caller.get("/api/webhooks").json()["webhooks"])
    page.click("Delete")
    page.click("Delete it", "dialog")
    page.wait("location.hash === '#/webhooks'")
    assert len(page.caller.get("/api/webhooks").json()["webhooks"]) == left - 1


def test_an_address_that_is_none_is_refused_in_the_dialog(page: Page) -> None:
    page.go("#/webhooks", "h1")
    page.click("New webhook")
    page.wait("dialog #hook-url")
    page.browser.run("document.querySelector('#hook-url').value = 'ftp://example.org/'")
    page.click("Make it", "dialog")
    page.wait("dialog .bad")
    assert "/url" in page.text("dialog .bad")
    assert violations(page) == []


def test_the_bell_counts_what_happened_and_marking_it_seen_quiets_it(page: Page, caller: Caller) -> None:
    page.go("#/submit", "#file")
    page.caller.send("POST", "/api/notices/seen", json={"until": "2999-01-01T00:00:00Z"})
    token = submit(caller, [upsert("bell"), {"id": "nowhere/lab/1", "upsert": WHOLE}])
    page.wait(f"{NUMBER} === '1'")
    assert page.browser.run("document.querySelector('#bell').getAttribute('aria-label')") == "Notices, 1 not seen"
    page.browser.run("document.querySelector('#bell').click()")
    page.wait(".notices li.new")
    assert token[:8] in page.text(".notices li")
    assert "1 failed" in page.text(".notices li")
    later = submit(caller, [upsert("bell")])
    page.wait(f"document.querySelector('.notices li').innerText.includes('{later[:8]}')")
    assert page.browser.run("document.querySelectorAll('.notices li.new').length") == 2
    page.click("Mark all as seen")
    page.wait("!document.querySelector('.notices li.new')")
    assert page.browser.run(NUMBER) == ""
    page.click(f"Upload {token[:8]}")
    page.wait(f"location.hash === '#/jobs/{token}'")


def test_what_happens_while_nobody_looks_is_told_outside_after_consent(page: Page, caller: Caller) -> None:
    page.browser.run(GRANTED)
    page.go("#/notices", "h1")
    page.click("Tell me outside this tab")
    page.wait("[...document.querySelectorAll('button')].some((one) => one.innerText === 'Stop telling outside this tab')")
    first = submit(caller, [upsert("outside")])
    page.wait(f"document.querySelector('.notices')?.innerText.includes('{first[:8]}')")
    time.sleep(1.5)
    assert page.browser.run("window.told.length") == 0, "the tab is looked at"
    page.browser.run("Object.defineProperty(document, 'hidden', {value: true, configurable: true}); 0")
    token = submit(caller, [upsert("outside")])
    page.wait("document.title && window.told.length === 1")
    assert token[:8] in page.browser.run("window.told[0]")


def test_an_own_disabling_is_no_notice_and_anothers_is(page: Page, receiver: Receiver) -> None:
    page.caller.send("POST", "/api/webhooks", json={"url": receiver.url})
    with transaction() as session:
        driver(session).execute("UPDATE webhooks SET status = 'disabled', reason = 'secret_unreadable', disabled_on = now()")
    page.go("#/notices", ".notices li")
    assert "rotate it, which enables the webhook again" in page.text(".notices")
    page.click(f"The webhook to {receiver.url}")
    page.wait(f"{BADGE} === 'disabled'")
    assert "rotate it" in page.text("[aria-label='How it stands']")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_the_views_are_accessible_and_fit_the_screen(page: Page, receiver: Receiver, width: int, scheme: str) -> None:
    page.browser.look(width, 800, scheme)
    webhook = page.caller.send("POST", "/api/webhooks", json={"url": receiver.url}).json()["id"]
    submit(page.caller, [upsert("wide")])
    views = {"#/webhooks": "table.cards tbody tr", f"#/webhooks/{webhook}": "table.cards details", "#/notices": ".notices li"}
    for place, until in views.items():
        page.go(place, until)
        page.browser.run("document.querySelector('main details')?.setAttribute('open', '')")
        assert page.browser.run("document.documentElement.scrollWidth") <= width, place
        assert violations(page) == [], place
    page.caller.send("DELETE", f"/api/webhooks/{webhook}")
    assert page.browser.complaints() == []


def test_a_server_that_does_not_answer_is_said_so(page: Page) -> None:
    away = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    for place in ("#/webhooks", "#/notices"):
        page.go("#/submit", "#file")
        page.browser.call("Network.emulateNetworkConditions", **away)
        page.go(place, ".bad")
        assert "The server cannot be reached just now." in page.text(".bad")
        page.browser.call("Network.emulateNetworkConditions", **{**away, "offline": False})
        page.click("Try again")
        page.wait("!document.querySelector('main .bad')")
