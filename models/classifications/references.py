"""Identifiers of other databases in texts (contract section 8, "External references"). Found when read, never stored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from models.classifications.state import Cell

TEXT_TYPES = frozenset("FT")
NUMBER = r"[0-9]{3,12}"
ONTOLOGY = r"[0-9]{4,12}"
CLOSING = ".,;:!?)]}>'\""


@dataclass(frozen=True, slots=True)
class Database:
    """One source of identifiers. `prefixes` and `pattern` are regular expressions; the two texts take `{}` for the identifier."""

    db: str
    prefixes: str
    pattern: str
    id: str
    url: str
    listed: bool = False  # one prefix may be followed by several identifiers with commas between


def _obo(db: str, prefixes: str) -> Database:
    return Database(db, prefixes, ONTOLOGY, db + ":{}", "https://purl.obolibrary.org/obo/" + db + "_{}", listed=True)


DATABASES = (
    Database("PMID", "PMID|PubMed", NUMBER, "PMID: {}", "https://pubmed.ncbi.nlm.nih.gov/{}", listed=True),
    Database(
        "PMCID",
        "PMCID|PubMedCentral|PMC",
        rf"(?:PMC)?{NUMBER}",
        "PMCID: PMC{}",
        "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC{}",
        listed=True,
    ),
    Database("NIHMS", "NIHMSID|NIHMS", NUMBER, "NIHMS: {}", "https://www.ncbi.nlm.nih.gov/pmc/?term=NIHMS{}", listed=True),
    Database(
        "NCBIBookShelf",
        "NCBIBookShelf|BookShelf",
        rf"(?:NBK)?{NUMBER}",
        "NCBIBookShelf: NBK{}",
        "https://www.ncbi.nlm.nih.gov/books/NBK{}",
        listed=True,
    ),
    Database("VariationID", "VariationID", NUMBER, "VariationID: {}", "https://www.ncbi.nlm.nih.gov/clinvar/variation/{}", True),
    Database("OMIM", "OMIM|MIM", r"[0-9]{6}", "OMIM:{}", "https://www.omim.org/entry/{}", listed=True),
    Database("ORPHA", "ORPHANET|ORPHA", NUMBER, "ORPHA:{}", "https://www.orpha.net/en/disease/detail/{}", listed=True),
    Database(
        "HGNC", "HGNC", NUMBER, "HGNC:{}", "https://www.genenames.org/data/gene-symbol-report/#!/hgnc_id/HGNC:{}", listed=True
    ),
    Database(
        "SNOMEDCT", "SNOMEDCT", r"[0-9]{6,18}", "SNOMEDCT:{}", "https://browser.ihtsdotools.org/?conceptId1={}", listed=True
    ),
    Database("GTR", "GTR", r"[0-9]{6,12}(?:\.[0-9]+)?", "GTR:{}", "https://www.ncbi.nlm.nih.gov/gtr/tests/GTR{}", listed=True),
    Database("MedGen", "MedGen", r"(?:CN?)?[0-9]{3,12}", "MedGen:{}", "https://www.ncbi.nlm.nih.gov/medgen/{}"),
    Database("UniProtKB", "UniProtKB", r"[A-Z][A-Z0-9]{5,9}", "UniProtKB:{}", "https://www.uniprot.org/uniprotkb/{}"),
    Database("COSM", "COSM", NUMBER, "COSM{}", "https://cancer.sanger.ac.uk/cosmic/mutation/overview?id={}"),
    Database(
        "CA", "CA", NUMBER, "CA{}", "https://reg.clinicalgenome.org/redmine/projects/registry/genboree_registry/by_caid?caid=CA{}"
    ),
    Database("rs", "rs", NUMBER, "rs{}", "https://www.ncbi.nlm.nih.gov/snp/rs{}"),
    _obo("MONDO", "MONDO"),
    _obo("DOID", "DOID"),
    _obo("HP", "HPO|HP"),
)
BY_GROUP = {f"db{no}": database for no, database in enumerate(DATABASES)}


def _alternative(group: str, database: Database) -> str:
    more = rf"(?:[ ]?,[ ]?{database.pattern}(?![A-Z0-9]))*" if database.listed else ""
    return rf"(?:{database.prefixes})[:#\s]{{0,3}}(?P<{group}>{database.pattern}(?![A-Z0-9]){more})"


REFERENCE = re.compile(
    r"(?P<url>\b(?:https?|ftp)://[^\s<>\"]+)|(?<![A-Z0-9_])(?:"
    + "|".join(_alternative(group, database) for group, database in BY_GROUP.items())
    + ")",
    re.IGNORECASE | re.ASCII,
)
# Exports ask it of every text of every record. Small letters are found faster than letters of either case.
BETWEEN = "\0"
ARTICLE = r"[0-9]{3,12}(?![a-z0-9])"
ARTICLES = re.compile(rf"[:#\s]{{0,3}}({ARTICLE}(?:[ ]?,[ ]?{ARTICLE})*)", re.ASCII).match
WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
HEADS = re.compile(r"^(?:PMC|NBK)", re.IGNORECASE)


def references(text: str) -> list[dict[str, Any]]:
    """Return {id, db, idx, url} for each identifier and address in a text, in order, each once."""
    found = {reference["id"]: reference for match in REFERENCE.finditer(text) for reference in _named(match)}
    return list(found.values())


def cell_references(cell: Cell, value_type: str = "F") -> list[dict[str, Any]]:
    """Return the references in a cell's note, and in its value where it is a text of type F or T."""
    value = cell.get("value") if value_type in TEXT_TYPES else None
    texts = [text for text in (value, cell.get("note")) if isinstance(text, str) and len(text) > 3]
    found = {reference["id"]: reference for text in texts for reference in references(text)}
    return list(found.values())


def articles(texts: Iterable[str]) -> list[str]:
    """Return the ids of the articles that texts name as PubMed has them, in order, each once."""
    before, *parts = _small(BETWEEN.join([*texts, ""])).replace("pubmed", "pmid").split("pmid")
    found: list[str] = []
    for part in parts:
        match = ARTICLES(part + "p")  # as it goes on, but for the last, which ends with what is between texts
        if match is not None and before[-1:] not in WORD:
            listed = match[1]
            found += [listed] if "," not in listed else [number.strip() for number in listed.split(",")]
        before = part or "pmid"
    return ["PMID: " + number for number in dict.fromkeys(found)] if found else found


def _small(text: str) -> str:
    """Return a text with its ASCII letters small, all others as they are."""
    return text.lower() if text.isascii() else text.encode().lower().decode()


def _named(match: re.Match[str]) -> Iterable[dict[str, Any]]:
    group = str(match.lastgroup)
    if group == "url":
        url = match[group].rstrip(CLOSING)
        yield {"id": url, "db": url.partition(":")[0].upper(), "idx": url.partition("//")[2], "url": url}
        return
    database = BY_GROUP[group]
    for idx in match[group].split(","):
        bare = HEADS.sub("", idx.strip()).upper()
        yield {"id": database.id.format(bare), "db": database.db, "idx": bare, "url": database.url.format(bare)}
