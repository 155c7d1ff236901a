"""What a c.HGVS says beside the change: its transcript and its gene (contract section 9). `transcript(gene):change`."""

from __future__ import annotations

import re
from typing import NamedTuple

C_HGVS = re.compile(r"([^():]+)(?:\(([^():]*)\))?:(.+)", re.DOTALL)
BORDERS = frozenset("():")  # between the parts
TRANSCRIPT_KEYS = (
    (re.compile(r"ENST", re.IGNORECASE), "ensembl_transcript_id"),
    (re.compile(r"LRG_", re.IGNORECASE), "lrg_id"),
    (re.compile(r"[NX][MR]_", re.IGNORECASE), "refseq_transcript_id"),
)


class Hgvs(NamedTuple):
    """The parts of a c.HGVS on a transcript. `key` is the evidence key that the transcript belongs to."""

    key: str
    transcript: str
    gene: str
    change: str

    def __str__(self) -> str:
        """Return the text, its gene in capitals."""
        gene = f"({self.gene.upper()})" if self.gene else ""
        return f"{self.transcript}{gene}:{self.change}"

    def with_gene(self, gene: str) -> Hgvs:
        """Return it about a gene, or as it is where the text is no name that could stand in it."""
        return self._replace(gene=gene) if BORDERS.isdisjoint(gene) else self


def parse_hgvs(text: str) -> Hgvs | None:
    """Return the parts, or None for what is on no transcript: what stands in brackets after a genome position is no gene."""
    found = C_HGVS.fullmatch(text)
    if found is None:
        return None
    for pattern, key in TRANSCRIPT_KEYS:
        if pattern.match(found[1]):
            return Hgvs(key, found[1], found[2] or "", found[3])
    return None


def says_the_same(submitted: str, stored: str | None) -> bool:
    """Say whether a c.HGVS differs from a stored one only in what creation added to it: the gene, or the gene's capitals."""
    said, kept = parse_hgvs(submitted), parse_hgvs(stored or "")
    if said is None or kept is None:
        return False
    return (said.transcript, said.change, said.gene.upper() or kept.gene) == (kept.transcript, kept.change, kept.gene)
