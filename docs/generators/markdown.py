"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

BAR = r"\|"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Give a table's lines; a bar inside a cell is no border."""
    yield _row(heads)
    yield _row(["---"] * len(heads))
    for row in rows:
        yield _row(row)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', BAR) for cell in cells)} |"


def code(text: str) -> str:
    """Return a text as code; nothing stays nothing."""
    return f"`{text}`" if text else ""


def heading(text: str, level: int = 2, label: str = "") -> Iterator[str]:
    """Give a heading, which `label` names for links."""
    if label:
        yield f"({label})="
    yield f"{'#' * level} {text}"
    yield ""
