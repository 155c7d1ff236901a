"""The README and the guide do what they say: their commands are run as they stand there, against one server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import GUIDE, ROOT, grouped, read
from tests.docs.conftest import Site

README = ROOT / "README.md"
ELSEWHERE = {GUIDE / "client.md", GUIDE / "command.md"}  # run by tests/waybill/test_guide.py, which looks at more of what they do
RUN = [page for page in sorted(GUIDE.rglob("*.md")) if page not in ELSEWHERE and grouped(read(page))]


def last(text: str) -> Any:
    """Return the last JSON document that was printed."""
    return json.loads(text.strip().splitlines()[-1])


@pytest.mark.timeout(240)
def test_every_command_of_the_readme_does_what_the_text_says(site: Site) -> None:
    said = site.run(read(README), "readme", without=("URL", "KEY", "WAYBILL_URL", "WAYBILL_KEY"))  # it begins with nothing
    first, many, outcomes, pages, patched, out, demo, jobs, program, accounts = said
    assert [one["status"] for one in last(first)["results"]] == ["created", "created", "failed"]
    assert last(first)["results"][2]["error"]["code"] == "not_found"
    assert last(many)["total"] == 2_001
    (failed,) = last(outcomes)["results"]
    assert (failed["line"], failed["error"]["code"], failed["error"]["pointer"]) == (2_001, "unknown_lab", "/id")
    page = last(pages)
    assert page["result"]["records.size"] == 286  # one by its id, 286 of GENE3, less one
    assert (len(page["result"]["records"]), page["result"]["page.cursor"] is None) == (100, False)
    assert last(patched)["success"] is True
    assert out.split()[0] == "2002"
    assert last(out)["success"] is True
    assert "6,078 created" in demo
    assert "42,237 operations" in demo
    assert len(jobs.strip().splitlines()) == 3
    assert not program.strip()
    assert "unchanged" in accounts


@pytest.mark.timeout(400)
def test_every_command_of_the_guide_does_what_the_text_says(site: Site, subtests: pytest.Subtests) -> None:
    for page in RUN:
        with subtests.test(page=page.name):
            _check(site, page)


def _check(site: Site, page: Path) -> None:
    blocks = read(page)
    printed = site.run(blocks, "-".join(page.relative_to(GUIDE).with_suffix("").parts))
    for group, said in zip(grouped(blocks), printed, strict=True):
        for block in group:
            assert block.mark != "prints" or block.said in said, f"{block.name} printed\n{said[-2000:]}"
