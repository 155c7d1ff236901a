"""Criteria strengths and the texts made of them (contract section 10)."""

from __future__ import annotations

import pytest

from models.classifications.criteria import POINTS, evidence_weights, is_met, met_of, summary_of
from models.classifications.evidence import Rules, merge
from models.classifications.keys import key_set
from models.classifications.state import Evidence


def _evidence(**strengths: object) -> Evidence:
    return merge({}, strengths, Rules("create")).evidence


def test_s10_every_option_of_every_criterion_has_points() -> None:
    assert {option.key for key in key_set().all() if key.value_type == "C" for option in key.options} == POINTS.keys()


def test_s10_default_strengths_are_the_letters_of_an_acmg_name() -> None:
    acmg = [key for key in key_set().all() if key.namespace == "acmg" and key.value_type == "C"]
    assert len(acmg) == 28
    assert all(key.default_strength == key.label.rstrip("0123456789") for key in acmg)
    assert all([option.key for option in key.options if option.default] == [key.default_strength] for key in acmg)


@pytest.mark.parametrize(
    ("strength", "met"),
    [("NM", False), ("NA", False), ("N", False), (None, False), ("maybe", False), (["BP"], False), ("BP", True), ("PX", True)],
)
def test_s10_met(strength: object, met: bool) -> None:
    assert is_met(strength) is met


@pytest.mark.parametrize(
    ("strengths", "weights"),
    [
        ({}, ""),
        ({"pm1": "PM", "pm2": True, "bs1": "BS", "bp4": "NM"}, "1xBS, 2xPM"),
        ({"pvs1": "PVS", "ba1": "BA", "pp1": "PX", "bp1": "BX"}, "1xBA, 1xB(Unspecified), 1xPVS, 1xP(Unspecified)"),
        ({"bp4": "BM", "bp1": "BP"}, "1xBM, 1xBP"),
        ({"bp4": "PM"}, "1xPM"),
    ],
)
def test_s10_evidence_weights(strengths: dict[str, object], weights: str) -> None:
    assert evidence_weights(_evidence(**strengths)) == weights


@pytest.mark.parametrize(
    ("strengths", "summary"),
    [
        ({"bp4": "BP"}, "BP4"),
        ({"bp4": "BS"}, "BP4_S"),
        ({"pm2": "PP"}, "PM2_P"),
        ({"pm2": "PVS"}, "PM2_VS"),
        ({"bp4": "PM"}, "BP4_PM"),
        ({"pm2": "PX"}, "PM2_P_unspecified"),
        ({"bp4": "BX"}, "BP4_B_unspecified"),
        ({"om1": "PP"}, "OM1_1_points"),
        ({"om1": "PM"}, "OM1"),
        ({"bp4": "NM", "pm2": "NA"}, ""),
        ({"pp4": True, "ba1": True}, "BA1, PP4"),
    ],
)
def test_s10_criteria_summary(strengths: dict[str, object], summary: str) -> None:
    assert summary_of(met_of(_evidence(**strengths))) == summary
