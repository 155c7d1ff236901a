"""What can be said of the page without a browser: what it loads, what it may do, what its colours are."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from web.app import create_app
from web.openapi import build

STATIC = Path(__file__).parents[2] / "web" / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
PAGES = ("/", "/docs/api")
UPLOT_SCRIPT = "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f"  # 1.6.32
UPLOT_SHEET = "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04"


class Tags(HTMLParser):
    """All tags of a page with their attributes, and the text inside script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag in ("script", "style"):
            self.inline += data.strip() if self.found[-1][0] == self.lasttag else ""

    def all(self, attribute: str) -> list[str]:
        return [str(attributes[attribute]) for _, attributes in self.found if attribute in attributes]


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app().test_client()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_load_nothing_but_its_own_files(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert "default-src 'none'" in policy or "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_inline_script_or_style_and_links_only_here(client: FlaskClient, path: str) -> None:
    tags = Tags(client.get(path).text)
    assert tags.inline == ""
    assert tags.all("style") == []
    assert [name for _, attributes in tags.found for name in attributes if name.startswith("on")] == []
    assert [link for link in tags.all("href") + tags.all("src") if not link.startswith(("/", "#"))] == []


@pytest.mark.parametrize("path", PAGES)
def test_all_that_a_page_links_is_there(client: FlaskClient, path: str) -> None:
    tags = Tags(client.get(path).text)
    ids = set(tags.all("id"))
    for link in set(tags.all("href") + tags.all("src")):
        if link.startswith("#"):
            assert link[1:] in ids or link.startswith("#/"), link
        else:
            assert client.get(link, buffered=True).status_code == 200, link


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_its_language_and_title_and_can_be_skipped_through(client: FlaskClient, path: str) -> None:
    tags = Tags(client.get(path).text)
    names = [tag for tag, _ in tags.found]
    assert tags.all("lang") == ["en"]
    assert {"title", "main", "header"} <= set(names)
    assert "width=device-width" in "".join(tags.all("content"))
    first = next(attributes for tag, attributes in tags.found if tag == "a")
    assert first["href"] == "#main"


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_script_is_served_as_one_and_imports_what_is_there(client: FlaskClient, file: Path) -> None:
    answer = client.get(f"/static/{file.name}", buffered=True)
    assert answer.mimetype in ("text/javascript", "application/javascript")
    imported = re.findall(r'^import .* from "\./(.+)";$', answer.text, re.MULTILINE)
    assert len(imported) == len(re.findall(r"^import ", answer.text, re.MULTILINE))
    assert all((STATIC / name).exists() for name in imported)


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_script_reads_no_markup_and_keeps_no_key_beyond_the_tab(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", "document.cookie"):
        assert word not in text
    assert "https://" not in text.replace(r"^https?:\/\/", "")


def test_what_is_not_ours_is_as_it_was_published_and_says_its_licence() -> None:
    known = {"uPlot.iife.min.js": UPLOT_SCRIPT, "uPlot.min.css": UPLOT_SHEET}
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (STATIC / "vendor" / "uplot").iterdir()}
    assert found.keys() == known.keys() | {"LICENSE"}
    assert {name: found[name] for name in known} == known


def test_every_file_is_small_enough_to_read() -> None:
    own = (file for file in STATIC.iterdir() if file.is_file())
    for file in itertools.chain(own, (STATIC.parent / "templates").iterdir()):
        assert len(file.read_text(encoding="utf-8").splitlines()) < 300, file.name


def test_the_categories_are_those_of_the_keys() -> None:
    root = Path(__file__).parents[2]
    known = json.loads((root / "models/classifications/evidence_keys.json").read_text(encoding="utf-8"))["categories"]
    text = (STATIC / "keys.js").read_text(encoding="utf-8")
    shown = re.findall(r'(\w+): "([^"]+)"', text.partition("CATEGORIES = {")[2].partition("}")[0])
    assert shown == [(one["code"], one["name"]) for one in known]


def test_the_reference_shows_every_call_and_every_shape(client: FlaskClient) -> None:
    document = build().to_dict()
    calls = {call["operationId"] for item in document["paths"].values() for call in item.values() if isinstance(call, dict)}
    shapes = {f"shape-{name}" for name in document["components"]["schemas"]}
    assert calls | shapes <= set(Tags(client.get("/docs/api").text).all("id"))


def schemes() -> list[dict[str, str]]:
    """Return the named colours of the light and of the dark scheme."""
    sheet = (STATIC / "style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[:2]
    return [dict(re.findall(r"--([\w-]+): (#\w+);", text)) for text in (light, dark)]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 counts it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


TEXTS = [(ink, ground) for ink in ("ink", "faint", "accent") for ground in ("ground", "sheet", "shade")]
BADGES = [(name, f"{name}-soft") for name in ("good", "calm", "bad", "warm", "odd", "accent")]
BARS = [(name, "calm-soft") for name in ("good", "calm", "bad", "odd")]
EDGES = [("faint", "sheet"), ("edge", "sheet"), ("edge", "ground"), ("focus", "ground"), ("focus", "sheet"), *BARS]


@pytest.mark.parametrize("scheme", schemes(), ids=["light", "dark"])
def test_colours_have_enough_contrast(scheme: dict[str, str]) -> None:
    for ink, ground in [*TEXTS, *BADGES, ("on-accent", "accent"), ("ink", "bad-soft"), ("ink", "accent-soft")]:
        assert contrast(scheme[ink], scheme[ground]) >= 4.5, (ink, ground)
    for edge, ground in EDGES:
        assert contrast(scheme[edge], scheme[ground]) >= 3, (edge, ground)
