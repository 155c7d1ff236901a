"""The page for everybody: rules of axe-core, screens of all widths, light and dark, and no request to any other host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.catalogue.importing import import_accounts
from models.db import transaction
from tests.browser.conftest import LABS, WHOLE, Page, submit
from tests.journeys.people import V2, Caller
from tests.processes import Parts

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PROJECT = "11111111-1111-4111-8111-111111111111"
USER = {"name": "reader", "labs": LABS, "api_key": "the-key-of-reader"}
VIEWS = {
    "#/jobs": "table.cards tbody tr",
    "#/submit": "#file",
    "#/records?q=CBS": "table.cards tbody tr",
    f"#/records/{LABS[0]}/m-0": "[aria-label=Versions] tbody tr",
    "#/discordances": "table.cards tbody tr",
    "#/projects": "table.cards tbody tr",
    f"#/projects/{PROJECT}": ".tree .node",
    f"#/projects/{PROJECT}/search?q=Berlin": "table.cards tbody tr",
    "#/operations": ".tiles dd",
}


@pytest.fixture(scope="module")
def caller(parts: Parts) -> Caller:
    """A user with labs that do not agree, a job that failed in part, and a project."""
    members = [{"user": "reader", "roles": ["owner"]}]
    document: dict[str, Any] = {
        "organisations": [{"group_name": "page", "name": "Page"}],
        "labs": [{"group_name": lab, "name": lab, "organisation": "page"} for lab in LABS],
        "users": [USER],
        "projects": [{"gid": PROJECT, "name": "Places", "languages": ["en", "nl"], "members": members}],
    }
    with transaction() as session:
        import_accounts(session, document)
    found = Caller(parts.url, str(USER["api_key"]))
    submit(found, [{"id": f"{LABS[0]}/m-{number}", "upsert": WHOLE, "publish": "public"} for number in range(30)])
    places(found)
    submit(found, [{"id": f"{LABS[1]}/m-0", "upsert": {**WHOLE, "clinical_significance": "P"}, "publish": "public"}])
    return found


def places(caller: Caller) -> None:
    """Make a record with two below it."""

    def call(rule: str, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = caller.send("POST", f"/api/p/{PROJECT}/{rule}", json=params).json()
        assert answer["success"], answer
        return dict(answer["result"])

    def make(parent: str, title: str) -> str:
        gid = str(call("records/create", parent=parent)["record"])
        call("records/update", record=gid, fields={"en": {"title": title}})
        return gid

    europe = make(call("records/root")["root"], "Europe")
    for title in ("Utrecht", "Berlin"):
        make(europe, title)


@pytest.fixture(scope="module")
def failed(caller: Caller) -> str:
    """A job that failed in part."""
    return submit(caller, [{"id": "nowhere/lab/1", "upsert": WHOLE}, {"id": f"{LABS[0]}/f-0", "upsert": WHOLE}])


@pytest.fixture(scope="module")
def paused(caller: Caller) -> Iterator[str]:
    """A job that rests in the middle, with its controls."""
    body = {"records": [{"id": f"{LABS[0]}/p-{number}", "upsert": WHOLE} for number in range(100)], "pace": 5}
    token = caller.send("POST", V2, json=body, headers={"Prefer": "respond-async"}).json()["result"]["job.token"]
    assert caller.send("POST", f"/api/jobs/{token}/pause").status_code in (200, 202)
    yield token
    caller.send("POST", f"/api/jobs/{token}/cancel")


def violations(page: Page) -> list[Any]:
    """Return what axe finds wrong with what is shown."""
    page.browser.run(f"{AXE}; 1")
    options = json.dumps({"resultTypes": ["violations"], "runOnly": RULES})
    told = "found.violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200))])"
    found: list[Any] = page.browser.run(f"axe.run(document, {options}).then((found) => {told})")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_every_view_is_accessible_and_fits_the_screen(page: Page, failed: str, paused: str, width: int, scheme: str) -> None:
    page.browser.look(width, 800, scheme)
    for place, until in {**VIEWS, f"#/jobs/{failed}": ".digest tbody tr", f"#/jobs/{paused}": "#pace"}.items():
        page.go(place, until)
        assert page.browser.run("document.documentElement.scrollWidth") <= width, place
        assert violations(page) == [], place
    page.browser.open(page.caller.url + "/docs/api")
    page.wait("document.readyState === 'complete' && document.querySelector('.call')")
    assert page.browser.run("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    own = (page.caller.url, "about:", "data:", "blob:")
    assert [address for address in page.browser.addresses() if not address.startswith(own)] == []
    assert page.browser.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_question_and_a_selection_are_accessible(page: Page, scheme: str) -> None:
    page.browser.look(1200, 900, scheme)
    page.go("#/records?q=CBS", "table.cards tbody tr")
    page.click("+ Filter")
    page.browser.run("document.querySelectorAll('table.cards tbody input')[0].click()")
    assert violations(page) == []
    page.click("Publish", ".basket")
    page.click("Preview", "dialog")
    page.wait("[...document.querySelectorAll('dialog h3')].some((title) => title.innerText === 'The first of them')")
    assert violations(page) == []
    page.browser.press("Escape", 27)
    page.wait("!document.querySelector('dialog')")


def test_a_tree_is_unfolded_and_what_is_chosen_in_it_goes_and_comes_back(page: Page) -> None:
    page.go(f"#/projects/{PROJECT}", "document.querySelectorAll('.tree .node').length === 2")
    page.browser.run("document.querySelectorAll('button.twist')[1].click()")
    page.wait("document.querySelectorAll('.tree .node').length === 4")
    page.browser.run("document.querySelectorAll('.tree input')[1].click()")
    page.click("Delete", ".basket")
    page.click("Preview", "dialog")
    page.click("Delete 1", "dialog")
    page.wait("location.hash.startsWith('#/jobs/') && document.querySelector('.badge')?.innerText === 'succeeded'")
    page.click("Undo")
    page.click("See what would be undone", "dialog")
    page.click("Undo now", "dialog")
    page.wait("document.querySelector('.facts')?.innerText.includes('takes back')")
    page.wait("document.querySelector('.badge').innerText === 'succeeded'")
    page.go(f"#/projects/{PROJECT}/search?q=Utrecht", "table.cards tbody tr")
    page.click("Utrecht")
    page.wait("document.querySelector('.path')?.innerText.includes('Europe')")


def test_the_numbers_of_a_plot_stand_in_a_table_too(page: Page) -> None:
    page.go("#/operations", ".plot canvas")
    page.click("As a table")
    page.wait("document.querySelectorAll('details[open] table tbody tr').length === 12")
    assert "Items a second" in page.browser.run("document.querySelector('.plot').getAttribute('aria-label')")
