"""What is wrong with a record as a whole (contract section 8.1): its cells' validations, and what no cell can know alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from models.classifications.keys import Key, Option, key_set
from models.classifications.state import Evidence

SIGNIFICANCE = "clinical_significance"
SOMATIC_SIGNIFICANCE = "somatic:clinical_significance"
INTERPRETATION = "interpretation_summary"
NAMESPACE_KEYS = ("allele_origin", "assertion_method")  # their values switch namespaces on
TIERS_BY_LEVEL: Mapping[str, frozenset[str]] = {
    "amp:level_a": frozenset(["tier_1", "tier_1_or_2"]),
    "amp:level_b": frozenset(["tier_1", "tier_1_or_2"]),
    "amp:level_c": frozenset(["tier_2", "tier_1_or_2"]),
    "amp:level_d": frozenset(["tier_2", "tier_1_or_2"]),
}
SOMATIC_ONLY = (SOMATIC_SIGNIFICANCE, *TIERS_BY_LEVEL)
VERSIONED = re.compile(r".+\.[0-9]+", re.DOTALL)
IN_SENTENCE = r"(?:[^.]|\.(?!\s)){0,300}"  # a full stop inside a name, as in c.1A>G, ends nothing
CLASSIFIED = re.compile(rf"this variant\b{IN_SENTENCE}?\bclassified\b({IN_SENTENCE})", re.IGNORECASE)
SIGNIFICANCE_WORDS = re.compile(
    r"\b(?:(likely[\s_-]+)?(pathogenic|benign|oncogenic)|uncertain[\s_-]+significance|unknown[\s_-]+significance|VUS)\b",
    re.IGNORECASE,
)
CODES = {"pathogenic": "P", "benign": "B", "oncogenic": "O"}


def messages(evidence: Evidence) -> list[dict[str, Any]]:
    """Return {key, severity, code, message} for all that is wrong, sorted by key and code."""
    found = [*_of_cells(evidence), *_missing(evidence), *_cross_checks(evidence)]
    return sorted(found, key=lambda message: f"{message['key']}:{message['code']}")


def blocks_publishing(evidence: Evidence) -> bool:
    """Say whether any error keeps the record from being published (12). Makes no messages: bulk asks it for every record."""
    if any(_value(evidence, name) is None for name in _always_mandatory()) or _lacks_significance(evidence):
        return True
    for cell in evidence.values():
        if "validation" in cell and any(entry["severity"] == "error" for entry in cell["validation"]):
            return True
    return bool(_namespaced_mandatory()) and any(_missing(evidence))


def active_namespaces(evidence: Evidence) -> frozenset[str]:
    """Return the namespaces that the record's own values switch on (19.1)."""
    options = [option for name in NAMESPACE_KEYS for option in _chosen(name, _value(evidence, name))]
    return frozenset(namespace for option in options for namespace in option.namespaces)


def counts(key: Key, namespaces: frozenset[str]) -> bool:
    """Say whether a key is mandatory for a record with these active namespaces."""
    return key.mandatory and (key.namespace is None or key.namespace in namespaces)


def _chosen(name: str, value: Any) -> list[Option]:
    key = key_set().get(name)
    chosen = value if isinstance(value, list) else [value]
    return [option for option in key.options if option.key in chosen] if key else []


@lru_cache(maxsize=1)
def _always_mandatory() -> tuple[str, ...]:
    return tuple(key.name for key in key_set().all() if counts(key, frozenset()))


@lru_cache(maxsize=1)
def _namespaced_mandatory() -> tuple[Key, ...]:
    return tuple(key for key in key_set().all() if key.mandatory and key.namespace is not None)


def _value(evidence: Evidence, name: str) -> Any:
    cell = evidence.get(name)
    return cell.get("value") if cell else None


def _of_cells(evidence: Evidence) -> Iterable[dict[str, Any]]:
    for name, cell in evidence.items():
        for entry in cell.get("validation", ()):
            yield {"key": name, **entry}


def _missing(evidence: Evidence) -> Iterable[dict[str, Any]]:
    namespaces = active_namespaces(evidence) if _namespaced_mandatory() else frozenset()
    namespaced = [key.name for key in _namespaced_mandatory() if counts(key, namespaces)]
    for name in (*_always_mandatory(), *namespaced):
        if _value(evidence, name) is None:
            yield _message("error", name, "mandatory", "A value is needed.")
    if _lacks_significance(evidence):
        yield _message("error", SIGNIFICANCE, "missing_significance", "A classification is needed.")


def _is_germline(evidence: Evidence) -> bool:
    """A record that does not say is treated as germline (8.1)."""
    return _value(evidence, "allele_origin") in (None, "germline")


def _lacks_significance(evidence: Evidence) -> bool:
    if _value(evidence, SIGNIFICANCE) is not None:
        return False
    return _is_germline(evidence) or _value(evidence, SOMATIC_SIGNIFICANCE) is None


def _cross_checks(evidence: Evidence) -> Iterable[dict[str, Any]]:
    transcript = _value(evidence, "refseq_transcript_id")
    if transcript is not None and not VERSIONED.fullmatch(transcript):
        yield _warning("refseq_transcript_id", "unknown_transcript", "The transcript has no version.")
    yield from _out_of_place(evidence) if _is_germline(evidence) else _mismatched_tiers(evidence)
    if _contradicted(_value(evidence, SIGNIFICANCE), _value(evidence, INTERPRETATION)):
        yield _warning(INTERPRETATION, "cs_mismatch", "The text names another classification than the record has.")


def _out_of_place(evidence: Evidence) -> Iterable[dict[str, Any]]:
    for name in SOMATIC_ONLY:
        if _value(evidence, name) is not None:
            yield _warning(name, "invalid_for_germline", "This is for somatic records only.")


def _mismatched_tiers(evidence: Evidence) -> Iterable[dict[str, Any]]:
    tier = _value(evidence, SOMATIC_SIGNIFICANCE)
    for name, tiers in TIERS_BY_LEVEL.items():
        if _value(evidence, name) is not None and not (isinstance(tier, str) and tier in tiers):
            expected = "Tier I" if "tier_1" in tiers else "Tier II"
            yield _warning(name, "somatic_mismatched_level", f"This level goes with {expected}.")


def _contradicted(significance: Any, text: Any) -> bool:
    """Say whether a sentence "this variant ... classified ..." names significances, and none of them is the record's."""
    if not isinstance(text, str) or not isinstance(significance, str):
        return False
    own = "VUS" if significance.startswith("VUS") else significance
    said = {_code(found) for sentence in CLASSIFIED.finditer(text) for found in SIGNIFICANCE_WORDS.finditer(sentence[1])}
    return bool(said) and own in {"B", "LB", "VUS", "LP", "P", "LO", "O"} and own not in said


def _code(found: re.Match[str]) -> str:
    if found[2] is None:
        return "VUS"
    return ("L" if found[1] else "") + CODES[found[2].lower()]


def _warning(key: str, code: str, text: str) -> dict[str, Any]:
    return _message("warning", key, code, text)


def _message(severity: str, key: str, code: str, text: str) -> dict[str, Any]:
    return {"key": key, "severity": severity, "code": code, "message": text}
