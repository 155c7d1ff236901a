"""The envelope of one operation (contract section 4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.classifications.envelope import parse_operation
from models.classifications.state import Level, Operation, Source, Target
from models.errors import Refused

ID = "org/lab/R1"
TARGET = Target(lab="org/lab", lab_record_id="R1")


def parse(**members: Any) -> Operation:
    return parse_operation({"id": ID, **members})


@pytest.mark.parametrize(
    ("member", "verb"),
    [
        ("create", "create"),
        ("patch", "patch"),
        ("patch-empty", "patch-empty"),
        ("upsert", "upsert"),
        ("data", "upsert"),
        ("overwrite", "overwrite"),
    ],
)
def test_s4_evidence_is_sent_under_its_verb(member: str, verb: str) -> None:
    operation = parse_operation({"id": ID, member: {"age": 7}})
    assert (operation.verb, operation.member, operation.evidence) == (verb, member, {"age": 7})


def test_s4_an_id_alone_is_an_operation() -> None:
    assert parse_operation({"id": ID}) == Operation(TARGET)


def test_s4_null_members_count_as_absent() -> None:
    names = ("create", "patch", "publish", "delete", "source", "if_version", "ref", "return_data", "test", "who")
    assert parse(upsert={}, **dict.fromkeys(names)) == Operation(TARGET, verb="upsert", member="upsert")


@pytest.mark.parametrize(
    ("members", "field", "value"),
    [
        ({"publish": "institution"}, "publish", Level.ORGANISATION),
        ({"publish": "organisation"}, "publish", Level.ORGANISATION),
        ({"publish": "global"}, "publish", Level.PUBLIC),
        ({"publish": "3"}, "publish", 3),
        ({"publish": 4}, "publish", 4),
        ({"publish": 2.0}, "publish", 2),
        ({"publish": "user"}, "publish", None),
        ({"publish": 0}, "publish", None),
        ({"share": "lab"}, "publish", Level.LAB),
        ({"publish": "user", "share": "lab"}, "publish", Level.LAB),
        ({"publish": "public", "share": "nonsense"}, "publish", Level.PUBLIC),
        ({"delete": True}, "delete", True),
        ({"delete": False}, "delete", False),
        ({"delete": "withdraw"}, "delete", "withdraw"),
        ({"delete_reason": "DUPLICATE"}, "delete_reason", "DUPLICATE"),
        ({"test": 1}, "test", True),
        ({"test": 0}, "test", False),
        ({"patch": {}, "editable": "yes"}, "editable", True),
        ({"config": True}, "config", True),
        ({"return_data": True}, "return_data", "full"),
        ({"return_data": False}, "return_data", None),
        ({"return_data": "flat"}, "return_data", "flat"),
        ({"return_data": "changes"}, "return_data", "changes"),
        ({"source": "form"}, "source", Source.FORM),
        ({"if_version": 1557189685.485863}, "if_version", 1557189685485863),
        ({"if_version": "1557189685.485863"}, "if_version", 1557189685485863),
        ({"if_version": 1557189685}, "if_version", 1557189685000000),
        ({"ref": 17}, "ref", "17"),
        ({"ref": "line 17"}, "ref", "line 17"),
        ({"remark": 1, "status": 2}, "unexpected", ("remark", "status")),
        ({"publish": "lab", "editable": True}, "unexpected", ("editable",)),
        ({"patch": {}, "editable": True}, "unexpected", ()),
    ],
)
def test_s4_members_are_read(members: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(parse(**members), field) == value


@pytest.mark.parametrize(
    ("members", "code", "pointer"),
    [
        ({"create": {}, "patch": {}}, "ambiguous_operation", "/patch"),
        ({"upsert": {}, "data": {}}, "ambiguous_operation", "/data"),
        ({"patch": []}, "invalid_operation", "/patch"),
        ({"patch-empty": "x"}, "invalid_operation", "/patch-empty"),
        ({"data": False}, "invalid_operation", "/data"),
        ({"publish": "everyone"}, "invalid_publish", "/publish"),
        ({"publish": 5}, "invalid_publish", "/publish"),
        ({"publish": -1}, "invalid_publish", "/publish"),
        ({"publish": 1.5}, "invalid_publish", "/publish"),
        ({"publish": float("nan")}, "invalid_publish", "/publish"),
        ({"publish": True}, "invalid_publish", "/publish"),
        ({"publish": ["lab"]}, "invalid_publish", "/publish"),
        ({"share": "everyone"}, "invalid_publish", "/share"),
        ({"delete": "true"}, "invalid_value", "/delete"),
        ({"delete": 1}, "invalid_value", "/delete"),
        ({"delete_reason": "BORED"}, "invalid_value", "/delete_reason"),
        ({"delete_reason": {}}, "invalid_value", "/delete_reason"),
        ({"return_data": "all"}, "invalid_value", "/return_data"),
        ({"return_data": []}, "invalid_value", "/return_data"),
        ({"source": "variantgrid"}, "invalid_source", "/source"),
        ({"source": ["api"]}, "invalid_source", "/source"),
        ({"if_version": "now"}, "invalid_value", "/if_version"),
        ({"if_version": True}, "invalid_value", "/if_version"),
        ({"if_version": 10**5000}, "invalid_value", "/if_version"),
        ({"ref": "x" * 201}, "invalid_value", "/ref"),
        ({"ref": True}, "invalid_type", "/ref"),
        ({"ref": 1.5}, "invalid_type", "/ref"),
        ({"ref": "a\x00"}, "invalid_text", "/ref"),
    ],
)
def test_s4_an_unusable_member_refuses_the_operation_at_its_place(members: dict[str, Any], code: str, pointer: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(**members)
    assert (refused.value.code, refused.value.pointer) == (code, pointer)


@pytest.mark.parametrize("item", [None, 1, "x", [], True])
def test_s4_an_item_that_is_no_object_is_no_operation(item: Any) -> None:
    with pytest.raises(Refused) as refused:
        parse_operation(item)
    assert refused.value.code == "invalid_record"


def test_s3_3_an_id_in_url_and_body_is_ambiguous() -> None:
    with pytest.raises(Refused) as refused:
        parse_operation({"id": ID}, Target(rid=1))
    assert refused.value.code == "ambiguous_id"


def test_s3_3_the_id_of_the_url_counts_when_the_body_has_none() -> None:
    assert parse_operation({"id": None, "patch": {}}, TARGET).target == TARGET


def test_s3_3_without_an_id_the_supplied_members_are_named() -> None:
    with pytest.raises(Refused) as refused:
        parse_operation({"upsert": {}, "lab_record_id": "x"})
    assert refused.value.code == "invalid_id"
    assert "upsert, lab_record_id" in refused.value.detail


def test_s3_3_a_creation_may_leave_the_record_id_to_us() -> None:
    assert parse_operation({"id": {"lab_id": "org/lab"}, "create": {}}).target == Target(lab="org/lab")


def test_s3_3_a_version_is_kept_for_the_decision_to_refuse() -> None:
    assert parse_operation({"id": "7.1557189685", "patch": {}}).target.version == 1557189685000000


anything: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just([]) | st.just({})
)
members = st.sampled_from(
    ["id", "create", "patch", "publish", "share", "delete", "source", "if_version", "ref", "return_data", "x"]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(members, anything))
def test_s4_whatever_is_sent_is_read_or_refused_with_a_reason(item: dict[str, Any]) -> None:
    try:
        parse_operation(item)
    except Refused as refused:
        assert refused.detail
