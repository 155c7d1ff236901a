"""Criteria strengths: their points, and the texts that exports make of them (contract section 10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias

from models.classifications.keys import Key, key_set
from models.classifications.state import Evidence

Met: TypeAlias = Iterable[tuple[Key, str]]
POINTS: Mapping[str, int | None] = {
    "BA": -8,
    "BS": -4,
    "BM": -2,
    "BP": -1,
    "BX": None,
    "N": 0,
    "NM": 0,
    "NA": 0,
    "PP": 1,
    "PM": 2,
    "PS": 4,
    "PVS": 8,
    "PX": None,
}
NOT_MET = frozenset(["N", "NM", "NA"])
COUNTED = ("BA", "BS", "BM", "BP", "BX", "PP", "PM", "PS", "PVS", "PX")
UNSPECIFIED = {"BX": "B(Unspecified)", "PX": "P(Unspecified)"}
BY_POINTS = "horak"


def is_met(strength: object) -> bool:
    """Say whether a stored criteria value counts: any known strength but not met, not applicable and neutral."""
    return isinstance(strength, str) and strength in POINTS and strength not in NOT_MET


def evidence_weights(evidence: Evidence) -> str:
    """Return how many criteria are met at each strength, `1xBS, 2xPM`."""
    return weights_of(met_of(evidence))


def weights_of(met: Met) -> str:
    """Return how many criteria are met at each strength.

    BM is counted with the others; the reference leaves it out, which the contract calls a defect.
    """
    counts: dict[str, int] = {}
    for _, strength in met:
        counts[strength] = counts.get(strength, 0) + 1
    return ", ".join([f"{counts[word]}x{UNSPECIFIED.get(word, word)}" for word in COUNTED if word in counts]) if counts else ""


def summary_of(met: Met) -> str:
    """Return met criteria in their order, with their strength where it is not the default: `BP4_S, PM2`."""
    return ", ".join([_summary(key, strength) for key, strength in met])


def met_of(evidence: Evidence) -> Met:
    """Give the criteria that are met, each with its strength, in the order of the keys."""
    for key in _criteria():
        cell = evidence.get(key.name)
        if cell is not None and is_met(cell.get("value")):
            yield key, str(cell["value"])


@lru_cache(maxsize=1)
def _criteria() -> tuple[Key, ...]:
    return tuple(key for key in key_set().all() if key.value_type == "C")


def _summary(key: Key, strength: str) -> str:
    if strength == key.default_strength:
        return key.label
    points = POINTS[strength]
    if points is None:
        return f"{key.label}_{strength[0]}_unspecified"
    if key.namespace == BY_POINTS:
        return f"{key.label}_{abs(points)}_points"
    same_direction = strength[0] == (key.default_strength or "")[:1]
    return f"{key.label}_{strength[1:] if same_direction else strength}"
