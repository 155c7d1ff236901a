"""The guide as a site: it builds without a warning, needs no other host, and a dead link ends the build."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import dev
from tests.docs.blocks import ROOT

DOCS = ROOT / "docs"
HOSTS = {"datatracker.ietf.org", "opentelemetry.io", "www.rfc-editor.org", "www.standardwebhooks.com"}  # that our text links to
THEIRS = {"github.com", "pradyunsg.me", "www.sphinx-doc.org"}  # the theme's footer
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src", "object": "data"}


class Page(HTMLParser):
    """What a page loads by itself, what it links to, and what in it can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        if "id" in found:
            self.names.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in LOADS and LOADS[tag] in found:
            self.loads.append(found[LOADS[tag]])


def build(docs: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *dev.SPHINX[:-1], str(out / "doctrees"), str(docs), str(out / "site")]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=ROOT)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built."""
    out = tmp_path_factory.mktemp("guide")
    done = build(DOCS, out)
    assert done.returncode == 0, done.stderr[-3000:]
    return out / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {file: Page(file.read_text(encoding="utf-8")) for file in site.rglob("*.html")}


def test_no_page_loads_anything_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    assert not [load for page in pages.values() for load in page.loads if urlsplit(load).netloc]
    sheets = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.css"))
    assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", sheets)


def test_every_link_within_the_site_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    dead = []
    for file, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            known = pages.get(target)
            if not target.exists() or (known and parts.fragment and unquote(parts.fragment) not in known.names):
                dead.append(f"{file.relative_to(site)}: {link}")
    assert not dead


def test_links_to_other_hosts_are_few_and_well_formed(pages: dict[Path, Page]) -> None:
    found = {urlsplit(link) for page in pages.values() for link in page.links if urlsplit(link).netloc}
    local = {link for link in found if link.hostname == "127.0.0.1"}
    assert {link.hostname for link in found - local} <= HOSTS | THEIRS
    assert all(link.scheme == "https" and re.fullmatch(r"[!-~]*[\w/)]|", link.path) for link in found - local)


def test_every_page_is_reached_from_the_first(site: Path, pages: dict[Path, Page]) -> None:
    sources = {file.relative_to(DOCS).with_suffix(".html") for file in DOCS.rglob("*.md")}
    linked = {(site / unquote(urlsplit(link).path)).resolve().relative_to(site) for link in pages[site / "index.html"].links
              if not urlsplit(link).netloc and urlsplit(link).path}  # fmt: skip
    decisions = {name for name in sources if name.parts[0] == "adr"}
    assert sources - decisions <= linked | {Path("index.html")}
    reached = set(pages[site / "adr" / "index.html"].links)
    assert {name.name for name in decisions} - {"index.html"} <= reached


@pytest.mark.parametrize("name", ["openapi.json", "projects-openapi.json"])
def test_the_openapi_documents_can_be_downloaded(site: Path, name: str) -> None:
    assert json.loads((site / "reference" / name).read_text(encoding="utf-8"))["openapi"].startswith("3.1")


def test_every_row_of_the_reference_can_be_linked_to(site: Path, pages: dict[Path, Page]) -> None:
    assert "setting-slots" in pages[site / "reference" / "settings.html"].names
    assert "error-unknown-lab" in pages[site / "reference" / "errors.html"].names


def test_what_is_said_before_the_tables_stands_before_them(site: Path) -> None:
    text = (site / "reference" / "calls.html").read_text(encoding="utf-8")
    assert 0 < text.index("Any call may be refused") < text.index('id="classifications"')


def test_a_dead_link_ends_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    conf = (DOCS / "conf.py").read_text(encoding="utf-8").replace('"docs.generators"', "").replace('["static"]', "[]")
    (docs / "conf.py").write_text(conf, encoding="utf-8")
    (docs / "index.md").write_text("# Title\n\n[a setting](#setting-that-is-not-there)\n", encoding="utf-8")
    done = build(docs, tmp_path)
    assert done.returncode != 0
    assert "setting-that-is-not-there" in done.stderr
    (docs / "index.md").write_text("# Title\n\n[it](#title)\n", encoding="utf-8")
    assert build(docs, tmp_path).returncode == 0
