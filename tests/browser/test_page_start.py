"""The ten-minute start, by its own words: what it prints in bold is what is pressed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from models.catalogue.importing import import_accounts
from models.db import transaction
from models.identity.service import find_user_id, new_key
from tests.browser.chromium import Browser
from tests.browser.conftest import ENTER, Page
from tests.journeys.people import Caller
from tests.processes import Parts

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "guide" / "start.md").read_text(encoding="utf-8")
BOLD = re.findall(r"\*\*([^*]+)\*\*", TEXT)


@pytest.fixture(scope="module")
def caller(parts: Parts) -> Caller:
    """Whoever has loaded the sample users and made a key, as the text says."""
    assert "accounts import data/accounts.json" in TEXT and "accounts key clingen_loader" in TEXT
    accounts: dict[str, Any] = json.loads((ROOT / "data" / "accounts.json").read_text(encoding="utf-8"))
    with transaction() as session:
        import_accounts(session, accounts)
        return Caller(parts.url, new_key(session, find_user_id(session, "clingen_loader") or 0))


def test_its_words_lead_to_a_finished_job(browser: Browser, caller: Caller) -> None:
    page = Page(browser, caller)
    sign_in, submit, dry_run, run, outcome, records = BOLD[:6]
    browser.type(caller.key)
    page.click(sign_in)
    page.wait("#nav:not([hidden])")
    page.wait(".tiles dd")
    page.click(submit, "#nav")
    page.wait("#file")
    (file,) = re.findall(r"Drop the file `([^`]+)`", TEXT)
    browser.choose("#file", ROOT / file)
    page.wait("[aria-label='Chosen file'] tbody tr")
    page.click(dry_run)
    page.wait("document.querySelector('.note[role=status]')?.innerText.includes('6,078')", 90)
    page.click(run)
    page.wait(f"document.querySelector('.badge')?.innerText === '{outcome}'", 90)
    assert "6,078" in page.text("[aria-label=Progress]")
    page.click(records, "#nav")
    page.wait("#q, main input[type=search], main input")
    browser.run("document.querySelector('main input').focus()")
    browser.type("PTEN")
    browser.press("Enter", ENTER)
    page.wait("table.cards tbody tr")


def test_every_other_word_in_bold_is_on_the_page(page: Page) -> None:
    for word in BOLD[6:]:
        assert word in page.text("#nav") or word == "Undo", word
    assert {"Jobs", "Undo"} <= set(BOLD)
