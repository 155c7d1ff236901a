"""What the guide tells its readers to type: every block of every page, with what its comments say of it.

A block is run unless a comment right above it says otherwise:

    <!-- not run: needs docker -->            it cannot be run here, and why
    <!-- starts: the server ... -->           it starts what all the others use
    <!-- prints: some words -->               it is run, and these words are in what it prints
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
PAGES = [ROOT / "README.md", *sorted(GUIDE.rglob("*.md"))]
COMMANDS = frozenset(("sh", "console", "bash", "python"))
FENCE = re.compile(r"^(?P<fence>```+|~~~+)(?P<kind>[^\n]*)\n(?P<text>.*?)^(?P=fence)[ ]*$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^<!-- (not run|starts|prints): (.+) -->\n\Z", re.MULTILINE)
MARK = "-- block --"


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    kind: str
    text: str
    mark: str = ""
    said: str = ""

    @property
    def is_run(self) -> bool:
        """Say whether a test runs it with the other blocks of its page."""
        return self.kind in COMMANDS and self.mark in ("", "prints")

    @property
    def name(self) -> str:
        """Where it is."""
        return f"{self.page}:{self.line}"


def read(page: Path) -> list[Block]:
    """Return a page's blocks."""
    text, name = page.read_text(encoding="utf-8"), str(page.relative_to(ROOT))
    found = []
    for fence in FENCE.finditer(text):
        comment = COMMENT.search(text[: fence.start()])
        mark, said = comment.groups() if comment else ("", "")
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(name, line, fence["kind"].strip(), fence["text"], mark, said))
    return found


def script(blocks: list[Block], folder: Path) -> str:
    """Return the page as one shell script with MARK printed after each group; Python blocks in a row are one program."""
    pieces: list[str] = []
    for number, group in enumerate(grouped(blocks)):
        text = "\n".join(block.text for block in group)
        if group[0].kind == "python":
            (folder / f"program-{number}.py").write_text(text, encoding="utf-8")
            text = f'"$PYTHON" -W error program-{number}.py'
        pieces.append(text)
    return f"\nprintf '\\n{MARK}\\n'\n".join(pieces)


def grouped(blocks: list[Block]) -> list[list[Block]]:
    """Return the blocks that are run, those of one program together."""
    groups: list[list[Block]] = []
    for block in filter(lambda block: block.is_run, blocks):
        if groups and groups[-1][0].kind == block.kind == "python":
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups
