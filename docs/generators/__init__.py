"""The reference's tables, made from the code each time the guide is built: `{waybill} settings` in a page becomes a table.

A page names what it wants; what stands in the table is nowhere written by hand. Every row has a name that other pages link to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs.generators import calls, commands, errors, metrics, project_calls, settings

PARTS: dict[str, Callable[[], Iterable[str]]] = {
    "settings": settings.pages,
    "errors": errors.pages,
    "metrics": metrics.pages,
    "refusals": calls.usual,
    "calls": calls.pages,
    "project-calls": project_calls.pages,
    "commands": commands.pages,
}
DOCUMENTS = {"openapi.json": calls.document, "projects-openapi.json": project_calls.document}


class Waybill(SphinxDirective):
    """`{waybill} NAME`: what the code says of it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Read the text as if it stood in the page."""
        lines = list(PARTS[self.arguments[0]]())
        return self.parse_text_to_nodes(StringList(lines, source=f"<{self.arguments[0]}>"), allow_section_headings=True)


def write_openapi(app: Sphinx, error: Exception | None) -> None:
    """Put the OpenAPI documents beside the pages that show them."""
    if error is None and app.builder.format == "html":
        for name, document in DOCUMENTS.items():
            (Path(app.outdir) / "reference" / name).write_text(document(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Offer the directive."""
    app.add_directive("waybill", Waybill)
    app.connect("build-finished", write_openapi)
    return {"version": "1", "parallel_read_safe": True, "env_version": 1}
