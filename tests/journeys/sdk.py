"""The unmodified client of the project API, `unicat`, signed in at the running product."""

from __future__ import annotations

from pathlib import Path

from unicat import Unicat

from models.db import transaction
from tests.factories import PROJECT, project
from tests.processes import Parts


def open_project() -> None:
    """Make the tests' project with its members."""
    with transaction() as session:
        project(session)


def connected(parts: Parts, folder: Path, name: str = "editor", *, omit_extended_definitions: bool = False) -> Unicat:
    """Return a client that is signed in as somebody of the project."""
    unicat = Unicat(parts.url, PROJECT, f"key-for-tests-{name}", str(folder))
    assert unicat.connect(omit_extended_definitions=omit_extended_definitions)
    return unicat
