"""A data manager's day on the page with the real data: drop, dry run, run, digest, retry, publish, undo, compare."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from models.catalogue.importing import import_accounts
from models.db import transaction
from tests.browser.conftest import Page
from tests.journeys.people import Caller
from tests.processes import Parts

DATA = Path(__file__).parents[2] / "data"
TABLE = """id,Gene symbol,clinical_significence,remark,literature.note
one,PTEN,LP,x,"seen
by two"
two,PTEN,VUS,y,
three,PTEN,no such class,z,
"""
LAB = "clingen/pten_vcep"
VERSIONS = "document.querySelectorAll('[aria-label=Versions] [name=newer]').length === {}"


@pytest.fixture(scope="module")
def caller(parts: Parts) -> Caller:
    """The user who loads the real data."""
    accounts: dict[str, Any] = json.loads((DATA / "accounts.json").read_text(encoding="utf-8"))
    with transaction() as session:
        import_accounts(session, accounts)
    return Caller(parts.url, next(user["api_key"] for user in accounts["users"] if user["name"] == "clingen_loader"))


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """The real file, with a lab spelled wrong in forty of its lines."""
    lines = gzip.decompress((DATA / "clingen_operations.ndjson.gz").read_bytes()).decode().splitlines()
    wrong = [line.replace("_vcep/", "_vecp/", 1) for line in lines[:40]]
    file = tmp_path / "real.ndjson.gz"
    file.write_bytes(gzip.compress("\n".join(wrong + lines[40:]).encode()))
    return file


def test_the_real_file_from_a_dry_run_to_its_undoing(page: Page, real: Path) -> None:
    page.go("#/submit", "#file")
    page.browser.choose("#file", real)
    page.wait("[aria-label='Chosen file'] tbody tr")
    page.click("Dry run")
    page.wait("document.querySelector('.note[role=status]')?.innerText.startsWith('40 operations of 6,078 would fail')", 90)
    page.wait(".digest tbody tr")
    assert page.rows(".digest table")[0].startswith("40")
    assert page.caller.get("/classification/api/classifications/v2/record/clingen/pten_vcep/none").status_code == 404

    page.click("Run")
    page.wait("location.hash.startsWith('#/jobs/') && document.querySelector('[role=progressbar]')")
    seen = set()
    while page.browser.run("['queued', 'processing'].includes(document.querySelector('.badge')?.innerText)"):
        seen.add(page.browser.run("document.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow')"))
    assert len(seen) >= 3, "the bar did not move while the job ran"
    page.wait("document.querySelector('.badge').innerText === 'partial' && document.querySelector('.digest tbody tr')")
    assert "6,038 succeeded" in page.text("[aria-label=Progress]")
    page.wait("document.querySelectorAll('[aria-label=Items] tbody tr').length === 40")
    upload = str(page.browser.run("location.hash"))

    page.click("Retry 40 failed")
    page.wait("document.querySelector('.facts')?.innerText.includes('retry of')")
    page.wait("document.querySelector('.badge').innerText === 'failed'")

    published = _publish_but_one(page)
    _undo(page, upload, published)


def _publish_but_one(page: Page) -> int:
    """Choose all records of a gene but one, look at what publishing them would do, and publish them."""
    page.go("#/records", ".empty")
    page.click("+ Filter")
    page.browser.run("document.querySelector('#filter-value').value = 'RUNX1'")
    page.click("Add")
    page.wait("document.querySelector('.chips')?.innerText.includes('Gene symbol is RUNX1')")
    page.wait("table.cards tbody tr")
    total = int(page.text("main > .hint").split()[2].replace(",", ""))
    page.browser.run("document.querySelectorAll('table.cards tbody input')[0].click()")
    page.click("Choose all", ".basket")
    page.browser.run("document.querySelectorAll('table.cards tbody input')[0].click()")
    assert page.text(".basket b") == f"{total - 1} records chosen"
    page.click("Publish", ".basket")
    page.wait("#bulk-level")
    page.browser.run("document.querySelector('#bulk-level').value = 'public'")
    page.click("Preview", "dialog")
    page.click(f"Publish {total - 1}", "dialog")
    page.wait("location.hash.startsWith('#/jobs/') && document.querySelector('.badge')?.innerText === 'succeeded'")
    assert f"{total - 1} succeeded" in page.text("[aria-label=Progress]")
    found = page.caller.post(
        {"selection": [{"search": {"filter": ["gene_symbol", "is", "RUNX1"]}}], "page.size": 1_000},
        "/classification/api/classifications/v2/records/bulk/get",
    )["data"]["records"]
    assert sorted(record["publish"] for record in found.values()).count("logged_in_users") == 1
    return total - 1


def _undo(page: Page, upload: str, published: int) -> None:
    """Undo the publishing, then the upload: its records are gone but for those that were touched since."""
    page.click("Undo")
    page.click("See what would be undone", "dialog")
    page.click("Undo now", "dialog")
    page.wait("document.querySelector('.facts')?.innerText.includes('takes back')")
    page.wait("document.querySelector('.badge').innerText === 'succeeded'")
    page.go(upload, ".facts")
    page.click("Undo")
    page.click("See what would be undone", "dialog")
    page.click("Undo now", "dialog")
    page.wait("document.querySelector('.facts')?.innerText.includes('takes back')")
    page.wait("!['queued', 'processing'].includes(document.querySelector('.badge').innerText)", 60)
    assert f"{6_038 - published:,} succeeded" in page.text("[aria-label=Progress]")
    assert f"{published} skipped" in page.text("[aria-label=Progress]")
    page.go("#/records?q=PTEN", ".empty")


def test_a_table_is_mapped_tried_and_run_with_the_lines_of_the_table(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text(TABLE, encoding="utf-8")
    page.go("#/submit", "#file")
    page.browser.choose("#file", file)
    page.wait("#map-id")
    assert page.browser.run("[1, 2, 3, 4].map((at) => document.querySelector(`#map-${at}`).value)") == [
        "gene_symbol", "", "", "literature.note",
    ]  # fmt: skip
    page.click("use clinical_significance")
    page.browser.run(
        "const lab = document.querySelector('#map-lab'); lab.value = 'clingen/pten_vcep'; lab.dispatchEvent(new Event('change'))"
    )
    page.wait("document.querySelector('[aria-label=\"Chosen file\"]').innerText.includes('clingen/pten_vcep/one')")
    page.click("Run")
    page.wait("location.hash.startsWith('#/jobs/') && document.querySelector('[aria-label=Items] tbody tr')")
    page.wait("document.querySelectorAll('[aria-label=Items] tbody tr').length === 3")
    lines = [row.split("\n")[0] for row in page.rows("[aria-label=Items] table")]
    assert lines == ["line 2", "line 4", "line 5"], "line numbers are those of the table"
    record = page.caller.record(f"{LAB}/one")
    assert record["data"]["literature"]["note"] == "seen\nby two"
    assert record["data"]["clinical_significance"]["value"] == "LP"


def test_two_versions_are_compared_and_the_older_one_comes_back(page: Page) -> None:
    first = {"gene_symbol": "PTEN", "interpretation_summary": "As it was."}
    page.caller.post({"id": f"{LAB}/versions", "upsert": first, "editable": True})
    page.caller.post({"id": f"{LAB}/versions", "patch": {"interpretation_summary": "As it is."}, "editable": True})
    page.go(f"#/records/{LAB}/versions", VERSIONS.format(2))
    page.click("Compare")
    page.wait("[aria-label=Versions] ins")
    assert page.text("[aria-label=Versions] del") == "As it was."
    assert page.text("[aria-label=Versions] ins") == "As it is."
    page.click("Restore", "[aria-label=Versions]")
    page.wait("dialog ins")
    assert page.text("dialog ins") == "As it was."
    page.click("Restore", "dialog .dialog-foot")
    page.wait(VERSIONS.format(3))
    assert page.caller.record(f"{LAB}/versions")["data"]["interpretation_summary"]["value"] == "As it was."


def test_a_file_that_is_not_json_is_refused_with_its_line(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "broken.ndjson"
    file.write_text('{"id": "clingen/pten_vcep/1", "upsert": {}}\n{"id": \n', encoding="utf-8")
    page.go("#/submit", "#file")
    page.browser.choose("#file", file)
    page.wait("[aria-label='Chosen file'] .bad")
    page.click("Run")
    page.wait("[role=alert]")
    assert "line 2" in page.text("[role=alert]")
