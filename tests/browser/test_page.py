"""The page as people use it, in a real browser: `WAYBILL_BROWSER=1`, and a Chromium on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Browser, find
from tests.journeys.people import Caller, open_labs
from tests.processes import Parts
from waybill.client import Waybill

KEY = "the-key-of-reader"
LAB = "page/lab"
WHOLE = {
    "c_hgvs": "NM_000071.2(CBS):c.1539C>T", "genome_build": "GRCh37", "clinical_significance": "VUS", "zygosity": "hemizygous",
    "condition": "OMIM:236200", "allele_origin": "germline", "literature": {"value": "PMID: 342244", "note": "read twice"},
}  # fmt: skip
TAB, ENTER = 9, 13


@pytest.fixture(scope="module")
def caller(parts: Parts) -> Caller:
    """A user with a lab and two jobs: one that is done in part, one that is done."""
    open_labs(reader=[LAB])
    with Waybill(parts.url, KEY) as waybill:
        mixed = [{"id": f"{LAB}/m-{number}", "upsert": WHOLE, "publish": "logged_in_users"} for number in range(70)]
        mixed += [{"id": "nowhere/lab/1", "upsert": WHOLE}, {"id": f"{LAB}/m-0", "create": WHOLE}]
        waybill.wait(waybill.submit(mixed), timeout=60)
        waybill.wait(waybill.submit(mixed[:3]), timeout=60)
    return Caller(parts.url, KEY)


@pytest.fixture
def browser(caller: Caller, tmp_path: Path) -> Iterator[Browser]:
    """A browser at the page, nobody signed in."""
    binary = find()
    if binary is None:
        pytest.fail("WAYBILL_BROWSER=1 is set, but there is no Chromium here: install one, or leave the variable out")
    with Browser(binary, tmp_path / "profile") as found:
        found.look(1200, 900, "light")
        found.open(caller.url + "/")
        found.wait("document.querySelector('#key')")
        yield found


@pytest.fixture
def page(browser: Browser) -> Browser:
    """The same, signed in."""
    browser.type(KEY)
    browser.press("Enter", ENTER)
    browser.wait("document.querySelector('tbody tr')")
    return browser


def go(page: Browser, place: str, until: str) -> None:
    page.run(f"location.hash = {json.dumps(place)}")
    page.wait(f"document.querySelector({json.dumps(until)})")


def text(page: Browser, selector: str = "main") -> str:
    return str(page.run(f"document.querySelector({json.dumps(selector)}).innerText"))


def open_job(page: Browser, number: int) -> None:
    go(page, "#/jobs", "tbody tr")
    page.run(f"document.querySelectorAll('tbody a')[{number}].click()")
    page.wait("document.querySelector('.facts') && document.querySelector('tbody tr')")


def test_a_wrong_key_is_told_and_the_right_one_stays_in_this_tab_alone(browser: Browser) -> None:
    browser.type("a key that nobody has")
    browser.press("Enter", ENTER)
    browser.wait("document.querySelector('.bad')")
    assert browser.run("sessionStorage.length") == 0
    browser.run("document.querySelector('#key').value = ''; document.querySelector('#key').focus()")
    browser.type(KEY)
    browser.press("Enter", ENTER)
    browser.wait("document.querySelector('tbody tr')")
    assert browser.run("Object.values({...sessionStorage})") == [KEY]
    assert browser.run("[document.cookie, localStorage.length]") == ["", 0]
    assert all(KEY not in address for address in browser.addresses())


def test_signing_out_forgets_the_key(page: Browser) -> None:
    page.run("document.querySelector('#leave').click()")
    page.wait("document.querySelector('#key')")
    assert page.run("sessionStorage.length") == 0


def test_the_jobs_are_listed_newest_first_with_how_far_they_are(page: Browser) -> None:
    rows = page.run("[...document.querySelectorAll('tbody tr')].map((row) => row.innerText)")
    assert "3 unchanged" in rows[0]
    assert "70 succeeded" in rows[1]
    assert "partial" in rows[1]
    assert page.run("document.querySelector('[role=progressbar]').getAttribute('aria-valuenow')") == "3"


def test_a_job_shows_its_failed_items_first_and_others_on_demand(page: Browser) -> None:
    open_job(page, 1)
    page.wait("document.querySelectorAll('tbody tr').length === 2")
    shown = text(page, "tbody")
    for word in ("line 71", "#70", "nowhere/lab/1", "unknown_lab", "/id", "There is no lab", "already_exists", "/create"):
        assert word in shown
    page.run("const o = document.querySelector('#outcome'); o.value = 'succeeded'; o.dispatchEvent(new Event('change'))")
    page.wait("document.querySelectorAll('tbody tr').length === 50")
    page.run("[...document.querySelectorAll('button')].find((button) => button.textContent.startsWith('More')).click()")
    page.wait("document.querySelectorAll('tbody tr').length === 70")
    assert "status=succeeded" in page.run("location.hash")


def test_retrying_leads_to_a_job_of_the_failed_items(page: Browser) -> None:
    open_job(page, 1)
    before = page.run("location.hash")
    page.run("document.querySelector('.actions button').click()")
    page.wait(f"location.hash !== {json.dumps(before)} && document.querySelector('.facts')?.innerText.includes('retry of')")
    page.wait("document.querySelector('.badge').innerText === 'failed'")
    assert "2 failed" in text(page)


def test_a_file_is_shown_sent_and_followed_to_its_end(page: Browser, tmp_path: Path) -> None:
    file = tmp_path / "operations.ndjson"
    lines = [{"id": f"{LAB}/f-{number}", "upsert": {"gene_symbol": f"GENE{number % 9}"}} for number in range(3_000)]
    file.write_text("\n".join(map(json.dumps, [*lines, {"id": f"{LAB}/nobody", "patch": {}}])), encoding="utf-8")
    go(page, "#/submit", "#file")
    page.choose("#file", file)
    page.wait("document.querySelector('pre')")
    assert f"{LAB}/f-0" in text(page, "pre")
    page.run("document.querySelector('.card button').click()")
    page.wait("location.hash.startsWith('#/jobs/') && document.querySelector('.facts')")
    page.wait("document.querySelector('.badge').innerText === 'partial'", 60)
    page.wait("document.querySelector('tbody')?.innerText.includes('not_found')")
    assert "3,000 succeeded" in text(page)
    assert "line 3001" in text(page, "tbody")


def test_a_file_that_is_not_json_is_refused_with_its_line(page: Browser, tmp_path: Path) -> None:
    file = tmp_path / "broken.ndjson"
    file.write_text('{"id": "page/lab/1", "upsert": {}}\n{"id": \n', encoding="utf-8")
    go(page, "#/submit", "#file")
    page.choose("#file", file)
    page.wait("document.querySelector('.card button')")
    page.run("document.querySelector('.card button').click()")
    page.wait("document.querySelector('.card .bad')")
    assert "line 2" in text(page, ".card .bad")


def test_a_running_job_can_be_cancelled(page: Browser, caller: Caller) -> None:
    with Waybill(caller.url, KEY) as waybill:
        job = waybill.submit({"id": f"{LAB}/c-{number}", "upsert": WHOLE} for number in range(20_000))
    go(page, f"#/jobs/{job.token}", ".actions button")
    page.run("document.querySelector('.actions button').click()")
    page.wait("['cancelled', 'rejected'].includes(document.querySelector('.badge').innerText)", 30)
    assert "cancelled" in text(page)


def test_records_are_found_and_shown_by_category(page: Browser) -> None:
    go(page, "#/records?q=CBS", "tbody tr")
    page.wait("document.querySelectorAll('tbody tr').length === 25")
    page.run("[...document.querySelectorAll('button')].find((button) => button.textContent.startsWith('More')).click()")
    page.wait("document.querySelectorAll('tbody tr').length === 50")
    page.run("document.querySelector('tbody a').click()")
    page.wait("document.querySelector('.evidence')")
    assert page.run("[...document.querySelectorAll('h3')].map((title) => title.innerText)")[0] == "Variant"
    go(page, f"#/records/{LAB}/m-0", ".evidence")
    page.wait("document.querySelector('h1').innerText === 'm-0'")
    shown = text(page)
    for word in ("NM_000071.2(CBS):c.1539C>T", "Hemizygous", "read twice", "PMID: 342244", "logged in users", "locked"):
        assert word in shown


def test_what_is_not_there_is_said_so(page: Browser) -> None:
    for place in ("#/jobs/00000000-0000-4000-8000-000000000000", "#/records/page/lab/nobody"):
        go(page, place, ".bad")
        assert "There is no such" in text(page)
    page.run("location.hash = '#/nowhere'")
    page.wait("document.querySelector('h1').innerText === 'Not here'")


def test_the_keyboard_reaches_what_the_mouse_does(page: Browser) -> None:
    reached = []
    page.run("document.activeElement.blur()")
    for _ in range(16):
        page.press("Tab", TAB)
        reached.append(page.run("document.activeElement.id || document.activeElement.innerText"))
    for word in ("Skip to the content", "Jobs", "Submit", "Records", "API", "leave", "status"):
        assert word in reached
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") != "none"
    go(page, "#/submit", "#file")
    page.wait("document.activeElement.tagName === 'H1'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_is_wider_than_the_screen_and_nothing_comes_from_elsewhere(
    page: Browser, caller: Caller, width: int, scheme: str
) -> None:
    page.look(width, 800, scheme)
    places = {"#/jobs": "tbody tr", "#/submit": "#file", "#/records": "form", f"#/records/{LAB}/m-0": ".evidence"}
    for place, until in places.items():
        go(page, place, until)
        assert page.run("document.documentElement.scrollWidth") <= width, place
    open_job(page, -1 % 2)
    assert page.run("document.documentElement.scrollWidth") <= width
    page.open(caller.url + "/docs/api")
    page.wait("document.readyState === 'complete' && document.querySelector('.call')")
    assert page.run("document.documentElement.scrollWidth") <= width
    assert [address for address in page.addresses() if not address.startswith((caller.url, "about:", "data:"))] == []
    assert page.complaints() == []
