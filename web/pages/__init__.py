"""What people see: one page that talks to the public API with the reader's own key, its files, and the API's description to read.

The page itself is the same for everybody and knows nothing; a key never comes here but as `Authorization` of the page's requests.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from flask import Blueprint, render_template

from web.openapi import build
from web.pages import figures
from web.pages.reference import read_document

STATIC = Path(__file__).parents[1] / "static"
pages = Blueprint("pages", __name__, template_folder="../templates", static_folder="../static", static_url_path="/static")
pages.register_blueprint(figures.api)


@pages.get("/")
def show_page() -> str:
    """Show the page."""
    return render_template("page.html", scripts=_scripts())


@lru_cache(maxsize=1)
def _scripts() -> list[str]:
    """Return the page's modules, so that a browser fetches them together and not each when another one names it."""
    return sorted(file.name for file in STATIC.glob("*.js"))


@pages.get("/docs/api")
def show_reference() -> str:
    """Show the API's description."""
    return render_template("reference.html", api=read_document(build().to_dict()))
