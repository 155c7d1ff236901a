"""The change in an HGVS expression, what stands after `c.` or `g.`, in one spelling. Pure; sequences are not known here."""

from __future__ import annotations

import re
from dataclasses import dataclass

PLACE = r"[*-]?[0-9?]+(?:[+-][0-9?]+)?"
LOCATION = rf"(?:{PLACE}|\({PLACE}_{PLACE}\))"
SPAN = rf"(?P<start>{LOCATION})(?:_(?P<end>{LOCATION}))?"
BASES = r"[A-Z]*|[0-9]+|\([0-9?_]+\)|N\[[0-9]+\]"
SIMPLE = re.compile(
    rf"{SPAN}(?:"
    rf"(?P<before>[A-Z]+)>(?P<after>[A-Z]+)"
    rf"|DEL(?P<deleted>[A-Z]*?|[0-9]+)INS(?P<inserted>.+)"
    rf"|(?P<word>DEL|DUP|INV)(?P<said>{BASES})"
    rf"|(?P<same>[A-Z]*)="
    rf"|INS(?P<put>.+)"
    rf"|(?P<unit>[A-Z]+)\[(?P<times>[0-9]+)\]"
    rf")"
)
POINT = re.compile(r"([*-]?)([0-9]+)(?:([+-])([0-9]+))?")
LOWER = re.compile(r"DELINS|DEL|DUP|INV|INS|CON")
GROUPED = re.compile(r"\[([^\[\]]*(?:\[[0-9]+\][^\[\]]*)*)\](?:;|$)")


@dataclass(frozen=True, slots=True)
class _Point:
    """A position as far as counting goes: what it is counted from, and how far. Only points of one origin have a distance."""

    origin: tuple[str, str]
    at: int


def normalise_change(text: str) -> str:
    """Return a change in one spelling: case, bases that say nothing new, and alleles in brackets in one order."""
    compact = "".join(text.split())
    groups = [found[1] for found in GROUPED.finditer(compact)]
    if groups and _bracketed(compact):
        alleles = sorted(_allele(group) for group in groups)
        return alleles[0] if len(alleles) == 1 and ";" not in alleles[0] else ";".join(f"[{allele}]" for allele in alleles)
    return _single(compact)


def _bracketed(text: str) -> bool:
    return text.startswith("[") and "".join(found[0] for found in GROUPED.finditer(text)) == text


def _allele(text: str) -> str:
    return ";".join(sorted(_single(part) for part in text.split(";")))


def _single(text: str) -> str:
    upper = text.upper()
    found = SIMPLE.fullmatch(upper)
    if found is None:
        return _cased(upper)
    start, end = found["start"], found["end"]
    length = _length(start, end or start)
    span = start if end in (None, start) or (found["unit"] and len(found["unit"]) == length) else f"{start}_{end}"
    return span + _edit(found, length, upper[found.end("end") if end else found.end("start") :])


def _edit(found: re.Match[str], length: int | None, said: str) -> str:
    """Return what happens at a span of so many bases (None: unknown). What contradicts the span is kept as it was said."""
    if found["before"] is not None:
        return _replaced(found["before"], found["after"], length) or said
    if found["inserted"] is not None:
        deleted = found["deleted"]
        if not _agrees(deleted, length):
            return _cased(said)
        return _replaced(deleted if deleted.isalpha() else "", found["inserted"], length) or said
    if found["word"] is not None:
        return found["word"].lower() if _agrees(found["said"], length) else _cased(said)
    if found["same"] is not None:
        return "=" if _agrees(found["same"], length) else said
    return _cased(said)


def _replaced(before: str, after: str, length: int | None) -> str | None:
    """Return bases for bases: one for one is a substitution, none changed is `=`, more are a delins."""
    if not _agrees(before, length):
        return None
    if before == after:
        return "="
    if len(before) == 1 and len(after) == 1 and after.isalpha():
        return f"{before}>{after}"
    return f"delins{_cased(after)}"


def _agrees(said: str, length: int | None) -> bool:
    """Say whether the bases that an expression names, or their number, are as many as its span has."""
    if not said or length is None:
        return True
    if said.isdigit():
        return int(said) == length
    return len(said) == length if said.isalpha() else False


def _length(start: str, end: str) -> int | None:
    first, last = _point(start), _point(end)
    if first is None or last is None or first.origin != last.origin:
        return None
    between = last.at - first.at + 1
    return between - 1 if first.at < 0 < last.at and first.origin == ("", "") else between


def _point(text: str) -> _Point | None:
    """Return a position's place; `c.-3` and `c.5` have one origin (there is no 0), an intron's bases count from their exon."""
    found = POINT.fullmatch(text)
    if found is None:
        return None
    side, number, direction, offset = found.groups()
    if offset is not None:
        return _Point((side + number, direction), int(direction + offset))
    return _Point(("*", "") if side == "*" else ("", ""), -int(number) if side == "-" else int(number))


def _cased(text: str) -> str:
    """Return upper-case text with its words in lower case, as HGVS writes them."""
    return LOWER.sub(lambda found: found[0].lower(), text)
