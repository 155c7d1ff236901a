"""The tests in a real browser are collected where `WAYBILL_BROWSER=1` asks for them, and then a browser has to be there."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import Browser, find
from tests.journeys.people import V2, Caller, open_labs
from tests.processes import Parts

collect_ignore_glob = [] if os.environ.get("WAYBILL_BROWSER") == "1" else ["test_page*.py"]

LABS = ["page/lab", "page/other"]
WHOLE = {
    "c_hgvs": "NM_000071.2(CBS):c.1539C>T", "genome_build": "GRCh37", "clinical_significance": "VUS", "zygosity": "hemizygous",
    "condition": "OMIM:236200", "allele_origin": "germline", "literature": {"value": "PMID: 342244", "note": "read twice"},
}  # fmt: skip
ENTER = 13


@dataclass
class Page:
    """A browser at the page, and who is signed in."""

    browser: Browser
    caller: Caller

    def go(self, place: str, until: str) -> None:
        """Go to a view and wait until something is there."""
        self.browser.run(f"location.hash = {json.dumps(place)}")
        self.wait(until)

    def wait(self, until: str, seconds: float = 30) -> None:
        """Wait for an element, or until an expression is true."""
        script = until if "document" in until or "location" in until else f"document.querySelector({json.dumps(until)})"
        self.browser.wait(script, seconds)

    def text(self, selector: str = "main") -> str:
        """Return the text of an element."""
        return str(self.browser.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def click(self, words: str, within: str = "body") -> None:
        """Click the button or link, the first of those whose text begins with these words."""
        found = f"[...document.querySelectorAll({json.dumps(within + ' :is(button, a, summary)')})]"
        which = f"{found}.find((one) => one.textContent.trim().startsWith({json.dumps(words)}) && !one.disabled)"
        self.browser.wait(which)
        self.browser.run(f"{which}.click()")

    def rows(self, table: str = "table.cards") -> list[str]:
        """Return the texts of a table's rows."""
        found: list[str] = self.browser.run(f"[...document.querySelectorAll('{table} tbody tr')].map((row) => row.innerText)")
        return found

    def open_job(self, token: str) -> None:
        """Go to a job and wait for its items."""
        self.go(f"#/jobs/{token}", "[aria-label=Items] tbody tr")


def submit(caller: Caller, operations: list[dict[str, Any]], *, wait: bool = True) -> str:
    """Store a job of operations, and wait for its end; return its token."""
    answer = caller.send("POST", V2, json={"records": operations}, headers={"Prefer": "respond-async"})
    token = str(answer.json()["result"]["job.token"])
    until = time.monotonic() + 60
    while wait and caller.get(f"/api/jobs/{token}").json()["status"] != "done":
        assert time.monotonic() < until
        time.sleep(0.2)
    return token


@pytest.fixture(scope="module")
def caller(parts: Parts) -> Caller:
    """A user with two labs."""
    open_labs(reader=LABS)
    return Caller(parts.url, "the-key-of-reader")


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
def page(browser: Browser, caller: Caller) -> Page:
    """The same, signed in."""
    browser.type(caller.key)
    browser.press("Enter", ENTER)
    browser.wait("document.querySelector('#nav:not([hidden])') && document.querySelector('.tiles dd')")
    return Page(browser, caller)
