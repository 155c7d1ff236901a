"""Names of zip entries: whatever a lab or a value is called, a name stays inside the folder that it is unpacked into. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from models import ids

FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)", re.IGNORECASE)
LONGEST = 120  # bytes of one step; file systems allow 255
TOLD_APART = 10


def clean(text: str) -> str:
    """Return a text as one step of a path: no separators, no dots that lead out, nothing unseen, nothing that systems reserve."""
    composed = unicodedata.normalize("NFC", text)
    seen = "".join(letter if letter.isprintable() else "_" for letter in composed)
    name = FORBIDDEN.sub("_", seen).strip().rstrip(". ")
    if name.startswith((".", "-", "~")):
        name = "_" + name[1:]
    if RESERVED.match(name):
        name = "_" + name
    if len(name.encode()) > LONGEST:
        name = name.encode()[: LONGEST - TOLD_APART - 1].decode(errors="ignore").rstrip(". ") + "~" + _digest(text)
    return name or "_"


def entry(path: Iterable[str]) -> str:
    """Return a path whose steps are these texts."""
    return "/".join(clean(step) for step in path)


def fold(name: str) -> str:
    """Return what two names share that some file system takes for one."""
    return unicodedata.normalize("NFKC", name).casefold()


def told_apart(name: str, original: str) -> str:
    """Return a name that another one is the same as, with a mark that comes from what it was made of."""
    return f"{name}~{_digest(original)}"


def _digest(text: str) -> str:
    return ids.digest(text.encode("utf-8", "surrogatepass")).hex()[:TOLD_APART]
