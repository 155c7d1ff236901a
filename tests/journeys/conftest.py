"""The unmodified client `unicat`, connected to a project of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from unicat import Unicat

from tests.journeys.sdk import connected, open_project
from tests.processes import Parts


@pytest.fixture(scope="module")
def product(parts: Parts) -> Parts:
    """The running parts, with a project."""
    open_project()
    return parts


@pytest.fixture
def unicat(product: Parts, tmp_path: Path) -> Iterator[Unicat]:
    """An editor's client."""
    client = connected(product, tmp_path)
    yield client
    client.api._requests_session.close()
