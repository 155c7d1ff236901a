"""Section 3: the id part."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from models.classifications.record_id import parse_id, parse_url_id
from models.classifications.state import Target
from tests.contract.hands import V2, A, make, read, refused, send
from tests.web.conftest import GOOD, Caller

NORTH = "xyz_pathology/north_street_lab"
STAMP = 1557189685_485863


@pytest.mark.parametrize(
    ("sent", "target"),
    [
        (f"{NORTH}/F03432", Target(lab=NORTH, lab_record_id="F03432")),
        (f"{NORTH}/F03432.1557189685.485863", Target(lab=NORTH, lab_record_id="F03432", version=STAMP)),
        ("1453", Target(rid=1453)),
        (1453, Target(rid=1453)),
        ("1453.1557189685.485863", Target(rid=1453, version=STAMP)),
    ],
)
def test_3_1_the_string_form(sent: Any, target: Target) -> None:
    assert parse_id(sent) == target
    if isinstance(sent, str):
        assert parse_url_id(sent) == target


@pytest.mark.parametrize(
    ("sent", "target"),
    [
        ({"lab_id": NORTH, "lab_record_id": "F03432"}, Target(lab=NORTH, lab_record_id="F03432")),
        ({"lab_id": NORTH, "lab_record_id": 77}, Target(lab=NORTH, lab_record_id="77")),
        (
            {"lab_id": NORTH, "lab_record_id": "F03432", "version": 1557189685.485863},
            Target(lab=NORTH, lab_record_id="F03432", version=STAMP),
        ),
        (
            {"lab_id": NORTH, "lab_record_id": "F03432", "version": "1557189685.485863"},
            Target(lab=NORTH, lab_record_id="F03432", version=STAMP),
        ),
        ({"rid": 1453}, Target(rid=1453)),
        ({"record_id": 1453}, Target(rid=1453)),
        ({"rid": "1453", "version": 1557189685.485863}, Target(rid=1453, version=STAMP)),
    ],
)
def test_3_2_the_object_form(sent: Any, target: Target) -> None:
    assert parse_id(sent) == target


@pytest.mark.parametrize(
    "sent", [{"rid": 1, "lab_id": NORTH}, {"rid": 1, "lab_record_id": "A"}, {"lab_record_id": "A"}, {"what": "ever"}, {}]
)
def test_3_2_a_rid_stands_alone_and_a_record_needs_its_lab(ann: Caller, sent: Any) -> None:
    assert refused(ann, {"id": sent, "patch": {}}, None)[0] == 400


def test_3_3_an_id_in_body_and_url_or_in_neither_is_an_error(ann: Caller) -> None:
    make(ann)
    assert ann.post(f"{V2}record/{A}", {"id": A, "patch": {}}).json["code"] == "ambiguous_id"
    missing = ann.post(f"{V2}record/", {"patch": {}, "publish": "lab"}).json
    assert missing["code"] == "invalid_id"
    assert "patch" in missing["detail"]
    assert "publish" in missing["detail"]


def test_3_3_only_members_of_the_lab_and_superusers_write(ann: Caller, both: Caller, ben: Caller, admin: Caller) -> None:
    make(ann, publish="public")
    for caller in (ann, both, admin):
        send(caller, {"patch": {}})
    assert refused(ben, {"patch": {}}) == (403, "forbidden")


@pytest.mark.parametrize("verb", ["create", "upsert", "overwrite", "patch"])
def test_3_3_a_rid_never_creates(ann: Caller, verb: str) -> None:
    assert refused(ann, {"id": 987654321, verb: GOOD}, None) == (404, "not_found")


def test_3_3_an_existing_rid_cannot_be_created(ann: Caller) -> None:
    rid = make(ann)["meta"]["id"]
    assert refused(ann, {"id": rid, "create": {}}, None) == (409, "already_exists")


@pytest.mark.parametrize("name", ["a b", "a.b", "a/b", "50%", "ä", "=1+1", "2024-01-01T00:00"])
def test_3_3_a_lab_record_id_is_any_string(ann: Caller, name: str) -> None:
    made = ann.post(V2 + "record/", {"id": {"lab_id": "north/one", "lab_record_id": name}, "create": {}}).json
    assert made["meta"]["lab_record_id"] == name
    assert ann.post(V2 + "record/", {"id": made["id"], "patch": {}}).json["meta"]["id"] == made["meta"]["id"]


def test_3_3_a_missing_lab_record_id_is_assigned_at_creation(ann: Caller) -> None:
    names = [
        ann.post(V2 + "record/", {"id": {"lab_id": "north/one"}, "create": {}}).json["meta"]["lab_record_id"] for _ in range(2)
    ]
    assert len({UUID(name) for name in names}) == 2
    assert refused(ann, {"id": {"lab_id": "north/one"}, "patch": {}}, None) == (400, "invalid_id")


@pytest.mark.parametrize("operation", [{"patch": {}}, {"publish": "public"}, {"delete": True}, {"upsert": {}}, {}])
def test_3_3_a_version_in_a_post_is_an_error(ann: Caller, operation: dict[str, Any]) -> None:
    version = make(ann)["meta"]["version"]
    assert refused(ann, operation, f"{A}.{version:.6f}") == (400, "read_only_version")
    assert read(ann)["meta"]["version"] == version
