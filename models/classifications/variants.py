"""Which variant a record is about, as a text that equal variants share: `GRCh38:NC_000012.12:g.102852851del`. Pure.

Texts are normalised, sequences are not known here: what only the genome can tell (a deletion written one place to the left, a
transcript's place on the genome, the next version of a transcript) stays different. See docs/adr/012-variants.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from models.classifications.changes import normalise_change
from models.classifications.keys import key_set
from models.classifications.state import Cell

VARIANT_KEYS = frozenset(
    (
        "genome_build",
        "g_hgvs",
        "variant_coordinate",
        "c_hgvs",
        "refseq_transcript_id",
        "ensembl_transcript_id",
        "lrg_id",
    )
)
TRANSCRIPT_KEYS = ("refseq_transcript_id", "ensembl_transcript_id", "lrg_id")
LONGEST = 300  # characters of a key; the rest of a longer one is told by its digest
KEPT = 200

GRCH37, GRCH38, T2T = "GRCh37", "GRCh38", "T2T-CHM13v2.0"
BUILDS: Mapping[str, str] = {
    "grch37": GRCH37,
    "hg19": GRCH37,
    "b37": GRCH37,
    "hs37d5": GRCH37,
    "g1k_v37": GRCH37,
    "37": GRCH37,
    "grch38": GRCH38,
    "hg38": GRCH38,
    "b38": GRCH38,
    "38": GRCH38,
    "t2t-chm13v2.0": T2T,
    "t2tchm13v2.0": T2T,
    "chm13v2.0": T2T,
    "hs1": T2T,
}
NAMES = frozenset(BUILDS.values())
PATCH = re.compile(r"(?:\.?p[0-9]{1,3})?$")
VERSIONS_37 = (10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9)  # of NC_000001 to NC_000024
MITOCHONDRION = "NC_012920.1"  # the same in both builds

DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2212", "------")
EXPRESSION = re.compile(r"(?:([^():]+)(?:\([^():]*\))?:)?([gcmnor])\.(.+)", re.DOTALL | re.IGNORECASE)
COORDINATE = re.compile(
    r"(?:chr)?([0-9]{1,2}|x|y|mt?|nc_[0-9]+\.[0-9]+):([0-9]{1,10})[:_]?([acgt]+)[>/:]([acgt]+)", re.IGNORECASE
)
# What is written as keys have it, which most is, takes the short way.
PLAIN_EDIT = r"(?:(?P<base>[ACGT])>(?!(?P=base))[ACGT]|del|dup)"
PLAIN = re.compile(rf"(NC_0000[0-9]{{2}}\.[0-9]{{1,2}}):g\.(?:[0-9]+{PLAIN_EDIT}|([0-9]+)_(?!\3d)[0-9]+(?:del|dup))")
PLAIN_CODING = re.compile(rf"(N[MR]_[0-9]+\.[0-9]+)(?:\([A-Z0-9-]+\))?:([cn]\.[*-]?[0-9]+(?:[+-][0-9]+)?{PLAIN_EDIT})")
CHROMOSOME = re.compile(r"(?:chr)?([0-9]{1,2}|x|y|mt?)", re.IGNORECASE)
DIGESTED = re.compile(rf".{{{KEPT}}}~[0-9a-f]{{64}}")
LRG = re.compile(r"LRG_([0-9]+)(?:T([0-9]+))?", re.IGNORECASE)


def _contigs() -> dict[tuple[str, str], str]:
    """Return (build, chromosome) -> accession. GRCh38 raised the version of each chromosome by one."""
    names = [*map(str, range(1, 23)), "X", "Y"]
    contigs = {(build, "MT"): MITOCHONDRION for build in (GRCH37, GRCH38)}
    for place, (name, version) in enumerate(zip(names, VERSIONS_37, strict=True), 1):
        contigs[(GRCH37, name)] = f"NC_{place:06d}.{version}"
        contigs[(GRCH38, name)] = f"NC_{place:06d}.{version + 1}"
        contigs[(T2T, name)] = f"NC_{60924 + place:06d}.1"
    return contigs


CONTIGS = _contigs()
BUILD_OF = {accession: build for (build, _), accession in CONTIGS.items() if accession != MITOCHONDRION}


def variant_key(evidence: Mapping[str, Cell]) -> str | None:
    """Return what names a record's variant, None where its evidence does not tell: g.HGVS, else the coordinate, else c.HGVS."""
    stated = _text(evidence, "genome_build")
    build = stated if stated in NAMES else normalise_build(stated)
    genomic, place, coding = _text(evidence, "g_hgvs"), _text(evidence, "variant_coordinate"), _text(evidence, "c_hgvs")
    key = (genomic and genomic_key(genomic, build)) or (place and coordinate_key(place, build))
    return bounded(key or (coding and _of_transcript(coding, build, evidence)) or None)


def significance(evidence: Mapping[str, Cell]) -> str | None:
    """Return the classification by which a record is compared with others, None where it has none that can be."""
    said = _text(evidence, "clinical_significance")
    return said if said in buckets() else None


@lru_cache(maxsize=1)
def buckets() -> Mapping[str, int]:
    """Return the classifications that are compared, each with its bucket; what has no bucket contradicts nobody."""
    key = key_set().get("clinical_significance")
    return {option.key: option.bucket for option in key.options if option.bucket is not None} if key else {}


def normalise_key(text: str) -> str:
    """Return a variant key as a client wrote it in the form in which keys are kept; what is none stays as it is."""
    compact = _compact(text)
    if DIGESTED.fullmatch(compact):
        return compact
    head, colon, rest = compact.partition(":")
    build = normalise_build(head) if colon else None
    expression = rest if build else compact
    key = genomic_key(expression, build) or coordinate_key(expression, build) or transcript_key(expression, build)
    return bounded(key) or text.strip()


def normalise_build(text: str) -> str | None:
    """Return a genome build's name without its patch, None for what is no build known here."""
    name = _compact(text).lower()
    return BUILDS.get(name) or BUILDS.get(PATCH.sub("", name))


def genomic_key(text: str, build: str | None) -> str | None:
    """Return the key of a g. or m. expression. The build of a chromosome's accession is its own, whatever the record says."""
    plain = PLAIN.fullmatch(text)
    if plain and plain[1] in BUILD_OF:
        return f"{BUILD_OF[plain[1]]}:{text}"
    found = EXPRESSION.fullmatch(_compact(text))
    if found is None or not found[1] or found[2].lower() not in "gmo":
        return None
    accession = _contig(found[1], build)
    build = BUILD_OF.get(accession or "", build)
    if accession is None or build is None:
        return None
    kind = "m" if accession == MITOCHONDRION else found[2].lower()
    return f"{build}:{accession}:{kind}.{normalise_change(found[3])}"


def coordinate_key(text: str, build: str | None) -> str | None:
    """Return the key of a place with the bases before and after, `12:102917130 T>C`, as the g. expression it stands for."""
    found = COORDINATE.fullmatch(_compact(text))
    if found is None:
        return None
    before, after, start = found[3].upper(), found[4].upper(), int(found[2])
    while before and after and before[0] == after[0] and len(before) != len(after):
        before, after, start = before[1:], after[1:], start + 1
    return genomic_key(f"{found[1]}:g.{_written(start, before, after)}", build)


def _written(start: int, before: str, after: str) -> str:
    if not before:
        return f"{start - 1}_{start}ins{after}"
    if len(before) == len(after) == 1:
        return f"{start}{before}>{after}"
    return f"{start}_{start + len(before) - 1}del{f'ins{after}' if after else ''}"


def transcript_key(text: str, build: str | None, transcript: str = "") -> str | None:
    """Return the key of a c., n. or r. expression on the transcript it names, or on the record's own. The gene is left out."""
    plain = PLAIN_CODING.fullmatch(text)
    if plain and build:
        return f"{build}:{plain[1]}:{plain[2]}"
    found = EXPRESSION.fullmatch(_compact(text))
    if found is None or build is None or found[2].lower() not in "cnr":
        return None
    accession = _accession(found[1] or _compact(transcript))
    return f"{build}:{accession}:{found[2].lower()}.{normalise_change(found[3])}" if accession else None


def _of_transcript(text: str, build: str | None, evidence: Mapping[str, Cell]) -> str | None:
    """Return the key of an expression on its own transcript, or on the one that the record names beside it."""
    found = transcript_key(text, build)
    if found or build is None:
        return found
    return transcript_key(text, build, next(filter(None, (_text(evidence, key) for key in TRANSCRIPT_KEYS)), ""))


def bounded(key: str | None) -> str | None:
    """Return a key that an index and a cursor can hold; what no HGVS expression can be is none."""
    if key is None or not (key.isascii() and key.isprintable()):
        return None
    return key if len(key) <= LONGEST else f"{key[:KEPT]}~{sha256(key.encode()).hexdigest()}"


def _contig(text: str, build: str | None) -> str | None:
    """Return an accession; of a chromosome's name the one that it has in the build."""
    found = CHROMOSOME.fullmatch(text)
    if found is None:
        return _accession(text)
    name = found[1].upper().lstrip("0")
    return CONTIGS.get((build or "", "MT" if name == "M" else name))


def _accession(text: str) -> str | None:
    lrg = LRG.fullmatch(text)
    if lrg:
        return f"LRG_{lrg[1]}" + (f"t{lrg[2]}" if lrg[2] else "")
    return text.upper() or None


def _compact(text: str) -> str:
    return "".join(text.replace("&gt;", ">").translate(DASHES).split())


def _text(evidence: Mapping[str, Cell], name: str) -> str:
    cell = evidence.get(name)
    value: Any = cell.get("value") if cell else None
    return value if isinstance(value, str) else ""
