"""Ids: what each form names, what is refused, and that every id we write is read back (contract section 3)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.classifications.record_id import dump_id, lane_key, parse_id, parse_url_id
from models.classifications.state import Target
from models.errors import AmbiguousId, InvalidId, Refused

LAB = "xyz_pathology/north_street_lab"
VERSION = 1557189685485863

NAMED = [
    (f"{LAB}/F03432", Target(lab=LAB, lab_record_id="F03432")),
    (f"{LAB}/F03432.1557189685.485863", Target(lab=LAB, lab_record_id="F03432", version=VERSION)),
    (f"{LAB}/a b,c:d(e)>f", Target(lab=LAB, lab_record_id="a b,c:d(e)>f")),
    (f"{LAB}/50%", Target(lab=LAB, lab_record_id="50%")),
    (f"{LAB}/S%2E1%2F2", Target(lab=LAB, lab_record_id="S.1/2")),
    (f"{LAB}/Zo%C3%AB", Target(lab=LAB, lab_record_id="Zoë")),
    ("1453", Target(rid=1453)),
    (1453, Target(rid=1453)),
    ("1453.1557189685.485863", Target(rid=1453, version=VERSION)),
    ("1453.1557189685", Target(rid=1453, version=1557189685000000)),
    ({"rid": 1453}, Target(rid=1453)),
    ({"record_id": "1453"}, Target(rid=1453)),
    ({"rid": 1453, "lab_id": None, "lab_record_id": None}, Target(rid=1453)),
    ({"rid": 1453, "version": "1557189685.485863"}, Target(rid=1453, version=VERSION)),
    ({"lab_id": LAB, "lab_record_id": "F03432"}, Target(lab=LAB, lab_record_id="F03432")),
    ({"lab_id": LAB, "lab_record_id": 3432}, Target(lab=LAB, lab_record_id="3432")),
    ({"lab_id": LAB, "lab_record_id": "a.b/c.1 %2E"}, Target(lab=LAB, lab_record_id="a.b/c.1 %2E")),
    ({"lab_id": LAB, "lab_record_id": "F", "version": 1557189685.485863}, Target(lab=LAB, lab_record_id="F", version=VERSION)),
    ({"lab_id": LAB, "lab_record_id": "F", "version": 1557189685}, Target(lab=LAB, lab_record_id="F", version=1557189685000000)),
    ({"lab_id": LAB}, Target(lab=LAB)),
    ({"lab_id": LAB, "lab_record_id": None}, Target(lab=LAB)),
    ({"lab_id": LAB, "lab_record_id": "x" * 1000}, Target(lab=LAB, lab_record_id="x" * 1000)),
]

REFUSED = [
    ("", "/id"),
    ("abc", "/id"),
    ("1453x", "/id"),
    ("-1", "/id"),
    ("٣", "/id"),
    ("9" * 19, "/id"),
    ("1" * 5000, "/id"),
    (0, "/id"),
    (-7, "/id"),
    (2**63, "/id"),
    (1.5, "/id"),
    (1453.0, "/id"),
    (True, "/id"),
    (None, "/id"),
    ([], "/id"),
    ({}, "/id"),
    (f"{LAB}/", "/id"),
    (f"{LAB}/F.", "/id"),
    (f"{LAB}/F.x1", "/id"),
    (f"{LAB}/F.1e5", "/id"),
    (f"{LAB}/F%FF", "/id"),
    (f"{LAB}/F%00", "/id"),
    (f"{LAB}/F\x00", "/id"),
    (f"{LAB}/F\n", "/id"),
    (f"{LAB}/F\x85", "/id"),
    (f"{LAB}/\ud800", "/id"),
    (f"{LAB}/" + "x" * 1001, "/id"),
    (f"{LAB}/" + "漢" * 900, "/id"),
    ("/F", "/id"),
    ({"lab_record_id": "F"}, "/id"),
    ({"version": 1}, "/id"),
    ({"lab_id": LAB, "lab_record_id": ""}, "/id/lab_record_id"),
    ({"lab_id": LAB, "lab_record_id": True}, "/id/lab_record_id"),
    ({"lab_id": LAB, "lab_record_id": 1.5}, "/id/lab_record_id"),
    ({"lab_id": LAB, "lab_record_id": 10**5000}, "/id/lab_record_id"),
    ({"lab_id": LAB, "lab_record_id": ["F"]}, "/id/lab_record_id"),
    ({"lab_id": 7, "lab_record_id": "F"}, "/id/lab_id"),
    ({"lab_id": "", "lab_record_id": "F"}, "/id/lab_id"),
    ({"lab_id": LAB, "lab_record_id": "F", "version": "x"}, "/id/version"),
    ({"lab_id": LAB, "lab_record_id": "F", "version": True}, "/id/version"),
    ({"lab_id": LAB, "lab_record_id": "F", "version": -1}, "/id/version"),
    ({"lab_id": LAB, "lab_record_id": "F", "version": 10**5000}, "/id/version"),
    ({"rid": "abc"}, "/id/rid"),
    ({"rid": 1.0}, "/id/rid"),
    ({"rid": 0}, "/id/rid"),
    ({"rid": 1, "who/are": 2}, "/id/who~1are"),
]


@pytest.mark.parametrize(("value", "target"), NAMED)
def test_s3_every_form_of_an_id_names_its_record(value: Any, target: Target) -> None:
    assert parse_id(value) == target


@pytest.mark.parametrize(("value", "pointer"), REFUSED)
def test_s3_an_id_that_names_nothing_is_refused_where_it_fails(value: Any, pointer: str) -> None:
    with pytest.raises(InvalidId) as refused:
        parse_id(value)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    "value",
    [{"rid": 1, "lab_id": LAB}, {"rid": 1, "lab_record_id": "F"}, {"rid": 1, "record_id": 1}, {"record_id": 1, "lab_id": LAB}],
)
def test_s3_2_a_rid_stands_alone(value: Any) -> None:
    with pytest.raises(AmbiguousId):
        parse_id(value)


def test_s3_ids_are_compared_after_composing_characters() -> None:
    composed, apart = parse_id(f"{LAB}/Zo\u00eb"), parse_id({"lab_id": LAB, "lab_record_id": "Zoe\u0308"})
    assert composed == apart


def test_s3_a_url_id_may_carry_the_lab_path_and_has_no_pointer() -> None:
    assert parse_url_id(f"{LAB}/F03432.1557189685.485863") == Target(lab=LAB, lab_record_id="F03432", version=VERSION)
    with pytest.raises(InvalidId) as refused:
        parse_url_id("nothing")
    assert refused.value.pointer is None


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (f"{LAB}/F", f"{LAB}/F"),
        (f"{LAB}/F.1557189685", f"{LAB}/F"),
        ({"lab_id": LAB, "lab_record_id": "F"}, f"{LAB}/F"),
        ("12", 12),
        ({"record_id": "12"}, 12),
        ({"lab_id": LAB}, None),
        ("nothing", None),
        (None, None),
        ({"rid": 1, "lab_id": LAB}, None),
    ],
)
def test_s3_all_ids_of_one_record_share_a_lane(value: Any, key: str | int | None) -> None:
    assert lane_key(value) == key


unfit = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(unfit | st.sampled_from("./%2Ee\u0301"), min_size=1, max_size=40))
def test_s3_every_id_we_write_is_read_back_as_the_same_record(record: str) -> None:
    target = parse_id({"lab_id": "a.b/c%41", "lab_record_id": record})
    again = parse_id(dump_id(str(target.lab), str(target.lab_record_id)))
    assert again == target


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["rid", "lab_id", "lab_record_id", "version"]), inner, max_size=4)
    ),
    max_leaves=6,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(json_values)
def test_s3_no_json_value_makes_an_id_fail_otherwise_than_by_a_refusal(value: Any) -> None:
    lane_key(value)
    try:
        parse_id(value)
    except Refused as refused:
        assert refused.detail
        json.dumps(refused.pointer)
