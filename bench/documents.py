"""Evidence operations of realistic shape, a pure function of their number."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec

from models.classifications.keys import Key, key_set

SEED = 1863
LABS = [f"bench_{org}/lab_{lab}" for org in range(4) for lab in range(5)]
PUBLISH = ("lab", "institution", "logged_in_users", "public")
WORDS = tuple(
    word
    for line in (
        "proband variant segregates with disease in family absent from controls observed once reported by laboratory assay",
        "shows reduced activity splice donor lost conserved residue domain functional evidence moderate supporting strong",
        "review panel agreed phenotype consistent onset childhood maternal paternal unknown phase second likely carrier",
    )
    for word in line.split()
)
GENES = ("CBS", "BRCA1", "MYH7", "PAH", "LDLR", "PTEN", "GAA", "TP53", "MSH2", "RYR1", "CDH1", "SCN5A", "FBN1", "GJB2", "CFTR")
FIRST = ("c_hgvs", "gene_symbol", "genome_build", "clinical_significance", "condition", "allele_origin", "zygosity")
LOCKED = {key.name for key in key_set().all() if key.system_locked}
OTHERS = [
    key for key in key_set().all()
    if key.name not in FIRST and key.name not in LOCKED and key.value_type in "FTSMCLIND" and "horak" not in key.name
]  # fmt: skip


def _text(dice: random.Random, most: int) -> str:
    text = " ".join(dice.choices(WORDS, k=dice.randint(3, most)))
    return f"{text} PMID: {dice.randint(10**6, 4 * 10**7)}" if dice.random() < 0.3 else text


def _value(dice: random.Random, key: Key) -> Any:
    options = [option.key for option in key.options]
    match key.value_type:
        case "S" | "C":
            return dice.choice(options) if options else _text(dice, 3)
        case "M":
            return dice.sample(options, min(len(options), dice.randint(1, 2)))
        case "L" | "N":
            return round(dice.random(), 6)
        case "I":
            return dice.randint(0, 120)
        case "D":
            return f"{dice.randint(2012, 2026)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
        case _:
            return _text(dice, 14)


def _cell(dice: random.Random, key: Key) -> Any:
    cell = {"value": _value(dice, key)}
    share = dice.random()
    if share < 0.35:
        return cell["value"]
    if share > 0.7:
        cell["note"] = _text(dice, 8)
    return cell


def name(number: int) -> str:
    """Return the id of record `number`."""
    return f"{LABS[number % len(LABS)]}/B{number:08}"


def upsert(number: int, edition: int = 0) -> dict[str, Any]:
    """Return the operation that creates record `number`, or with another edition replaces most of its values."""
    dice = random.Random(SEED * 1_000_003 + number * 31 + edition)
    gene = GENES[number % len(GENES)]
    evidence: dict[str, Any] = {
        "c_hgvs": f"NM_{number % 999_999:06}.2({gene}):c.{number % 9973 + 1}C>T",
        "gene_symbol": gene,
        "genome_build": "GRCh38",
        "clinical_significance": dice.choice(("B", "LB", "VUS", "LP", "P")),
        "condition": f"MONDO:{dice.randint(1, 99_999):07} {_text(dice, 4)}",
        "allele_origin": "germline",
        "zygosity": "heterozygous",
    }
    evidence |= {key.name: _cell(dice, key) for key in dice.sample(OTHERS, dice.randint(18, 48))}
    return {"id": name(number), "upsert": evidence, "publish": PUBLISH[number % 4]}


def brief(number: int) -> dict[str, Any]:
    """Return an operation that creates record `number` with few values, so that many fit into one body."""
    whole = upsert(number)
    return whole | {"upsert": {key: whole["upsert"][key] for key in list(whole["upsert"])[:16]}}


def patch(number: int, edition: int = 0) -> dict[str, Any]:
    """Return an operation that changes a few keys of record `number`."""
    dice = random.Random(SEED * 7_000_003 + number * 31 + edition)
    return {"id": name(number), "patch": {key.name: _cell(dice, key) for key in dice.sample(OTHERS, dice.randint(1, 6))}}


def lines(operations: Iterator[dict[str, Any]]) -> bytes:
    """Return operations as an NDJSON body."""
    return b"\n".join(map(msgspec.json.encode, operations)) + b"\n"


def accounts() -> dict[str, Any]:
    """Return the labs of the documents, and a loader who is a member of all of them."""
    loader = {
        "name": "bench",
        "email": "bench@example.org",
        "labs": LABS,
        "superuser": False,
        "api_key": "bench-key-of-the-loader",
    }
    return {
        "organisations": [{"group_name": group, "name": group} for group in sorted({lab.split("/")[0] for lab in LABS})],
        "labs": [{"group_name": lab, "name": lab, "organisation": lab.split("/")[0]} for lab in LABS],
        "users": [loader],
        "projects": [],
    }
