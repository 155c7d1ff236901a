"""The page as people use it, in a real browser: signing in, the jobs, one job, records, and what is not there."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.browser.chromium import Browser
from tests.browser.conftest import ENTER, WHOLE, Page, submit
from tests.journeys.people import V2, Caller

LAB = "page/lab"
TAB = 9


@pytest.fixture(scope="module", autouse=True)
def jobs(caller: Caller) -> list[str]:
    """Two jobs: one that is done in part, one that changes nothing."""
    mixed = [{"id": f"{LAB}/m-{number}", "upsert": WHOLE, "publish": "logged_in_users"} for number in range(70)]
    mixed += [{"id": "nowhere/lab/1", "upsert": WHOLE}, {"id": f"{LAB}/m-0", "create": WHOLE}]
    return [submit(caller, mixed), submit(caller, mixed[:3])]


def test_a_wrong_key_is_told_and_the_right_one_stays_in_this_tab_alone(browser: Browser, caller: Caller) -> None:
    browser.type("a key that nobody has")
    browser.press("Enter", ENTER)
    browser.wait("document.querySelector('.bad')")
    assert browser.run("sessionStorage.length") == 0
    browser.run("document.querySelector('#key').value = ''; document.querySelector('#key').focus()")
    browser.type(caller.key)
    browser.press("Enter", ENTER)
    browser.wait("document.querySelector('table.cards tbody tr')")
    assert browser.run("Object.values({...sessionStorage})") == [caller.key]
    assert browser.run("[document.cookie, localStorage.length]") == ["", 0]
    assert all(caller.key not in address for address in browser.addresses())


def test_signing_out_forgets_the_key(page: Page) -> None:
    page.click("Sign out")
    page.wait("#key")
    assert page.browser.run("sessionStorage.length") == 0


def test_an_address_that_names_no_view_shows_the_jobs(page: Page) -> None:
    page.browser.run("location.hash = '#/records'")
    page.wait("location.hash === '#/records' && document.querySelector('h1')?.innerText === 'Records'")
    page.browser.run("location.hash = '#/'")
    page.wait("table.cards tbody tr")
    assert page.browser.run("document.querySelector('h1').innerText") == "Jobs"


def test_the_jobs_are_listed_newest_first_with_how_far_they_are(page: Page) -> None:
    page.wait("document.querySelectorAll('table.cards tbody tr').length >= 2")
    first, second = page.rows()[:2]
    assert "3 unchanged" in first
    assert "70 succeeded" in second
    assert "partial" in second
    assert page.browser.run("document.querySelector('[role=progressbar]').getAttribute('aria-valuenow')") == "3"


def test_the_dashboard_moves_with_a_job_and_needs_no_reload(page: Page, caller: Caller) -> None:
    page.wait("table.cards tbody tr")
    token = submit(caller, [{"id": f"{LAB}/d-{number}", "upsert": WHOLE} for number in range(5_000)], wait=False)
    link = f"document.querySelector('a[href=\"#/jobs/{token}\"]')"
    page.wait(link)
    page.wait(f"{link}.closest('tr').innerText.includes('5,000 succeeded')", 60)
    page.wait("[...document.querySelectorAll('.tiles dd')].every((one) => one.innerText === '0')")


def test_a_job_shows_its_digest_then_its_failed_items_and_others_on_demand(page: Page, jobs: list[str]) -> None:
    page.open_job(jobs[0])
    page.wait(".digest tbody tr")
    assert sorted(row.split()[1] for row in page.rows(".digest table")) == ["already_exists", "unknown_lab"]
    page.wait("document.querySelectorAll('[aria-label=Items] tbody tr').length === 2")
    shown = page.text("[aria-label=Items] tbody")
    for word in ("#70", "nowhere/lab/1", "unknown_lab", "/id", "There is no lab", "already_exists", "/create"):
        assert word in shown
    page.browser.run("const o = document.querySelector('#outcome'); o.value = 'succeeded'; o.dispatchEvent(new Event('change'))")
    page.wait("document.querySelectorAll('[aria-label=Items] tbody tr').length === 50")
    page.click("More items")
    page.wait("document.querySelectorAll('[aria-label=Items] tbody tr').length === 70")
    assert "status=succeeded" in page.browser.run("location.hash")


def test_a_failed_item_shows_what_was_sent(page: Page, jobs: list[str]) -> None:
    page.open_job(jobs[0])
    page.click("As sent")
    page.wait("[aria-label=Items] pre")
    assert '"id": "nowhere/lab/1"' in page.text("[aria-label=Items] pre")
    page.click("#70", ".digest")
    page.wait("dialog pre")
    assert '"id": "nowhere/lab/1"' in page.text("dialog pre")


def test_retrying_leads_to_a_job_of_the_failed_items(page: Page, jobs: list[str]) -> None:
    page.open_job(jobs[0])
    page.click("Retry 2 failed")
    page.wait("document.querySelector('.facts')?.innerText.includes('retry of')")
    page.wait("document.querySelector('.badge').innerText === 'failed'")
    assert "2 failed" in page.text()


def test_a_running_job_can_be_cancelled(page: Page, caller: Caller) -> None:
    token = submit(caller, [{"id": f"{LAB}/c-{number}", "upsert": WHOLE} for number in range(20_000)], wait=False)
    page.go(f"#/jobs/{token}", ".actions button")
    page.click("Cancel")
    page.wait("['cancelled', 'rejected'].includes(document.querySelector('.badge').innerText)")


def test_a_running_job_can_be_paused_paced_and_resumed(page: Page, caller: Caller) -> None:
    operations = [{"id": f"{LAB}/paced-{at}", "upsert": WHOLE} for at in range(300)]
    body = {"records": operations, "pace": 20}
    answer = caller.send("POST", V2, json=body, headers={"Prefer": "respond-async"})
    token = answer.json()["result"]["job.token"]
    page.go(f"#/jobs/{token}", "#pace")
    page.click("Pause")
    page.wait("document.querySelector('.badge').innerText === 'paused'")
    assert "goes on when it is resumed" in page.text("[aria-label=Progress]")
    assert page.browser.run("document.querySelector('label[for=pace]').innerText") == "Pace"
    page.browser.run("document.querySelector('#pace').value = '200'")
    page.click("Set pace")
    page.wait("document.querySelector('#say').textContent === 'The job does at most 200 items a second.'")
    page.click("Resume")
    page.wait("document.querySelector('.badge').innerText === 'succeeded'")
    assert caller.get(f"/api/jobs/{token}").json()["pace"] == 200


def test_records_are_found_and_shown_by_category(page: Page) -> None:
    page.go("#/records?q=CBS", "document.querySelectorAll('table.cards tbody tr').length === 25")
    page.click("More records")
    page.wait("document.querySelectorAll('table.cards tbody tr').length === 50")
    page.go(f"#/records/{LAB}/m-0", "document.querySelector('.evidence') && document.querySelector('h1').innerText === 'm-0'")
    titles = page.browser.run("[...document.querySelectorAll('.evidence h3')].map((title) => title.innerText)")
    assert titles[0] == "Variant"
    shown = page.text()
    for word in ("NM_000071.2(CBS):c.1539C>T", "Hemizygous", "read twice", "PMID: 342244", "signed-in users", "locked"):
        assert word in shown
    assert "Everybody who is signed in sees it." in shown


def test_what_was_previewed_is_not_done_to_something_else(page: Page, caller: Caller) -> None:
    name = f"{LAB}/planned"
    caller.post({"id": name, "upsert": WHOLE, "editable": True})
    page.go("#/records?f=" + quote(json.dumps(["lab", "is", LAB])), "table.cards tbody tr")
    page.browser.run("document.querySelector('thead input').click()")
    page.click("Choose all", ".basket")
    page.click("Publish", ".basket")
    page.click("Preview", "dialog")
    page.wait("[...document.querySelectorAll('dialog .main')].some((one) => one.textContent.startsWith('Publish '))")
    caller.post({"id": name, "patch": {"interpretation_summary": "Changed meanwhile."}, "editable": True})
    page.click("Publish ", "dialog .dialog-foot")
    page.wait("dialog .bad")
    assert "Something has changed since the preview." in page.text("dialog .bad")
    assert caller.record(name)["publish"] == "lab"


def test_a_server_that_does_not_answer_is_said_so_and_asked_again(page: Page) -> None:
    page.wait("table.cards tbody tr")
    away = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.browser.call("Network.emulateNetworkConditions", **away)
    page.go("#/records?q=CBS", ".bad")
    assert "The server cannot be reached just now." in page.text(".bad")
    page.browser.call("Network.emulateNetworkConditions", **{**away, "offline": False})
    page.click("Try again")
    page.wait("table.cards tbody tr")


def test_what_is_not_there_is_said_so(page: Page) -> None:
    for place in ("#/jobs/00000000-0000-4000-8000-000000000000", "#/records/page/lab/nobody"):
        page.go(place, ".bad")
        assert "There is no such" in page.text()
    page.go("#/nowhere", "document.querySelector('h1')?.innerText === 'Not here'")
    page.go("#/records?q=word-that-no-record-has", ".empty")
    assert "No record matches." in page.text()
    page.go("#/projects", ".empty")
    page.go("#/discordances", ".empty")


def test_the_keyboard_reaches_what_the_mouse_does(page: Page) -> None:
    page.wait("table.cards tbody tr")
    page.browser.run("document.activeElement.blur()")
    reached = []
    for _ in range(26):
        page.browser.press("Tab", TAB)
        reached.append(page.browser.run("document.activeElement.id || document.activeElement.innerText"))
    for word in (
        "Skip to the content",
        "Jobs",
        "Submit",
        "Records",
        "Discordances",
        "Webhooks",
        "Operations",
        "bell",
        "API",
        "leave",
        "status",
        "tag",
    ):
        assert word in reached
    assert page.browser.run("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.go("#/submit", "#file")
    page.wait("document.activeElement.tagName === 'H1'")
