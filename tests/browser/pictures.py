"""Takes the pictures of the guide: `python -m tests.browser.pictures URL KEY PROJECT_KEY`, at a server that has the real data.

Names of views after that take these alone.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.browser.chromium import Browser, find

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SCREENS = {"desktop": (1280, 860), "phone": (390, 844)}
SCHEMES = ("light", "dark")
PARTIAL = "[...document.querySelectorAll('table.cards tr')].find((row) => row.innerText.includes('partial'))"
OPEN_FAILED = f"{PARTIAL}.querySelector('a').click()"
COMPARE = "[...document.querySelectorAll('button')].find((one) => one.textContent === 'Compare').click()"
CHOOSE = (
    "for (const at of [1, 2, 4]) document.querySelectorAll('table.cards tbody input')[at].click();"
    "document.querySelector('.add').click(); document.activeElement.blur()"
)
OPEN_WEBHOOK = "document.querySelector('table.cards tbody a').click()"
UNFOLD = "document.querySelectorAll('button.twist')[1].click()"
ROWS = "table.cards tbody tr"
VIEWS = (  # name, where, until, what is done there, what is waited for then
    ("jobs", "#/jobs", ROWS, "", ".plot canvas"),
    ("job", "#/jobs", ROWS, OPEN_FAILED, ".digest tbody tr"),
    ("submit", "#/submit", "#file", "", "#file"),
    ("records", "#/records?q=PTEN", ROWS, CHOOSE, ".basket:not([hidden])"),
    ("record", "#/records/clingen/pten_vcep/disc-0", "[aria-label=Versions] tbody tr", COMPARE, "ins"),
    ("discordances", "#/discordances", ROWS, "", ROWS),
    ("operations", "#/operations", ".plot canvas", "", ".tiles dd"),
    ("webhooks", "#/webhooks", ROWS, "", ROWS),
    ("webhook", "#/webhooks", ROWS, OPEN_WEBHOOK, "table.cards details"),
    ("notices", "#/notices", ".notices li", "", ".notices li"),
)


def take(browser: Browser, url: str, key: str, suffix: str, names: tuple[str, ...] = ()) -> None:
    """Take a picture of every view, or of those with these names."""
    _sign_in(browser, url, key)
    for name, place, until, script, then in VIEWS:
        if names and name not in names:
            continue
        browser.run(f"location.hash = {json.dumps(place)}")
        browser.wait(f"document.querySelector({json.dumps(until)})")
        time.sleep(0.5)
        browser.run(f"{script}; 0")
        browser.wait(f"document.querySelector({json.dumps(then)})")
        time.sleep(1)
        _keep(browser, f"{name}-{suffix}")


def take_tree(browser: Browser, url: str, key: str, suffix: str, names: tuple[str, ...] = ()) -> None:
    """Take a picture of a project's tree."""
    if names and "tree" not in names:
        return
    _sign_in(browser, url, key)
    browser.run("location.hash = '#/projects'")
    browser.wait(f"document.querySelector('{ROWS} a')")
    browser.run(f"document.querySelector('{ROWS} a').click()")
    browser.wait("document.querySelectorAll('.tree .node').length > 1")
    browser.run(f"{UNFOLD}; 0")
    time.sleep(1)
    _keep(browser, f"tree-{suffix}")


def _sign_in(browser: Browser, url: str, key: str) -> None:
    browser.open(url + "/")
    browser.wait("document.querySelector('#key')")
    browser.run(f"sessionStorage.setItem('waybill-key', {json.dumps(key)}); location.reload()")
    browser.wait("document.querySelector('#nav:not([hidden])') && document.querySelector('.tiles')")


def _keep(browser: Browser, name: str) -> None:
    """Keep a picture of what is seen, in 256 colours: enough for a page, and a third of the bytes."""
    file = FOLDER / f"{name}.png"
    browser.picture(file)
    Image.open(file).convert("RGB").quantize(256).save(file, optimize=True)


def main(url: str, key: str, project_key: str, *names: str) -> None:
    """Take all pictures, at each screen, light and dark."""
    binary = find() or sys.exit("there is no Chromium here")
    for screen, (width, height) in SCREENS.items():
        for scheme in SCHEMES:
            for what, own in ((take, key), (take_tree, project_key)):
                with tempfile.TemporaryDirectory() as folder, Browser(binary, Path(folder) / "profile") as browser:
                    browser.look(width, height, scheme)
                    what(browser, url, own, f"{screen}-{scheme}", names)


if __name__ == "__main__":
    main(*sys.argv[1:])
