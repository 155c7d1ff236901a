"""What people see: one page that talks to the public API with the reader's own key, its files, and the API's description to read.

The page itself is the same for everybody and knows nothing; a key never comes here but as `Authorization` of the page's requests.
"""

from __future__ import annotations

from flask import Blueprint, render_template

from web.openapi import build
from web.pages.reference import read_document

pages = Blueprint("pages", __name__, template_folder="../templates", static_folder="../static", static_url_path="/static")


@pages.get("/")
def show_page() -> str:
    """Show the page."""
    return render_template("page.html")


@pages.get("/docs/api")
def show_reference() -> str:
    """Show the API's description."""
    return render_template("reference.html", api=read_document(build().to_dict()))
